/** What `tailgate doctor` says of one thing. `bad` keeps a run from working, `mind` makes it worse. */
export type Finding = { state: 'ok' | 'mind' | 'bad'; what: string; fix?: string };

export type MachineFacts = {
  /** Version of Node. */
  node: string;
  cores: number;
  /** How server and load are kept apart; null where they are not. */
  pinning: string | null;
  /** Load average of the last minute. */
  busy: number;
  freeMb: number;
  /** Most open files that a process may have; null where that is not known. */
  openFiles: number | null;
  /** Ports for outgoing connections. */
  ports: number;
  /** The report folder can be written. */
  writable: boolean;
};

/** Whether a machine can give figures to be trusted. */
export const machineFindings = (facts: MachineFacts): Finding[] => {
  const { node, cores, pinning, busy, freeMb, openFiles, ports, writable } = facts;
  const [major = 0, minor = 0] = node.split('.').map(Number);
  return [
    major > 20 || (major === 20 && minor >= 19)
      ? { state: 'ok', what: `Node ${node}` }
      : { state: 'bad', what: `Node ${node}`, fix: 'Install Node 20.19 or newer.' },
    cores >= 2
      ? { state: 'ok', what: `${cores} cores${pinning === null ? '' : `; ${pinning}`}` }
      : {
          state: 'mind',
          what: 'One core: the load is read as the latency of the server.',
          fix: 'Use a machine with two or more.',
        },
    ...(pinning === null && cores >= 2
      ? [{ state: 'mind', what: 'Server and load are not kept on separate cores.' } as const]
      : []),
    busy < cores * 0.3
      ? { state: 'ok', what: `The machine is quiet (load ${busy.toFixed(1)})` }
      : {
          state: 'mind',
          what: `The machine is busy (load ${busy.toFixed(1)} on ${cores} cores): runs are noisy.`,
          fix: 'Measure when nothing else runs.',
        },
    freeMb > 500
      ? { state: 'ok', what: `${Math.round(freeMb)} MB of memory free` }
      : { state: 'mind', what: `Only ${Math.round(freeMb)} MB of memory free.` },
    ...(openFiles === null
      ? []
      : [
          openFiles >= 4_096
            ? ({ state: 'ok', what: `${openFiles} open files, ${ports} ports for connections` } as const)
            : ({
                state: 'mind',
                what: `At most ${openFiles} open files: some ${Math.floor(openFiles / 2)} users at a time.`,
                fix: 'Raise the hard limit (ulimit -Hn).',
              } as const),
        ]),
    writable
      ? { state: 'ok', what: 'Reports can be written to .tailgate' }
      : {
          state: 'bad',
          what: '.tailgate cannot be written.',
          fix: 'Let this user write there, or name another folder with --report-dir.',
        },
  ];
};

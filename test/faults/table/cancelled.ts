import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { cancelled, type Fault, type Given } from '../fault.ts';

const signalled =
  (...steps: [ms: number, signal: NodeJS.Signals][]): Given['during'] =>
  async (child: ChildProcess) => {
    for (const [ms, signal] of steps) {
      await delay(ms);
      child.kill(signal);
    }
  };
/** As a terminal does: to everything in the group. */
const groupSignalled =
  (ms: number, signal: NodeJS.Signals): Given['during'] =>
  async (child: ChildProcess) => {
    await delay(ms);
    if (child.exitCode === null) process.kill(-child.pid!, signal);
  };
const long = { config: { phases: [{ duration: 20, arrivalRate: 5 }] } };
const blocked = {
  config: { phases: [{ duration: 20, arrivalRate: 5 }], processor: './p.js' },
  scenarios: [
    {
      engine: 'socketio',
      flow: [{ function: 'f' }, { emit: { channel: 'chat', data: 1 }, acknowledge: {} }],
    },
  ],
};
const files = {
  'p.js':
    'const since = Date.now(); module.exports.f = (c, e, done) => { if (Date.now() - since > 500) for (;;); done(); };',
};

const fault = (id: string, what: string, given: Given, more: Partial<Fault> = {}): Fault => ({
  id: `cancelled-${id}`,
  what,
  ...cancelled,
  ...more,
  given: { scenario: long, ...given },
});
/** What was measured is reported. */
const reported: Partial<Fault> = {
  verdicts: ['invalid'],
  says: /cancelled \((SIGINT|SIGTERM|SIGHUP)\)/,
  also: ({ report }) =>
    (report?.suites[0]?.metrics.length ?? 0) > 0 ? null : 'nothing that was measured is reported',
};
const killed = { verdicts: [null], exits: [], endedBy: ['SIGKILL'] } as const;

/** Signals while something else goes wrong. Nothing is left after 3 s, and what was measured is reported. */
export const cancellations: readonly Fault[] = [
  ...(['SIGINT', 'SIGTERM', 'SIGHUP'] as const).flatMap((signal) => [
    fault(
      `${signal}`,
      `${signal} under load`,
      { during: signalled([5_000, signal]) },
      { ...reported, ...(signal === 'SIGINT' ? { quick: true as const } : {}) },
    ),
    fault(`${signal}-start`, `${signal} while the server starts`, {
      server: 'never-listens',
      during: signalled([1_500, signal]),
    }),
    fault(
      `${signal}-early`,
      `${signal} while the program loads`,
      { during: signalled([250, signal]) },
      { endedBy: [signal] },
    ),
    fault(
      `${signal}-group`,
      `${signal} to the whole group`,
      { during: groupSignalled(5_000, signal) },
      reported,
    ),
    fault(
      `${signal}-stubborn`,
      `${signal} with a server that ignores it`,
      { server: 'ignores-signals', during: signalled([5_000, signal]) },
      reported,
    ),
    fault(
      `${signal}-daemon`,
      `${signal} with a daemon that cleared its environment`,
      { server: 'daemon-clean', during: signalled([5_000, signal]) },
      reported,
    ),
    fault(`${signal}-blocked`, `${signal} with a generator that blocks`, {
      scenario: blocked,
      files,
      during: signalled([5_000, signal]),
    }),
    fault(`${signal}-still`, `${signal} with a server that stands still`, {
      server: 'stands-still',
      during: signalled([5_000, signal]),
    }),
    fault(`${signal}-build`, `${signal} while it builds`, {
      settings: { target: { build: 'sleep 300' } },
      during: signalled([1_500, signal]),
    }),
  ]),
  fault('twice', 'SIGINT twice', { during: signalled([5_000, 'SIGINT'], [100, 'SIGINT']) }),
  fault(
    'twice-blocked',
    'SIGINT twice with a generator that blocks',
    { scenario: blocked, files, during: signalled([5_000, 'SIGINT'], [300, 'SIGINT']) },
    { quick: true },
  ),
  fault('runner', 'SIGINT, then SIGTERM, as a runner does', {
    server: 'ignores-signals',
    during: signalled([5_000, 'SIGINT'], [7_500, 'SIGTERM']),
  }),
  ...['well-behaved', 'ignores-signals', 'daemon', 'daemon-clean'].map((server) =>
    fault(
      `killed-${server}`,
      `SIGKILL of our own process, with a server that ${server === 'well-behaved' ? 'behaves' : server}`,
      { server, during: signalled([4_000, 'SIGKILL']) },
      { ...killed, ...(server === 'daemon-clean' ? { quick: true as const } : {}) },
    ),
  ),
  fault(
    'killed-blocked',
    'SIGKILL of our own process, with a generator that blocks',
    { scenario: blocked, files, during: signalled([4_000, 'SIGKILL']) },
    killed,
  ),
  fault(
    'killed-early',
    'SIGKILL of our own process while it loads',
    { during: signalled([300, 'SIGKILL']) },
    killed,
  ),
  fault(
    'killed-build',
    'SIGKILL of our own process while it builds',
    { settings: { target: { build: 'sleep 300' } }, during: signalled([1_500, 'SIGKILL']) },
    killed,
  ),
];

import type { ChildProcess } from 'node:child_process';
import type { Report } from '../../src/report/report-model.ts';

/** What one fault must come to. `null` among the verdicts: there is no report. */
export type Fault = {
  /** Unique; also the name of its folder. */
  id: string;
  /** What goes wrong, for the documentation. */
  what: string;
  verdicts: readonly (Report['verdict'] | null)[];
  exits: readonly number[];
  /** Signals that may end it as the system does. */
  endedBy?: readonly NodeJS.Signals[];
  /** Stands in what is printed or reported. */
  says?: RegExp;
  /** Stands in nothing that is printed, reported or stored. */
  hides?: readonly string[];
  given?: Given;
  /** What else must hold; gives what is wrong. */
  also?: (outcome: Outcome) => string | null;
  /** Part of `npm test`. */
  quick?: true;
};

export type Given = {
  /** Habit of the misbehaving server; it behaves well without. */
  server?: string;
  engine?: 'socketio' | 'ws' | 'stomp';
  /** Merged over the default settings and scenario. */
  settings?: object;
  scenario?: object;
  files?: Readonly<Record<string, string>>;
  /** Instead of `run --json out.json`. */
  args?: readonly string[];
  /** A line of bash in which $TG is the command line. */
  shell?: string;
  env?: Readonly<Record<string, string>>;
  before?: (folder: string) => void;
  during?: ((child: ChildProcess, folder: string) => Promise<void>) | undefined;
  after?: (folder: string) => void;
  timeoutMs?: number;
};

export type Outcome = {
  folder: string;
  exit: number | null;
  signal: NodeJS.Signals | null;
  ms: number;
  timedOut: boolean;
  /** All that was printed. */
  printed: string;
  report: Report | null;
  /** Command lines of processes that lived 3 s after the end. */
  left: string[];
};

export const pass = { verdicts: ['pass'], exits: [0] } as const;
export const fail = { verdicts: ['fail'], exits: [1] } as const;
export const invalid = { verdicts: ['invalid'], exits: [4] } as const;
/** Anything but a pass. */
export const noPass = { verdicts: ['fail', 'invalid'], exits: [1, 4] } as const;
/** The users go on without harm, or are told of; nothing breaks on our side. */
export const any = { verdicts: ['pass', 'fail', 'invalid'], exits: [0, 1, 4] } as const;
/** A mistake of the user: nothing is started. */
export const usage = { verdicts: [null], exits: [2] } as const;
export const cancelled = { verdicts: ['invalid', null], exits: [130] } as const;

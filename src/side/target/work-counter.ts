import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { preloadPath, withRequire } from './node-samples.ts';
import { portHolder, portsOf } from './port-holder.ts';

/** What is counted of a server: which scripts ran, all their work, what is left in memory, or that and what left it there. */
export type CountingMode = 'scripts' | 'work' | 'memory' | 'memory-looked';

/** What the preload in the Node processes of a server can be asked; node-count.cjs and node-left.cjs say what each answers. */
export type CountAction =
  | 'scripts'
  | 'start-calls'
  | 'take-calls'
  | 'stop-calls'
  | 'start-profile'
  | 'stop-profile'
  | 'memory'
  | 'start-inlining'
  | 'start-heap'
  | 'stop-heap'
  | 'snapshot';

/** What one thread of a Node process answered. */
export type CountReply = { process: string; thread: string; value: Record<string, unknown> };

/** Asks every Node process and worker thread of one server about its work. */
export type WorkCounter = {
  readonly env: Record<string, string>;
  /** Where what does not fit into an answer is put; gone when it is closed. */
  readonly folder: string;
  /**
   * Threads that the preload was loaded into and that live; none where another process listens on the port of the server:
   * then these only started it, and what they do says nothing.
   */
  threads(): number;
  /**
   * The answers of all of them. Throws, with a clause that says why, when a thread does not answer in `timeoutMs` or
   * could not do it, or `signal` fires.
   */
  ask(action: CountAction, timeoutMs?: number, signal?: AbortSignal): Promise<CountReply[]>;
  close(): void;
};

/** Far more than the profile of a slice needs; a server that writes more there is not believed. */
const maxAnswerBytes = 256_000_000;

/** A server whose queue is full answers when it has worked off what the last slice sent. */
const longestAnswerMs = 20_000;

/**
 * Prepares a server so that it can be asked. In the modes `scripts` and `memory` nothing of how it runs changes; in mode
 * `work`, and where memory is looked into, it runs without inlining. `env` is the environment that the server would have otherwise, and
 * `port` the one that it listens on here. Null where there is no preload.
 */
export const openWorkCounter = (
  mode: CountingMode,
  env: Readonly<Record<string, string | undefined>>,
  port: number | null = null,
): WorkCounter | null => {
  const preload = preloadPath(mode.startsWith('memory') ? 'node-left.cjs' : 'node-count.cjs');
  if (preload === null) return null;
  const folder = mkdtempSync(join(tmpdir(), 'tailgate-count-'));
  // The server may run as another user.
  chmodSync(folder, 0o777);
  let number = 0;
  let isServer = port === null;
  const present = (): string[] => {
    const names = readdirSync(folder).filter((name) => name.startsWith('here.') && lives(name));
    isServer ||= portsOf(names.map(pidOf)).includes(port!);
    // Of a server of another user nobody knows which process it is.
    return isServer || portHolder(port!) === null ? names : [];
  };
  return {
    folder,
    env: {
      TAILGATE_NODE_COUNT: folder,
      TAILGATE_NODE_COUNT_MODE: mode,
      NODE_OPTIONS: withRequire(env.NODE_OPTIONS, preload),
    },
    threads: () => present().length,
    ask: async (action, timeoutMs = longestAnswerMs, signal) => {
      number += 1;
      const asked = present();
      if (asked.length === 0) throw new Error('no Node process of the server loaded the preload');
      writeFileSync(join(folder, 'command.part'), JSON.stringify({ number, action }));
      renameSync(join(folder, 'command.part'), join(folder, 'command'));
      const deadline = performance.now() + timeoutMs;
      const replies: CountReply[] = [];
      for (const name of asked) {
        const [, process = '', thread = ''] = name.split('.');
        const file = join(folder, `${number}.${process}.${thread}.json`);
        while (!existsSync(file) && performance.now() < deadline && !signal?.aborted && lives(name))
          await delay(5);
        if (!existsSync(file)) {
          if (!lives(name) || !existsSync(join(folder, name))) continue;
          throw new Error(`process ${process} did not answer within ${timeoutMs / 1_000} s`);
        }
        const text = readFileSync(file, 'utf8');
        rmSync(file);
        if (text.length > maxAnswerBytes) throw new Error(`process ${process} answered too much`);
        const value = JSON.parse(text) as Record<string, unknown>;
        if (typeof value.error === 'string') throw new Error(`process ${process} could not: ${value.error}`);
        replies.push({ process, thread, value });
      }
      return replies;
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
};

/** A process that lives; a thread of it that ended has taken its file away. */
function lives(name: string): boolean {
  try {
    process.kill(pidOf(name), 0);
    return true;
  } catch (error) {
    // It runs as another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function pidOf(name: string): number {
  return Number(name.split('.')[1]);
}

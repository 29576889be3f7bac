import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { preloadPath, withRequire } from './node-samples.ts';

/** What the Node processes of a server did about an injected factor. */
export type InjectedTime = {
  /** Messages before which time was added. */
  messages: number;
  /** Time added, and the CPU time that the processes used themselves, milliseconds. */
  injectedMs: number;
  ownMs: number;
};

/** Multiplies the service time of a Node server. `env` goes to the server; `injected` tells what came of it. */
export type ServiceTimeInjection = {
  env: Record<string, string>;
  /** What was added so far, over all processes; null when no Node process of the server has told anything. */
  injected(): InjectedTime | null;
  close(): void;
};

/**
 * Prepares the environment that makes every Node process of a server spend `factor` times the CPU time on each
 * message. `nodeOptions` is the NODE_OPTIONS that the server would have otherwise. With a factor of 1 nothing is added,
 * and the messages are counted at the same cost.
 */
export const injectServiceTime = (factor: number, nodeOptions: string | undefined): ServiceTimeInjection => {
  const preload = preloadPath('node-inject.cjs');
  if (preload === null) throw new Error('node-inject.cjs is missing');
  const folder = mkdtempSync(join(tmpdir(), 'tailgate-inject-'));
  return {
    env: {
      TAILGATE_NODE_INJECT: String(factor),
      TAILGATE_NODE_INJECT_FOLDER: folder,
      NODE_OPTIONS: withRequire(nodeOptions, preload),
    },
    injected: () => {
      const told = readdirSync(folder).flatMap((name) => readTold(join(folder, name)) ?? []);
      if (told.length === 0) return null;
      const sum = (of: (one: InjectedTime) => number) => told.reduce((total, one) => total + of(one), 0);
      return {
        messages: sum((one) => one.messages),
        injectedMs: sum((one) => one.injectedMs),
        ownMs: sum((one) => one.ownMs),
      };
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
};

function readTold(file: string): InjectedTime | null {
  try {
    const told = JSON.parse(readFileSync(file, 'utf8')) as InjectedTime;
    return [told.messages, told.injectedMs, told.ownMs].every(Number.isFinite) ? told : null;
  } catch {
    // It is being written, or is none of ours.
    return null;
  }
}

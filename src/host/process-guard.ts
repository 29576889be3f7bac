import { exitCodes, tailgateError } from '../errors.ts';
import { killAllStarted } from './processes/process-registry.ts';

/*
 * Exit codes are verdicts: a process of ours ends with one of them, whatever signal, fault or closed pipe ends it, and
 * with nothing that it started left running.
 */

/** After the first signal what was started may end in order for so long; everything has to be gone within 3 s. */
const killAfterMs = 2_500;

/** Reporting may take a little longer. */
const exitAfterMs = 6_000;

/** Node's own code when a program waits for what can never come. */
const unsettledCode = 13;

const controller = new AbortController();

let endsInOrder = false;

let forcedCode: number | null = null;

/**
 * To be called first of all by every program. SIGINT, SIGTERM, SIGHUP and exceptions that nobody caught end the process
 * at once, or in order once a command took `endOfProcess`; a second one at once. Output that nobody reads, or that a
 * full disk refuses, changes nothing.
 */
export const guardProcess = (): void => {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => end(name, exitCodes.cancelled));
  process.on('uncaughtException', (error) => {
    console.error(error);
    end(
      `by a fault in Tailgate itself: ${error instanceof Error ? error.message : error}`,
      exitCodes.internal,
    );
  });
  process.on('exit', () => {
    killAllStarted();
    if (forcedCode !== null) process.exitCode = forcedCode;
    else if (process.exitCode === unsettledCode) process.exitCode = exitCodes.internal;
  });
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
};

/**
 * Fires when the process is to end, with the name of a signal or another reason in words. Whoever takes it ends in
 * order, within a few seconds.
 */
export const endOfProcess = (): AbortSignal => {
  endsInOrder = true;
  return controller.signal;
};

/** The folder that the process runs in. Throws WORKING_FOLDER_GONE if somebody removed it. */
export const workingFolder = (): string => {
  try {
    return process.cwd();
  } catch (error) {
    throw tailgateError('WORKING_FOLDER_GONE', {}, {}, error);
  }
};

function end(reason: string, code: number): void {
  // The runner sends SIGTERM 7.5 s after SIGINT: by then an orderly end has failed.
  if (!endsInOrder || controller.signal.aborted) exit(code);
  forcedCode = code;
  controller.abort(reason);
  setTimeout(killAllStarted, killAfterMs).unref();
  setTimeout(() => exit(code), exitAfterMs).unref();
}

function exit(code: number): never {
  killAllStarted();
  process.exit(code);
}

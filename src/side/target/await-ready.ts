import { tailgateError } from '../../errors.ts';
import type { OutputLog } from '../../host/processes/output-log.ts';
import type { ReadySettings } from '../../settings/settings-schema.ts';
import { probeOnce } from './readiness-probe.ts';

/**
 * How waiting ended; `last` is the last answer of the probe, in words. `unsupported`: the server answers, and waiting
 * longer would not change what.
 */
export type Readiness = { ready: true } | { ready: false; last: string; unsupported?: true };

/** One attempt may not use up the whole time: a server that accepts and then says nothing is asked again. */
const attemptTimeoutMs = 2_000;

/** Resolves when a line of `log` matches, or is given up when `signal` fires. Call it before the first line. */
export const logBecomesReady = (
  settings: ReadySettings,
  log: OutputLog,
  signal: AbortSignal,
): Promise<Readiness> => {
  const pattern = readyPattern(settings);
  return new Promise((resolve) => {
    let last = 'no output';
    const end = log.onLine((line) => {
      last = `"${line.slice(0, 120)}"`;
      if (pattern.test(line)) finish({ ready: true });
    });
    const onAbort = (): void => finish({ ready: false, last });
    const finish = (readiness: Readiness): void => {
      end();
      signal.removeEventListener('abort', onAbort);
      resolve(readiness);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
};

/** Probes the server at `url` again and again until it is ready or `signal` fires. */
export const serverBecomesReady = async (
  settings: ReadySettings,
  url: string,
  signal: AbortSignal,
): Promise<Readiness> => {
  let last = 'no answer yet';
  const timeoutMs = Math.min(attemptTimeoutMs, settings.timeoutMs);
  while (!signal.aborted) {
    const answer = await probeOnce(settings, url, timeoutMs);
    if (answer.ready) return { ready: true };
    if (answer.unsupported === true) return { ready: false, last: answer.answer, unsupported: true };
    last = answer.answer;
    await pause(settings.intervalMs, signal);
  }
  return { ready: false, last };
};

/** The regular expression of a `log` probe. Throws SETTINGS_INVALID_VALUE if there is none or it cannot be read. */
function readyPattern(settings: ReadySettings): RegExp {
  const invalid = (problem: string): Error =>
    tailgateError('SETTINGS_INVALID_VALUE', {
      key: 'ready.pattern',
      problem,
      expected: 'Give a regular expression that a line of the output matches once the server is ready.',
    });
  if (settings.pattern === undefined) throw invalid('it is needed for "type: log"');
  try {
    return new RegExp(settings.pattern);
  } catch (error) {
    throw invalid((error as Error).message);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal.addEventListener('abort', finish, { once: true });
  });
}

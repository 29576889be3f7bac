import { setTimeout as delay } from 'node:timers/promises';

/** How far the server's clock is ahead of this machine's, and by how much that may be wrong, milliseconds. */
export type ClockOffset = { offsetMs: number; errorMs: number };

/** One answer: when it was asked for and when it was there by our clock, and the second that its head names. */
export type DatedAnswer = { askedMs: number; answeredMs: number; secondMs: number };

/** Servers read the second from a timer, which may be late. */
const timerMs = 10;
const requests = 9;
/** Close enough: shards may start a second apart. */
const enoughMs = 20;

/**
 * The offsets that answers leave possible: at an instant between question and answer the server's clock stood in the
 * second that it named. Null where they contradict each other.
 */
export const offsetOf = (answers: readonly DatedAnswer[]): ClockOffset | null => {
  const low = Math.max(...answers.map(({ answeredMs, secondMs }) => secondMs - answeredMs));
  const high = Math.min(...answers.map(({ askedMs, secondMs }) => secondMs + 1_000 + timerMs - askedMs));
  return high < low ? null : { offsetMs: (low + high) / 2, errorMs: (high - low) / 2 };
};

/**
 * Compares the clock of this machine with that of the server, which all shards reach, by the `Date` of its HTTP
 * answers: each question is asked when the next second should begin, so that each answer halves what is not known. Ends
 * before `untilMs` by the machine's clock. Null where the server names no date, or several clocks answer.
 */
export const serverClock = async (
  url: string,
  untilMs: number,
  signal: AbortSignal,
): Promise<ClockOffset | null> => {
  const address = url.replace(/^ws/, 'http');
  const answers: DatedAnswer[] = [];
  let found: ClockOffset | null = null;
  while (answers.length < requests && (found === null || found.errorMs > enoughMs)) {
    if (found !== null) await untilSecond(found.offsetMs, signal);
    if (signal.aborted || Date.now() > untilMs - 2_000) break;
    const answer = await ask(address, signal);
    if (answer === null) return null;
    answers.push(answer);
    found = offsetOf(answers);
    if (found === null) return null;
  }
  return found;
};

/** Until a second begins by the server's clock, as far as it is known. */
const untilSecond = (offsetMs: number, signal: AbortSignal): Promise<void> => {
  const inSecond = (Date.now() + offsetMs) % 1_000;
  return delay(1_000 - inSecond, undefined, { signal }).catch(() => {});
};

const ask = async (address: string, signal: AbortSignal): Promise<DatedAnswer | null> => {
  const askedMs = Date.now();
  try {
    const response = await fetch(address, {
      method: 'HEAD',
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(2_000)]),
    });
    const answeredMs = Date.now();
    const secondMs = Date.parse(response.headers.get('date') ?? '');
    return Number.isFinite(secondMs) ? { askedMs, answeredMs, secondMs } : null;
  } catch {
    return null;
  }
};

import { deadlines } from '../deadlines.ts';
import type { EngineSettings } from '../engine-settings.ts';
import type { VirtualUserContext } from '../flow/step.ts';
import { loadClock } from '../load-clock.ts';
import type { compileCaptures } from '../received-message.ts';
import { isRefusalField, judgesRefusals, refusalOf } from '../refusal.ts';
import { StepFailure } from '../step-failure.ts';
import { TimedMessage } from '../timed-message.ts';
import type { ArrivedMessage, MessageUser } from './message-user.ts';

/**
 * The one rule for the clocks of waits: a wait for the server (an answer, a receipt, a handshake) runs on the wall clock,
 * because the server answers whether or not the load goes on. A wait for what other virtual users send runs on the load
 * clock, because they stand still while it is paused.
 */
type StartTimer = (timeoutMs: number, expire: () => void) => () => void;

const onWallClock: StartTimer = (timeoutMs, expire) => {
  const deadline = deadlines.after(timeoutMs, expire);
  return () => deadline.cancel();
};

const onLoadClock: StartTimer = (timeoutMs, expire) => {
  const id = loadClock.after(timeoutMs, expire);
  return () => loadClock.clear(id);
};

/** The answer that a message gets. */
export type Answer<M extends ArrivedMessage> = {
  /** Name of the message; its latency is `<subject>.response`. */
  subject: string;
  /** Tells the answer from other messages; null for the next message. */
  filter: ((message: M) => boolean) | null;
  capture: ReturnType<typeof compileCaptures>;
  timeoutMs: number;
  isMeasured: boolean;
  /** Whether an answer that says no is an error. */
  judgesRefusal: boolean;
};

/**
 * Waits for the answer to a message, from `fromMs` (`performance.now()`) on; to be called before the message goes out.
 * `done` is called once, with the answer when it is the one that the step wants.
 */
export const awaitAnswer = <M extends ArrivedMessage>(
  user: MessageUser<M>,
  { subject, filter, capture, timeoutMs, isMeasured, judgesRefusal }: Answer<M>,
  context: VirtualUserContext,
  fromMs: number,
  done: (failure: StepFailure | null) => void,
): void => {
  const timed = new TimedMessage('message', fromMs);
  let answer: M | null = null;
  waitUntil(
    user,
    {
      subject,
      isAnswer: true,
      timeoutMs,
      startTimer: onWallClock,
      accepts: (message) => filter === null || filter(message),
      take: (message) => {
        answer = message;
        return true;
      },
      timeout: () => new StepFailure(`response timeout: ${subject}`, `no message within ${timeoutMs} ms`),
    },
    (failure) => {
      if (answer === null) {
        timed.unanswered();
        done(failure);
        return;
      }
      user.lastRead = [answer];
      const refusal = judgesRefusal ? refusalOf(subject, [answer.body]) : null;
      const mismatch = refusal ?? capture?.(answer, context) ?? null;
      if (mismatch === null && isMeasured) timed.answered(`${subject}.response`, answer.atMs);
      else timed.unmeasured();
      done(mismatch);
    },
  );
};

/** Whether an answer that says no is an error: not where the step says itself what it expects. */
export const judgesAnswer = (
  { match, where }: { match?: unknown; where?: unknown },
  refusals: EngineSettings['refusals'],
  subject: string,
): boolean =>
  match === undefined &&
  !Object.keys((where ?? {}) as object).some(isRefusalField) &&
  judgesRefusals(refusals, subject);

/** Messages that a step waits for, whoever sends them. */
export type Wanted<M extends ArrivedMessage> = {
  subject: string;
  /** Null for the next messages that come, whatever they are; else also those that came before and were not read. */
  filter: ((message: M) => boolean) | null;
  count: number;
  capture: ReturnType<typeof compileCaptures>;
  timeoutMs: number;
  /** Where they come from, for the error: ` from /topic/rooms`; empty for anywhere. */
  from: string;
};

/**
 * Waits for messages, reads them, and leaves the last as `$message`. `done` is called once, with what the captures of
 * the step do not like in one of them.
 */
export const readMessages = <M extends ArrivedMessage>(
  user: MessageUser<M>,
  { subject, filter, count, capture, timeoutMs, from }: Wanted<M>,
  context: VirtualUserContext,
  done: (failure: StepFailure | null, read: readonly M[]) => void,
): void => {
  const read = filter === null ? [] : user.readUnread(filter, count);
  const finish = (failure: StepFailure | null) => {
    if (failure !== null) {
      done(failure, read);
      return;
    }
    user.lastRead = read;
    for (const message of read) {
      const mismatch = capture?.(message, context) ?? null;
      if (mismatch === null) continue;
      done(mismatch, read);
      return;
    }
    done(null, read);
  };
  if (read.length === count) {
    finish(null);
    return;
  }
  waitUntil(
    user,
    {
      subject,
      isAnswer: false,
      timeoutMs,
      startTimer: onLoadClock,
      accepts: (message) => filter === null || filter(message),
      take: (message) => {
        read.push(message);
        return read.length === count;
      },
      timeout: () =>
        new StepFailure(
          `message timeout: ${subject}`,
          `${read.length} of ${count} messages${from} within ${timeoutMs} ms`,
        ),
    },
    finish,
  );
};

/** Waits until `take` says that it has all; `done` is called once. */
function waitUntil<M extends ArrivedMessage>(
  user: MessageUser<M>,
  wait: {
    subject: string;
    isAnswer: boolean;
    timeoutMs: number;
    startTimer: StartTimer;
    accepts: (message: M) => boolean;
    /** Whether it has all now. */
    take: (message: M) => boolean;
    timeout: () => StepFailure;
  },
  done: (failure: StepFailure | null) => void,
): void {
  const end = (failure: StepFailure | null) => {
    user.stopWaiting(waiter);
    stopTimer();
    done(failure);
  };
  const waiter = {
    subject: wait.subject,
    isAnswer: wait.isAnswer,
    accepts: wait.accepts,
    take: (message: M) => {
      if (wait.take(message)) end(null);
    },
    fail: (failure: StepFailure) => end(failure),
  };
  const stopTimer = wait.startTimer(wait.timeoutMs, () => end(wait.timeout()));
  user.wait(waiter);
}

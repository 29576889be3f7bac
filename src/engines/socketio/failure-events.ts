import { recorder } from '../core/recorder.ts';
import { StepFailure } from '../core/step-failure.ts';
import type { ClientSocket } from './client-socket.ts';
import type { PendingAnswers } from './pending-answers.ts';

const preview = (args: unknown[]): string => recorder.masked(JSON.stringify(args) ?? '').slice(0, 200);

/** The event that a failure report is about, where it says so (as the exception filters of NestJS do). */
const subjectOf = (args: unknown[]): string | null => {
  const report = args[0] as { cause?: { pattern?: unknown }; event?: unknown } | null | undefined;
  const subject = report?.cause?.pattern ?? report?.event;
  return typeof subject === 'string' ? subject : null;
};

/**
 * Takes the events by which a server reports a failure: one fails the message it is about, or the one that waits
 * longest; without any it is an error of its own. One that a step waits for as its answer is left alone.
 */
export const watchFailures = (
  socket: ClientSocket,
  events: readonly string[],
  pending: PendingAnswers,
  isEnded: () => boolean,
): void => {
  for (const event of events)
    socket.on(event, (...args) => {
      if (isEnded() || pending.expects(event)) return;
      const about = pending.find(subjectOf(args));
      if (about === undefined) recorder.error(event, preview(args), '');
      else about.fail(new StepFailure(`rejected: ${about.event}`, `${event}: ${preview(args)}`));
    });
};

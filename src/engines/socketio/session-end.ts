import { deadlines } from '../core/deadlines.ts';
import { deliveryLedger } from '../core/delivery/delivery-ledger.ts';
import type { DeliveryMember } from '../core/delivery/delivery-room.ts';
import { engineSettings } from '../core/engine-settings.ts';
import { openSessions } from '../core/open-sessions.ts';
import { StepFailure } from '../core/step-failure.ts';
import type { PendingAnswers } from './pending-answers.ts';

/**
 * How long after an emit that nothing answers the connection is kept, milliseconds. A Socket.IO server drops messages
 * that it reads together with the farewell of their sender.
 */
const farewellMs = 100;

/** What a session that is over may still get or owe. */
export type EndingSession = {
  member: DeliveryMember | null;
  pending: PendingAnswers;
  /** When the last message was sent whose handling nothing tells, `performance.now()`. */
  unansweredAtMs: number;
  close: () => void;
};

/**
 * Ends a session whose flow is over. Messages on their way to it and acknowledgements that it only observes may still
 * come, within the drain time; then the connection is closed.
 */
export const endSession = (session: EndingSession): void => {
  openSessions.begin();
  const close = () => {
    session.close();
    session.pending.failAll(() => new StepFailure('session ended', ''));
    openSessions.end();
  };
  const { member } = session;
  if (member === null) whenAnswered(session, close);
  else deliveryLedger.sessionEnds(member, () => whenAnswered(session, close));
};

function whenAnswered({ pending, unansweredAtMs }: EndingSession, done: () => void): void {
  const untilMs = performance.now() + engineSettings().drainMs;
  const fromMs = Math.min(unansweredAtMs + farewellMs, untilMs);
  const check = () => {
    const nowMs = performance.now();
    if (nowMs >= fromMs && (pending.size === 0 || nowMs >= untilMs)) done();
    else deadlines.after(25, check);
  };
  check();
}

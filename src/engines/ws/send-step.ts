import { deliveryLedger } from '../core/delivery/delivery-ledger.ts';
import { readPath } from '../core/delivery/payload-path.ts';
import { fixedRateStep } from '../core/flow/fixed-rate.ts';
import type { Step, StepSpec, VirtualUserContext } from '../core/flow/step.ts';
import { recorder } from '../core/recorder.ts';
import type { StepFailure } from '../core/step-failure.ts';
import { TimedMessage } from '../core/timed-message.ts';
import { answerFilter, awaitMessage, onWallClock, withId } from './answer-spec.ts';
import { sendMessage } from './send-message.ts';
import {
  type DeliverySpec,
  insertTag,
  type MembershipSpec,
  type SendSpec,
  sendSpec,
  wirePayload,
} from './send-spec.ts';
import { connectedUser, failStep, notConnected, type WsScope } from './ws-scope.ts';
import { userOf, type WsUser } from './ws-user.ts';

type Done = (failure: StepFailure | null) => void;

/** The room of a scenario that names none. */
const onlyRoom = 'room';

/** Names of rooms; null for all. */
const roomsOf = (spec: MembershipSpec, payload: unknown, context: VirtualUserContext): string[] | null => {
  if ('all' in spec) return null;
  const value = 'room' in spec ? spec.room.render(context) : readPath([payload], spec.roomPath);
  return (Array.isArray(value) ? value : [value]).map(String);
};

const roomOf = ({ room, roomPath }: DeliverySpec, payload: unknown, context: VirtualUserContext) => {
  const value =
    room !== null ? room.render(context) : roomPath !== null ? readPath([payload], roomPath) : null;
  return value === null || value === undefined ? null : String(value);
};

/** Renders the payload with its tag. A tag in a template is drawn before the payload is rendered. */
const taggedPayload = (
  spec: SendSpec,
  user: WsUser,
  context: VirtualUserContext,
  fromMs: number,
): unknown => {
  const { delivery } = spec;
  if (delivery === null) return spec.payload.render(context);
  const send = (room: string | null) =>
    deliveryLedger.send(user.member, { watch: delivery.watch, room, fromMs });
  if (delivery.sentPath === null) {
    context.vars.$tag = send(roomOf(delivery, null, context));
    return spec.payload.render(context);
  }
  const payload = spec.payload.render(context);
  return insertTag(payload, delivery.sentPath, send(roomOf(delivery, payload, context)));
};

const changeRooms = (spec: SendSpec, user: WsUser, payload: unknown, context: VirtualUserContext) => {
  const left = spec.leaves === null ? undefined : roomsOf(spec.leaves, payload, context);
  if (left === null) deliveryLedger.leave(user.member);
  else for (const room of left ?? []) deliveryLedger.leave(user.member, room);
  const joined = spec.joins === null ? undefined : roomsOf(spec.joins, payload, context);
  if (joined === undefined) return null;
  const join = () => {
    for (const room of joined ?? [onlyRoom]) deliveryLedger.join(user.member, room);
  };
  if (!spec.joinsUnconfirmed) return join;
  join();
  return null;
};

/** Sends one message and calls back when the flow may go on. */
const sendOnce = (
  spec: SendSpec,
  user: WsUser,
  context: VirtualUserContext,
  fromMs: number,
  place: string,
  done: Done,
): void => {
  const { answer } = spec;
  let payload = spec.wire === null ? taggedPayload(spec, user, context, fromMs) : null;
  const identified = answer === null ? null : withId(payload, answer, user);
  if (identified !== null) payload = identified.payload;
  const confirmed = changeRooms(spec, user, payload, context);
  recorder.count('messages.sent');
  if (answer !== null) {
    const timed = new TimedMessage('message', fromMs);
    const filter = answerFilter(answer, identified?.id, context);
    const wanted = { subject: spec.metric, isAnswer: true, filter, timeoutMs: answer.timeoutMs };
    const answered: Done = answer.waits
      ? done
      : (failure) => {
          if (failure !== null) failStep(failure, context, place, () => undefined);
        };
    awaitMessage(user, wanted, onWallClock, (failure, message) => {
      if (message === null) {
        timed.unanswered();
        answered(failure);
        return;
      }
      const mismatch = answer.capture?.(message, context) ?? null;
      if (mismatch === null && spec.isMeasured) timed.answered(`${spec.metric}.response`, message.atMs);
      else timed.unmeasured();
      if (mismatch === null) confirmed?.();
      answered(mismatch);
    });
  } else if (spec.isMeasured && spec.delivery === null) {
    recorder.count('messages.unanswered');
    recorder.unmeasuredEmit(spec.metric, place);
  }
  sendMessage(user.socket!, spec.wire ?? wirePayload(payload, spec.binary));
  if (answer === null || !answer.waits) done(null);
};

/** Compiles `send`: timed by its response or its deliveries, or counted as one that nothing times. */
export const compileSend = (step: StepSpec, scope: WsScope, place: string): Step => {
  const spec = sendSpec(step, scope, place);
  if (step.rate === undefined) return singleSend(spec, place);
  if (step.duration === undefined) throw scope.invalid(place, '"rate" needs a "duration"');
  return fixedRateStep(
    step,
    (context, done) => {
      const user = userOf(context);
      if (user.connected)
        done(null, {
          isConnected: () => user.connected,
          send: (fromMs, sent) => sendOnce(spec, user, context, fromMs, place, sent),
        });
      else done(notConnected(), null);
    },
    place,
  );
};

const singleSend =
  (spec: SendSpec, place: string): Step =>
  (context, callback) => {
    const user = connectedUser(context, place, callback);
    if (user === null) return;
    sendOnce(spec, user, context, performance.now(), place, (failure) => {
      if (failure === null) callback(null, context);
      else failStep(failure, context, place, callback);
    });
  };

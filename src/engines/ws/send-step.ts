import { deliveryLedger } from '../core/delivery/delivery-ledger.ts';
import { membershipChange } from '../core/delivery/membership.ts';
import { changeMessage, readMessage, withTag } from '../core/delivery/payload-path.ts';
import type { Step, StepSpec, VirtualUserContext } from '../core/flow/step.ts';
import { awaitAnswer } from '../core/message/await-message.ts';
import { type DeliverySpec, type SendDone, sendStep, wirePayload } from '../core/message/message-send.ts';
import { failStep } from '../core/message/message-user.ts';
import { recorder } from '../core/recorder.ts';
import { answerFilter, withId } from './answer-spec.ts';
import { sendMessage } from './send-message.ts';
import { type SendSpec, sendSpec } from './send-spec.ts';
import type { WsScope } from './ws-scope.ts';
import { userOf, type WsUser } from './ws-user.ts';

/** Compiles `send`: timed by its response or its deliveries, or counted as one that nothing times. */
export const compileSend = (step: StepSpec, scope: WsScope, place: string): Step => {
  const spec = sendSpec(step, scope, place);
  return sendStep(
    step,
    (_user, context, fromMs, done) => sendOnce(spec, userOf(context), context, fromMs, place, done),
    scope,
    place,
  );
};

/** Sends one message and calls back when the flow may go on. */
const sendOnce = (
  spec: SendSpec,
  user: WsUser,
  context: VirtualUserContext,
  fromMs: number,
  place: string,
  done: SendDone,
): void => {
  const { answer } = spec;
  let payload = spec.wire === null ? taggedPayload(spec, user, context, fromMs) : null;
  const identified = answer === null ? null : withId(payload, answer, user);
  if (identified !== null) payload = identified.payload;
  const membership = membershipChange(spec, user.member, (path) => readMessage(payload, path), context);
  membership.sent();
  recorder.count('messages.sent');
  if (answer !== null)
    awaitAnswer(
      user,
      {
        subject: spec.metric,
        filter: answerFilter(answer, identified?.id, context),
        capture: answer.capture,
        timeoutMs: answer.timeoutMs,
        isMeasured: spec.isMeasured,
        judgesRefusal: answer.judgesRefusal,
      },
      context,
      fromMs,
      (failure) => {
        recorder.answer(place, failure);
        if (failure === null) membership.confirmed();
        if (answer.waits) done(failure);
        else if (failure !== null) failStep(failure, context, place, () => undefined);
      },
    );
  else if (spec.isMeasured && spec.delivery === null) {
    recorder.count('messages.unanswered');
    recorder.unmeasuredEmit(spec.metric, place);
  }
  sendMessage(user.socket!, spec.wire ?? wirePayload(payload, spec.binary));
  if (answer === null || !answer.waits) done(null);
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
  return changeMessage(payload, delivery.sentPath, (old) =>
    withTag(old, () => send(roomOf(delivery, payload, context))),
  );
};

const roomOf = ({ room, roomPath }: DeliverySpec, payload: unknown, context: VirtualUserContext) => {
  const value =
    room !== null ? room.render(context) : roomPath !== null ? readMessage(payload, roomPath) : null;
  return value === null || value === undefined ? null : String(value);
};

import { deliveryLedger } from '../core/delivery/delivery-ledger.ts';
import { changeMessage, withTag } from '../core/delivery/payload-path.ts';
import type { Step, StepSpec, VirtualUserContext } from '../core/flow/step.ts';
import { awaitAnswer } from '../core/message/await-message.ts';
import { type SendDone, sendStep, wirePayload } from '../core/message/message-send.ts';
import { failStep } from '../core/message/message-user.ts';
import { recorder } from '../core/recorder.ts';
import { StepFailure } from '../core/step-failure.ts';
import { TimedMessage } from '../core/timed-message.ts';
import { type ReplySpec, type SendSpec, sendSpec } from './send-spec.ts';
import { encodeFrame, encodeHead } from './stomp-encoder.ts';
import type { StompMessage } from './stomp-message.ts';
import { type StompScope, texts } from './stomp-scope.ts';
import { type StompUser, userOf } from './stomp-user.ts';

/** Compiles `send`: SEND, with a receipt, a response or deliveries to time, or counted as one that nothing times. */
export const compileSend = (step: StepSpec, scope: StompScope, place: string): Step => {
  const spec = sendSpec(step, scope, place);
  return sendStep(
    { ...(step.send as StepSpec), ...step },
    (_user, context, fromMs, done) => sendOnce(spec, userOf(context), context, fromMs, place, done),
    scope,
    place,
  );
};

/** Sends one message and calls back when the flow may go on. */
const sendOnce = (
  spec: SendSpec,
  user: StompUser,
  context: VirtualUserContext,
  fromMs: number,
  place: string,
  done: SendDone,
): void => {
  const client = user.client!;
  const all = whenAll(done);
  const sent = all.part();
  const receiptId = spec.receipt ? client.receiptId() : null;
  const frame = encode(spec, user, context, fromMs, receiptId);
  if (receiptId !== null) {
    const timed = new TimedMessage('message', fromMs);
    const confirmed: SendDone = spec.waits
      ? all.part()
      : (failure) => {
          if (failure !== null) failStep(failure, context, place, () => undefined);
        };
    client.onReceipt(receiptId, spec.metric, spec.timeoutMs, (failure, atMs) => {
      if (failure === null) timed.answered(`${spec.metric}.receipt`, atMs);
      else timed.unanswered();
      confirmed(
        failure?.name === 'receipt timeout'
          ? new StepFailure(`receipt timeout: ${spec.metric}`, failure.message)
          : failure,
      );
    });
  }
  if (spec.reply !== null) {
    const { capture, timeoutMs, judgesRefusal } = spec.reply;
    const answered = all.part();
    awaitAnswer(
      user,
      {
        subject: spec.metric,
        filter: replyFilter(spec.reply, context),
        capture,
        timeoutMs,
        isMeasured: spec.isMeasured,
        judgesRefusal,
      },
      context,
      fromMs,
      (failure) => {
        recorder.answer(place, failure);
        answered(failure);
      },
    );
  }
  recorder.count('messages.sent');
  if (spec.isMeasured && !spec.receipt && spec.reply === null && spec.delivery === null) {
    recorder.count('messages.unanswered');
    recorder.unmeasuredEmit(spec.metric, place);
  }
  client.send(frame);
  sent(null);
};

/** The frame, with the tag of its deliveries: in a template it is drawn before the message is rendered. */
const encode = (
  spec: SendSpec,
  user: StompUser,
  context: VirtualUserContext,
  fromMs: number,
  receiptId: string | null,
): string | Buffer => {
  const { delivery } = spec;
  const makeTag = () => {
    const room = String((delivery!.room ?? spec.destination).render(context));
    return deliveryLedger.send(user.senderTo(room), { watch: delivery!.watch, room, fromMs });
  };
  if (delivery !== null && delivery.sentPath === null) context.vars.$tag = makeTag();
  const head = spec.head ?? encodeHead('SEND', texts(spec.headers.render(context)));
  let { wireBody: body } = spec;
  if (body === null) {
    const rendered = spec.body.render(context);
    const tagged =
      delivery === null || delivery.sentPath === null
        ? rendered
        : changeMessage(rendered, delivery.sentPath, (old) => withTag(old, makeTag));
    body = wirePayload(tagged, spec.binary);
  }
  return encodeFrame(receiptId === null ? head : `${head}receipt:${receiptId}\n`, body, spec.contentLength);
};

const replyFilter = (reply: ReplySpec, context: VirtualUserContext): ((message: StompMessage) => boolean) => {
  const destination = reply.destination?.render(context);
  const isWanted = reply.where?.(context);
  return (message) =>
    (destination === undefined || message.destination === destination) &&
    (isWanted === undefined || isWanted(message));
};

/** Calls `done` when all of its parts have ended, at once with the first failure. */
const whenAll = (done: SendDone): { part(): SendDone } => {
  let open = 0;
  let failed = false;
  return {
    part: () => {
      open += 1;
      return (failure) => {
        open -= 1;
        if (failed) return;
        failed = failure !== null;
        if (failed || open === 0) done(failure);
      };
    },
  };
};

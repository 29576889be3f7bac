import { deliveryLedger } from '../core/delivery/delivery-ledger.ts';
import { fixedRateStep } from '../core/flow/fixed-rate.ts';
import type { Step, StepSpec, VirtualUserContext } from '../core/flow/step.ts';
import { loadClock } from '../core/load-clock.ts';
import { recorder } from '../core/recorder.ts';
import { StepFailure } from '../core/step-failure.ts';
import { TimedMessage } from '../core/timed-message.ts';
import { type ReplySpec, type SendSpec, sendSpec, wireBody } from './send-spec.ts';
import type { StompClient } from './stomp-client.ts';
import { encodeFrame, encodeHead } from './stomp-encoder.ts';
import type { StompMessage } from './stomp-message.ts';
import { failStep, openClient, type StompScope, texts } from './stomp-scope.ts';
import { type StompWaiter, userOf } from './stomp-user.ts';

type Done = (failure: StepFailure | null) => void;

const encode = (
  spec: SendSpec,
  context: VirtualUserContext,
  tag: string | null,
  receiptId: string | null,
): string | Buffer => {
  const head = spec.head ?? encodeHead('SEND', texts(spec.headers.render(context)));
  let { wireBody: body } = spec;
  if (body === null) {
    const rendered = spec.body.render(context);
    const insert = tag === null ? null : spec.delivery!.insert;
    body = wireBody(insert === null ? rendered : insert(rendered, tag!), spec.binary);
  }
  return encodeFrame(receiptId === null ? head : `${head}receipt:${receiptId}\n`, body, spec.contentLength);
};

/** Waits for the message that answers a SEND; to be called before the SEND goes out. */
const awaitReply = (
  reply: ReplySpec,
  metric: string,
  context: VirtualUserContext,
  done: (failure: StepFailure | null, message: StompMessage | null) => void,
): void => {
  const user = userOf(context);
  const destination = reply.destination?.render(context);
  const isWanted = reply.where?.(context);
  const end = (failure: StepFailure | null, message: StompMessage | null) => {
    user.stopWaiting(waiter);
    loadClock.clear(timer);
    done(failure, message);
  };
  const waiter: StompWaiter = {
    take: (message) => {
      if (destination !== undefined && message.destination !== destination) return false;
      if (isWanted !== undefined && !isWanted(message)) return false;
      end(null, message);
      return true;
    },
    fail: (failure) => end(failure, null),
  };
  const timer = loadClock.after(reply.timeoutMs, () =>
    end(new StepFailure(`response timeout: ${metric}`, `no response within ${reply.timeoutMs} ms`), null),
  );
  user.wait(waiter);
};

/** Calls `done` when all of its parts have ended, at once with the first failure. */
const whenAll = (done: Done): { part(): Done } => {
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

/** Sends one message and calls back when the flow may go on. */
const sendOnce = (
  spec: SendSpec,
  client: StompClient,
  context: VirtualUserContext,
  fromMs: number,
  place: string,
  done: Done,
): void => {
  const user = userOf(context);
  const all = whenAll(done);
  const sent = all.part();
  let tag: string | null = null;
  if (spec.delivery !== null) {
    const room = String((spec.delivery.destination ?? spec.destination).render(context));
    tag = deliveryLedger.send(user.senderTo(room), { watch: spec.delivery.watch, room, fromMs });
    context.vars.$tag = tag;
  }
  const receiptId = spec.receipt ? client.receiptId() : null;
  const frame = encode(spec, context, tag, receiptId);
  if (receiptId !== null) {
    const timed = new TimedMessage('message', fromMs);
    const confirmed: Done = spec.waits
      ? all.part()
      : (failure) => {
          if (failure !== null) failStep(failure, context, place, () => undefined);
        };
    client.onReceipt(receiptId, spec.timeoutMs, (failure, atMs) => {
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
    const timed = new TimedMessage('message', fromMs);
    const answered = all.part();
    const { capture } = spec.reply;
    awaitReply(spec.reply, spec.metric, context, (failure, message) => {
      if (message === null) {
        timed.unanswered();
        answered(failure);
        return;
      }
      timed.answered(`${spec.metric}.response`, message.atMs);
      user.lastRead = [message];
      answered(capture?.(message, context) ?? null);
    });
  }
  recorder.count('messages.sent');
  if (spec.isMeasured && !spec.receipt && spec.reply === null && spec.delivery === null) {
    recorder.count('messages.unanswered');
    recorder.unmeasuredEmit(spec.metric, place);
  }
  client.send(frame);
  sent(null);
};

/** Compiles `send`: SEND, with a receipt, a response or deliveries to time, or counted as one that nothing times. */
export const compileSend = (step: StepSpec, scope: StompScope, place: string): Step => {
  const spec = sendSpec(step, scope, place);
  const { rate, duration } = { ...(step.send as StepSpec), ...step };
  if (rate === undefined) return singleSend(spec, place);
  if (duration === undefined) throw scope.invalid(place, '"rate" needs a "duration"');
  return fixedRateStep(
    { rate, duration },
    (context, done) => {
      const { client } = userOf(context);
      if (client?.connected === true)
        done(null, {
          isConnected: () => client.connected,
          send: (fromMs, sent) => sendOnce(spec, client, context, fromMs, place, sent),
        });
      else done(new StepFailure('not connected', 'the step needs a connection'), null);
    },
    place,
  );
};

const singleSend =
  (spec: SendSpec, place: string): Step =>
  (context, callback) => {
    const client = openClient(context, place, callback);
    if (client === null) return;
    sendOnce(spec, client, context, performance.now(), place, (failure) => {
      if (failure === null) callback(null, context);
      else failStep(failure, context, place, callback);
    });
  };

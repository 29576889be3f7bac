import { deadlines } from '../core/deadlines.ts';
import type { Step, StepSpec } from '../core/flow/step.ts';
import { failStep } from '../core/message/message-user.ts';
import { optionalTemplate } from '../core/received-message.ts';
import { StepFailure } from '../core/step-failure.ts';
import { compileTemplate } from '../core/template/compile-template.ts';
import { sendWithReceipt } from './send-with-receipt.ts';
import { encodeFrame, encodeHead } from './stomp-encoder.ts';
import { openClient, type StompScope, texts } from './stomp-scope.ts';
import { userOf } from './stomp-user.ts';

const subscribeKeys = [
  'destination',
  'id',
  'ack',
  'headers',
  'receipt',
  'settle',
  'metric',
  'timeout',
] as const;

/** Compiles `subscribe`: messages are expected once the server confirmed it, or after the settle time. */
export const compileSubscribe = (step: StepSpec, scope: StompScope, place: string): Step => {
  const spec = scope.keysOf(step, 'subscribe', 'destination', subscribeKeys, place);
  if (typeof spec.destination !== 'string') throw scope.invalid(place, '"subscribe" needs a "destination"');
  if (spec.ack !== undefined && !['auto', 'client', 'client-individual'].includes(String(spec.ack)))
    throw scope.invalid(place, '"ack" is auto, client or client-individual');
  const destination = compileTemplate<string>(spec.destination);
  const id = optionalTemplate<string>(spec.id);
  const headers = compileTemplate<Record<string, unknown>>({
    ...(spec.ack === undefined ? {} : { ack: spec.ack }),
    ...(spec.headers as Record<string, unknown> | undefined),
  });
  const isReceipted = spec.receipt === undefined ? scope.settings.receipts : spec.receipt === true;
  const settleMs = scope.time(spec.settle, scope.settings.settleMs, place);
  const timeoutMs = scope.time(spec.timeout, scope.timeoutMs, place);
  const name = (spec.metric as string | undefined) ?? 'subscribe';
  if (isReceipted) scope.latencies.add(`${name}.receipt`);
  return (context, callback) => {
    const client = openClient(context, place, callback);
    if (client === null) return;
    const user = userOf(context);
    const subscription = user.subscribed(String(destination.render(context)), id?.render(context));
    const frameHeaders = {
      id: subscription.id,
      destination: subscription.destination,
      ...texts(headers.render(context)),
    };
    if (isReceipted) {
      sendWithReceipt(client, 'SUBSCRIBE', frameHeaders, name, timeoutMs, (failure) => {
        if (failure !== null) {
          failStep(failure, context, place, callback);
          return;
        }
        user.confirmed(subscription);
        callback(null, context);
      });
      return;
    }
    client.send(encodeFrame(encodeHead('SUBSCRIBE', frameHeaders)));
    const settled = () => {
      deadline.cancel();
      if (user.lost !== null) {
        failStep(user.lost, context, place, callback);
        return;
      }
      user.confirmed(subscription);
      callback(null, context);
    };
    const deadline = deadlines.after(settleMs, settled);
    subscription.onFirstMessage = settled;
  };
};

const unsubscribeKeys = ['destination', 'id', 'headers', 'receipt', 'metric', 'timeout'] as const;

/** Compiles `unsubscribe`: no message is expected from then on. */
export const compileUnsubscribe = (step: StepSpec, scope: StompScope, place: string): Step => {
  const spec = scope.keysOf(step, 'unsubscribe', 'destination', unsubscribeKeys, place);
  const destination = optionalTemplate<string>(spec.destination);
  const id = optionalTemplate<string>(spec.id);
  const headers = compileTemplate<Record<string, unknown>>(spec.headers ?? {});
  const isReceipted = spec.receipt === undefined ? scope.settings.receipts : spec.receipt === true;
  const timeoutMs = scope.time(spec.timeout, scope.timeoutMs, place);
  const name = (spec.metric as string | undefined) ?? 'unsubscribe';
  if (isReceipted) scope.latencies.add(`${name}.receipt`);
  return (context, callback) => {
    const client = openClient(context, place, callback);
    if (client === null) return;
    const user = userOf(context);
    const by = { id: id?.render(context), destination: destination?.render(context) };
    const subscription = user.find(by);
    if (subscription === undefined) {
      const what = by.id ?? by.destination ?? 'anything';
      failStep(new StepFailure('not subscribed', `no subscription to ${what}`), context, place, callback);
      return;
    }
    user.unsubscribed(subscription);
    const frameHeaders = { id: subscription.id, ...texts(headers.render(context)) };
    if (!isReceipted) {
      client.send(encodeFrame(encodeHead('UNSUBSCRIBE', frameHeaders)));
      callback(null, context);
      return;
    }
    sendWithReceipt(client, 'UNSUBSCRIBE', frameHeaders, name, timeoutMs, (failure) => {
      if (failure === null) callback(null, context);
      else failStep(failure, context, place, callback);
    });
  };
};

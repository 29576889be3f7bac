import type { Step, StepSpec, VirtualUserContext } from '../core/flow/step.ts';
import { readMessages } from '../core/message/await-message.ts';
import { failStep } from '../core/message/message-user.ts';
import { compileCaptures, compileWhere, optionalTemplate } from '../core/received-message.ts';
import { recorder } from '../core/recorder.ts';
import { compileTemplate } from '../core/template/compile-template.ts';
import { acknowledgement } from './ack-step.ts';
import { encodeFrame, encodeHead } from './stomp-encoder.ts';
import type { StompMessage } from './stomp-message.ts';
import { destinationName, openClient, type StompScope } from './stomp-scope.ts';
import { userOf } from './stomp-user.ts';

const waitKeys = [
  'destination',
  'subscription',
  'where',
  'count',
  'capture',
  'match',
  'ack',
  'timeout',
] as const;

/** Compiles `waitFor`: messages that arrived and were not read yet, or that come within the timeout. */
export const compileWaitFor = (step: StepSpec, scope: StompScope, place: string): Step => {
  const spec = scope.keysOf(step, 'waitFor', 'destination', waitKeys, place);
  const subject = typeof spec.destination === 'string' ? destinationName(spec.destination) : 'message';
  const destination = optionalTemplate<string>(spec.destination);
  const subscription = optionalTemplate<string>(spec.subscription);
  const where = spec.where === undefined ? null : compileWhere(spec.where as Record<string, unknown>);
  const count = compileTemplate<number | string>(spec.count ?? 1);
  const capture = compileCaptures(spec, `message mismatch: ${subject}`);
  const timeoutMs = scope.time(spec.timeout, scope.timeoutMs, place);
  scope.needs.keepsMessages = true;

  const filterOf = (context: VirtualUserContext) => {
    const from = destination?.render(context);
    const id = subscription?.render(context);
    const isWanted = where?.(context);
    return (message: StompMessage): boolean =>
      (from === undefined || message.destination === from || message.headers.destination === from) &&
      (id === undefined || message.headers.subscription === id) &&
      (isWanted === undefined || isWanted(message));
  };

  return (context, callback) => {
    const client = openClient(context, place, callback);
    if (client === null) return;
    const wanted = {
      subject,
      filter: filterOf(context),
      count: Math.max(1, Number(count.render(context)) || 1),
      capture,
      timeoutMs,
      from: destination === null ? '' : ` from ${destination.render(context)}`,
    };
    readMessages(userOf(context), wanted, context, (failure, read) => {
      const last = read.at(-1);
      if (last !== undefined) context.vars.$message = { headers: last.headers, body: last.body };
      if (spec.ack === true)
        for (const message of read)
          client.send(encodeFrame(encodeHead('ACK', acknowledgement(client.version, message))));
      recorder.answer(place, failure);
      if (failure === null) callback(null, context);
      else failStep(failure, context, place, callback);
    });
  };
};

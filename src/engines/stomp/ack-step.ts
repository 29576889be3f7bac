import type { Step, StepSpec } from '../core/flow/step.ts';
import { failStep } from '../core/message/message-user.ts';
import { optionalTemplate } from '../core/received-message.ts';
import { compileTemplate } from '../core/template/compile-template.ts';
import { sendWithReceipt } from './send-with-receipt.ts';
import { encodeFrame, encodeHead } from './stomp-encoder.ts';
import type { StompMessage } from './stomp-message.ts';
import { openClient, type StompScope, texts } from './stomp-scope.ts';
import { userOf } from './stomp-user.ts';

/** The headers by which an ACK or NACK names its message, in the version of the session. */
export const acknowledgement = (version: string, message: StompMessage): Record<string, string> => {
  const { headers } = message;
  if (version === '1.2') return { id: headers.ack ?? headers['message-id'] ?? '' };
  return { 'message-id': headers['message-id'] ?? '', subscription: headers.subscription ?? '' };
};

const ackKeys = ['id', 'headers', 'receipt', 'metric', 'timeout'] as const;

/** Compiles `ack` and `nack`: of the message named by `id`, else of those that the latest step read. */
export const compileAck = (
  command: 'ACK' | 'NACK',
  step: StepSpec,
  scope: StompScope,
  place: string,
): Step => {
  const spec = scope.keysOf(step, command.toLowerCase(), 'id', ackKeys, place);
  const id = optionalTemplate<string>(spec.id);
  const headers = compileTemplate<Record<string, unknown>>(spec.headers ?? {});
  const timeoutMs = scope.time(spec.timeout, scope.timeoutMs, place);
  const name = (spec.metric as string | undefined) ?? command.toLowerCase();
  if (spec.receipt === true) scope.latencies.add(`${name}.receipt`);
  return (context, callback) => {
    const client = openClient(context, place, callback);
    if (client === null) return;
    const named = id?.render(context);
    const targets =
      named === undefined
        ? userOf(context).lastRead.map((message) => acknowledgement(client.version, message))
        : [{ id: String(named) }];
    const more = texts(headers.render(context));
    if (spec.receipt !== true) {
      for (const target of targets) client.send(encodeFrame(encodeHead(command, { ...target, ...more })));
      callback(null, context);
      return;
    }
    let open = targets.length;
    if (open === 0) callback(null, context);
    for (const target of targets)
      sendWithReceipt(client, command, { ...target, ...more }, name, timeoutMs, (failure) => {
        open -= 1;
        if (failure !== null) {
          if (open >= 0) failStep(failure, context, place, callback);
          open = -1;
        } else if (open === 0) callback(null, context);
      });
  };
};

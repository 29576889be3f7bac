import { StepFailure } from '../core/step-failure.ts';
import { TimedMessage } from '../core/timed-message.ts';
import type { StompClient } from './stomp-client.ts';
import { encodeFrame, encodeHead } from './stomp-encoder.ts';

/** Sends a frame and waits for its RECEIPT, timed as `<name>.receipt`. */
export const sendWithReceipt = (
  client: StompClient,
  command: string,
  headers: Record<string, string>,
  name: string,
  timeoutMs: number,
  done: (failure: StepFailure | null) => void,
): void => {
  const id = client.receiptId();
  const timed = new TimedMessage('message');
  client.onReceipt(id, name, timeoutMs, (failure, atMs) => {
    if (failure === null) timed.answered(`${name}.receipt`, atMs);
    else timed.unanswered();
    done(failure?.name === 'receipt timeout' ? explained(failure, command, name) : failure);
  });
  client.send(encodeFrame(encodeHead(command, { ...headers, receipt: id })));
};

/** The failure with the name of what was not confirmed, and the likely cause. */
const explained = (failure: StepFailure, command: string, name: string): StepFailure =>
  new StepFailure(
    `receipt timeout: ${name}`,
    `${failure.message} for ${command}; a server that sends no receipts (Spring's simple broker) needs "receipts: false" under config.stomp`,
  );

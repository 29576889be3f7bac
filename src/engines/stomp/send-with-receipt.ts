import { StepFailure } from '../step-failure.ts';
import { TimedMessage } from '../timed-message.ts';
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
  client.onReceipt(id, timeoutMs, (failure, atMs) => {
    if (failure === null) timed.answered(`${name}.receipt`, atMs);
    else timed.unanswered();
    done(failure === null || failure.name !== 'receipt timeout' ? failure : explained(failure, command));
  });
  client.send(encodeFrame(encodeHead(command, { ...headers, receipt: id })));
};

const explained = (failure: StepFailure, command: string): StepFailure =>
  new StepFailure(
    failure.name,
    `${failure.message} for ${command}; a server that sends no receipts (Spring's simple broker) needs "receipts: false" under config.stomp`,
  );

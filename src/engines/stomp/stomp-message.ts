import { type DeliveryTag, tagInBytes, tagInText } from '../core/delivery/delivery-tag.ts';
import { parsedJson, type ReceivedMessage } from '../core/received-message.ts';
import type { StompFrame } from './stomp-frame.ts';

/** A MESSAGE as steps see it. The body is parsed when it is asked for. */
export class StompMessage implements ReceivedMessage {
  readonly frame: StompFrame;
  readonly atMs: number;
  readonly destination: string;
  #body: unknown;
  #isParsed = false;

  constructor(frame: StompFrame, atMs: number, destination: string) {
    this.frame = frame;
    this.atMs = atMs;
    this.destination = destination;
  }

  get headers(): Record<string, string> {
    return this.frame.headers;
  }

  get body(): unknown {
    if (!this.#isParsed) this.#body = parsedJson(this.frame.body.toString('utf8'));
    this.#isParsed = true;
    return this.#body;
  }
}

/** The delivery tag in a MESSAGE; headers are searched only if some message of the scenario carries it there. */
export const tagInFrame = (frame: StompFrame, alsoHeaders: boolean): DeliveryTag | null => {
  const inBody = tagInBytes(frame.body);
  if (inBody !== null || !alsoHeaders) return inBody;
  for (const name in frame.headers) {
    const tag = tagInText(frame.headers[name]!);
    if (tag !== null) return tag;
  }
  return null;
};

import { parsedJson, type ReceivedMessage } from '../core/received-message.ts';

const typeFields = ['type', 'event', 'method', 'action'] as const;

/** The field by which JSON messages of most servers tell their kind, and what it says; null when there is none. */
export const messageTypeField = (value: unknown): { field: string; type: string } | null => {
  if (typeof value !== 'object' || value === null) return null;
  for (const field of typeFields) {
    const type = (value as Record<string, unknown>)[field];
    if (typeof type === 'string' && type !== '') return { field, type };
  }
  return null;
};

export const messageType = (value: unknown): string | null => messageTypeField(value)?.type ?? null;

/** A message as steps see it. Text is parsed as JSON when it is asked for; binary data stays a Buffer. */
export class WsMessage implements ReceivedMessage {
  readonly data: Buffer;
  readonly isBinary: boolean;
  readonly atMs: number;
  readonly headers = {};
  #body: unknown;
  #isParsed = false;

  constructor(data: Buffer, isBinary: boolean, atMs: number) {
    this.data = data;
    this.isBinary = isBinary;
    this.atMs = atMs;
  }

  get body(): unknown {
    if (!this.#isParsed) this.#body = this.isBinary ? this.data : parsedJson(this.data.toString('utf8'));
    this.#isParsed = true;
    return this.#body;
  }

  get type(): string | null {
    return this.isBinary ? null : messageType(this.body);
  }
}

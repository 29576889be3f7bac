import type { StompFrame } from './stomp-frame.ts';
import { escapesHeaders, StompProtocolError, unescapeHeader } from './stomp-frame.ts';

const lineFeed = 10;
const carriageReturn = 13;
const nul = 0;
const none = Buffer.alloc(0);

export type StompDecoderOptions = {
  onFrame: (frame: StompFrame) => void;
  /** An end of line between frames. */
  onHeartbeat?: (() => void) | undefined;
  /** Largest command and headers, and largest body, in bytes. */
  maxHeadBytes?: number;
  maxBodyBytes?: number;
};

/**
 * Reads STOMP frames from a stream of bytes that may be cut anywhere (STOMP 1.2, "Augmented BNF"): several frames in
 * one piece, a frame over many pieces, heart-beats between frames, lines that end in CR LF, bodies with NUL bytes
 * behind a `content-length`. Bytes of the pieces are kept, not copied, so a piece must not be changed afterwards.
 */
export class StompDecoder {
  readonly #onFrame: (frame: StompFrame) => void;
  readonly #onHeartbeat: (() => void) | undefined;
  readonly #maxHeadBytes: number;
  readonly #maxBodyBytes: number;
  /** Beginning of a head that has not ended yet. */
  #head: Buffer = none;
  /** The frame whose body has not ended yet, and the pieces of the body so far. */
  #frame: StompFrame | null = null;
  #body: Buffer[] = [];
  #bodyBytes = 0;
  /** Length of the body, or -1 when it goes up to the first NUL. */
  #bodyLength = -1;

  constructor(options: StompDecoderOptions) {
    this.#onFrame = options.onFrame;
    this.#onHeartbeat = options.onHeartbeat;
    this.#maxHeadBytes = options.maxHeadBytes ?? 64 * 1024;
    this.#maxBodyBytes = options.maxBodyBytes ?? 64 * 1024 * 1024;
  }

  /** Whether a frame has begun and not ended. */
  get incomplete(): boolean {
    return this.#frame !== null || this.#head.length > 0;
  }

  /** Takes the next piece of the stream. Throws `StompProtocolError`, after which the stream cannot be read on. */
  push(piece: Buffer): void {
    let at = 0;
    while (at < piece.length) {
      at = this.#frame === null ? this.#readHead(piece, at) : this.#readBody(piece, at);
    }
  }

  #readHead(piece: Buffer, from: number): number {
    let at = from;
    if (this.#head.length === 0) {
      at = this.#skipBetweenFrames(piece, at);
      if (at === piece.length) return at;
      const end = endOfHead(piece, at);
      if (end !== -1) {
        this.#begin(piece.subarray(at, end));
        return end;
      }
    }
    const kept = this.#head.length;
    // The end may lie across the border: look again at the last bytes of what was kept.
    const joined = kept === 0 ? piece.subarray(at) : Buffer.concat([this.#head, piece.subarray(at)]);
    const end = kept === 0 ? -1 : endOfHead(joined, Math.max(0, kept - 2));
    if (end === -1) {
      if (joined.length > this.#maxHeadBytes)
        throw new StompProtocolError(`the headers of a frame are longer than ${this.#maxHeadBytes} bytes`);
      this.#head = joined;
      return piece.length;
    }
    this.#head = none;
    this.#begin(joined.subarray(0, end));
    return at + end - kept;
  }

  #skipBetweenFrames(piece: Buffer, from: number): number {
    let at = from;
    for (; at < piece.length; at += 1) {
      const byte = piece[at]!;
      if (byte === lineFeed) this.#onHeartbeat?.();
      // Some servers pad frames with NUL bytes; a CR belongs to the LF behind it.
      else if (byte !== carriageReturn && byte !== nul) break;
    }
    return at;
  }

  #begin(head: Buffer): void {
    const frame = parseHead(head.toString('utf8'));
    const length = frame.headers['content-length'];
    this.#bodyLength = length === undefined ? -1 : parseLength(length, this.#maxBodyBytes);
    this.#frame = frame;
  }

  #readBody(piece: Buffer, from: number): number {
    let end: number;
    if (this.#bodyLength === -1) {
      const found = piece.indexOf(nul, from);
      end = found === -1 ? piece.length : found;
    } else {
      end = Math.min(piece.length, from + this.#bodyLength - this.#bodyBytes);
    }
    if (end > from) {
      this.#bodyBytes += end - from;
      if (this.#bodyBytes > this.#maxBodyBytes)
        throw new StompProtocolError(`the body of a frame is longer than ${this.#maxBodyBytes} bytes`);
      this.#body.push(piece.subarray(from, end));
    }
    if (end === piece.length) return end;
    if (piece[end] !== nul)
      throw new StompProtocolError(`a body of ${this.#bodyLength} bytes does not end with NUL`);
    const frame = this.#frame!;
    if (this.#body.length > 0)
      frame.body = this.#body.length === 1 ? this.#body[0]! : Buffer.concat(this.#body, this.#bodyBytes);
    this.#frame = null;
    this.#body = [];
    this.#bodyBytes = 0;
    this.#onFrame(frame);
    return end + 1;
  }
}

/** The index behind the blank line that ends the head, or -1. */
const endOfHead = (bytes: Buffer, from: number): number => {
  let at = bytes.indexOf(lineFeed, from);
  while (at !== -1) {
    if (bytes[at + 1] === lineFeed) return at + 2;
    if (bytes[at + 1] === carriageReturn && bytes[at + 2] === lineFeed) return at + 3;
    at = bytes.indexOf(lineFeed, at + 1);
  }
  return -1;
};

const parseHead = (text: string): StompFrame => {
  const headers: Record<string, string> = {};
  let start = text.indexOf('\n');
  const command = line(text, 0, start);
  const escaped = escapesHeaders(command);
  for (start += 1; start < text.length; ) {
    const end = text.indexOf('\n', start);
    const header = line(text, start, end);
    start = end + 1;
    if (header === '') break;
    const colon = header.indexOf(':');
    if (colon === -1) throw new StompProtocolError(`a header without a colon: ${JSON.stringify(header)}`);
    let name = header.slice(0, colon);
    let value = header.slice(colon + 1);
    if (escaped) {
      name = unescapeHeader(name);
      value = unescapeHeader(value);
    }
    if (!Object.hasOwn(headers, name)) headers[name] = value;
  }
  return { command, headers, body: none };
};

const line = (text: string, start: number, end: number): string =>
  text.slice(start, end > start && text.charCodeAt(end - 1) === carriageReturn ? end - 1 : end);

const parseLength = (value: string, max: number): number => {
  if (!/^\d+$/.test(value.trim()))
    throw new StompProtocolError(`content-length is not a number: ${JSON.stringify(value)}`);
  const length = Number(value);
  if (length > max) throw new StompProtocolError(`the body of a frame is longer than ${max} bytes`);
  return length;
};

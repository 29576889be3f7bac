import { randomFillSync } from 'node:crypto';

/** Opcodes of RFC 6455, section 5.2. */
export const opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export type Frame = { isFinal: boolean; opcode: number; payload: Buffer };

const maskPool = Buffer.allocUnsafe(8_192);
let maskAt = maskPool.length;

/** Where four bytes of the pool are that no frame was masked with yet. */
const nextMask = (): number => {
  if (maskAt >= maskPool.length) {
    randomFillSync(maskPool);
    maskAt = 0;
  }
  maskAt += 4;
  return maskAt - 4;
};

/** A whole message of a client as one masked frame (RFC 6455, section 5.2). */
export const encodeFrame = (code: number, data: string | Buffer): Buffer => {
  const length = typeof data === 'string' ? Buffer.byteLength(data) : data.length;
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const start = 2 + lengthBytes + 4;
  const frame = Buffer.allocUnsafe(start + length);
  frame[0] = 0x80 | code;
  frame[1] = 0x80 | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) frame.writeUInt16BE(length, 2);
  else if (lengthBytes === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  const mask = nextMask();
  for (let index = 0; index < 4; index += 1) frame[start - 4 + index] = maskPool[mask + index]!;
  if (typeof data === 'string') frame.write(data, start);
  else data.copy(frame, start);
  for (let index = 0; index < length; index += 1) frame[start + index]! ^= maskPool[mask + (index & 3)]!;
  return frame;
};

/** The server sent what is no frame, or none that a server may send. */
export class FrameError extends Error {}

/**
 * Cuts what a server sends into frames. The payload of a frame is good only until `push` returns: it may lie in the
 * memory that the next data is read into.
 */
export class FrameDecoder {
  readonly #maxPayloadBytes: number;
  readonly #take: (frame: Frame) => void;
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** Bytes without which it is of no use to look again. */
  #wanted = 2;

  constructor(maxPayloadBytes: number, take: (frame: Frame) => void) {
    this.#maxPayloadBytes = maxPayloadBytes;
    this.#take = take;
  }

  /** Takes what came; throws FrameError when it cannot be read. */
  push(chunk: Buffer): void {
    if (this.#bytes === 0) {
      this.#read(chunk);
      return;
    }
    this.#keep(chunk);
    if (this.#bytes < this.#wanted) return;
    const all = Buffer.concat(this.#chunks, this.#bytes);
    this.#chunks = [];
    this.#bytes = 0;
    this.#read(all);
  }

  /** Keeps a copy of what is no whole frame yet. */
  #keep(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(Buffer.from(chunk));
    this.#bytes += chunk.length;
  }

  #read(data: Buffer): void {
    let at = 0;
    for (;;) {
      const header = this.#header(data, at);
      const end = header === null ? Number.POSITIVE_INFINITY : header.start + header.length;
      if (header === null || end > data.length) {
        this.#wanted = header === null ? 2 : end - at;
        this.#keep(data.subarray(at));
        return;
      }
      const first = data[at]!;
      this.#take({
        isFinal: (first & 0x80) !== 0,
        opcode: first & 0x0f,
        payload: data.subarray(header.start, end),
      });
      at = end;
    }
  }

  /** Where the payload of the frame at `at` begins and how long it is; null when its header is not whole. */
  #header(data: Buffer, at: number): { start: number; length: number } | null {
    if (data.length - at < 2) return null;
    const second = data[at + 1]!;
    if ((data[at]! & 0x70) !== 0) throw new FrameError('Invalid WebSocket frame: RSV bits must be clear');
    if ((second & 0x80) !== 0) throw new FrameError('Invalid WebSocket frame: MASK must be clear');
    let length = second & 0x7f;
    let start = at + 2;
    if (length === 126) {
      if (data.length < start + 2) return null;
      length = data.readUInt16BE(start);
      start += 2;
    } else if (length === 127) {
      if (data.length < start + 8) return null;
      length = data.readUInt32BE(start) * 2 ** 32 + data.readUInt32BE(start + 4);
      start += 8;
    }
    if (length > this.#maxPayloadBytes) throw new FrameError('Max payload size exceeded');
    return { start, length };
  }
}

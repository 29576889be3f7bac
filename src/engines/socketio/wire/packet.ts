import { Decoder, Encoder, PacketType } from 'socket.io-parser';
import { reservedEvents } from '../reserved-events.ts';

/** A packet as it came in a text frame, its payload not parsed. */
export type TextPacket = {
  type: PacketType;
  namespace: string;
  id: number | null;
  /** JSON, or ''. */
  payload: string;
};

const zero = 48;

const nine = 57;

const slash = 47;

const encoder = new Encoder();

/** A packet with binary data, put together from its frames. */
export type AssembledPacket = { type: PacketType; nsp: string; id?: number; data: unknown[] };

/** Puts binary packets together: a text frame, then the frames of its attachments. */
export class BinaryAssembler {
  #decoder = new Decoder();
  #assembled: AssembledPacket | null = null;
  /** A packet has begun whose attachments have not all come. */
  isWaiting = false;

  constructor() {
    this.#decoder.on('decoded', (packet: unknown) => {
      this.#assembled = packet as AssembledPacket;
    });
  }

  /**
   * Takes the frame of a binary event or acknowledgement, or of one attachment; gives the packet when it is whole.
   * Throws ProtocolError when the frame does not fit.
   */
  add(frame: string | Buffer): AssembledPacket | null {
    this.#assembled = null;
    try {
      this.#decoder.add(typeof frame === 'string' ? frame.slice(1) : frame);
    } catch (error) {
      throw new ProtocolError(String(error));
    }
    this.isWaiting = this.#assembled === null;
    return this.#assembled;
  }
}

/** What the server sent is no Socket.IO packet. */
export class ProtocolError extends Error {}

/**
 * Splits the text of an Engine.IO message frame (its leading 4 included) into the parts of a Socket.IO packet:
 * `<type>[<namespace>,][<id>][payload]` (Socket.IO protocol v5). Binary packets are for `BinaryAssembler`. Throws
 * ProtocolError for a type that is none; the payload is not looked at.
 */
export const parseTextPacket = (frame: string): TextPacket => {
  const type = frame.charCodeAt(1) - zero;
  if (PacketType[type] === undefined) throw new ProtocolError('unknown packet type');
  let at = 2;
  let namespace = '/';
  if (frame.charCodeAt(at) === slash) {
    const end = frame.indexOf(',', at);
    namespace = end < 0 ? frame.slice(at) : frame.slice(at, end);
    at = end < 0 ? frame.length : end + 1;
  }
  let id: number | null = null;
  for (; at < frame.length; at += 1) {
    const code = frame.charCodeAt(at);
    if (code < zero || code > nine) break;
    id = (id ?? 0) * 10 + code - zero;
  }
  return { type, namespace, id, payload: frame.slice(at) };
};

/** The name of the event in the payload `["name",...]`; null if only parsing it can tell, or that it is no event. */
export const eventName = (payload: string): string | null => {
  if (!payload.startsWith('["') || !payload.endsWith(']')) return null;
  const end = payload.indexOf('"', 2);
  const name = payload.slice(2, end);
  return end < 0 || name.includes('\\') || reservedEvents.has(name) ? null : name;
};

/** The part of a frame before the id and payload of an event. */
export const eventPrefix = (namespace: string): string => `4${PacketType.EVENT}${namespacePrefix(namespace)}`;

export const connectFrame = (namespace: string, auth: unknown): string =>
  `4${PacketType.CONNECT}${namespacePrefix(namespace)}${auth === undefined || auth === null ? '' : JSON.stringify(auth)}`;

export const disconnectFrame = (namespace: string): string =>
  `4${PacketType.DISCONNECT}${namespacePrefix(namespace)}`;

/** The frames of a packet with any payload: one text, and one more for each piece of binary data in it. */
export const encodePacket = (
  type: PacketType.EVENT | PacketType.ACK,
  namespace: string,
  id: number | null,
  data: unknown[],
): (string | Buffer)[] => {
  const packet = { type, nsp: namespace, data, ...(id === null ? {} : { id }) };
  const [text, ...attachments] = encoder.encode(packet) as [string, ...Buffer[]];
  return [`4${text}`, ...attachments];
};

/**
 * The value of a packet's payload, undefined where there is none. Throws ProtocolError when it is no JSON, or not what
 * packets of that type carry.
 */
export const parsePayload = ({ type, payload }: Pick<TextPacket, 'type' | 'payload'>): unknown => {
  if (payload === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(payload);
  } catch (error) {
    throw new ProtocolError(String(error));
  }
  if (!isPayload(type, value)) throw new ProtocolError('invalid payload');
  return value;
};

/** The arguments of an acknowledgement, or the name and arguments of an event. Throws ProtocolError when it is no list. */
export const parseArguments = (json: string): unknown[] =>
  (parsePayload({ type: PacketType.ACK, payload: json }) as unknown[] | undefined) ?? [];

function namespacePrefix(namespace: string): string {
  return namespace === '/' ? '' : `${namespace},`;
}

/** The rules of `socket.io-parser`. */
function isPayload(type: PacketType, value: unknown): boolean {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (type === PacketType.CONNECT) return isObject;
  if (type === PacketType.CONNECT_ERROR) return isObject || typeof value === 'string';
  if (type === PacketType.ACK) return Array.isArray(value);
  if (type !== PacketType.EVENT || !Array.isArray(value)) return false;
  const [name] = value as unknown[];
  return typeof name === 'number' || (typeof name === 'string' && !reservedEvents.has(name));
}

import { randomUUID } from 'node:crypto';
import { StompProtocolError } from './stomp-frame.ts';

/** What one SockJS frame says. `messages` are the strings that the other side sent, in order. */
export type SockJsFrame =
  | { kind: 'open' }
  | { kind: 'heartbeat' }
  | { kind: 'messages'; messages: string[] }
  | { kind: 'close'; code: number; reason: string };

/**
 * Reads one WebSocket message of the SockJS protocol, "Framing accepted by the client":
 * `o`, `h`, `a["..."]`, `m"..."` and `c[code,"reason"]`.
 */
export const parseSockJs = (text: string): SockJsFrame => {
  switch (text.charCodeAt(0)) {
    case 111: // o
      return { kind: 'open' };
    case 104: // h
      return { kind: 'heartbeat' };
    case 97: // a
      return { kind: 'messages', messages: strings(text, parse(text)) };
    case 109: // m
      return { kind: 'messages', messages: strings(text, [parse(text)]) };
    case 99: {
      // c
      const [code, reason] = arrayOf(text, parse(text));
      return { kind: 'close', code: Number(code), reason: String(reason ?? '') };
    }
    default:
      throw new StompProtocolError(`not a SockJS frame: ${JSON.stringify(text.slice(0, 60))}`);
  }
};

/** One string to send, as the server expects it on a WebSocket: a JSON array of strings. */
export const encodeSockJs = (message: string): string => `[${JSON.stringify(message)}]`;

/** The path of a raw SockJS session below `prefix`: `/prefix/{server}/{session}/websocket`. */
export const sockJsPath = (prefix: string): string => {
  const random = randomUUID();
  const server = String(Number.parseInt(random.slice(-4), 16) % 1_000).padStart(3, '0');
  return `${prefix.replace(/\/+$/, '')}/${server}/${random.slice(0, 8)}/websocket`;
};

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text.slice(1));
  } catch {
    throw new StompProtocolError(`a SockJS frame is not JSON: ${JSON.stringify(text.slice(0, 60))}`);
  }
};

const arrayOf = (text: string, value: unknown): unknown[] => {
  if (!Array.isArray(value))
    throw new StompProtocolError(`a SockJS frame holds no array: ${JSON.stringify(text.slice(0, 60))}`);
  return value;
};

const strings = (text: string, value: unknown): string[] => {
  const list = arrayOf(text, value);
  if (!list.every((item) => typeof item === 'string'))
    throw new StompProtocolError(`a SockJS frame holds no strings: ${JSON.stringify(text.slice(0, 60))}`);
  return list;
};

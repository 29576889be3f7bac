import { randomBytes } from 'node:crypto';
import net from 'node:net';
import type { Turns } from './turns.ts';

/** All sockets are read into this, and nothing of it is looked at. */
const buffer = Buffer.allocUnsafeSlow(65_536);

const upgrade = (host: string): string =>
  [
    'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1',
    `Host: ${host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    '\r\n',
  ].join('\r\n');

/**
 * The least that a message can cost in Node: users who write one frame that was encoded beforehand to a `net.Socket`,
 * take whatever comes next for its acknowledgement, and do not read it. No client can need less, and none of use so
 * little; what is above it is what a client does.
 */
export const startFloor = (
  { url, users, messages }: { url: string; users: number; messages: number },
  payload: unknown,
  turns: Turns,
): void => {
  const frame = textFrame(`421${JSON.stringify(['echo', payload])}`);
  const { host, hostname, port } = new URL(url);
  for (let index = 0; index < users; index += 1) {
    let left = 0;
    const next = (): void => {
      if (left === 0) {
        turns.back(burst);
        return;
      }
      left -= 1;
      socket.write(frame);
    };
    const burst = (): void => {
      left = messages;
      next();
    };
    /** The head of the answer and Engine.IO's handshake come together or apart; then the namespace is asked for. */
    const connect = (length: number): void => {
      if (!buffer.toString('latin1', 0, length).includes('0{"sid"')) return;
      take = next;
      socket.write(textFrame('40'));
    };
    let take: (length: number) => void = connect;
    const socket = net.connect({
      host: hostname,
      port: Number(port),
      noDelay: true,
      onread: {
        buffer,
        callback: (length) => {
          take(length);
          return true;
        },
      },
    });
    socket.write(upgrade(host), 'latin1');
  }
};

/** A text as one frame of a client (RFC 6455, section 5.2), masked with zeros: they leave it as it is. */
function textFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const length =
    payload.length < 126 ? [0x80 | payload.length] : [0x80 | 126, payload.length >> 8, payload.length & 0xff];
  return Buffer.concat([Buffer.from([0x81, ...length, 0, 0, 0, 0]), payload]);
}

import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { type Frames, frameMeter } from '../engines/core/frame-meter.ts';
import type { WireTraffic } from '../metrics/round-measurement.ts';

type Bytes = { bytesSent: number; bytesReceived: number };

/**
 * Counts what this process sends and receives over its connections. Sockets count their bytes themselves, so that a
 * message costs nothing more. What a connection over TLS carries is not what was sent: with one, nobody knows the bytes.
 */
export class WireMeter {
  readonly #open = new Set<Socket>();
  #closed: Bytes = { bytesSent: 0, bytesReceived: 0 };
  #forgotten: Bytes = { bytesSent: 0, bytesReceived: 0 };
  #forgottenFrames: Frames = { sent: 0, received: 0 };
  #isEncrypted = false;

  /** Counts the connections that are opened from now on. `target`: not every Node tells of those over TLS. */
  start(target: string): void {
    this.#isEncrypted = /^(https|wss):/i.test(target);
    subscribe('net.client.socket', (message) => {
      const { socket } = message as { socket: Socket };
      if (socket instanceof TLSSocket) {
        this.#isEncrypted = true;
        return;
      }
      this.#open.add(socket);
      socket.once('close', () => {
        this.#open.delete(socket);
        this.#closed = plus(this.#closed, trafficOf(socket));
      });
    });
  }

  /** What went over the wire since the start or the last reset. */
  read(): WireTraffic {
    const all = this.#all();
    const frames = frameMeter.read();
    return {
      bytesSent: this.#isEncrypted ? null : all.bytesSent - this.#forgotten.bytesSent,
      bytesReceived: this.#isEncrypted ? null : all.bytesReceived - this.#forgotten.bytesReceived,
      ...(frames === null
        ? {}
        : {
            framesSent: frames.sent - this.#forgottenFrames.sent,
            framesReceived: frames.received - this.#forgottenFrames.received,
          }),
    };
  }

  /** Forgets what was counted so far. */
  reset(): void {
    this.#forgotten = this.#all();
    this.#forgottenFrames = frameMeter.read() ?? { sent: 0, received: 0 };
  }

  #all(): Bytes {
    let sum = this.#closed;
    for (const socket of this.#open) sum = plus(sum, trafficOf(socket));
    return sum;
  }
}

/** The meter of this generator process. */
export const wireMeter = new WireMeter();

function trafficOf(socket: Socket): Bytes {
  return { bytesSent: socket.bytesWritten ?? 0, bytesReceived: socket.bytesRead ?? 0 };
}

function plus(a: Bytes, b: Bytes): Bytes {
  return { bytesSent: a.bytesSent + b.bytesSent, bytesReceived: a.bytesReceived + b.bytesReceived };
}

import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { type Frames, frameMeter } from '../engines/core/frame-meter.ts';
import type { WireTraffic } from '../metrics/round-measurement.ts';

type Bytes = Pick<WireTraffic, 'bytesSent' | 'bytesReceived'>;

/**
 * Counts what this process sends and receives over its connections. Sockets count their bytes themselves, so that a
 * message costs nothing more; a connection over TLS is not counted, because what it carries is not what was sent.
 */
class WireMeter {
  readonly #open = new Set<Socket>();
  #closed: Bytes = { bytesSent: 0, bytesReceived: 0 };
  #forgotten: Bytes = { bytesSent: 0, bytesReceived: 0 };
  #forgottenFrames: Frames = { sent: 0, received: 0 };

  /** Counts the connections that are opened from now on. */
  start(): void {
    subscribe('net.client.socket', (message) => {
      const { socket } = message as { socket: Socket };
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
      bytesSent: all.bytesSent - this.#forgotten.bytesSent,
      bytesReceived: all.bytesReceived - this.#forgotten.bytesReceived,
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

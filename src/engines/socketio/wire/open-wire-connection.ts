import { PacketType } from 'socket.io-parser';
import type { ClientConnection, ClientSocket, ConnectionOptions } from '../client-socket.ts';
import { BinaryAssembler, ProtocolError, parsePayload, parseTextPacket } from './packet.ts';
import { type ReconnectOptions, reconnectOptions, sessionUrl, webSocketOptions } from './wire-options.ts';
import { type CloseDetails, WireSession } from './wire-session.ts';
import { WireSocket, type WireTransport } from './wire-socket.ts';

const defaultTimeoutMs = 20_000;

/**
 * A Socket.IO connection spoken on the wire: Engine.IO 4 and Socket.IO 5 over a WebSocket, with the behaviour of
 * `socket.io-client` (which is its reference in the tests), but without reading what nobody looks at. The load
 * generator's own work is read as the server's latency, so what a message costs here matters.
 */
class WireConnection implements ClientConnection, WireTransport {
  readonly #url: string;
  readonly #options: ConnectionOptions;
  readonly #reconnect: ReconnectOptions;
  readonly #sockets = new Map<string, WireSocket>();
  #session: WireSession | null = null;
  #assembler: BinaryAssembler | null = null;
  #attempt = 0;
  #retry: NodeJS.Timeout | null = null;

  constructor(url: string, options: ConnectionOptions) {
    this.#url = url;
    this.#options = options;
    this.#reconnect = reconnectOptions(options);
  }

  get isOpen(): boolean {
    return this.#session?.isOpen === true;
  }

  socket(namespace: string): ClientSocket {
    let socket = this.#sockets.get(namespace);
    if (socket === undefined) {
      socket = new WireSocket(this, namespace, this.#options.auth);
      this.#sockets.set(namespace, socket);
    }
    socket.connect();
    return socket;
  }

  activate(socket: WireSocket): void {
    if (this.isOpen) socket.requestNamespace();
    else if (this.#session === null && this.#retry === null) this.#connect();
  }

  release(_socket: WireSocket): void {
    for (const socket of this.#sockets.values()) if (socket.active) return;
    this.#stop();
  }

  writeText(frame: string): void {
    this.#session!.writeText(frame);
  }

  write(frames: readonly (string | Buffer)[]): void {
    this.#session!.write(frames);
  }

  #connect(): void {
    const timeoutMs =
      this.#options.timeout === false ? 2 ** 31 - 1 : Number(this.#options.timeout ?? defaultTimeoutMs);
    const url = sessionUrl(this.#url, this.#options);
    this.#assembler = null;
    this.#session = new WireSession(url, webSocketOptions(this.#url, this.#options), timeoutMs, {
      opened: () => {
        this.#attempt = 0;
        for (const socket of this.#sockets.values()) if (socket.active) socket.requestNamespace();
      },
      text: (frame) => this.#receive(frame),
      attachment: (data) => this.#guard(() => this.#assemble(data)),
      failed: (error) => {
        this.#session = null;
        for (const socket of [...this.#sockets.values()]) if (socket.active) socket.failed(error);
        this.#retryLater();
      },
      closed: (reason, details) => this.#lost(reason, details),
    });
  }

  #lost(reason: string, details?: CloseDetails): void {
    this.#session = null;
    this.#attempt = 0;
    for (const socket of [...this.#sockets.values()]) if (socket.active) socket.lost(reason, details);
    this.#retryLater();
  }

  #retryLater(): void {
    const isWanted = [...this.#sockets.values()].some((socket) => socket.active);
    if (!isWanted || !this.#reconnect.isOn || this.#retry !== null || this.#session !== null) return;
    if (this.#attempt >= this.#reconnect.attempts) return;
    const delayMs = backoffMs(this.#reconnect, this.#attempt);
    this.#attempt += 1;
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.#connect();
    }, delayMs);
  }

  #receive(frame: string): void {
    this.#guard(() => {
      const packet = parseTextPacket(frame);
      if (this.#assembler?.isWaiting === true) throw new ProtocolError('text where an attachment was due');
      if (packet.type === PacketType.BINARY_EVENT || packet.type === PacketType.BINARY_ACK) {
        this.#assemble(frame);
        return;
      }
      const socket = this.#sockets.get(packet.namespace);
      if (socket === undefined) parsePayload(packet);
      else socket.receiveText(packet);
    });
  }

  #assemble(frame: string | Buffer): void {
    this.#assembler ??= new BinaryAssembler();
    const packet = this.#assembler.add(frame);
    if (packet !== null) this.#sockets.get(packet.nsp)?.receiveAssembled(packet);
  }

  /** What the server sent cannot be read: the connection is of no use any more. */
  #guard(read: () => void): void {
    try {
      read();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#session?.close();
      this.#lost('parse error');
    }
  }

  #stop(): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
    this.#session?.close();
    this.#session = null;
  }

  close(): void {
    for (const socket of this.#sockets.values()) socket.disconnect();
    this.#stop();
  }
}

/** Opens a connection on the wire; `isForWire` tells for which options. */
export const openWireConnection = (url: string, options: ConnectionOptions): ClientConnection =>
  new WireConnection(url, options);

/** The pause before the next attempt, milliseconds: doubled each time, and spread so that users do not come at once. */
function backoffMs({ delayMs, maxDelayMs, randomness }: ReconnectOptions, attempt: number): number {
  const exactMs = delayMs * 2 ** attempt;
  const spreadMs = exactMs * randomness * (2 * Math.random() - 1);
  return Math.min(exactMs + spreadMs, maxDelayMs);
}

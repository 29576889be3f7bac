import { hkdfSync } from 'node:crypto';
import { connect, createServer, type Server, type TLSSocket } from 'node:tls';

/**
 * The connection between two shards: messages as lines of JSON over TLS, of which both prove that they know the token of
 * the run (TLS 1.3 with a pre-shared key, RFC 8446), so that strangers neither join, nor listen, nor lead.
 */
export class Peer {
  readonly #socket: TLSSocket;
  #rest: Buffer[] = [];
  #restBytes = 0;
  #maxBytes = maxGreetingBytes;
  #silentFor = 0;
  #reason: string | null = null;
  #listener: (message: Message) => void = () => {};

  /** Resolves with why it is gone, a clause. */
  readonly gone: Promise<string>;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (data) => this.#read(data));
    socket.on('error', (error) => {
      this.#reason ??= `its connection broke (${error.message})`;
    });
    // Counted in ticks of ours: when this machine stood still, nothing is said about the other.
    const watch = setInterval(() => {
      this.#silentFor += 1;
      if (this.#silentFor >= silentSeconds) this.drop(`nothing was heard of it for ${silentSeconds} s`);
    }, 1_000);
    this.gone = new Promise((resolve) => {
      socket.once('close', () => {
        clearInterval(watch);
        resolve(this.#reason ?? 'its connection ended');
      });
    });
  }

  onMessage(listener: (message: Message) => void): void {
    this.#listener = listener;
  }

  /** From now on it may send measurements. */
  trust(): void {
    this.#maxBytes = maxMessageBytes;
  }

  send(message: Message): void {
    if (this.#socket.writable) this.#socket.write(`${JSON.stringify(message)}\n`);
  }

  /** Ends the connection when what was sent has left, at the latest after a second. */
  async close(): Promise<void> {
    this.#socket.end();
    const timer = setTimeout(() => this.#socket.destroy(), closeMs);
    await this.gone;
    clearTimeout(timer);
  }

  drop(reason: string): void {
    this.#reason ??= reason;
    this.#socket.destroy();
  }

  #read(data: Buffer): void {
    this.#silentFor = 0;
    let from = 0;
    for (let end = data.indexOf(newline, from); end >= 0; end = data.indexOf(newline, from)) {
      const line = Buffer.concat([...this.#rest, data.subarray(from, end)]).toString('utf8');
      this.#rest = [];
      this.#restBytes = 0;
      from = end + 1;
      if (!this.#take(line)) return;
    }
    this.#rest.push(data.subarray(from));
    this.#restBytes += data.length - from;
    if (this.#restBytes > this.#maxBytes) this.drop('it sent a message that is too long');
  }

  #take(line: string): boolean {
    let message: unknown;
    try {
      message = JSON.parse(line);
    } catch {
      message = null;
    }
    if (message === null || typeof message !== 'object' || !('type' in message)) {
      this.drop('it sent what is no message');
      return false;
    }
    this.#listener(message as Message);
    return true;
  }
}

/** What travels between shards; `type` tells which. */
export type Message = { type: string };

const newline = 10;

const silentSeconds = 15;

const closeMs = 1_000;

const handshakeMs = 5_000;

const maxGreetingBytes = 1024 * 1024;

const maxMessageBytes = 256 * 1024 * 1024;

const identity = 'tailgate';

const tlsOptions = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } as const;

/** A server for peers that know the token; `onStranger` is told the address of each that does not. */
export const listenForPeers = (
  token: string,
  onPeer: (peer: Peer) => void,
  onStranger: (address: string) => void,
): Server => {
  const key = keyOf(token);
  const server = createServer(
    {
      ...tlsOptions,
      handshakeTimeout: handshakeMs,
      pskCallback: (_socket, name) => (name === identity ? key : null),
    },
    (socket) => onPeer(new Peer(socket)),
  );
  server.on('tlsClientError', (_error, socket) => {
    onStranger(socket.remoteAddress ?? 'an unknown address');
    socket.destroy();
  });
  return server;
};

/** Connects to who knows the token. Rejects with the reason of the system, or with that the token is another one. */
export const connectToPeer = (
  host: string,
  port: number,
  token: string,
  limitMs: number = handshakeMs,
): Promise<Peer> =>
  new Promise((resolve, reject) => {
    const key = keyOf(token);
    const socket = connect({
      ...tlsOptions,
      host,
      port,
      pskCallback: () => ({ psk: key, identity }),
      // Only who has the key shows no certificate.
      checkServerIdentity: (_name, certificate) =>
        Object.keys(certificate ?? {}).length === 0 ? undefined : new Error('it is no shard'),
    });
    const fail = (error: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const timeMs = Math.min(limitMs, handshakeMs);
    const timer = setTimeout(() => fail(new Error(`no answer within ${Math.round(timeMs)} ms`)), timeMs);
    socket.once('error', fail);
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      socket.off('error', fail);
      resolve(new Peer(socket));
    });
  });

function keyOf(token: string): Buffer {
  return Buffer.from(hkdfSync('sha256', token, 'tailgate rendezvous', 'pre-shared key', 32));
}

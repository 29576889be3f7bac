import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request as requestHttp,
  type ServerResponse,
} from 'node:http';
import { request as requestHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import * as ws from 'ws';
import type { Connection, HttpExchange, Recording } from './recording.ts';

/** Stands between clients and a server on loopback, passes everything on and remembers it. */
export type Relay = AsyncDisposable & { readonly url: string; readonly recording: Recording };

/** Bodies are kept up to here: what a client captures is small. */
const keptBytes = 1_000_000;

/** Transports of SockJS: their answers come in pieces, as what they are not. */
const streams = /\/(xhr|xhr_streaming|eventsource)(\?|$)/;

const keptTypes = /json|urlencoded|text\/plain|octet-stream/;

type Receiver = NodeJS.WritableStream & NodeJS.EventEmitter;

/** In the package since version 8, and not in its types. */
const { Receiver: FrameReceiver } = ws as unknown as {
  Receiver: new (options: { isServer: boolean; skipUTF8Validation: boolean }) => Receiver;
};

/**
 * Opens a relay to `target` on a loopback port (0: any). Clients see the server as it is, except that connections are not
 * compressed; requests say the server's own host and origin.
 */
export const openRelay = async (target: string, port = 0): Promise<Relay> => {
  const server = new URL(target.replace(/^ws/, 'http'));
  const recording: Recording = { connections: [], requests: [] };
  const sockets = new Set<Duplex>();
  const relay = createServer();
  const ask = server.protocol === 'https:' ? requestHttps : requestHttp;
  const address = (): string => `http://127.0.0.1:${(relay.address() as AddressInfo).port}`;
  const send = (incoming: IncomingMessage, upgrades: boolean) =>
    ask({
      hostname: server.hostname.replace(/^\[|\]$/g, ''),
      port: server.port,
      method: incoming.method,
      path: incoming.url,
      headers: forwarded(incoming, server, upgrades),
      agent: false,
    });
  relay.on('request', (incoming, outgoing) => {
    const exchange = exchangeOf(incoming, server);
    const outward = send(incoming, false);
    const sent = keep(incoming);
    incoming.pipe(outward);
    outward.on('response', (response) => {
      const answer = keep(response);
      outgoing.writeHead(response.statusCode ?? 502, backward(response, server, address()));
      response.pipe(outgoing);
      if (streams.test(incoming.url ?? '')) {
        // It may never end: it is known from its beginning.
        const pieces: { atMs: number; text: string }[] = [];
        response.on('data', (piece: Buffer) => pieces.push({ atMs: nowMs(), text: piece.toString() }));
        Object.assign(exchange, { status: response.statusCode, pieces });
        recording.requests.push(exchange);
        return;
      }
      response.on('end', () => {
        const type = String(response.headers['content-type'] ?? '');
        Object.assign(exchange, {
          answeredAtMs: nowMs(),
          body: sent(),
          status: response.statusCode,
          responseHeaders: plainHeaders(response),
          response: keptTypes.test(type) || type === '' ? answer() : null,
        });
        recording.requests.push(exchange);
      });
    });
    outward.on('error', (error) => refuse(outgoing, error));
    outgoing.on('close', () => outward.destroy());
  });
  relay.on('upgrade', (incoming: IncomingMessage, client: Duplex, head: Buffer) => {
    sockets.add(client);
    client.on('close', () => sockets.delete(client)).on('error', () => client.destroy());
    const outward = send(incoming, true);
    outward.on('error', () => client.destroy());
    outward.on('response', (response) => {
      client.write(
        `HTTP/1.1 ${response.statusCode} ${response.statusMessage}\r\n${rawHeaders(response)}\r\n`,
      );
      response.pipe(client);
    });
    outward.on('upgrade', (response: IncomingMessage, upstream: Duplex, first: Buffer) => {
      client.write(`HTTP/1.1 101 Switching Protocols\r\n${rawHeaders(response)}\r\n`);
      const connection: Connection = {
        role: '',
        url: `${server.protocol.replace('http', 'ws')}//${server.host}${incoming.url}`,
        headers: plainHeaders(incoming),
        openedAtMs: nowMs(),
        frames: [],
      };
      recording.connections.push(connection);
      sockets.add(upstream);
      upstream.on('close', () => client.destroy()).on('error', () => client.destroy());
      client.on('close', () => {
        connection.closedAtMs = nowMs();
        upstream.destroy();
      });
      pass(upstream, client, first, readFrames(connection, false));
      pass(client, upstream, head, readFrames(connection, true));
    });
    outward.end();
  });
  await new Promise<void>((resolve, reject) => {
    relay.once('error', reject);
    relay.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: address(),
    get recording() {
      const endMs = nowMs();
      return {
        ...recording,
        connections: recording.connections.map((each) => ({ closedAtMs: endMs, ...each })),
      };
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      relay.closeAllConnections();
      await new Promise((resolve) => relay.close(resolve));
    },
  };
};

/** What only concerns one connection is not passed on; nothing is compressed, so that it can be read. */
function forwarded(incoming: IncomingMessage, server: URL, upgrades: boolean): OutgoingHttpHeaders {
  const {
    host,
    'accept-encoding': _coding,
    'sec-websocket-extensions': _extensions,
    ...headers
  } = incoming.headers;
  const rewritten = Object.fromEntries(
    ['origin', 'referer'].flatMap((name) => {
      const value = headers[name];
      return typeof value === 'string' ? [[name, value.replace(`//${host}`, `//${server.host}`)]] : [];
    }),
  );
  return { ...headers, ...rewritten, host: server.host, ...(upgrades ? {} : { connection: 'close' }) };
}

function exchangeOf(incoming: IncomingMessage, server: URL): HttpExchange {
  return {
    role: '',
    atMs: nowMs(),
    answeredAtMs: nowMs(),
    method: incoming.method ?? 'GET',
    url: `${server.origin}${incoming.url}`,
    headers: plainHeaders(incoming),
    body: null,
    status: 0,
    responseHeaders: {},
    response: null,
  };
}

/** Finer than a millisecond: what came first decides who knew what. */
function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

function plainHeaders({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

function keep(stream: IncomingMessage): () => string | null {
  const pieces: Buffer[] = [];
  let bytes = 0;
  stream.on('data', (piece: Buffer) => {
    bytes += piece.length;
    if (bytes <= keptBytes) pieces.push(piece);
  });
  return () => (bytes > keptBytes ? null : Buffer.concat(pieces).toString());
}

function backward(response: IncomingMessage, server: URL, relay: string): OutgoingHttpHeaders {
  const {
    connection: _connection,
    'keep-alive': _alive,
    'transfer-encoding': _coding,
    ...headers
  } = response.headers;
  for (const name of ['location', 'access-control-allow-origin'] as const) {
    const value = headers[name];
    if (value !== undefined) headers[name] = value.replace(server.origin, relay);
  }
  return headers;
}

function refuse(outgoing: ServerResponse, error: Error): void {
  if (outgoing.headersSent) return void outgoing.destroy();
  outgoing.writeHead(502, { 'content-type': 'text/plain' });
  outgoing.end(`tailgate record: the server does not answer (${error.message}).\n`);
}

function rawHeaders({ rawHeaders: raw }: IncomingMessage): string {
  return raw.reduce((text, part, index) => text + part + (index % 2 === 0 ? ': ' : '\r\n'), '');
}

function pass(from: Duplex, to: Duplex, first: Buffer, read: (piece: Buffer) => void): void {
  const take = (piece: Buffer): void => {
    to.write(piece);
    read(piece);
  };
  if (first.length > 0) take(first);
  from.on('data', take);
  from.on('end', () => to.end());
}

/** Reads the messages of one direction; what is no WebSocket is passed on all the same. */
function readFrames(connection: Connection, sent: boolean): (piece: Buffer) => void {
  const receiver = new FrameReceiver({ isServer: sent, skipUTF8Validation: true });
  let broken = false;
  receiver.on('error', () => {
    broken = true;
  });
  receiver.on('message', (data: Buffer, isBinary: boolean) => {
    connection.frames.push({ atMs: nowMs(), sent, data: isBinary ? Buffer.from(data) : data.toString() });
  });
  return (piece) => {
    if (!broken) receiver.write(Buffer.from(piece));
  };
}

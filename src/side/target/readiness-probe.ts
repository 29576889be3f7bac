import { get as httpGet } from 'node:http';
import { get as httpsGet } from 'node:https';
import { connect } from 'node:net';
import { WebSocket } from 'ws';
import type { ReadySettings } from '../../settings/settings-schema.ts';

/**
 * What one attempt found: ready, or what was answered instead, in words for the user. `unsupported`: it is an answer of
 * something that Tailgate does not speak.
 */
export type ProbeAnswer = { ready: true } | { ready: false; answer: string; unsupported?: true };

const ready: ProbeAnswer = { ready: true };

const maxBody = 2_000;

/** The open packet of Engine.IO 4 (engine.io-protocol, "Handshake"). */
const openPacket = /^0\{/;

/** What Engine.IO 3 answers: the length of the packet before it. */
const olderOpenPacket = /^\d+:0\{/;

/** Codes of Engine.IO's refusals that only a running server gives and that another transport or a token changes. */
const transportUnknown = 0;

const forbidden = 4;

/** Asks the server at `url` once whether it is ready, for every type of probe but `log`. Never rejects. */
export const probeOnce = async (
  settings: ReadySettings,
  url: string,
  timeoutMs: number,
): Promise<ProbeAnswer> => {
  try {
    switch (settings.type) {
      case 'http':
        return await probeHttp(withPath(url, settings.path ?? '/'), settings.status, timeoutMs);
      case 'socketio':
        return await probeSocketIo(withPath(url, settings.path ?? '/socket.io/'), timeoutMs);
      case 'websocket': {
        const place = withPath(url, settings.path);
        place.protocol = place.protocol === 'https:' ? 'wss:' : 'ws:';
        return await probeWebSocket(place, null, timeoutMs);
      }
      default:
        return await probeTcp(withPath(url, undefined), timeoutMs);
    }
  } catch (error) {
    return notReady(reasonOf(error));
  }
};

/** The probe in words, for messages. */
export const describeProbe = (settings: ReadySettings, url: string): string => {
  switch (settings.type) {
    case 'http':
      return `GET ${withPath(url, settings.path ?? '/').href}, expecting ${settings.status ?? 'a status below 500'}`;
    case 'socketio':
      return `Socket.IO handshake at ${withPath(url, settings.path ?? '/socket.io/').href}`;
    case 'websocket':
      return `WebSocket upgrade at ${withPath(url, settings.path).href}`;
    case 'log':
      return `a line of its output matching /${settings.pattern ?? ''}/`;
    default:
      return `TCP connection to ${withPath(url, undefined).host}`;
  }
};

async function probeHttp(url: URL, status: number | undefined, timeoutMs: number): Promise<ProbeAnswer> {
  const answer = await request(url, timeoutMs);
  const accepted = status === undefined ? answer.status < 500 : answer.status === status;
  return accepted ? ready : notReady(`HTTP ${answer.status}`);
}

type HttpAnswer = { status: number; body: string };

function request(url: URL, timeoutMs: number): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const get = url.protocol === 'https:' ? httpsGet : httpGet;
    const outgoing = get(
      url,
      // Whether the certificate is one to trust is for the load to say; here it only matters that somebody answers.
      { agent: false, timeout: timeoutMs, signal: AbortSignal.timeout(timeoutMs), rejectUnauthorized: false },
      (incoming) => {
        let body = '';
        const finish = (): void => {
          resolve({ status: incoming.statusCode ?? 0, body });
          incoming.destroy();
        };
        incoming.setEncoding('utf8');
        incoming.on('data', (part: string) => {
          body += part;
          if (body.length > maxBody) finish();
        });
        incoming.on('end', finish);
        incoming.on('error', reject);
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    outgoing.on('error', (error) =>
      reject(error.name === 'AbortError' ? new Error(`no answer within ${timeoutMs} ms`) : error),
    );
  });
}

function notReady(answer: string): ProbeAnswer & { ready: false } {
  return { ready: false, answer };
}

function withPath(url: string, path: string | undefined): URL {
  const full = new URL(url);
  // The load speaks WebSocket to such a URL; the probe speaks HTTP to the same place.
  if (full.protocol === 'ws:') full.protocol = 'http:';
  if (full.protocol === 'wss:') full.protocol = 'https:';
  return path === undefined ? full : new URL(path, full);
}

/**
 * An Engine.IO handshake, which needs no token: Socket.IO asks for it only after that. A server without polling is
 * asked again by WebSocket; one that refuses strangers is running as well.
 */
async function probeSocketIo(url: URL, timeoutMs: number): Promise<ProbeAnswer> {
  const polling = new URL(url);
  if (!polling.pathname.endsWith('/')) polling.pathname += '/';
  polling.searchParams.set('EIO', '4');
  polling.searchParams.set('transport', 'polling');
  const answer = await request(polling, timeoutMs);
  if (answer.status === 200 && openPacket.test(answer.body)) return ready;
  const code = errorCode(answer.body);
  if (code === forbidden) return ready;
  if (code === transportUnknown) {
    const socket = new URL(polling);
    socket.protocol = socket.protocol === 'https:' ? 'wss:' : 'ws:';
    socket.searchParams.set('transport', 'websocket');
    return probeWebSocket(socket, openPacket, timeoutMs);
  }
  if (olderOpenPacket.test(answer.body))
    return { ...notReady('the handshake of Socket.IO 2 (Engine.IO 3)'), unsupported: true };
  return notReady(
    `HTTP ${answer.status}${answer.body === '' ? '' : ` "${answer.body.slice(0, 80)}"`}, which is no Socket.IO handshake`,
  );
}

function errorCode(body: string): number | null {
  try {
    const { code } = JSON.parse(body) as { code?: unknown };
    return typeof code === 'number' ? code : null;
  } catch {
    return null;
  }
}

/** Opens a WebSocket; ready once it is open and, with `firstMessage`, once that was received. */
function probeWebSocket(url: URL, firstMessage: RegExp | null, timeoutMs: number): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, { handshakeTimeout: timeoutMs, rejectUnauthorized: false });
    const timer = setTimeout(() => end(notReady(`no answer within ${timeoutMs} ms`)), timeoutMs);
    const end = (answer: ProbeAnswer): void => {
      clearTimeout(timer);
      resolve(answer);
      socket.terminate();
    };
    socket.on('open', () => {
      if (firstMessage === null) end(ready);
    });
    socket.on('message', (data) => {
      const text = String(data);
      end(firstMessage?.test(text) === false ? notReady(`the message "${text.slice(0, 80)}"`) : ready);
    });
    socket.on('unexpected-response', (_request, response) => {
      end(notReady(`HTTP ${response.statusCode} to the WebSocket upgrade`));
    });
    socket.on('close', (code) => end(notReady(`closed with ${code}`)));
    socket.on('error', (error) => end(notReady(reasonOf(error))));
  });
}

function reasonOf(error: unknown): string {
  // A name with several addresses fails with one error per address and no message of its own.
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  const { code, message } = error as NodeJS.ErrnoException;
  return message !== undefined && message !== '' ? message : (code ?? String(error));
}

function probeTcp(url: URL, timeoutMs: number): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
    const socket = connect({ host: url.hostname.replace(/^\[|\]$/g, ''), port, timeout: timeoutMs });
    const end = (answer: ProbeAnswer): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(ready));
    socket.once('timeout', () => end(notReady(`no answer within ${timeoutMs} ms`)));
    socket.once('error', (error) => end(notReady(reasonOf(error))));
  });
}

import type { ClientRequest, IncomingMessage } from 'node:http';
import type { ClientOptions } from 'ws';
import { WebSocket } from 'ws';
import { frameMeter } from '../core/frame-meter.ts';
import { sourceAddress } from '../core/local-address.ts';
import { StepFailure } from '../core/step-failure.ts';

/** The URL without what may be secret: user, password and query. */
export const publicUrl = (url: string): string => {
  if (!URL.canParse(url)) return url;
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
};

/** Length of the part of a refusal's body that is kept for its message. */
const maxRefusalLength = 300;

/**
 * Opens a WebSocket. `done` is called once: with the socket when the handshake is complete, or with the reason why not
 * (`connect error: ECONNREFUSED`, `connect error: HTTP 401`, `connect timeout`). The socket has an `error` listener
 * already, so that an error after that ends as its `close` event.
 */
export const openSocket = (
  url: string,
  subprotocols: string[],
  options: ClientOptions,
  timeoutMs: number,
  done: (failure: StepFailure | null, socket: WebSocket | null) => void,
): void => {
  let ended = false;
  const end = (failure: StepFailure | null, socket: WebSocket | null) => {
    if (ended) return;
    ended = true;
    done(failure, socket);
  };
  let socket: WebSocket;
  try {
    socket = new WebSocket(url, subprotocols, {
      ...sourceAddress(url.replace(/^ws/, 'http')),
      ...options,
      handshakeTimeout: timeoutMs,
    });
  } catch (error) {
    // A malformed URL or subprotocol; `done` is never called before this function returns.
    queueMicrotask(() => end(connectFailure(url, error as Error, timeoutMs), null));
    return;
  }
  socket.on('error', (error) => end(connectFailure(url, error, timeoutMs), null));
  socket.on('message', () => frameMeter.received());
  socket.once('open', () => end(null, socket));
  socket.once('unexpected-response', (request: ClientRequest, response: IncomingMessage) => {
    readRefusal(response, (body) => {
      const status = `HTTP ${response.statusCode}`;
      end(
        new StepFailure(
          `connect error: ${status}`,
          `${publicUrl(url)}: ${status}${body === '' ? '' : `: ${body}`}`,
        ),
        null,
      );
      request.destroy();
    });
  });
};

/** Calls `lost` once, when a socket that was opened has ended; `why` is what broke it, or the server's close frame. */
export const onLoss = (socket: WebSocket, lost: (why: string) => void): void => {
  let broken: Error | null = null;
  socket.once('error', (error) => {
    broken = error;
  });
  socket.once('close', (code, reason) => {
    const said = reason.toString();
    if (broken !== null) lost(`the connection broke: ${broken.message}`);
    else lost(`the server closed the connection (WebSocket close ${code}${said === '' ? '' : ` ${said}`})`);
  });
};

/** The beginning of what the server says instead of opening the WebSocket. */
const readRefusal = (response: IncomingMessage, done: (body: string) => void): void => {
  let body = '';
  response.setEncoding('utf8');
  response.on('data', (part: string) => {
    body += part;
    if (body.length >= maxRefusalLength) response.destroy();
  });
  response.once('close', () => done(body.slice(0, maxRefusalLength).trim()));
};

const connectFailure = (url: string, error: Error, timeoutMs: number): StepFailure => {
  const { code, message } = error as NodeJS.ErrnoException;
  if (message === 'Opening handshake has timed out')
    return new StepFailure('connect timeout', `${publicUrl(url)} did not answer within ${timeoutMs} ms`);
  return new StepFailure(`connect error: ${code ?? message}`, `${publicUrl(url)}: ${message}`);
};

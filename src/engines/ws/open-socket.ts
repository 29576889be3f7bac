import type { ClientOptions } from 'ws';
import { WebSocket } from 'ws';
import { StepFailure } from '../step-failure.ts';

/** The URL without what may be secret: user, password and query. */
export const publicUrl = (url: string): string => {
  if (!URL.canParse(url)) return url;
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
};

/**
 * Opens a WebSocket. `done` is called once: with the socket when the handshake is complete, or with the reason why not
 * (`ECONNREFUSED`, `Unexpected server response: 401`, `connect timeout`). The socket has an `error` listener already,
 * so that an error after that ends as its `close` event.
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
    socket = new WebSocket(url, subprotocols, { ...options, handshakeTimeout: timeoutMs });
  } catch (error) {
    // A malformed URL or subprotocol; `done` is never called before this function returns.
    queueMicrotask(() => end(connectFailure(url, error as Error, timeoutMs), null));
    return;
  }
  socket.on('error', (error) => end(connectFailure(url, error, timeoutMs), null));
  socket.once('open', () => end(null, socket));
};

const connectFailure = (url: string, error: Error, timeoutMs: number): StepFailure => {
  const { code, message } = error as NodeJS.ErrnoException;
  if (message === 'Opening handshake has timed out')
    return new StepFailure('connect timeout', `${publicUrl(url)} did not answer within ${timeoutMs} ms`);
  return new StepFailure(code ?? message, `${publicUrl(url)}: ${message}`);
};

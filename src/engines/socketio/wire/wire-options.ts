import type { ClientOptions } from 'ws';
import { sourceAddress } from '../../core/local-address.ts';
import type { ConnectionOptions } from '../client-socket.ts';

/** Options of a WebSocket connection that are Node's or the package `ws`'s own. */
const transportOptions = [
  'agent',
  'ca',
  'cert',
  'checkServerIdentity',
  'ciphers',
  'family',
  'key',
  'localAddress',
  'maxPayload',
  'origin',
  'passphrase',
  'perMessageDeflate',
  'pfx',
  'rejectUnauthorized',
  'servername',
] as const;

const sessionOptions = [
  'addTrailingSlash',
  'auth',
  'extraHeaders',
  'forceNew',
  'multiplex',
  'path',
  'query',
  'randomizationFactor',
  'reconnection',
  'reconnectionAttempts',
  'reconnectionDelay',
  'reconnectionDelayMax',
  'rememberUpgrade',
  'timeout',
  'transports',
  'upgrade',
] as const;

const known = new Set<string>([...transportOptions, ...sessionOptions]);

/** Whether a connection with these options can be made without `socket.io-client`: WebSocket only, default parser. */
export const isForWire = (options: ConnectionOptions): boolean => {
  const { transports } = options;
  if (!Array.isArray(transports) || transports.length !== 1 || transports[0] !== 'websocket') return false;
  if (typeof options.auth === 'function') return false;
  return Object.entries(options).every(([name, value]) => value === undefined || known.has(name));
};

/** The URL of an Engine.IO session over WebSocket. */
export const sessionUrl = (url: string, options: ConnectionOptions): string => {
  const path = String(options.path ?? '/socket.io').replace(/\/$/, '');
  const slash = options.addTrailingSlash === false ? '' : '/';
  const query = new URLSearchParams(options.query as Record<string, string> | undefined);
  query.set('EIO', '4');
  query.set('transport', 'websocket');
  return `${url.replace(/^http/, 'ws')}${path}${slash}?${query}`;
};

/** How `ws` opens the connection. Compression is offered as `socket.io-client` offers it. */
export const webSocketOptions = (url: string, options: ConnectionOptions): ClientOptions => {
  const chosen = Object.fromEntries(
    transportOptions.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]),
  );
  // The types of the package lag behind: they have no `closeTimeout`.
  const given: ClientOptions & { closeTimeout: number } = {
    perMessageDeflate: { threshold: 1_024 },
    // A server that never answers a farewell must not hold the socket for the default 30 s.
    closeTimeout: 2_000,
    ...sourceAddress(url),
    ...chosen,
    headers: (options.extraHeaders ?? {}) as Record<string, string>,
  };
  return given;
};

/** How connections that were lost are made again. */
export type ReconnectOptions = {
  isOn: boolean;
  attempts: number;
  delayMs: number;
  maxDelayMs: number;
  randomness: number;
};

export const reconnectOptions = (options: ConnectionOptions): ReconnectOptions => ({
  isOn: options.reconnection !== false,
  attempts: Number(options.reconnectionAttempts ?? Number.POSITIVE_INFINITY),
  delayMs: Number(options.reconnectionDelay ?? 1_000),
  maxDelayMs: Number(options.reconnectionDelayMax ?? 5_000),
  randomness: Number(options.randomizationFactor ?? 0.5),
});

import type { EngineSettings } from '../core/engine-settings.ts';
import { noTime, timeoutMs } from '../core/flow/timeout.ts';
import { type SocketOptions, type SocketSettings, socketOptions } from '../ws/socket-options.ts';

/** How a virtual user connects: `config.stomp` with what a `connect` step says instead. Templates not yet rendered. */
export type StompSettings = {
  /** URL of the server; `path` is added when it has none of its own. */
  target: string;
  path: string;
  framing: 'websocket' | 'sockjs';
  /** Headers of CONNECT. */
  headers: Record<string, unknown>;
  heartbeatMs: { outgoing: number; incoming: number };
  socket: SocketOptions;
  connectTimeoutMs: number;
  /** Every wait that has no timeout of its own. */
  timeoutMs: number;
  /** Whether the server answers `receipt` headers: Spring's simple broker does not. */
  receipts: boolean;
  /** Without receipts, how long after SUBSCRIBE a subscription is taken as active. */
  settleMs: number;
};

/** The parts of the script's `config` that connections are made from. */
export type StompConfig = {
  target?: string;
  timeout?: number | string;
  stomp?: Record<string, unknown>;
  ws?: SocketSettings;
  tls?: Record<string, unknown>;
};

/** Keys of a `connect` step, and of `config.stomp`. */
export const connectKeys = [
  'target',
  'path',
  'sockjs',
  'host',
  'login',
  'passcode',
  'version',
  'headers',
  'heartbeat',
  'subprotocols',
  'connectTimeout',
  'ws',
] as const;

/** Keys of `config.stomp` that hold for every step. */
const commonKeys = ['timeout', 'receipts', 'settle'] as const;
const known: readonly string[] = [...connectKeys, ...commonKeys];

/** What is wrong with the settings, in words for the author of the scenario. */
export class StompSettingsError extends Error {}

/**
 * Reads `config.stomp`, `config.ws` and `config.tls`, with the keys of a `connect` step on top.
 * Throws `StompSettingsError`.
 */
export const stompSettings = (
  config: StompConfig,
  step: Record<string, unknown>,
  defaults: Pick<EngineSettings, 'timeoutMs'>,
): StompSettings => {
  const given: Record<string, unknown> = { ...config.stomp, ...step };
  for (const key of Object.keys(given))
    if (!known.includes(key))
      throw new StompSettingsError(`unknown key "${key}"; there are ${known.join(', ')}`);
  const sockJs = flag(given.sockjs, 'sockjs', false);
  const target = String(given.target ?? config.target ?? '');
  const version = String(given.version ?? '1.2');
  const waitMs = time(given.timeout ?? config.timeout, 'timeout', defaults.timeoutMs);
  const ws = { ...config.ws, ...(given.ws as SocketSettings | undefined) };
  // SockJS carries no subprotocol; a browser's STOMP client offers one on a plain WebSocket.
  const ofVersions = () => version.split(',').map((each) => `v${each.trim().replace('.', '')}.stomp`);
  const offered = given.subprotocols ?? ws.subprotocols ?? (sockJs ? [] : ofVersions());
  // The name of the virtual host; RabbitMQ refuses one that it does not have, and "/" is everywhere.
  const connectHeaders: Record<string, unknown> = { 'accept-version': version, host: given.host ?? '/' };
  if (given.login !== undefined) connectHeaders.login = given.login;
  if (given.passcode !== undefined) connectHeaders.passcode = given.passcode;
  return {
    target,
    path: String(given.path ?? '/ws'),
    framing: sockJs ? 'sockjs' : 'websocket',
    headers: { ...connectHeaders, ...(config.stomp?.headers as object), ...(step.headers as object) },
    heartbeatMs: heartbeats(given.heartbeat),
    socket: socketOptions({ ...ws, subprotocols: offered as string[] }, config.tls),
    connectTimeoutMs: time(given.connectTimeout, 'connectTimeout', waitMs),
    timeoutMs: waitMs,
    receipts: flag(given.receipts, 'receipts', true),
    settleMs: time(given.settle, 'settle', 250),
  };
};

/** The URL of the endpoint: `path` is added to a target that has none. */
export const endpointUrl = (target: string, path: string): string => {
  if (!URL.canParse(target)) return target;
  const url = new URL(target);
  if (url.pathname === '/' && url.search === '') url.pathname = path;
  return url.href;
};

function flag(value: unknown, key: string, otherwise: boolean): boolean {
  if (value === undefined) return otherwise;
  if (typeof value !== 'boolean')
    throw new StompSettingsError(`"${key}" is true or false, not ${String(value)}`);
  return value;
}

function heartbeats(value: unknown): StompSettings['heartbeatMs'] {
  const parts = typeof value === 'string' ? value.split(',') : value;
  if (value === undefined) return { outgoing: 0, incoming: 0 };
  const [outgoing, incoming] = Array.isArray(parts) ? parts.map(Number) : [];
  if (!(Number.isInteger(outgoing) && Number.isInteger(incoming) && outgoing! >= 0 && incoming! >= 0))
    throw new StompSettingsError(
      `"heartbeat" is two numbers of milliseconds, what we send and what we want: [10000, 10000]`,
    );
  return { outgoing: outgoing!, incoming: incoming! };
}

function time(value: unknown, key: string, otherwise: number): number {
  if (value === undefined) return otherwise;
  const found = timeoutMs(value);
  if (found === null) throw new StompSettingsError(noTime(`${key}: ${String(value)}`));
  return found;
}

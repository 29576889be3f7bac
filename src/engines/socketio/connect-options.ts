import { nameWatch } from '../core/flow/watch-names.ts';
import { compileTemplate } from '../core/template/compile-template.ts';
import type { ConnectionOptions } from './client-socket.ts';

/** The part of the script's `config` that concerns connections. */
export type ConnectConfig = {
  target?: string | undefined;
  socketio?: Record<string, unknown> | undefined;
  tls?: Record<string, unknown> | undefined;
};

type Context = { vars: Record<string, unknown>; extraHeaders?: unknown };

export type RenderOptions = (context: Context) => ConnectionOptions;

/** Where to connect: the URL without its path, and the namespace that the path of the target names. */
export type Endpoint = { url: string; basePath: string; query: Record<string, string> };

/** Options of a connection that stand in a scenario, and in a step that connects. */
export type OwnOptions = {
  scenario: Record<string, unknown> | undefined;
  step: Record<string, unknown> | undefined;
};

/** Splits the target as `socket.io-client` does: its path is the namespace, its query goes with the handshake. */
export const endpointOf = (target: string): Endpoint => {
  const url = new URL(target);
  return {
    url: url.origin === 'null' ? `${url.protocol}//${url.host}` : url.origin,
    basePath: url.pathname === '/' ? '' : url.pathname,
    query: Object.fromEntries(url.searchParams),
  };
};

/** The full name of a namespace of the scenario; '' is the default one. */
export const namespaceOf = (basePath: string, namespace: string): string => {
  const path = namespace === '' || namespace.startsWith('/') ? namespace : `/${namespace}`;
  return `${basePath}${path}` || '/';
};

/**
 * Compiles the options of a connection: `config.socketio`, what the scenario and a `connect` step add, `config.tls`,
 * and the headers that a processor put into `context.extraHeaders`. Templates are rendered for each virtual user.
 */
export const compileConnectOptions = (
  config: ConnectConfig,
  { scenario, step }: OwnOptions,
  fixed: ConnectionOptions,
): RenderOptions => {
  const layers = [config.socketio, scenario, step];
  const merged: Record<string, unknown> = Object.assign({}, ...layers);
  const { parser: _parser, ...options } = merged;
  const headers = Object.assign({}, ...layers.map((layer) => layer?.extraHeaders));
  const template = compileTemplate<ConnectionOptions>({ ...options, extraHeaders: headers });
  // What a step says is watched with the step.
  const lasting = Object.entries({ ...config.socketio, ...scenario }).filter(
    ([key]) => step?.[key] === undefined,
  );
  const watch = nameWatch(Object.fromEntries(lasting), 'the options of the connection');
  return (context) => {
    watch?.(context.vars);
    const rendered = template.render(context);
    return {
      ...fixed,
      ...rendered,
      extraHeaders: withoutUndefined({
        ...(rendered.extraHeaders as Record<string, unknown>),
        ...(context.extraHeaders as Record<string, unknown> | undefined),
      }),
      ...config.tls,
    };
  };
};

function withoutUndefined(headers: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([, value]) => value !== undefined && value !== null)
      // A header that is no string makes the handshake hang without a word.
      .map(([name, value]) => [name, String(value)]),
  );
}

import type { Agent } from 'node:http';
import createHttpsProxyAgent from 'https-proxy-agent';
import type { ClientOptions } from 'ws';

/** The `ws` settings of a scenario: options of the package `ws`, headers, subprotocols and a proxy. */
export type SocketSettings = {
  headers?: Record<string, unknown> | undefined;
  subprotocols?: string[] | string | undefined;
  /** `url` of the proxy, and options of the agent that tunnels through it. */
  proxy?: ({ url: string } & Record<string, unknown>) | undefined;
  [option: string]: unknown;
};

/** How to open a WebSocket, without its URL and headers. One for all virtual users of a step. */
export type SocketOptions = {
  subprotocols: string[];
  /** Header values, templates not yet rendered. */
  headers: Record<string, unknown>;
  options: ClientOptions;
};

const protocolHeader = 'sec-websocket-protocol';

/**
 * Makes the options of a connection out of `config.tls` and `config.ws` (or what a `connect` step says instead).
 * Subprotocols may also stand in the header `Sec-WebSocket-Protocol`, as in Artillery.
 */
export const socketOptions = (
  settings: SocketSettings,
  tls: Record<string, unknown> | undefined,
): SocketOptions => {
  const { headers: given = {}, subprotocols, proxy, ...rest } = settings;
  const offered = asList(subprotocols);
  const headers: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    if (name.toLowerCase() !== protocolHeader) headers[name] = value;
    else
      offered.push(
        ...String(value)
          .split(',')
          .map((part) => part.trim()),
      );
  }
  // The types of the package lag behind: they have no `closeTimeout`.
  const options: ClientOptions & { closeTimeout: number } = {
    // A server that never answers the closing handshake must not hold the socket for the default 30 s.
    closeTimeout: 2_000,
    ...tls,
    ...rest,
  };
  if (proxy !== undefined) options.agent = proxyAgent(proxy);
  return { subprotocols: [...new Set(offered)], headers, options };
};

function asList(value: string[] | string | undefined): string[] {
  return value === undefined ? [] : Array.isArray(value) ? [...value] : [value];
}

function proxyAgent({ url, ...agentOptions }: { url: string } & Record<string, unknown>): Agent {
  const { protocol, hostname, port, username, password } = new URL(url);
  const auth =
    username === '' ? undefined : `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return createHttpsProxyAgent({
    protocol,
    host: hostname,
    port: port === '' ? null : port,
    ...(auth === undefined ? {} : { auth }),
    ...agentOptions,
    // It does for `http.request` what an agent does, without inheriting from Node's class.
  }) as unknown as Agent;
}

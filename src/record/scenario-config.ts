import { pathOf, queryOf, sockJsBase } from './decode-sessions.ts';
import type { Draft } from './draft.ts';
import { ownHeaders, ownQuery, type Replaced } from './recorded-values.ts';
import type { HttpExchange, Session } from './recording.ts';
import { renderValue } from './render-value.ts';

/** How scenarios are written. */
export const yamlStyle = { lineWidth: 118, aliasDuplicateObjects: false } as const;

/** The origin of a URL, by HTTP. */
export const serverOf = (url: string): string =>
  (/^[a-z]+:\/\/[^/?#]*/i.exec(url)?.[0] ?? '').replace(/^ws/i, 'http');

/** Whether a request goes to the server that the client is connected to. */
export const isOwn = ({ url }: Session, request: HttpExchange): boolean =>
  serverOf(url).toLowerCase() === serverOf(request.url).toLowerCase() || serverOf(request.url) === '';

/** The path and query of the first client, where they are part of the target. */
export function targetPath(drafts: readonly Draft[]): string {
  const first = drafts[0]?.session;
  if (first === undefined || first.engine === 'socketio') return '';
  const path = first.sockjs
    ? `${sockJsBase(first.url)}${first.engine === 'ws' ? '/websocket' : ''}`
    : pathOf(first.url);
  const replaced = drafts[0]!.replaced;
  return `${path === '/' ? '' : path}${renderQuery(first.url, replaced, [])}`;
}

/** The query of an address, with its question mark; nothing where there is none. What stands for no variable is encoded. */
export function renderQuery(url: string, replaced: readonly Replaced[], secrets: readonly string[]): string {
  const encoded = (text: string): string =>
    text
      .split(/(\{\{.*?\}\})/)
      .map((part, index) => (index % 2 === 1 ? part : encodeURIComponent(part)))
      .join('');
  const query = [...queryOf(url)].map(
    ([name, value]) =>
      `${encodeURIComponent(name)}=${encoded(String(renderValue(value, replaced, secrets, name)))}`,
  );
  return query.length === 0 ? '' : `?${query.join('&')}`;
}

/** The options of a role where they are not those of the first. */
export function ownConfig(draft: Draft, first: Draft): object {
  const own = engineConfig(draft);
  return JSON.stringify(own) === JSON.stringify(engineConfig(first)) ? {} : own;
}

/** `config` of a scenario for the engine of a client: how it connects. */
export function engineConfig(draft: Draft | undefined): Record<string, object> {
  if (draft === undefined) return {};
  const { session, replaced } = draft;
  const render = (value: unknown, key = ''): unknown => renderValue(value, replaced, [], key);
  const headers = Object.fromEntries(
    ownHeaders(session.headers).map(([name, value]) => [name, render(value, name)]),
  );
  const hasHeaders = Object.keys(headers).length > 0;
  switch (session.engine) {
    case 'socketio': {
      const query = Object.fromEntries(ownQuery(session).map(([name, value]) => [name, render(value, name)]));
      const auth = Object.values(session.auth).find((each) => Object.keys(each as object).length > 0);
      const path = pathOf(session.url);
      return {
        socketio: {
          ...(session.transports.length === 0 ? {} : { transports: session.transports }),
          ...(path === '/socket.io/' || path === '/socket.io' ? {} : { path }),
          ...(auth === undefined ? {} : { auth: render(auth) }),
          ...(Object.keys(query).length === 0 ? {} : { query }),
          ...(hasHeaders ? { extraHeaders: headers } : {}),
        },
      };
    }
    case 'stomp': {
      const {
        login,
        passcode,
        host,
        'heart-beat': heartbeat,
        'accept-version': _version,
        ...others
      } = session.auth as Record<string, string>;
      const subscribes = draft.steps.some(({ message }) => message.kind === 'subscribe');
      const confirmed = draft.steps.some(({ answer }) => answer?.kind === 'ack');
      return {
        stomp: {
          ...(session.sockjs ? { sockjs: true } : {}),
          ...(login === undefined ? {} : { login: render(login, 'login') }),
          ...(passcode === undefined ? {} : { passcode: render(passcode, 'passcode') }),
          ...(host === undefined ? {} : { host }),
          ...(heartbeat === undefined ? {} : { heartbeat: heartbeat.split(',').map(Number) }),
          ...(Object.keys(others).length === 0 ? {} : { headers: render(others) }),
          ...(subscribes && !confirmed ? { receipts: false } : {}),
        },
      };
    }
    case 'ws': {
      const offered = session.headers['sec-websocket-protocol'];
      const ws = {
        ...(hasHeaders ? { headers } : {}),
        ...(offered === undefined
          ? {}
          : { subprotocols: offered.split(',').map((each) => render(each.trim())) }),
      };
      return Object.keys(ws).length === 0 ? {} : { ws };
    }
  }
}

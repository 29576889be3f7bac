import { pathOf, queryOf, sockJsBase } from './decode-sessions.ts';
import type { Draft } from './draft.ts';
import { ownHeaders, ownQuery } from './recorded-values.ts';
import { renderValue } from './render-value.ts';

/** How scenarios are written. */
export const yamlStyle = { lineWidth: 118, aliasDuplicateObjects: false } as const;

/** The origin of a URL, by HTTP. */
export const serverOf = (url: string): string =>
  (/^[a-z]+:\/\/[^/?#]*/i.exec(url)?.[0] ?? '').replace(/^ws/i, 'http');

/** The path and query of the first client, where they are part of the target. */
export function targetPath(drafts: readonly Draft[]): string {
  const first = drafts[0]?.session;
  if (first === undefined || first.engine === 'socketio') return '';
  const path = first.sockjs
    ? `${sockJsBase(first.url)}${first.engine === 'ws' ? '/websocket' : ''}`
    : pathOf(first.url);
  const replaced = drafts[0]!.replaced;
  const query = [...queryOf(first.url)].map(
    ([name, value]) => `${name}=${renderValue(value, replaced, [], name)}`,
  );
  return `${path === '/' ? '' : path}${query.length === 0 ? '' : `?${query.join('&')}`}`;
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
      const query = Object.fromEntries(
        ownQuery(session.url).map(([name, value]) => [name, render(value, name)]),
      );
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

import type { Draft } from './draft.ts';
import type { Opening } from './find-opening.ts';
import type { Replaced } from './recorded-values.ts';
import { jsonOf, type Message } from './recording.ts';
import { renderValue } from './render-value.ts';
import { engineConfig } from './scenario-config.ts';
import { matchOf } from './write-flow.ts';

/** `room` of the settings: how its owner connects, opens the room, and deletes it. Secrets are names of the environment. */
export function roomSettings(
  { owner, create, remove, capture }: Opening<Draft>,
  secrets: readonly string[],
): Record<string, unknown> {
  const { replaced } = owner;
  const [secret] = replaced.filter(({ kind }) => kind === 'secret');
  const own = replaced.map((each): Replaced => {
    if (each.kind === 'jwt' || each === secret) return { ...each, kind: 'given', name: 'token' };
    return each;
  });
  /** What stands for one of many users is the owner's own. */
  const plain = own.filter(({ kind }) => kind === 'given' || kind === 'capture' || kind === 'secret');
  const { socketio } = engineConfig({ ...owner, replaced: plain }) as {
    socketio: {
      transports?: string[];
      path?: string;
      auth?: Record<string, unknown>;
      query?: object;
      extraHeaders?: object;
    };
  };
  const render = ({ args }: Message): object => {
    const values = renderValue(args, plain, secrets) as unknown[];
    return values.length === 1 ? { data: values[0] } : values.length === 0 ? {} : { args: values };
  };
  const answered = create.answer;
  const says =
    answered === null
      ? {}
      : (matchOf(answered.message, 'socketio') as { match?: { json: string; value: unknown } });
  const field = says.match === undefined ? undefined : /\.(\w+)$/.exec(says.match.json)?.[1];
  const claims = claimsOf([owner]);
  const named = secret?.name.replaceAll(/([a-z])([A-Z])/g, '$1_$2').toUpperCase();
  return {
    ...(create.message.scope === '/' ? {} : { namespace: create.message.scope }),
    ...(socketio.path === undefined ? {} : { path: socketio.path }),
    ...(socketio.transports === undefined || socketio.transports.join() === 'websocket'
      ? {}
      : { transports: socketio.transports }),
    ...(claims === null
      ? named === undefined
        ? {}
        : { token: { env: named } }
      : { jwt: { secret: { env: 'JWT_SECRET' }, claims: ownerClaims(claims) } }),
    ...(socketio.extraHeaders === undefined ? {} : { headers: socketio.extraHeaders }),
    ...(socketio.auth === undefined ? {} : { auth: socketio.auth }),
    ...(socketio.query === undefined ? {} : { query: socketio.query }),
    create: {
      event: create.message.name,
      ...render(create.message),
      ...(answered === null
        ? { confirm: 'none' }
        : answered.kind === 'ack'
          ? {}
          : { confirm: { event: answered.message.name } }),
      ...(field === undefined ? {} : { expect: { [field]: says.match!.value } }),
    },
    ...(capture === null ? {} : { capture: { [capture.name]: capture.path } }),
    ...(remove === null
      ? {}
      : {
          delete: {
            event: remove.message.name,
            ...render(remove.message),
            ...(remove.answer?.kind === 'ack' ? {} : { confirm: 'none' }),
          },
        }),
  };
}

const ownerClaims = (claims: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(claims).map(([name, value]) => [
      name,
      typeof value === 'string' && value.includes('{{') ? 'owner' : value,
    ]),
  );

/** Claims of the first token that was seen, with variables for what is a user's own; null without one. */
export function claimsOf(drafts: readonly Draft[]): Record<string, unknown> | null {
  for (const { replaced } of drafts) {
    const token = replaced.find(({ kind }) => kind === 'jwt');
    if (token === undefined) continue;
    const claims = jsonOf(Buffer.from(token.value.split('.')[1] ?? '', 'base64url').toString()) as
      | object
      | undefined;
    const kept = Object.entries(claims ?? {}).filter(
      ([name]) => !['iat', 'exp', 'nbf', 'jti'].includes(name),
    );
    return Object.fromEntries(
      kept.map(([name, value]) => [
        name,
        typeof value !== 'string'
          ? value
          : replaced.some((each) => each.value === value && each.kind === 'user')
            ? renderValue(value, replaced, [])
            : /^(sub|id|.*name|.*id|email)$/i.test(name)
              ? 'user-{{ $uuid }}'
              : value,
      ]),
    );
  }
  return null;
}

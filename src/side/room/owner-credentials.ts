import { SignJWT } from 'jose';
import { tailgateError } from '../../errors.ts';
import { SecretMask } from '../../host/secret-mask.ts';
import { resolveSecret, resolveSecretsIn } from '../../settings/secrets.ts';
import type { RoomSettings } from '../../settings/settings-schema.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** What the owner connects and emits with: templates filled in, secrets resolved. */
export type OwnerCredentials = {
  headers: Record<string, string>;
  query: Record<string, string>;
  auth: Record<string, unknown>;
  /** The arguments of an emit of the settings; `variables` are known beside the token. `key` is for messages. */
  argumentsOf(
    emit: { data?: unknown; args?: unknown[] | undefined },
    variables: Readonly<Record<string, unknown>>,
    key: string,
  ): unknown[];
  /** Removes every secret that was resolved from text that the server sent. */
  mask(text: string): string;
};

/** Read to word a message, and no secret: "true" stands in every report. */
const notSecret: readonly (string | symbol)[] = ['GITHUB_ACTIONS'];

const whole = /^\{\{\s*([\w$.-]+)\s*\}\}$/;

const anywhere = /\{\{\s*([\w$.-]+)\s*\}\}/g;

/**
 * Resolves secrets and templates of the room's settings, and mints the token at `nowMs` (milliseconds since the
 * epoch). `secretValues` is told every secret. Throws SECRET_MISSING and SETTINGS_INVALID_VALUE.
 */
export const ownerCredentials = async (
  settings: RoomSettings,
  options: { env: Env; nowMs: number; secretValues?: { add(value: string): unknown } | undefined },
): Promise<OwnerCredentials> => {
  const mask = new SecretMask();
  const keepSecret = (value: string): void => {
    mask.add(value);
    options.secretValues?.add(value);
  };
  const env = watched(options.env, keepSecret);
  const token = await ownerToken(settings, env, options.nowMs);
  if (token !== null) keepSecret(token);
  const given: Record<string, unknown> = token === null ? {} : { token };
  const headers = Object.entries(settings.headers).map(([name, value]) => {
    const key = `room.headers.${name}`;
    return [name, String(fillTemplate(resolveSecret(value, env, key), given, key))];
  });
  return {
    headers: Object.fromEntries(headers),
    query: fillTemplate(settings.query, given, 'room.query') as Record<string, string>,
    auth: fillTemplate(resolveSecretsIn(settings.auth, env, 'room.auth'), given, 'room.auth') as Record<
      string,
      unknown
    >,
    argumentsOf: (emit, variables, key) => {
      const fill = (value: unknown, place: string): unknown =>
        fillTemplate(resolveSecretsIn(value, env, place), { ...given, ...variables }, place);
      if (emit.args !== undefined)
        return emit.args.map((value, index) => fill(value, `${key}.args.${index}`));
      return emit.data === undefined ? [] : [fill(emit.data, `${key}.data`)];
    },
    mask: (text) => mask.mask(text),
  };
};

/** The environment, which tells `onSecret` of every secret that is read from it. */
function watched(env: Env, onSecret: (value: string) => void): Env {
  return new Proxy(env, {
    get: (variables, name) => {
      const value = typeof name === 'string' ? variables[name] : undefined;
      if (value !== undefined && !notSecret.includes(name)) onSecret(value);
      return value;
    },
  });
}

/**
 * The token of the room's owner: the one given, or a JWT minted from secret and claims at `nowMs` (milliseconds since
 * the epoch); null if the settings have neither. Throws SECRET_MISSING.
 */
async function ownerToken(settings: RoomSettings, env: Env, nowMs: number): Promise<string | null> {
  if (settings.token !== undefined) return resolveSecret(settings.token, env, 'room.token');
  if (settings.jwt === undefined) return null;
  const { secret, claims, algorithm, expiresInSeconds } = settings.jwt;
  const key = new TextEncoder().encode(resolveSecret(secret, env, 'room.jwt.secret'));
  const issuedAt = Math.floor(nowMs / 1000);
  // Claims come last: whoever tests with an expired token has to be able to write one.
  return new SignJWT({ iat: issuedAt, exp: issuedAt + expiresInSeconds, ...claims })
    .setProtectedHeader({ alg: algorithm, typ: 'JWT' })
    .sign(key);
}

/**
 * `value` with every `{{ name }}` in its strings, at any depth, replaced by that variable. A string that is nothing
 * but one template takes the variable as it is, so that numbers stay numbers. `key` is the setting's name for
 * messages. Throws SETTINGS_INVALID_VALUE for an unknown name.
 */
function fillTemplate(value: unknown, variables: Readonly<Record<string, unknown>>, key: string): unknown {
  if (typeof value === 'string') {
    const look = (name: string): unknown => {
      if (Object.hasOwn(variables, name)) return variables[name];
      throw tailgateError(
        'SETTINGS_INVALID_VALUE',
        {
          key,
          problem: `there is no variable "${name}"`,
          expected:
            name === 'token'
              ? 'Set "room.token" or "room.jwt": that is where the token comes from.'
              : `Known here: ${Object.keys(variables).join(', ') || 'none'}; "room.capture" adds variables for "room.delete".`,
        },
        { key },
      );
    };
    const only = whole.exec(value);
    if (only !== null) return look(only[1]!);
    return value.replace(anywhere, (_, name: string) => {
      const found = look(name);
      return typeof found === 'object' ? JSON.stringify(found) : String(found);
    });
  }
  if (Array.isArray(value))
    return value.map((each, index) => fillTemplate(each, variables, `${key}.${index}`));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, fillTemplate(each, variables, `${key}.${name}`)]),
  );
}

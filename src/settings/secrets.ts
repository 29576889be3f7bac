import { tailgateError } from '../errors.ts';
import type { SecretSetting, Settings } from './settings-schema.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Where a run takes its secrets from, which decides what helps when one is not set. */
export type SecretSource = 'terminal' | 'workflow' | 'fork';

const credentialName = /auth|token|cookie|secret|passw|credential|api[-_]?key|session/i;

/** Shorter values are ordinary words and numbers: to mask them would garble every report. */
const minLength = 4;
/** Of literals in a scenario, which are made up more often. */
const minLiteralLength = 8;

/**
 * The value of a secret setting: the literal, or what the environment variable holds. Throws SECRET_MISSING when the
 * variable is not set or empty; `key` is the setting's name for the message, for example `room.token`.
 */
export const resolveSecret = (
  setting: SecretSetting,
  env: Env,
  key: string,
  source: SecretSource = usualSource(env),
): string => {
  if (typeof setting === 'string') return setting;
  const value = env[setting.env];
  if (value === undefined || value === '')
    throw tailgateError('SECRET_MISSING', { name: setting.env, key, source }, { key });
  return value;
};

/**
 * `value` with every `{ env: NAME }` in it, at any depth, replaced by what the variable holds: for `room.auth` and
 * the like, which are free JSON. Throws SECRET_MISSING.
 */
export const resolveSecretsIn = (
  value: unknown,
  env: Env,
  key: string,
  source: SecretSource = usualSource(env),
): unknown => {
  if (Array.isArray(value))
    return value.map((each, index) => resolveSecretsIn(each, env, `${key}.${index}`, source));
  if (typeof value !== 'object' || value === null) return value;
  if (isEnvReference(value)) return resolveSecret(value, env, key, source);
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      resolveSecretsIn(each, env, `${key}.${name}`, source),
    ]),
  );
};

/**
 * Every value of the settings that must not be shown: tokens and JWT secrets, literal or from the environment, and
 * literals under a name that speaks of credentials (header, `auth`, `query`, environment of the server). Multi-line values
 * are listed line by line as well. Variables that are not set are left out; `resolveSecret` reports them.
 */
export const secretValues = (settings: Settings, env: Env): string[] => {
  const found = new Set<string>();
  const add = (value: string): void => {
    for (const line of [value, ...value.split(/\r?\n/)])
      if (line.trim().length >= minLength && !line.includes('{{')) found.add(line);
  };
  const addSecret = (setting: SecretSetting | undefined): void => {
    if (setting === undefined) return;
    const value = typeof setting === 'string' ? setting : env[setting.env];
    if (value !== undefined) add(value);
  };
  const addUnder = (value: unknown, secret: boolean): void => {
    if (typeof value === 'string' && secret) add(value);
    if (typeof value !== 'object' || value === null) return;
    if (isEnvReference(value)) addSecret(value);
    else
      for (const [name, each] of Object.entries(value)) addUnder(each, secret || credentialName.test(name));
  };
  for (const name of settings.secrets) add(env[name] ?? '');
  for (const part of [settings, ...settings.suites]) {
    addPassword(part.target?.url, add);
    addUnder(part.target?.env, false);
    addPassword(part.target?.resources?.url, add);
    addUnder(part.target?.resources?.headers, false);
    const room = part.room === false ? undefined : part.room;
    addSecret(room?.token);
    addSecret(room?.jwt?.secret);
    addUnder(room?.headers, false);
    addUnder(room?.auth, false);
    addUnder(room?.query, false);
    addUnder(room?.create, false);
    addSecret(part.measure?.jwt?.secret);
  }
  return [...found];
};

/** Read without a getter: where the environment is watched for the secrets that are read from it, this is none. */
function usualSource(env: Env): SecretSource {
  return Object.getOwnPropertyDescriptor(env, 'GITHUB_ACTIONS')?.value === 'true' ? 'workflow' : 'terminal';
}

function isEnvReference(value: object): value is { env: string } {
  return Object.keys(value).length === 1 && 'env' in value && typeof value.env === 'string';
}

function addPassword(url: string | undefined, add: (value: string) => void): void {
  const password = /^[a-z][a-z\d+.-]*:\/\/[^\s/?#@:]*:([^\s/?#@]+)@/i.exec(url ?? '')?.[1];
  if (password === undefined) return;
  add(password);
  try {
    add(decodeURIComponent(password));
  } catch {
    // It is no encoding of anything else.
  }
}

/**
 * Values that a scenario takes from the environment or holds itself, and that must not be shown: under a name that
 * speaks of credentials, or from a variable of such a name.
 */
export const scenarioSecrets = (script: { config: unknown; scenarios: unknown }, env: Env): string[] => {
  const found = new Set<string>();
  const addText = (text: string, isCredential: boolean, isConfig: boolean): void => {
    for (const [, name = ''] of text.matchAll(/\$(?:processEnvironment|env)\.(\w+)/g))
      if ((isCredential || credentialName.test(name)) && (env[name] ?? '').length >= minLength)
        found.add(env[name]!);
    // What a step sends under such a name is data of a test, and often a common word.
    if (isConfig && isCredential && !text.includes('{{') && text.length >= minLiteralLength) found.add(text);
  };
  const walk = (value: unknown, isCredential: boolean, isConfig: boolean): void => {
    if (typeof value === 'string') addText(value, isCredential, isConfig);
    if (typeof value !== 'object' || value === null) return;
    for (const [name, each] of Object.entries(value))
      walk(each, isCredential || credentialName.test(name), isConfig);
  };
  walk(script.config, false, true);
  walk(script.scenarios, false, false);
  return [...found];
};

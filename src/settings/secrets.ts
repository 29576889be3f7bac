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
  const add = (value: string): void => addLines(found, value);
  const addSecret = (setting: SecretSetting | undefined): void => {
    if (setting === undefined) return;
    const value = typeof setting === 'string' ? setting : env[setting.env];
    if (value !== undefined) add(value);
  };
  const addUnder = (tree: unknown): void => {
    for (const { text, isCredential, isReference } of leavesOf(tree)) {
      if (isReference) addSecret({ env: text });
      else if (isCredential) add(text);
    }
  };
  for (const name of settings.secrets) add(env[name] ?? '');
  for (const part of [settings, ...settings.suites]) {
    addPassword(part.target?.url, add);
    addUnder(part.target?.env);
    addPassword(part.target?.resources?.url, add);
    addUnder(part.target?.resources?.headers);
    const room = part.room === false ? undefined : part.room;
    addSecret(room?.token);
    addSecret(room?.jwt?.secret);
    addUnder(room?.headers);
    addUnder(room?.auth);
    addUnder(room?.query);
    addUnder(room?.create);
    addUnder(room?.delete);
    addSecret(part.measure?.jwt?.secret);
  }
  return [...found];
};

/**
 * Values that a scenario takes from the environment or holds itself, and that must not be shown: under a name that
 * speaks of credentials, or from a variable of such a name. Of the script that is run and of the one that was written,
 * since loading it resolves what its `config` takes from the environment.
 */
export const scenarioSecrets = ({ config, ...flows }: Record<string, unknown>, env: Env): string[] => {
  const found = new Set<string>();
  const addVariables = ({ text, isCredential }: Leaf): void => {
    for (const [, name = ''] of text.matchAll(/\$(?:processEnvironment|env)\.(\w+)/g))
      if (isCredential || credentialName.test(name)) addLines(found, env[name] ?? '');
  };
  for (const leaf of leavesOf(config)) {
    addVariables(leaf);
    if (leaf.isCredential && leaf.text.length >= minLiteralLength) addLines(found, leaf.text);
  }
  // What a step sends under such a name is data of a test, and often a common word.
  for (const leaf of leavesOf(flows)) addVariables(leaf);
  return [...found];
};

/** Read without a getter: where the environment is watched for the secrets that are read from it, this is none. */
function usualSource(env: Env): SecretSource {
  return Object.getOwnPropertyDescriptor(env, 'GITHUB_ACTIONS')?.value === 'true' ? 'workflow' : 'terminal';
}

function isEnvReference(value: object): value is { env: string } {
  return Object.keys(value).length === 1 && 'env' in value && typeof value.env === 'string';
}

type Leaf = {
  text: string;
  /** Whether a name above it speaks of credentials. */
  isCredential: boolean;
  /** Whether `text` names a variable of the environment, as settings do: `{ env: NAME }`. */
  isReference: boolean;
};

/** Every text in free JSON. */
function* leavesOf(value: unknown, isCredential = false): Generator<Leaf> {
  if (typeof value === 'string') yield { text: value, isCredential, isReference: false };
  if (typeof value !== 'object' || value === null) return;
  if (isEnvReference(value)) yield { text: value.env, isCredential, isReference: true };
  else
    for (const [name, each] of Object.entries(value))
      yield* leavesOf(each, isCredential || credentialName.test(name));
}

/** A secret and each of its lines, which may be shown alone; without templates, which are none. */
function addLines(found: Set<string>, secret: string): void {
  for (const line of [secret, ...secret.split(/\r?\n/)])
    if (line.trim().length >= minLength && !line.includes('{{')) found.add(line);
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

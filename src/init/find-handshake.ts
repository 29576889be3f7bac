import { engineParameters, madeUpPassword } from '../record/recorded-values.ts';
import { guessValue, ownId } from './guess-value.ts';

/** Stands where the code reads a token; each user gets its own. */
const tokenPlace = '{{ token }}';

/** What a server reads of a connection before any message: names, and a first guess of each value. */
export type FoundHandshake = {
  auth: Record<string, string>;
  query: Record<string, string>;
  headers: Record<string, string>;
  /** It verifies JSON Web Tokens. */
  jwt: { env: string | null; claims: Record<string, string> } | null;
};

/** Reads, from the text of a server and of the files that name its environment, what a client has to connect with. */
export const findHandshake = (text: string, environmentText = ''): FoundHandshake => {
  const jwt = /jsonwebtoken|\bjwt\.|JwtService|jwtService|jwtVerify|@nestjs\/jwt|passport-jwt/.test(text)
    ? { env: secretName(text) ?? secretName(environmentText), claims: claimsOf(text) }
    : null;
  const part = (name: string): string[] => namesRead(text, `handshake\\??\\.${name}`);
  // What the code only passes on would be noise; null for that.
  const value = (name: string): string | null =>
    /token|jwt|authorization/i.test(name)
      ? jwt === null
        ? madeUpPassword
        : tokenPlace
      : (chosen(text, name) ??
        (ownKey.test(name) ? ownId : roomKey.test(name) ? String(guessValue(name)) : null));
  const given = (names: readonly string[], other: string | null = null): Record<string, string> =>
    Object.fromEntries(
      names.flatMap((name) => {
        const guess = value(name) ?? other;
        return guess === null ? [] : [[name, guess]];
      }),
    );
  const bearer = /['"`]Bearer|\.split\(\s*['"] ['"]\s*\)/i.test(text) ? 'Bearer ' : '';
  return {
    auth: given(part('auth'), String(guessValue('text'))),
    query: given([
      ...new Set([...part('query').filter((name) => !engineParameters.has(name)), ...searched(text)]),
    ]),
    headers:
      jwt !== null &&
      /headers\??\.authorization|headers\[['"]authorization['"]\]/i.test(text) &&
      !part('auth').length
        ? { authorization: `${bearer}${tokenPlace}` }
        : {},
    jwt,
  };
};

const ownKey = /^u?id$|(user|client|peer|player)_?id$/i;
const roomKey = /^(room|channel|lobby|board|doc)(_?(id|name))?$/i;

/** `place.name`, `place['name']`, and `const { name } = place`. */
function namesRead(text: string, place: string): string[] {
  const direct = [
    ...text.matchAll(new RegExp(`${place}\\??(?:\\.(\\w+)|\\??\\.?\\[['"](\\w+)['"]\\])`, 'g')),
  ].map((match) => match[1] ?? match[2]!);
  const spread = [
    ...text.matchAll(new RegExp(`\\{([^{}]*)\\}\\s*=\\s*[\\w.]*${place}\\b(?![.[(])`, 'g')),
  ].flatMap(([, names]) => fieldsOf(names!));
  // `const query = socket.handshake.query`, and then `query.name`.
  const held = [...text.matchAll(new RegExp(`\\b(\\w+)\\s*=\\s*[\\w.]*${place}\\s*[;\\n]`, 'g'))].flatMap(
    ([, name]) =>
      [...text.matchAll(new RegExp(`\\b${name}\\??\\.(\\w+)\\b(?!\\s*\\()`, 'g'))].map((match) => match[1]!),
  );
  return [...new Set([...direct, ...spread, ...held])];
}

const fieldsOf = (names: string): string[] =>
  names.split(',').flatMap((part) => /^\s*(\w+)/.exec(part)?.[1] ?? []);

/** Of a WebSocket's address: `searchParams.get('name')`, and its entries taken apart. */
function searched(text: string): string[] {
  if (!/searchParams/.test(text)) return [];
  const got = [...text.matchAll(/searchParams\.get\(\s*['"](\w+)['"]/g)].map(([, name]) => name!);
  const spread = [...text.matchAll(/\{([^{}]*)\}\s*=\s*Object\.fromEntries\(/g)].flatMap(([, names]) =>
    fieldsOf(names!),
  );
  return [...new Set([...got, ...spread])];
}

/** What the code compares a value with: the first case of its switch, an equality, or the default of a setting of that name. */
function chosen(text: string, name: string): string | undefined {
  const held = new RegExp(`\\b(\\w+)\\s*=\\s*[\\w.]*query\\??\\.${name}\\b`).exec(text)?.[1] ?? name;
  return (
    new RegExp(
      `switch\\s*\\(\\s*(?:${held}|[\\w.?]*query\\??\\.${name})\\s*\\)\\s*\\{\\s*case\\s*['"]([\\w-]+)['"]`,
    ).exec(text)?.[1] ??
    new RegExp(`query\\??\\.${name}\\s*===?\\s*['"]([\\w-]+)['"]`).exec(text)?.[1] ??
    (/key$/i.test(name) ? new RegExp(`\\b${name}:\\s*['"]([\\w-]+)['"]`).exec(text)?.[1] : undefined)
  );
}

/** The variable of the environment that holds the secret of the tokens. */
function secretName(text: string): string | null {
  const read = `(?:process\\.env\\.|process\\.env\\[['"]|\\.get(?:OrThrow)?(?:<\\w+>)?\\(\\s*['"])([A-Z]\\w*)`;
  const patterns = [
    new RegExp(`verify\\w*(?:<[^>]*>)?\\([^;]{0,200}?${read}`),
    new RegExp(`secret\\w*\\s*[:=]\\s*${read}`, 'i'),
    /process\.env\.(\w*(?:JWT|TOKEN|AUTH)\w*(?:SECRET|KEY)\w*)/,
    /^\s*-?\s*(\w*(?:JWT|TOKEN|AUTH)\w*SECRET\w*)\s*[=:]/m,
  ];
  const names = patterns.flatMap((pattern) => [...text.matchAll(new RegExp(pattern, `${pattern.flags}g`))]);
  return names.map(([, name]) => name!).find((name) => !/refresh|salt|expir/i.test(name)) ?? null;
}

/** The claims that the server signs, or reads of a verified token. */
function claimsOf(text: string): Record<string, string> {
  const signed = /\bsign\w*\(\s*\{([^{}]*)\}/.exec(text)?.[1];
  const read = [
    ...text.matchAll(/\b(?:decoded|payload|claims)\??\.(sub|id|userId|user_id|username|name|email|role)\b/g),
  ];
  const names = [...new Set([...fieldsOf(signed ?? ''), ...read.map(([, name]) => name!)])].filter(
    (name) => !/^(iat|exp|nbf|jti|iss|aud)$/.test(name),
  );
  return Object.fromEntries(
    (names.length === 0 ? ['sub'] : names).map((name) => [
      name,
      /email/i.test(name)
        ? `${ownId}@example.com`
        : /^(sub|id)$|id$|name$/i.test(name)
          ? `user-${ownId}`
          : String(guessValue(name)),
    ]),
  );
}

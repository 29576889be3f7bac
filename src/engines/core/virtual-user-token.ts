import { createHmac } from 'node:crypto';
import type { VirtualUserJwt } from './engine-settings.ts';
import { compileTemplate } from './template/compile-template.ts';

const hashes = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' } as const;

/**
 * Prepares tokens for virtual users: a JSON Web Token (RFC 7519, signed as RFC 7515 with HMAC) whose claims are
 * templates over the variables of the virtual user. `iat` and `exp` are set unless the claims have them.
 */
export const tokenMint = (jwt: VirtualUserJwt): ((context: { vars: Record<string, unknown> }) => string) => {
  const header = encode({ alg: jwt.algorithm, typ: 'JWT' });
  const claims = compileTemplate<Record<string, unknown>>(jwt.claims);
  return (context) => {
    const issuedAt = Math.floor(Date.now() / 1_000);
    const payload = { iat: issuedAt, exp: issuedAt + jwt.expiresInSeconds, ...claims.render(context) };
    const signed = `${header}.${encode(payload)}`;
    const signature = createHmac(hashes[jwt.algorithm], jwt.secret).update(signed).digest('base64url');
    return `${signed}.${signature}`;
  };
};

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

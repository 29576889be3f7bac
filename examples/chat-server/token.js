import { createHmac, timingSafeEqual } from 'node:crypto';

const parse = (part) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));

/** The claims of a JWT that `secret` signed with HS256 and that has not expired. Throws otherwise. */
export const verifyToken = (token, secret) => {
  const [header = '', payload = '', signature = ''] = token.split('.');
  const expected = createHmac('sha256', secret).update(`${header}.${payload}`).digest();
  const given = Buffer.from(signature, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw new Error('Unauthorized');
  if (parse(header).alg !== 'HS256') throw new Error('Unauthorized');
  const claims = parse(payload);
  if (typeof claims.exp === 'number' && claims.exp * 1000 <= Date.now()) throw new Error('Token expired');
  return claims;
};

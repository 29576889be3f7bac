import { SignJWT } from 'jose';
import { resolveSecret } from '../../settings/secrets.ts';
import type { RoomSettings } from '../../settings/settings-schema.ts';

/**
 * The token of the room's owner: the one given, or a JWT minted from secret and claims at `nowMs` (milliseconds since
 * the epoch); null if the settings have neither. Throws SECRET_MISSING.
 */
export const ownerToken = async (
  settings: RoomSettings,
  env: Readonly<Record<string, string | undefined>>,
  nowMs: number,
): Promise<string | null> => {
  if (settings.token !== undefined) return resolveSecret(settings.token, env, 'room.token');
  if (settings.jwt === undefined) return null;
  const { secret, claims, algorithm, expiresInSeconds } = settings.jwt;
  const key = new TextEncoder().encode(resolveSecret(secret, env, 'room.jwt.secret'));
  const issuedAt = Math.floor(nowMs / 1000);
  // Claims come last: whoever tests with an expired token has to be able to write one.
  return new SignJWT({ iat: issuedAt, exp: issuedAt + expiresInSeconds, ...claims })
    .setProtectedHeader({ alg: algorithm, typ: 'JWT' })
    .sign(key);
};

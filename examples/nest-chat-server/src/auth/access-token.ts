import type { Socket } from 'socket.io';

/** The token of a client: `auth.accessToken`, or the header `accesstoken`, with or without "Bearer ". */
export const accessToken = (handshake: Socket['handshake']): string | null => {
  const given = handshake.auth.accessToken ?? handshake.headers.accesstoken;
  return typeof given === 'string' ? given.replace(/^Bearer /i, '') : null;
};

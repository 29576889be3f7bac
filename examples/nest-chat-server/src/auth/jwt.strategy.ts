import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { Strategy } from 'passport-jwt';
import { accessToken } from './access-token.js';

export type User = { sub?: string; name?: string };

@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy) {
  constructor() {
    super({
      // The guard hands over the handshake of the socket in place of an HTTP request.
      jwtFromRequest: (request: unknown) => accessToken(request as Parameters<typeof accessToken>[0]),
      secretOrKey: process.env.JWT_SECRET || 'example-secret',
      algorithms: ['HS256'],
    });
  }

  validate(claims: User): User {
    return { sub: claims.sub, name: claims.name };
  }
}

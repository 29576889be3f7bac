import { type ExecutionContext, Injectable } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import { WsException } from '@nestjs/websockets';
import type { Socket } from 'socket.io';
import type { User } from './jwt.strategy.js';

/** Lets an event through when the client connected with a valid token; the user is in `handshake.user` then. */
@Injectable()
export class JwtGuard extends AuthGuard('jwt') {
  override getRequest(context: ExecutionContext): Socket['handshake'] {
    return context.switchToWs().getClient<Socket>().handshake;
  }

  override handleRequest<Result = User>(error: unknown, user: Result | false, info: unknown): Result {
    if (user === false) throw new WsException(info instanceof Error ? info.message : 'Unauthorized');
    if (error !== null && error !== undefined) throw new WsException('Unauthorized');
    return user;
  }
}

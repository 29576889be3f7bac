import { type ArgumentsHost, Catch, HttpException, Logger } from '@nestjs/common';
import { BaseWsExceptionFilter, WsException } from '@nestjs/websockets';
import type { Socket } from 'socket.io';

/** Turns whatever a handler throws into an event "exception" that names the event it was about. */
@Catch()
export class WsExceptionFilter extends BaseWsExceptionFilter {
  private readonly log = new Logger(WsExceptionFilter.name);

  override catch(exception: unknown, host: ArgumentsHost): void {
    const expected = exception instanceof WsException || exception instanceof HttpException;
    if (!expected) this.log.error(exception);
    const message = expected ? exception.message : 'Internal server error';
    const context = host.switchToWs();
    context.getClient<Socket>().emit('exception', { status: 'error', message, event: context.getPattern() });
  }
}

import { UseFilters, UseGuards } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  type OnGatewayConnection,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import type { Server, Socket } from 'socket.io';
import { JwtGuard } from '../auth/jwt.guard.js';
import type { User } from '../auth/jwt.strategy.js';
import { RoomsService } from './rooms.service.js';
import { SlowdownService } from './slowdown.service.js';
import { WsExceptionFilter } from './ws-exception.filter.js';

type RoomMessage = { roomId?: string } | undefined;
type ChatMessage = { roomId?: string; text?: string } | undefined;

/** The events of the chat; each returns what is acknowledged. The contract is that of `examples/chat-server`. */
@UseFilters(WsExceptionFilter)
@WebSocketGateway({ serveClient: false })
export class ChatGateway implements OnGatewayConnection {
  @WebSocketServer()
  private readonly server!: Server;

  constructor(
    private readonly rooms: RoomsService,
    private readonly slowdown: SlowdownService,
  ) {}

  /** `disconnecting` and not Nest's `handleDisconnect`: by then the socket has forgotten its rooms. */
  handleConnection(client: Socket): void {
    client.on('disconnecting', () => {
      for (const roomId of client.rooms) {
        if (this.rooms.has(roomId)) this.announce(this.rooms.leave(roomId, client.id));
      }
    });
  }

  @UseGuards(JwtGuard)
  @SubscribeMessage('createRoom')
  createRoom(@ConnectedSocket() client: Socket, @MessageBody() body: RoomMessage) {
    const roomId = this.rooms.create(body?.roomId ?? `room-${client.id}`, client.id);
    client.join(roomId);
    return { ok: true, roomId };
  }

  @UseGuards(JwtGuard)
  @SubscribeMessage('joinRoom')
  joinRoom(@ConnectedSocket() client: Socket, @MessageBody() body: RoomMessage) {
    const joined = this.rooms.join(body?.roomId, client.id);
    client.join(joined.roomId);
    return { ok: true, ...joined };
  }

  @UseGuards(JwtGuard)
  @SubscribeMessage('chat')
  async chat(@ConnectedSocket() client: Socket, @MessageBody() body: ChatMessage) {
    const roomId = this.rooms.ofMember(body?.roomId, client.id);
    await this.slowdown.apply();
    const { user } = client.handshake as Socket['handshake'] & { user?: User };
    client.to(roomId).emit('chat', { roomId, from: user?.name ?? user?.sub ?? client.id, text: body?.text });
    return { ok: true };
  }

  @SubscribeMessage('leaveRoom')
  leaveRoom(@ConnectedSocket() client: Socket, @MessageBody() body: RoomMessage) {
    const deleted = this.rooms.leave(body?.roomId, client.id);
    if (typeof body?.roomId === 'string') client.leave(body.roomId);
    this.announce(deleted);
    return { ok: true };
  }

  @UseGuards(JwtGuard)
  @SubscribeMessage('deleteRoom')
  deleteRoom(@ConnectedSocket() client: Socket, @MessageBody() body: RoomMessage) {
    this.announce(this.rooms.delete(body?.roomId, client.id));
    return { ok: true };
  }

  private announce(deleted: readonly string[]): void {
    for (const roomId of deleted) {
      this.server.to(roomId).emit('roomDeleted', { roomId });
      this.server.socketsLeave(roomId);
    }
  }
}

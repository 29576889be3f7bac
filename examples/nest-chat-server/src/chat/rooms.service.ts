import { Injectable } from '@nestjs/common';
import { WsException } from '@nestjs/websockets';

export type Room = { owner: string | null; members: Set<string> };

/** The part of the name before the last slash: `lobby` for the room `lobby/7`. */
export const parentOf = (roomId: string): string => roomId.slice(0, Math.max(0, roomId.lastIndexOf('/')));

/** Who is in which room. Members and owners are ids of sockets. */
@Injectable()
export class RoomsService {
  private readonly rooms = new Map<string, Room>();
  private readonly createOnJoin = process.env.CREATE_ON_JOIN === 'true';

  create(roomId: unknown, owner: string): string {
    const id = this.named(roomId);
    if (this.rooms.has(id)) throw new WsException(`Room ${id} exists already`);
    this.rooms.set(id, { owner, members: new Set([owner]) });
    return id;
  }

  join(roomId: unknown, member: string): { roomId: string; members: number } {
    const id = this.named(roomId);
    if (!this.rooms.has(id) && (this.createOnJoin || this.rooms.has(parentOf(id))))
      this.rooms.set(id, { owner: null, members: new Set() });
    const room = this.existing(id);
    room.members.add(member);
    return { roomId: id, members: room.members.size };
  }

  /** The id of a room that `member` is in. */
  ofMember(roomId: unknown, member: string): string {
    const id = this.named(roomId);
    if (!this.existing(id).members.has(member)) throw new WsException(`You are not in room ${id}`);
    return id;
  }

  /** Takes `member` out of the room. Returns the ids of the rooms that this deleted. */
  leave(roomId: unknown, member: string): string[] {
    const id = this.named(roomId);
    const room = this.existing(id);
    room.members.delete(member);
    const abandoned = room.owner === member || (room.owner === null && room.members.size === 0);
    return abandoned ? this.remove(id) : [];
  }

  /** Deletes the room of `owner`, with its parts. Returns the ids of the rooms that this deleted. */
  delete(roomId: unknown, owner: string): string[] {
    const id = this.named(roomId);
    if (this.existing(id).owner !== owner) throw new WsException('Only the owner may delete a room');
    return this.remove(id);
  }

  has(roomId: string): boolean {
    return this.rooms.has(roomId);
  }

  private remove(id: string): string[] {
    this.rooms.delete(id);
    const parts = [...this.rooms.keys()].filter((other) => parentOf(other) === id);
    return [id, ...parts.flatMap((part) => this.remove(part))];
  }

  private existing(id: string): Room {
    const room = this.rooms.get(id);
    if (room === undefined) throw new WsException(`Room ${id} does not exist`);
    return room;
  }

  private named(roomId: unknown): string {
    if (typeof roomId !== 'string' || roomId === '') throw new WsException('roomId must be a text');
    return roomId;
  }
}

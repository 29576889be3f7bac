/** Parts of a room: "lobby/7" is one of "lobby", comes with the first join, and goes with the last leave or with "lobby". */
export const parentOf = (roomId) => roomId.slice(0, Math.max(0, roomId.lastIndexOf('/')));

/** Rooms of one instance, in memory: who owns each, and who is in it. RedisRooms has the same methods. */
export class MemoryRooms {
  #rooms = new Map();

  /** Whether it could be created: false where it exists. */
  async create(roomId, owner) {
    if (this.#rooms.has(roomId)) return false;
    this.#rooms.set(roomId, { owner, members: new Set([owner]) });
    return true;
  }

  /** How many are in it then; null where there is no such room. */
  async join(roomId, member, creates) {
    let room = this.#rooms.get(roomId);
    if (room === undefined) {
      if (!creates && !this.#rooms.has(parentOf(roomId))) return null;
      room = { owner: null, members: new Set() };
      this.#rooms.set(roomId, room);
    }
    room.members.add(member);
    return room.members.size;
  }

  /** Whether the room is over with that: its owner left, or the last of a room without one. */
  async leave(roomId, member) {
    const room = this.#rooms.get(roomId);
    if (room?.members.delete(member) !== true) return false;
    return room.owner === member || (room.owner === null && room.members.size === 0);
  }

  async has(roomId) {
    return this.#rooms.has(roomId);
  }

  async isOwner(roomId, member) {
    return this.#rooms.get(roomId)?.owner === member;
  }

  /** Deletes the room and its parts; gives the names of all of them. */
  async delete(roomId) {
    if (!this.#rooms.delete(roomId)) return [];
    const deleted = [roomId];
    const parts = [...this.#rooms.keys()].filter((id) => parentOf(id) === roomId);
    for (const part of parts) deleted.push(...(await this.delete(part)));
    return deleted;
  }
}

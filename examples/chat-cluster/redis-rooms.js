import { parentOf } from './memory-rooms.js';

/**
 * A room is a key with its owner ("" for none), a set of its members and a set of its parts. Each change is one script,
 * which Redis runs in one piece: two instances cannot both create a room, or both see themselves out of it last.
 */
const scripts = {
  createRoom: {
    numberOfKeys: 3,
    // KEYS: owner, members, parts of the parent. ARGV: the owner, the room.
    lua: `
      if redis.call('SET', KEYS[1], ARGV[1], 'NX') == false then return 0 end
      redis.call('SADD', KEYS[2], ARGV[1])
      redis.call('SADD', KEYS[3], ARGV[2])
      return 1
    `,
  },
  joinRoom: {
    numberOfKeys: 4,
    // KEYS: owner, members, owner of the parent, parts of the parent. ARGV: member, whether joining creates, the room.
    lua: `
      if redis.call('EXISTS', KEYS[1]) == 0 then
        if ARGV[2] == '0' and redis.call('EXISTS', KEYS[3]) == 0 then return -1 end
        redis.call('SET', KEYS[1], '')
        redis.call('SADD', KEYS[4], ARGV[3])
      end
      redis.call('SADD', KEYS[2], ARGV[1])
      return redis.call('SCARD', KEYS[2])
    `,
  },
  leaveRoom: {
    numberOfKeys: 2,
    // KEYS: owner, members. ARGV: member. Whether the room is over.
    lua: `
      if redis.call('SREM', KEYS[2], ARGV[1]) == 0 then return 0 end
      local owner = redis.call('GET', KEYS[1])
      if owner == ARGV[1] then return 1 end
      if owner == '' and redis.call('SCARD', KEYS[2]) == 0 then return 1 end
      return 0
    `,
  },
  deleteRoom: {
    numberOfKeys: 4,
    // KEYS: owner, members, parts, parts of the parent. ARGV: the room. The parts, or nil where there was no room.
    lua: `
      if redis.call('DEL', KEYS[1]) == 0 then return nil end
      local parts = redis.call('SMEMBERS', KEYS[3])
      redis.call('DEL', KEYS[2], KEYS[3])
      redis.call('SREM', KEYS[4], ARGV[1])
      return parts
    `,
  },
};

/** Rooms that several instances have in common. The methods are those of MemoryRooms. */
export class RedisRooms {
  #redis;
  #prefix;

  constructor(redis, prefix) {
    this.#redis = redis;
    this.#prefix = prefix;
    for (const [name, script] of Object.entries(scripts)) redis.defineCommand(name, script);
  }

  #owner = (roomId) => `${this.#prefix}:owner:${roomId}`;
  #members = (roomId) => `${this.#prefix}:members:${roomId}`;
  #parts = (roomId) => `${this.#prefix}:parts:${roomId}`;

  async create(roomId, owner) {
    const keys = [this.#owner(roomId), this.#members(roomId), this.#parts(parentOf(roomId))];
    return (await this.#redis.createRoom(...keys, owner, roomId)) === 1;
  }

  async join(roomId, member, creates) {
    const parent = parentOf(roomId);
    const keys = [this.#owner(roomId), this.#members(roomId), this.#owner(parent), this.#parts(parent)];
    const members = await this.#redis.joinRoom(...keys, member, creates ? '1' : '0', roomId);
    return members < 0 ? null : members;
  }

  async leave(roomId, member) {
    return (await this.#redis.leaveRoom(this.#owner(roomId), this.#members(roomId), member)) === 1;
  }

  async has(roomId) {
    return (await this.#redis.exists(this.#owner(roomId))) === 1;
  }

  async isOwner(roomId, member) {
    return (await this.#redis.get(this.#owner(roomId))) === member;
  }

  async delete(roomId) {
    const keys = [
      this.#owner(roomId),
      this.#members(roomId),
      this.#parts(roomId),
      this.#parts(parentOf(roomId)),
    ];
    const parts = await this.#redis.deleteRoom(...keys, roomId);
    if (parts === null) return [];
    const deleted = [roomId];
    for (const part of parts) deleted.push(...(await this.delete(part)));
    return deleted;
  }
}

import type { DeliveryShard } from '../../../metrics/delivery-shards.ts';
import type { DeliveryMember } from './delivery-room.ts';
import { hostTimeUs } from './host-time.ts';

/** Receipts of messages sent within this time after the end of the warm-up are kept one by one, microseconds. */
const earlyUs = 5_000_000;
/** How long the receivers of a message are remembered, so that duplicates are seen, microseconds. */
const rememberedUs = 60_000_000;

/** `recent` and `doubtful`: when messages were sent that came and were due, and that were due only because they came. */
type Stay = { joinedUs: number; endedUs: number | null; recent: number[]; doubtful: number[] };

/** A short name for a room, the same in every process (FNV-1a, 32 bits). */
export const roomHash = (name: string): number => {
  let hash = 0x811c9dc5;
  for (let index = 0; index < name.length; index += 1)
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193) >>> 0;
  return hash;
};

/** What became of a message of another process at one of our members. */
export type ForeignReceipt = 'received' | 'duplicated' | 'unexpected' | 'old';

/**
 * Keeps what the processes of one load must know of each other to count deliveries between them exactly: when messages
 * were sent to a room, when users were members of it, and which messages of others arrived. Nothing is exchanged while
 * the load runs; the records are put together at the end.
 */
export class ForeignDeliveries {
  readonly #drainUs: number;
  /** Machines read the clock at most so far apart: what is closer than this may have happened in either order. */
  readonly #apartUs: number;
  #sinceUs = 0;
  #sends = new Map<string, number[]>();
  #stays = new Map<string, { stays: Stay[]; current: Map<number, Stay> }>();
  #roomNames = new Map<number, string>();
  #seen = new Map<string, { atUs: number; members: Set<number> }>();
  #received = 0;
  #receivedEarly: number[] = [];
  #receivedAnyway = 0;
  #numbered = { expected: 0, received: 0 };

  constructor(drainMs: number, apartUs = 0) {
    this.#drainUs = drainMs * 1_000;
    this.#apartUs = apartUs;
  }

  /** The warm-up was over at `sinceUs`: what was sent before does not count. Who is a member stays one. */
  restart(sinceUs: number): void {
    this.#sinceUs = sinceUs;
    this.#sends.clear();
    this.#received = 0;
    this.#receivedEarly = [];
    this.#receivedAnyway = 0;
    this.#numbered = { expected: 0, received: 0 };
    for (const { stays } of this.#stays.values())
      for (const stay of stays) Object.assign(stay, { recent: [], doubtful: [] });
  }

  sent(room: string, sentUs: number): void {
    const sends = this.#sends.get(room) ?? [];
    this.#sends.set(room, sends);
    sends.push(sentUs);
  }

  #room(name: string): { stays: Stay[]; current: Map<number, Stay> } {
    let room = this.#stays.get(name);
    if (room === undefined) {
      room = { stays: [], current: new Map() };
      this.#stays.set(name, room);
      this.#roomNames.set(roomHash(name), name);
    }
    return room;
  }

  joined(member: DeliveryMember, name: string): void {
    const room = this.#room(name);
    const stay: Stay = { joinedUs: hostTimeUs() + this.#apartUs, endedUs: null, recent: [], doubtful: [] };
    room.stays.push(stay);
    room.current.set(member.id, stay);
  }

  /** Nothing sent from now on is expected at this member; what is on its way still is. */
  ended(member: DeliveryMember, name: string): void {
    const stay = this.#stays.get(name)?.current.get(member.id);
    if (stay === undefined || stay.endedUs !== null) return;
    stay.endedUs = Math.max(stay.joinedUs, hostTimeUs() - this.#apartUs);
    this.#doubt(stay, stay.endedUs);
  }

  /** The server restored the session: the membership never ended. */
  recovered(member: DeliveryMember, name: string): void {
    const stay = this.#stays.get(name)?.current.get(member.id);
    if (stay === undefined) return;
    stay.endedUs = null;
    for (const sentUs of stay.doubtful) this.#receive(stay, sentUs);
    this.#receivedAnyway -= stay.doubtful.length;
    stay.doubtful = [];
  }

  /** The member left: what was sent within the drain time before was only expected if it came. */
  left(member: DeliveryMember, name: string): void {
    const room = this.#stays.get(name);
    const stay = room?.current.get(member.id);
    if (room === undefined || stay === undefined) return;
    room.current.delete(member.id);
    if (stay.endedUs !== null) return;
    stay.endedUs = Math.max(stay.joinedUs, hostTimeUs() - this.#drainUs);
    this.#doubt(stay, stay.endedUs);
  }

  /** Of what came, that which was sent from `fromUs` on was only expected because it came. */
  #doubt(stay: Stay, fromUs: number): void {
    const doubtful = stay.recent.filter((sentUs) => sentUs >= fromUs);
    stay.recent = stay.recent.filter((sentUs) => sentUs < fromUs);
    stay.doubtful.push(...doubtful);
    this.#received -= doubtful.length;
    this.#receivedAnyway += doubtful.length;
    for (const sentUs of doubtful) {
      const index = this.#receivedEarly.indexOf(sentUs);
      if (index >= 0) this.#receivedEarly.splice(index, 1);
    }
  }

  #receive(stay: Stay, sentUs: number): void {
    this.#received += 1;
    if (sentUs - this.#sinceUs < earlyUs) this.#receivedEarly.push(sentUs);
    stay.recent.push(sentUs);
    while (stay.recent.length > 0 && sentUs - stay.recent[0]! > 2 * this.#drainUs) stay.recent.shift();
  }

  #isNew(key: string, member: DeliveryMember): boolean {
    const nowUs = hostTimeUs();
    for (const [oldest, { atUs }] of this.#seen) {
      if (nowUs - atUs < rememberedUs) break;
      this.#seen.delete(oldest);
    }
    let seen = this.#seen.get(key);
    if (seen === undefined) {
      seen = { atUs: nowUs, members: new Set() };
      this.#seen.set(key, seen);
    }
    if (seen.members.has(member.id)) return false;
    seen.members.add(member.id);
    return true;
  }

  /** A message to the members of a room, from another process, arrived. */
  received(member: DeliveryMember, key: string, room: number, sentUs: number): ForeignReceipt {
    const name = this.#roomNames.get(room);
    const stay = name === undefined ? undefined : this.#stays.get(name)!.current.get(member.id);
    if (stay === undefined) return 'unexpected';
    const { joinedUs, endedUs } = stay;
    const isExpected = joinedUs <= sentUs && (endedUs === null || sentUs < endedUs);
    const doubtUs = 2 * this.#apartUs;
    const isPossible = joinedUs - doubtUs <= sentUs && (endedUs === null || sentUs < endedUs + doubtUs);
    if (!isExpected && !isPossible) return 'unexpected';
    if (!this.#isNew(key, member)) return 'duplicated';
    if (sentUs < this.#sinceUs) return 'old';
    if (!isExpected) {
      this.#receivedAnyway += 1;
      if (sentUs >= joinedUs) stay.doubtful.push(sentUs);
      return 'received';
    }
    this.#receive(stay, sentUs);
    return 'received';
  }

  /** A message to receivers that only the server knows, from another process, arrived. */
  receivedOpen(member: DeliveryMember, key: string): ForeignReceipt {
    return this.#isNew(key, member) ? 'received' : 'duplicated';
  }

  expectedNumber(receivers: number): void {
    this.#numbered.expected += receivers;
  }

  receivedNumber(): void {
    this.#numbered.received += 1;
  }

  /** The records of this process. */
  export(): DeliveryShard {
    return {
      // What was sent sooner after the warm-up may have arrived before its end.
      sinceUs: this.#sinceUs + 2 * this.#apartUs,
      sends: Object.fromEntries(this.#sends),
      memberships: Object.fromEntries(
        [...this.#stays].map(([name, { stays }]) => [
          name,
          {
            joined: stays.map(({ joinedUs }) => joinedUs),
            ended: stays.flatMap(({ endedUs }) => (endedUs === null ? [] : [endedUs])),
          },
        ]),
      ),
      received: this.#received,
      receivedEarly: this.#receivedEarly,
      receivedAnyway: this.#receivedAnyway,
      numbered: this.#numbered,
    };
  }
}

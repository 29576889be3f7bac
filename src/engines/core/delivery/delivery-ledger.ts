import { betweenMachines } from '../../../metrics/between-machines.ts';
import { deadlines } from '../deadlines.ts';
import { type EngineSettings, engineSettings } from '../engine-settings.ts';
import { type LoadActivity, loadActivity } from '../load-activity.ts';
import { type Recorder, recorder } from '../recorder.ts';
import {
  clearBit,
  type DeliveryMember,
  DeliveryRoom,
  type DeliveryWatch,
  hasBit,
  type InFlightMessage,
  setBit,
} from './delivery-room.ts';
import { type DeliveryTag, formatTag } from './delivery-tag.ts';
import { ForeignDeliveries, roomHash } from './foreign-deliveries.ts';
import { arrivedUs, asHostTimeUs } from './host-time.ts';

/** A message whose receivers are not known beforehand: who got it so far. */
type OpenMessage = { watch: DeliveryWatch; seen: Set<number>; slice: number; epoch: number; sentMs: number };

/** What a delivery needs to know of its send. */
export type DeliverySend = {
  watch: DeliveryWatch;
  /** Room that it goes to; null for the rooms of its sender. */
  room: string | null;
  /** Instant that the latency counts from, `performance.now()`. */
  fromMs: number;
};

/** Messages with unknown receivers whose receivers are remembered, so that duplicates are seen. */
const maxOpenMessages = 50_000;

/**
 * Counts deliveries exactly. The receivers that a message is expected at are the members confirmed at the instant of
 * its sending. For each of them the message is in the end received (`late` if that took longer than the drain time)
 * or lost; what arrives a second time is a duplicate:
 *
 *     deliveries.expected = deliveries.received + deliveries.lost
 *
 * A member that leaves while messages sent within the last drain time are on their way to it is no longer expected at:
 * nobody can say whether the server handled the leave first. A member that is disconnected stays expected.
 */
export class DeliveryLedger {
  readonly #recorder: Recorder;
  readonly #activity: LoadActivity;
  readonly #drainMs: () => number;
  readonly #shard: () => EngineSettings['shard'];
  readonly #clock: () => EngineSettings['clock'];
  #watches: DeliveryWatch[] = [];
  #rooms = new Map<string, DeliveryRoom>();
  #messages = new Map<number, { room: DeliveryRoom; message: InFlightMessage }>();
  #open = new Map<number, OpenMessage>();
  #incomplete = 0;
  #order = 0;
  #members = 0;
  #lastSentMs = 0;
  #ownExpected = new Set<DeliveryWatch>();
  #ownReceived = new Set<DeliveryWatch>();
  #registered = false;
  #foreign: ForeignDeliveries | null = null;
  #epoch = -1;
  /** The epoch of the last send, and the first send of it: receipts of earlier ones belong to the warm-up. */
  #sent = { epoch: -1, first: 0 };

  constructor(
    target: Recorder,
    activity: LoadActivity,
    drainMs: () => number,
    shard: () => EngineSettings['shard'],
    clock: () => EngineSettings['clock'] = () => undefined,
  ) {
    this.#recorder = target;
    this.#activity = activity;
    this.#drainMs = drainMs;
    this.#shard = shard;
    this.#clock = clock;
  }

  /** The records for other processes, if there are any; started anew after the warm-up. */
  get #others(): ForeignDeliveries | null {
    if (this.#epoch === this.#recorder.epoch) return this.#foreign;
    this.#epoch = this.#recorder.epoch;
    if (this.#shard().count > 1 && this.#foreign === null)
      this.#foreign = new ForeignDeliveries(this.#drainMs(), this.#clock()?.apartUs);
    this.#foreign?.restart(asHostTimeUs(this.#recorder.epochStartMs));
    return this.#foreign;
  }

  /** Declares a delivery of the scenario; the order of declarations must be the same in every process. */
  watch(watch: Omit<DeliveryWatch, 'index'>): DeliveryWatch {
    if (!this.#registered) {
      this.#registered = true;
      this.#activity.onEnd(async () => await this.drain());
    }
    const known = this.#watches.find(
      (other) =>
        other.metric === watch.metric &&
        other.sentEvent === watch.sentEvent &&
        other.includesSender === watch.includesSender &&
        other.expected === watch.expected &&
        other.where?.key === watch.where?.key,
    );
    if (known !== undefined) return known;
    const added = { ...watch, index: this.#watches.length };
    this.#watches.push(added);
    return added;
  }

  /** What a tag was sent for; undefined when no step of this process knows it. */
  watchOf(tag: DeliveryTag): DeliveryWatch | undefined {
    return this.#watches[tag.watch];
  }

  /** Whether a tag was made for a message of this member. */
  isOwn(member: DeliveryMember, tag: DeliveryTag): boolean {
    return tag.sender === member.id && tag.worker === this.#shard().index;
  }

  member(): DeliveryMember {
    return { id: this.#members++, rooms: new Map(), onDrained: null, outstanding: 0 };
  }

  #room(name: string): DeliveryRoom {
    let room = this.#rooms.get(name);
    if (room === undefined) {
      room = new DeliveryRoom(name);
      this.#rooms.set(name, room);
    }
    return room;
  }

  /** A membership was confirmed: messages sent from now on are expected at this member. */
  join(member: DeliveryMember, name: string): void {
    const room = this.#room(name);
    const membership = member.rooms.get(room);
    if (membership?.isPresent === true) return;
    this.#order += 1;
    if (membership !== undefined) this.#retire(member, room, membership.slot);
    const until = Number.POSITIVE_INFINITY;
    member.rooms.set(room, { slot: room.enter(), since: this.#order, until, isPresent: true });
    this.#others?.joined(member, name);
  }

  /** The member asked to leave a room, or all of them: what is on its way to it may or may not arrive. */
  leave(member: DeliveryMember, name: string | null = null): void {
    for (const [room, membership] of [...member.rooms]) {
      if (name !== null && room.name !== name) continue;
      if (membership.isPresent) this.#forget(member, room, membership);
      else this.#retire(member, room, membership.slot);
    }
  }

  /** The connection was lost: no message sent from now on is expected, what was sent before still is. */
  disconnected(member: DeliveryMember): void {
    for (const [room, membership] of member.rooms) {
      if (membership.isPresent) membership.until = this.#order;
      membership.isPresent = false;
      room.exit(membership.slot);
      this.#others?.ended(member, room.name);
    }
  }

  /**
   * The connection is back, and the server says itself that it kept the rooms and sends what was missed: the memberships
   * go on as if they had never ended, and messages sent meanwhile are expected, too.
   */
  recovered(member: DeliveryMember): void {
    for (const [room, membership] of member.rooms) {
      if (membership.isPresent) continue;
      const endedAt = membership.until;
      membership.isPresent = true;
      membership.until = Number.POSITIVE_INFINITY;
      room.reenter(membership.slot);
      this.#others?.recovered(member, room.name);
      for (const { room: of, message } of this.#messages.values())
        if (of === room && message.sequence > endedAt && message.sender !== member.id)
          this.#expectAlso(room, message, membership.slot);
    }
  }

  /** One receiver more for a message that was sent already. */
  #expectAlso(room: DeliveryRoom, message: InFlightMessage, slot: number): void {
    setBit(message.pending, slot);
    message.remaining += 1;
    if (message.epoch === this.#recorder.epoch) this.#recorder.count('deliveries.expected');
    if (room.inFlight.has(message.sequence)) return;
    room.inFlight.set(message.sequence, message);
    this.#incomplete += 1;
    this.#activity.sent();
  }

  /**
   * The session is over, except for messages on their way: `drained` is called when they have come, at the latest
   * after the drain time. The connection must stay open until then.
   */
  sessionEnds(member: DeliveryMember, drained: () => void): void {
    this.disconnected(member);
    const sinceMs = performance.now() - this.#drainMs();
    let outstanding = 0;
    for (const [room, { slot }] of member.rooms)
      for (const message of room.inFlight.values())
        if (message.sentMs > sinceMs && hasBit(message.pending, slot)) outstanding += 1;
    if (outstanding === 0) {
      this.#retireAll(member);
      drained();
      return;
    }
    const end = () => {
      member.onDrained = null;
      deadline.cancel();
      this.#retireAll(member);
      drained();
    };
    const deadline = deadlines.after(this.#drainMs(), end);
    member.outstanding = outstanding;
    member.onDrained = end;
  }

  /** Forgets a membership that was over already. Its slot stays taken where a message is still missing: that is lost. */
  #retire(member: DeliveryMember, room: DeliveryRoom, slot: number): void {
    const isMissing = [...room.inFlight.values()].some((message) => hasBit(message.pending, slot));
    if (!isMissing) room.reuse(slot);
    member.rooms.delete(room);
  }

  #retireAll(member: DeliveryMember): void {
    for (const [room, { slot }] of [...member.rooms]) this.#retire(member, room, slot);
  }

  /** Takes a member out of a room at once; what is pending is lost if it was due, and no longer expected if not. */
  #forget(member: DeliveryMember, room: DeliveryRoom, membership: { slot: number }): void {
    const nowMs = performance.now();
    for (const message of room.inFlight.values()) {
      if (!hasBit(message.pending, membership.slot)) continue;
      clearBit(message.pending, membership.slot);
      if (message.epoch === this.#recorder.epoch) {
        if (nowMs - message.sentMs > this.#drainMs()) this.#recorder.count('deliveries.lost');
        else this.#recorder.count('deliveries.expected', -1);
      }
      message.remaining -= 1;
      if (message.remaining === 0) this.#complete(room, message);
    }
    room.exit(membership.slot);
    room.reuse(membership.slot);
    member.rooms.delete(room);
    this.#others?.left(member, room.name);
  }

  #complete(room: DeliveryRoom, message: InFlightMessage): void {
    room.inFlight.delete(message.sequence);
    this.#incomplete -= 1;
    if (message.isOverdue) this.#messages.delete(message.sequence);
    else this.#activity.settled();
  }

  /** The drain time of a message is over: it no longer holds up the end of a slice, and what comes now is late. */
  #expire(message: InFlightMessage): void {
    message.isOverdue = true;
    if (message.remaining === 0) this.#messages.delete(message.sequence);
    else this.#activity.settled();
  }

  /** A message is about to be sent: gives the tag that must travel in it. */
  send(member: DeliveryMember, { watch, room: name, fromMs }: DeliverySend): string {
    this.#order += 1;
    const sequence = this.#order;
    const { epoch } = this.#recorder;
    if (this.#sent.epoch !== epoch) this.#sent = { epoch, first: sequence };
    const sentMs = performance.now();
    const sentUs = Math.round(asHostTimeUs(fromMs));
    const others = this.#others;
    let roomOfTag: { room: number } | undefined;
    this.#lastSentMs = sentMs;
    if (watch.expected === 'members') {
      const rooms = name === null ? this.#roomsOf(member) : [this.#room(name)];
      for (const room of rooms) {
        this.#expect(member, room, watch, sequence, sentMs);
        if (others === null) continue;
        others.sent(room.name, sentUs);
        roomOfTag = { room: roomHash(room.name) };
      }
    } else this.#expectOpen(watch, sequence, sentMs);
    return formatTag({
      worker: this.#shard().index,
      sender: member.id,
      sequence,
      watch: watch.index,
      sentUs,
      ...roomOfTag,
    });
  }

  /** The room that a send without one goes to: the last that the sender joined. */
  #roomsOf(member: DeliveryMember): DeliveryRoom[] {
    const joined = [...member.rooms].filter(([, membership]) => membership.isPresent);
    if (joined.length > 1)
      this.#recorder.warn(
        'A delivery names no room, and its sender is in several; the one joined last was taken. Add "room" to "delivery".',
      );
    return joined.slice(-1).map(([room]) => room);
  }

  #expect(
    member: DeliveryMember,
    room: DeliveryRoom,
    watch: DeliveryWatch,
    sequence: number,
    sentMs: number,
  ): void {
    const own = member.rooms.get(room);
    const isInside = own?.isPresent === true;
    const remaining = room.size - (isInside && !watch.includesSender ? 1 : 0);
    if (isInside && watch.includesSender) this.#ownExpected.add(watch);
    const pending = room.snapshot();
    if (isInside && !watch.includesSender) clearBit(pending, own.slot);
    const message: InFlightMessage = {
      sequence,
      watch,
      sender: member.id,
      sentMs,
      slice: this.#recorder.slice,
      epoch: this.#recorder.epoch,
      pending,
      remaining,
      isOverdue: false,
    };
    this.#messages.set(sequence, { room, message });
    deadlines.after(this.#drainMs(), () => this.#expire(message));
    if (remaining === 0) return;
    this.#recorder.count('deliveries.expected', remaining);
    this.#activity.sent();
    this.#incomplete += 1;
    room.inFlight.set(sequence, message);
  }

  #expectOpen(watch: DeliveryWatch, sequence: number, sentMs: number): void {
    if (typeof watch.expected === 'number') {
      this.#recorder.count('deliveries.expected', watch.expected);
      this.#others?.expectedNumber(watch.expected);
    }
    this.#open.set(sequence, {
      watch,
      seen: new Set(),
      slice: this.#recorder.slice,
      epoch: this.#recorder.epoch,
      sentMs,
    });
    if (this.#open.size <= maxOpenMessages) return;
    const [oldest, message] = this.#open.entries().next().value!;
    this.#open.delete(oldest);
    this.#judgeOpen(message);
  }

  /** A tagged message arrived at a member. */
  receive(member: DeliveryMember, tag: DeliveryTag): void {
    const nowUs = arrivedUs(tag.sentUs);
    const watch = this.#watches[tag.watch];
    if (watch === undefined) return;
    if (tag.worker !== this.#shard().index) {
      this.#receiveForeign(member, tag, watch, (nowUs - tag.sentUs) / 1_000);
      return;
    }
    const open = this.#open.get(tag.sequence);
    if (open !== undefined) {
      this.#receiveOpen(member, open, (nowUs - tag.sentUs) / 1_000);
      return;
    }
    const found = this.#messages.get(tag.sequence);
    if (found === undefined) {
      this.#receiveAgain(member, tag, watch);
      return;
    }
    const { room, message } = found;
    const membership = member.rooms.get(room);
    if (membership === undefined || !wasDuring(membership, tag.sequence)) {
      this.#receiveUnexpected(member, tag, watch);
      return;
    }
    if (!hasBit(message.pending, membership.slot)) {
      if (tag.sender === member.id && !watch.includesSender) this.#receiveUnexpected(member, tag, watch);
      else this.#countOddity('deliveries.duplicated', tag);
      return;
    }
    clearBit(message.pending, membership.slot);
    message.remaining -= 1;
    if (message.epoch === this.#recorder.epoch) {
      this.#recorder.latency(watch.metric, (nowUs - tag.sentUs) / 1_000, message.slice);
      this.#recorder.count('deliveries.received');
      if (performance.now() - message.sentMs > this.#drainMs()) this.#recorder.count('deliveries.late');
      if (tag.sender === member.id) this.#ownReceived.add(watch);
    }
    if (message.remaining === 0) this.#complete(room, message);
    if (member.onDrained !== null) {
      member.outstanding -= 1;
      if (member.outstanding <= 0) member.onDrained();
    }
  }

  /** A message that every receiver got more than the drain time ago. */
  #receiveAgain(member: DeliveryMember, tag: DeliveryTag, watch: DeliveryWatch): void {
    const wasMember = [...member.rooms.values()].some((membership) => wasDuring(membership, tag.sequence));
    if (wasMember && (tag.sender !== member.id || watch.includesSender))
      this.#countOddity('deliveries.duplicated', tag);
    else this.#receiveUnexpected(member, tag, watch);
  }

  /** Sent before this member joined or after it left, or its own. */
  #receiveUnexpected(member: DeliveryMember, tag: DeliveryTag, watch: DeliveryWatch): void {
    this.#countOddity('deliveries.unexpected', tag);
    if (tag.sender === member.id && !watch.includesSender)
      this.#recorder.warn(
        `"${watch.sentEvent}" also reaches its sender. Add "includesSender: true" to its delivery to count that.`,
      );
  }

  /** Counts a receipt that nobody waits for, unless its message was sent in the warm-up, of which nothing counts. */
  #countOddity(counter: 'deliveries.duplicated' | 'deliveries.unexpected', { sequence }: DeliveryTag): void {
    const { epoch, first } = this.#sent;
    if (epoch === this.#recorder.epoch && sequence >= first) this.#recorder.count(counter);
  }

  #receiveOpen(member: DeliveryMember, message: OpenMessage, latencyMs: number): void {
    if (message.epoch !== this.#recorder.epoch) return;
    if (message.seen.has(member.id)) {
      this.#recorder.count('deliveries.duplicated');
      return;
    }
    message.seen.add(member.id);
    this.#recorder.latency(message.watch.metric, latencyMs, message.slice);
    const { expected } = message.watch;
    if (expected === 'unknown') this.#recorder.count('deliveries.expected');
    else if (message.seen.size > (expected as number)) {
      this.#recorder.count('deliveries.unexpected');
      return;
    }
    this.#recorder.count('deliveries.received');
    if (performance.now() - message.sentMs > this.#drainMs()) this.#recorder.count('deliveries.late');
    if (expected !== 'unknown') this.#others?.receivedNumber();
  }

  /** A message that another process sent: it knows nothing of this receipt, nor this one of all that were expected. */
  #receiveForeign(member: DeliveryMember, tag: DeliveryTag, watch: DeliveryWatch, latencyMs: number): void {
    const others = this.#others;
    if (others === null) return;
    const key = `${tag.worker}.${tag.sequence}`;
    const receipt =
      watch.expected === 'members'
        ? others.received(member, key, tag.room ?? -1, tag.sentUs)
        : others.receivedOpen(member, key);
    if (receipt === 'old') return;
    this.#recorder.count(`deliveries.${receipt}`);
    if (receipt !== 'received') return;
    const { index, perMachine = Number.POSITIVE_INFINITY } = this.#shard();
    const isTimedHere = Math.floor(tag.worker / perMachine) === Math.floor(index / perMachine);
    if (isTimedHere) this.#recorder.latency(watch.metric, latencyMs);
    else this.#recorder.latency(betweenMachines(watch.metric), Math.max(0, latencyMs));
    if (latencyMs > this.#drainMs()) this.#recorder.count('deliveries.late');
    if (watch.expected === 'unknown') this.#recorder.count('deliveries.expected');
    else if (watch.expected !== 'members') others.receivedNumber();
  }

  #judgeOpen(message: OpenMessage): void {
    // Receivers in other processes count, too: the sum is made where all shards come together.
    if (this.#others !== null) return;
    if (message.epoch !== this.#recorder.epoch || typeof message.watch.expected !== 'number') return;
    const missing = message.watch.expected - message.seen.size;
    if (missing > 0) this.#recorder.count('deliveries.lost', missing);
  }

  /** Waits until everything has come, at most the drain time after the last send, and counts the rest as lost. */
  async drain(): Promise<void> {
    this.#registered = false;
    while (!this.#isDrained() && performance.now() - this.#lastSentMs < this.#drainMs())
      await new Promise((resolve) => setTimeout(resolve, 20));
    for (const { room, message } of [...this.#messages.values()]) {
      if (message.remaining === 0) continue;
      if (message.epoch === this.#recorder.epoch) this.#recorder.count('deliveries.lost', message.remaining);
      this.#complete(room, message);
      message.remaining = 0;
    }
    this.#messages.clear();
    for (const message of this.#open.values()) this.#judgeOpen(message);
    this.#open.clear();
    if (this.#others !== null) this.#recorder.deliveryShard = this.#others.export();
    for (const watch of this.#ownExpected)
      if (!this.#ownReceived.has(watch))
        this.#recorder.warn(
          `No sender got its own "${watch.sentEvent}" back, though its delivery says "includesSender: true".`,
        );
  }

  #isDrained(): boolean {
    if (this.#incomplete > 0) return false;
    for (const { watch, seen } of this.#open.values())
      if (typeof watch.expected === 'number' && seen.size < watch.expected) return false;
    return true;
  }
}

/** The ledger of this generator process. */
export const deliveryLedger = new DeliveryLedger(
  recorder,
  loadActivity,
  () => engineSettings().drainMs,
  () => engineSettings().shard,
  () => engineSettings().clock,
);

function wasDuring(membership: { since: number; until: number }, sequence: number): boolean {
  return membership.since < sequence && sequence <= membership.until;
}

import type { VirtualUserContext } from '../flow/step.ts';
import type { ReceivedMessage } from '../received-message.ts';

/**
 * Who is in one room. Members have slots, so that the receivers that a message is expected at are a copy of one bit
 * set, whatever the size of the room.
 */
export class DeliveryRoom {
  readonly name: string;
  /** Messages that some receiver has not got yet, by sequence number. */
  readonly inFlight = new Map<number, InFlightMessage>();
  #present = new Uint32Array(1);
  #free: number[] = [];
  #slots = 0;
  #size = 0;

  constructor(name: string) {
    this.name = name;
  }

  get size(): number {
    return this.#size;
  }

  /** Gives a new member its slot. */
  enter(): number {
    const slot = this.#free.pop() ?? this.#slots++;
    const word = slot >>> 5;
    if (word >= this.#present.length) {
      const grown = new Uint32Array(this.#present.length * 2);
      grown.set(this.#present);
      this.#present = grown;
    }
    setBit(this.#present, slot);
    this.#size += 1;
    return slot;
  }

  /** A member is back in its slot, which nobody else got meanwhile. */
  reenter(slot: number): void {
    if (hasBit(this.#present, slot)) return;
    setBit(this.#present, slot);
    this.#size += 1;
  }

  /** Ends a membership: no message sent from now on is expected at this slot. */
  exit(slot: number): void {
    if (!hasBit(this.#present, slot)) return;
    clearBit(this.#present, slot);
    this.#size -= 1;
  }

  /** Lets another member have the slot; no message in flight may be expected at it. */
  reuse(slot: number): void {
    this.#free.push(slot);
  }

  /** The slots of all members, as a bit set of its own. */
  snapshot(): Uint32Array {
    return this.#present.slice();
  }
}

export const hasBit = (bits: Uint32Array, slot: number): boolean =>
  slot >>> 5 < bits.length && (bits[slot >>> 5]! & (1 << (slot & 31))) !== 0;

export const setBit = (bits: Uint32Array, slot: number): void => {
  bits[slot >>> 5]! |= 1 << (slot & 31);
};

export const clearBit = (bits: Uint32Array, slot: number): void => {
  bits[slot >>> 5]! &= ~(1 << (slot & 31));
};

/** One kind of delivery that a scenario watches: an event that is sent, and the event that its receivers get. */
export type DeliveryWatch = {
  /** The same in every process that runs the same scenario: it travels in the tag. */
  readonly index: number;
  /** `<event sent>.delivery`. */
  readonly metric: string;
  readonly sentEvent: string;
  readonly includesSender: boolean;
  /** Whom a message must reach: the confirmed members of its room, this many receivers, or nobody knows. */
  readonly expected: 'members' | 'unknown' | number;
  /** Tells the delivery from other messages that carry the tag, where the step says how. */
  readonly where?: {
    /** The same for the same conditions. */
    readonly key: string;
    readonly of: (context: VirtualUserContext) => (message: ReceivedMessage) => boolean;
  };
};

/** A virtual user as sender and receiver. */
export type DeliveryMember = {
  readonly id: number;
  /** Its rooms, with its slot there and the moments (in the order of sends and joins) it was confirmed and ended. */
  readonly rooms: Map<DeliveryRoom, { slot: number; since: number; until: number; isPresent: boolean }>;
  /** Called when nothing sent before it ended is on its way to it any more. */
  onDrained: (() => void) | null;
  outstanding: number;
};

/** A message and who has not got it yet. Kept for the drain time even when all have, so that duplicates are known. */
export type InFlightMessage = {
  readonly sequence: number;
  readonly watch: DeliveryWatch;
  readonly sender: number;
  readonly sentMs: number;
  readonly slice: number;
  readonly epoch: number;
  /** Slots of the members that have not got it. */
  readonly pending: Uint32Array;
  remaining: number;
  /** Whether its drain time is over. */
  isOverdue: boolean;
};

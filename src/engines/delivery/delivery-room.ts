import type { InFlightMessage } from './delivery-ledger.ts';

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

  isPresent(slot: number): boolean {
    return hasBit(this.#present, slot);
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

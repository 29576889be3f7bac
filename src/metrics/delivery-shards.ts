import { countBelow } from './count-below.ts';

/**
 * What one of several generator processes tells of deliveries from and to the others. Instants are microseconds of the
 * host's monotonic clock, which all processes of one host share.
 */
export type DeliveryShard = {
  /** Since when it counts: the end of its warm-up. */
  sinceUs: number;
  /** When it sent messages for the members of each room. */
  sends: Record<string, number[]>;
  /** When its own virtual users became members of each room, and when messages were no longer expected at them. */
  memberships: Record<string, { joined: number[]; ended: number[] }>;
  /** Messages of other processes that its members got, for the first time. */
  received: number;
  /** Of these, when those were sent that were sent soon after `sinceUs`. */
  receivedEarly: number[];
  /** Messages of others that its members got shortly before they left, and that were not due: not in `received`. */
  receivedAnyway: number;
  /** Receivers that messages to a given number of them should have, and those of its own users that they had. */
  numbered: { expected: number; received: number };
};

/**
 * Deliveries between the processes that drove one load: what no process can count alone. To be added to the sum of
 * their counters, in which what they received of each other is.
 */
export const mergeDeliveryShards = (
  shards: readonly DeliveryShard[],
): { expected: number; received: number; lost: number } => {
  const sinceUs = shards.reduce((latest, shard) => Math.max(latest, shard.sinceUs), 0);
  let expected = 0;
  let received = 0;
  let beforeStart = 0;
  let anyway = 0;
  for (const to of shards) {
    received += to.received;
    beforeStart += to.receivedEarly.filter((sentUs) => sentUs < sinceUs).length;
    anyway += to.receivedAnyway;
    for (const from of shards) if (from !== to) expected += expectedBetween(from, to, sinceUs);
  }
  const sum = (of: (shard: DeliveryShard) => number) => shards.reduce((total, shard) => total + of(shard), 0);
  const missing = sum(({ numbered }) => numbered.expected) - sum(({ numbered }) => numbered.received);
  return {
    expected: expected + anyway,
    received: -beforeStart,
    lost: Math.max(0, expected - (received - beforeStart)) + Math.max(0, missing),
  };
};

/** Members of `to` at which messages of `from` were expected, over all of them. */
function expectedBetween(from: DeliveryShard, to: DeliveryShard, sinceUs: number): number {
  let expected = 0;
  for (const [room, sends] of Object.entries(from.sends)) {
    const membership = to.memberships[room];
    if (membership === undefined) continue;
    const joined = ascending(membership.joined);
    const ended = ascending(membership.ended);
    for (const sentUs of sends)
      if (sentUs >= sinceUs) expected += countBelow(joined, sentUs) - countBelow(ended, sentUs);
  }
  return expected;
}

function ascending(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}

import { type TailgateError, tailgateError } from '../../errors.ts';
import { plural } from '../../metrics/notation.ts';

/** Parts that start further apart than this did not drive one load, milliseconds. */
const maxSkewMs = 1_000;

export type StartedLoad = {
  suite: string;
  /** Counts from 1; null where a load has one round. */
  round: number | null;
  /** When each part started, milliseconds of one clock, which may be wrong by `errorMs` between any two of them. */
  startedMs: readonly number[];
  errorMs: number;
  /** The shard that drove a part. */
  numberOf: (index: number) => number;
};

/** How far apart the parts of one load started, milliseconds, with SHARDS_APART where that may be too far. */
export function startSkew({ suite, round, startedMs, errorMs, numberOf }: StartedLoad): {
  apartMs: number;
  problem: TailgateError | null;
} {
  const last = startedMs.reduce((latest, next) => Math.max(latest, next), Number.NEGATIVE_INFINITY);
  const apartMs = last - startedMs.reduce((first, next) => Math.min(first, next), Number.POSITIVE_INFINITY);
  if (apartMs + errorMs <= maxSkewMs) return { apartMs, problem: null };
  const number = numberOf(startedMs.indexOf(last));
  const params = { suite, round, apartMs, errorMs, number, allowedMs: maxSkewMs };
  return { apartMs, problem: tailgateError('SHARDS_APART', params) };
}

/** How shards drove a load together, a sentence; `started` is the clause that tells how they started. */
export function droveTogether(count: number, machines: number, started: string): string {
  return `${count} shards on ${plural(machines, 'machine')} drove the load together; ${started}.`;
}

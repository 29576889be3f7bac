import { tailgateError } from '../errors.ts';
import { inputPlace, inputText } from './input-overlay.ts';
import type { RawInputs } from './inputs.ts';

/** Which part of a load this job drives, beside others that drive the rest. */
export type ShardPlace = {
  /** Counts from 1, as users write it. */
  number: number;
  count: number;
  /** When the first round starts, by the clock of the machine, milliseconds since 1970; the same in every shard. */
  startAtMs: number;
};

const maxShards = 1_000;
/** A start further ahead than this is a mistake in the instant: no job waits as long. */
const farthestMs = 6 * 3_600_000;

/**
 * The inputs `shard` and `start-at`; null when neither is given. `nowMs` is the clock of the machine. Throws
 * SETTINGS_INVALID_VALUE.
 */
export const readShardInputs = (inputs: RawInputs, nowMs: number): ShardPlace | null => {
  const shard = inputText(inputs, 'shard');
  const startAt = inputText(inputs, 'start-at');
  if (shard === undefined && startAt === undefined) return null;
  if (shard === undefined)
    throw invalid(inputs, 'start-at', 'no shard is named that would start then', 'Set "shard" as well.');
  const [, number, count] = /^(\d+)\s*\/\s*(\d+)$/.exec(shard) ?? [];
  const place = { number: Number(number), count: Number(count) };
  if (number === undefined || place.number < 1 || place.count < place.number || place.count > maxShards)
    throw invalid(
      inputs,
      'shard',
      `got "${shard}"`,
      `Write which shard of how many, such as "3/10": from 1 on, of at most ${maxShards}.`,
    );
  if (startAt === undefined)
    throw invalid(
      inputs,
      'shard',
      'shards must start at one instant, and none is given',
      'Set "start-at" to the same instant in every shard, such as "2030-01-31T12:00:00Z".',
    );
  const startAtMs = instantOf(startAt);
  if (!Number.isFinite(startAtMs))
    throw invalid(
      inputs,
      'start-at',
      `got "${startAt}"`,
      'Write an instant with its zone, such as "2030-01-31T12:00:00Z", or seconds since 1970 ("date +%s").',
    );
  if (startAtMs - nowMs > farthestMs)
    throw invalid(
      inputs,
      'start-at',
      `"${startAt}" is more than six hours ahead`,
      'Name an instant a few minutes ahead, when every shard will be there.',
    );
  return { ...place, startAtMs };
};

const instantOf = (text: string): number => {
  if (/^\d{10}(\.\d+)?$/.test(text)) return Number(text) * 1_000;
  // Without a zone every machine would take it for an instant of its own.
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
};

const invalid = (inputs: RawInputs, key: string, problem: string, expected: string) =>
  tailgateError('SETTINGS_INVALID_VALUE', { key, problem, expected }, inputPlace(inputs.source, key));

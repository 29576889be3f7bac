import path from 'node:path';
import { tailgateError } from '../errors.ts';
import { inputPlace, inputText } from './input-overlay.ts';
import type { RawInputs } from './inputs.ts';

/** Which part of a load this job drives, beside others that drive the rest. */
export type ShardPlace = {
  /** Counts from 1, as users write it. */
  number: number;
  count: number;
  /**
   * When the first round starts, by the clock of the machine, milliseconds since 1970, the same in every shard; or where
   * all of them meet the first, which leads them.
   */
  start: { atMs: number } | Rendezvous;
};

/** Where shards meet: shard 1 waits there for the others, at most `waitMs`. */
export type Rendezvous = {
  /** As the user wrote it. */
  address: string;
  /** Where shard 1 is, or the file in which it leaves where it is, absolute. */
  place: { host: string; port: number } | { file: string };
  waitMs: number;
  /** What tells them from strangers. */
  token: string;
};

/** The variable that holds the token of the rendezvous: what stands in a command line can be read by everybody. */
const rendezvousToken = 'TAILGATE_RENDEZVOUS_TOKEN';
const minTokenLength = 16;
const defaultWaitMs = 600_000;
const maxWaitMs = 6 * 3_600_000;

const maxShards = 1_000;
/** A start further ahead than this is a mistake in the instant: no job waits as long. */
const farthestMs = 6 * 3_600_000;

/**
 * The inputs `shard`, `start-at` and `rendezvous`; null when none is given. `nowMs` is the clock of the machine. Throws
 * SETTINGS_INVALID_VALUE.
 */
export const readShardInputs = (
  inputs: RawInputs,
  env: Readonly<Record<string, string | undefined>>,
  nowMs: number,
  cwd: string,
): ShardPlace | null => {
  const shard = inputText(inputs, 'shard');
  const startAt = inputText(inputs, 'start-at');
  const rendezvous = inputText(inputs, 'rendezvous');
  if (shard === undefined && startAt === undefined && rendezvous === undefined) return null;
  if (shard === undefined)
    throw startAt === undefined
      ? invalid(inputs, 'rendezvous', 'no shard is named that would go there', 'Set "shard" as well.')
      : invalid(inputs, 'start-at', 'no shard is named that would start then', 'Set "shard" as well.');
  const [, number, count] = /^(\d+)\s*\/\s*(\d+)$/.exec(shard) ?? [];
  const place = { number: Number(number), count: Number(count) };
  if (number === undefined || place.number < 1 || place.count < place.number || place.count > maxShards)
    throw invalid(
      inputs,
      'shard',
      `got "${shard}"`,
      `Write which shard of how many, such as "3/10": from 1 on, of at most ${maxShards}.`,
    );
  if (startAt !== undefined && rendezvous !== undefined)
    throw invalid(
      inputs,
      'rendezvous',
      'shards that meet start when all are there, and "start-at" names an instant',
      'Take one of both out.',
    );
  if (rendezvous !== undefined) {
    if (place.count === 1)
      throw invalid(inputs, 'rendezvous', 'there is one shard, which meets nobody', 'Take it out.');
    return { ...place, start: rendezvousOf(inputs, rendezvous, env, cwd) };
  }
  if (startAt === undefined)
    throw invalid(
      inputs,
      'shard',
      'shards must start at one instant, and none is given',
      'Set "rendezvous" to the address of shard 1, or "start-at" to an instant such as "2030-01-31T12:00:00Z"; the same in every shard.',
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
  return { ...place, start: { atMs: startAtMs } };
};

const rendezvousOf = (
  inputs: RawInputs,
  text: string,
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): Rendezvous => {
  const expected =
    'Write where all shards reach shard 1, such as "tcp://10.0.0.5:7400", or a file that all of them reach, such as "file:/mnt/shared/run-17"; and behind it how long shard 1 waits for them if 10 minutes are not right, such as "?wait=20m".';
  const [, address = '', host = '', port = '', file, wait] =
    /^(tcp:\/\/(\[[\da-f:.]+\]|[\w.-]+):(\d{1,5})|file:(?:\/\/(?=\/))?([^?]+))(?:\?wait=([\w.]+))?$/i.exec(
      text,
    ) ?? [];
  const [, length, unit] = /^(\d+(?:\.\d+)?)(s|m|h)$/.exec(wait ?? '') ?? [];
  if (address === '' || (file === undefined && (Number(port) < 1 || Number(port) > 65_535)))
    throw invalid(inputs, 'rendezvous', `got "${text}"`, expected);
  const waitMs =
    wait === undefined ? defaultWaitMs : Number(length) * { s: 1_000, m: 60_000, h: 3_600_000 }[unit as 's'];
  if (!(waitMs >= 1_000 && waitMs <= maxWaitMs))
    throw invalid(
      inputs,
      'rendezvous',
      `nobody can wait for "${wait}"`,
      'Write seconds, minutes or hours, such as "?wait=20m"; at most six hours.',
    );
  const token = env[rendezvousToken] ?? '';
  if (token.length < minTokenLength)
    throw invalid(
      inputs,
      'rendezvous',
      token === ''
        ? `the environment variable ${rendezvousToken} is not set, so that anybody could join`
        : `the token in ${rendezvousToken} has ${token.length} characters, and fewer than ${minTokenLength} can be guessed`,
      `Set ${rendezvousToken} to the same secret in every shard, such as what "openssl rand -hex 16" prints.`,
    );
  const place =
    file === undefined
      ? { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
      : { file: path.resolve(cwd, file) };
  return { address, place, waitMs, token };
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

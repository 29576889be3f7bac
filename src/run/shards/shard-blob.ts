import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { z } from 'zod';
import type { Fingerprint } from '../../baseline/baseline-record.ts';
import { environmentFields, roundSchema } from '../../baseline/record-format.ts';
import type { RoundMeasurement } from '../../metrics/round-measurement.ts';
import type { ClockOffset } from './server-clock.ts';

/** The version that this code writes, and the only one that it reads: shards and merge are of one release. */
const blobVersion = 1;

/** One round of one shard. Instants are milliseconds since 1970, by the clock of its machine. */
export type ShardRound = {
  /** When it was to start, and when it did. */
  dueAtMs: number;
  startedAtMs: number;
  measurement: RoundMeasurement;
};

/** A suite as one shard measured it. */
export type ShardSuite = {
  suite: string;
  scenarioHash: string;
  settingsHash: string;
  /** Of the address of the server. */
  targetHash: string;
  /** Rounds that were to be measured; fewer are in `rounds` where a problem ended them. */
  planned: number;
  rounds: ShardRound[];
  /** What went wrong, a sentence each. */
  problems: string[];
};

/** What one shard measured, and who made it. */
export type ShardBlob = {
  shard: { number: number; count: number };
  tailgate: string;
  /** The run of the CI system that it belongs to, and which attempt of it; null outside of one. */
  run: { id: string; attempt: number } | null;
  /** The instant that all shards of a run have in common, milliseconds since 1970. */
  startAtMs: number;
  commit: string | null;
  seed: number;
  environment: Fingerprint['environment'];
  machine: string;
  /** How far the server's clock is ahead of the machine's; null where that could not be told. */
  clock: ClockOffset | null;
  suites: ShardSuite[];
};

/** Name of the file that a shard leaves in its report folder. */
export const blobName = ({ number, count }: ShardBlob['shard']): string => `shard-${number}-of-${count}.json`;

/** Whether a file is called as blobs are. */
export const isBlobName = (name: string): boolean => /^shard-\d+-of-\d+\.json$/.test(name);

/** The blob as the text of its file: a readable head, and the rest packed. */
export const formatBlob = (blob: ShardBlob): string => {
  const body = JSON.stringify(blob);
  const head = {
    blobVersion,
    tailgate: blob.tailgate,
    shard: blob.shard,
    run: blob.run,
    sha256: sha256(body),
  };
  return `${JSON.stringify({ ...head, gzip: gzipSync(body).toString('base64') })}\n`;
};

export type ParsedBlob = { blob: ShardBlob } | { reason: string };

/** A blob that unpacks to more than this is no blob. */
const maxBodyBytes = 256 * 1024 * 1024;

/**
 * Reads the text of a file; says what is wrong with one that is damaged or of another version, a clause. Distributions
 * are read when they are merged.
 */
export const parseBlob = (text: string): ParsedBlob => {
  let head: unknown;
  try {
    head = JSON.parse(text);
  } catch {
    return { reason: text.trim() === '' ? 'it is empty' : 'it ends too early, or is not JSON' };
  }
  if (head === null || typeof head !== 'object' || !('blobVersion' in head))
    return { reason: 'it is not one' };
  if (head.blobVersion !== blobVersion)
    return {
      reason: `it is of version ${String(head.blobVersion)}, and this Tailgate reads version ${blobVersion}`,
    };
  const packed = headSchema.safeParse(head);
  if (!packed.success) return { reason: 'its head is damaged' };
  try {
    const body = gunzipSync(Buffer.from(packed.data.gzip, 'base64'), { maxOutputLength: maxBodyBytes });
    if (sha256(body) !== packed.data.sha256) return { reason: 'its content was changed' };
    const checked = blobSchema.safeParse(JSON.parse(body.toString('utf8')));
    if (!checked.success) {
      const [issue] = checked.error.issues;
      return { reason: `"${issue?.path.join('.') ?? ''}" is damaged: ${issue?.message ?? 'unreadable'}` };
    }
    const blob = checked.data as unknown as ShardBlob;
    const { shard } = packed.data;
    if (shard.number !== blob.shard.number || shard.count !== blob.shard.count)
      return { reason: 'its head names another shard than its content' };
    return { blob };
  } catch (failure) {
    return { reason: `it cannot be unpacked (${failure instanceof Error ? failure.message : failure})` };
  }
};

const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');

const finite = z.number();
const whole = z.number().int().positive();
const shardSchema = z
  .object({ number: whole, count: whole })
  .refine(({ number, count }) => number <= count, 'there is no such shard');
const headSchema = z.object({ sha256: z.string(), gzip: z.string(), shard: shardSchema });
const blobSchema = z.object({
  shard: shardSchema,
  tailgate: z.string(),
  run: z.object({ id: z.string(), attempt: whole }).nullable(),
  startAtMs: finite,
  commit: z.string().nullable(),
  seed: finite,
  environment: z.object(environmentFields),
  machine: z.string(),
  clock: z.object({ offsetMs: finite, errorMs: finite.nonnegative() }).nullable(),
  suites: z
    .array(
      z.object({
        suite: z.string().min(1),
        scenarioHash: z.string(),
        settingsHash: z.string(),
        targetHash: z.string(),
        planned: whole,
        rounds: z.array(z.object({ dueAtMs: finite, startedAtMs: finite, measurement: roundSchema })),
        problems: z.array(z.string()),
      }),
    )
    .min(1),
});

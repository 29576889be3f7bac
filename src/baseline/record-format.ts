import { gunzipSync, gzipSync } from 'node:zlib';
import * as z from 'zod';
import { LatencySketch } from '../metrics/latency-sketch.ts';
import type { ErrorRecord, RoundMeasurement } from '../metrics/round-measurement.ts';
import type { BaselineRecord } from './baseline-record.ts';

/**
 * One stored record is one line of JSON. Its head is readable; rounds larger than a few kilobytes stand as
 * `{ "gzip": "<base64>" }`, since sketches are long runs of nearly equal bytes.
 */

const finite = z.number();

const sketchSchema = z.looseObject({
  count: z.number().int().nonnegative(),
  sumMs: finite,
  minMs: finite,
  maxMs: finite,
  bins: z.string(),
});

const sketches = z.record(z.string(), sketchSchema);

/** What of a round must be there for it to be read. */
export const roundSchema = z.looseObject({
  activeMs: finite,
  metrics: sketches,
  slices: z.array(sketches),
  counters: z.record(z.string(), finite),
  errors: z.array(
    z.looseObject({
      name: z.string(),
      count: finite,
      messages: z.array(z.string()),
      steps: z.array(z.string()),
    }),
  ),
  unmeasured: z.array(z.looseObject({ event: z.string(), step: z.string(), count: finite })),
  warnings: z.array(z.string()),
  generator: z.looseObject({ cpuShare: finite, intendedArrivals: finite, startedArrivals: finite }),
  resources: z.looseObject({ samples: z.array(z.unknown()) }).nullable(),
  custom: z.record(z.string(), finite),
});

/** Of the machine that measured. */
export const environmentFields = {
  cpuModel: z.string(),
  cores: finite,
  memoryGiB: finite,
  os: z.string(),
  node: z.string(),
  tailgate: z.string(),
  artillery: z.string(),
};

const recordSchema = z.looseObject({
  schemaVersion: z.literal(1),
  suite: z.string().min(1),
  key: z.string().optional(),
  commit: z.string().nullable(),
  branch: z.string().nullable(),
  recordedAt: z.iso.datetime({ offset: true }),
  fingerprint: z.looseObject({
    scenarioHash: z.string(),
    settingsHash: z.string(),
    environment: z.looseObject(environmentFields),
  }),
  rounds: z.array(roundSchema).min(1),
  verdict: z.enum(['pass', 'fail', 'inconclusive', 'invalid', 'none']),
  accepted: z.looseObject({ by: z.string(), why: z.string(), at: z.string() }).nullable(),
  runUrl: z.string().nullable(),
  capacity: z
    .looseObject({
      holds: finite.nullable(),
      breaks: finite.nullable(),
      confirmed: z.boolean(),
      messagesPerSecond: finite.nullable(),
    })
    .optional(),
});

type Json = Record<string, unknown>;

/** The version that this code writes; records of every version from 1 on can be read. */
const currentSchemaVersion = 1;

/**
 * How a record of one schema version becomes one of the next: `migrations[1]` takes version 1 to version 2. Records
 * on a branch are never rewritten; they are migrated each time they are read.
 */
export type Migrations = Readonly<Record<number, (record: Json) => Json>>;

const migrations: Migrations = {};

const inlineRoundsLength = 4_096;

/** A record that unpacks to more than this is damaged: no run writes as much. */
const maxRoundsLength = 64 * 1024 * 1024;

export type ParsedRecord = { record: BaselineRecord } | { reason: string };

/** Takes a record to `target`, step by step; throws when it is of a version that this code does not know. */
export const migrateRecord = (
  record: Json,
  steps: Migrations = migrations,
  target = currentSchemaVersion,
): Json => {
  let migrated = record;
  for (;;) {
    const version = migrated.schemaVersion;
    if (version === target) return migrated;
    if (typeof version !== 'number' || !Number.isInteger(version))
      throw new Error('it has no schema version');
    const step = steps[version];
    if (version > target)
      throw new Error(
        `it is of schema version ${version}, written by a newer Tailgate (this one reads ${target})`,
      );
    if (step === undefined) throw new Error(`it is of schema version ${version}, which nothing can read`);
    migrated = { ...step(migrated), schemaVersion: version + 1 };
  }
};

/** The record as one line, without the line break. */
export const formatRecord = (record: BaselineRecord): string => {
  const kept = record.rounds.map(storedRound);
  const rounds = JSON.stringify(kept);
  const packed =
    rounds.length <= inlineRoundsLength ? kept : { gzip: gzipSync(rounds, { level: 9 }).toString('base64') };
  return JSON.stringify({ ...record, rounds: packed });
};

/** What is wrong with the first sketch that cannot be read; null when all can. */
export const damagedSketch = (rounds: readonly RoundMeasurement[]): string | null => {
  for (const round of rounds) {
    for (const [id, sketch] of Object.entries(round.metrics)) {
      try {
        const read = LatencySketch.fromJSON(sketch);
        if (read.count > 0 && !Number.isFinite(read.quantileMs(0.5))) throw new Error('it holds no values');
      } catch (error) {
        return `the values of ${id} cannot be read: ${error instanceof Error ? error.message : error}`;
      }
    }
  }
  return null;
};

/** Reads one line; says what is wrong with one that is damaged. */
export const parseRecord = (line: string): ParsedRecord => {
  try {
    const json: unknown = JSON.parse(line);
    if (json === null || typeof json !== 'object' || Array.isArray(json))
      return { reason: 'it is not a record' };
    const checked = recordSchema.safeParse(unpacked(migrateRecord(json as Json)));
    if (checked.success) {
      const record = checked.data as unknown as BaselineRecord;
      const reason = damagedSketch(record.rounds);
      return reason === null ? { record } : { reason };
    }
    const [issue] = checked.error.issues;
    return { reason: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not a record'}` };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
};

/**
 * What of a round is stored: its sketches, counters and totals. Slices serve the pairs of one job, samples and what
 * was counted by the second the charts of its report; and what a server or a scenario said (messages, warnings) may hold what must not be kept.
 */
function storedRound({
  course: _course,
  errorsPerSecond: _errors,
  usersPerSecond: _users,
  ...round
}: RoundMeasurement): RoundMeasurement {
  return {
    ...round,
    slices: [],
    errors: storedErrors(round.errors),
    warnings: [],
    resources: round.resources === null ? null : { ...round.resources, samples: [] },
  };
}

function storedErrors(errors: readonly ErrorRecord[]): ErrorRecord[] {
  const byName = new Map<string, ErrorRecord>();
  for (const error of errors) {
    const name = withoutWords(error.name);
    const count = error.count + (byName.get(name)?.count ?? 0);
    byName.set(name, { ...error, name, count, messages: [] });
  }
  return [...byName.values()];
}

/** The name of an error without what a server said in it, which may hold a name or a number of somebody. */
function withoutWords(name: string): string {
  return name.replace(/^((?:re)?connect refused): .*$/s, '$1');
}

function unpacked(record: Json): Json {
  const { rounds } = record;
  if (rounds === null || typeof rounds !== 'object' || !('gzip' in rounds)) return record;
  const text = gunzipSync(Buffer.from(String(rounds.gzip), 'base64'), { maxOutputLength: maxRoundsLength });
  return { ...record, rounds: JSON.parse(text.toString('utf8')) };
}

import { damagedSketch } from '../../baseline/record-format.ts';
import { type TailgateError, tailgateError, throwProblems } from '../../errors.ts';
import { generatorBottleneck } from '../../generator/generator-bottleneck.ts';
import { mergeShards } from '../../metrics/merge-rounds.ts';
import type { RoundMeasurement } from '../../metrics/round-measurement.ts';
import { shownRun } from './ci-run.ts';
import type { ClockOffset } from './server-clock.ts';
import type { ParsedBlob, ShardBlob } from './shard-blob.ts';
import { droveTogether, startSkew } from './start-skew.ts';

/** A blob and the file that it was read from. */
export type NamedBlob = { file: string; parsed: ParsedBlob };

/** What the run that merges knows of itself. */
export type MergingRun = {
  run: ShardBlob['run'];
  commit: string | null;
  tailgate: string;
  seed: number;
  /** Suites that are judged, in order, with what must have been measured of each. */
  suites: readonly MergingSuite[];
};

export type MergingSuite = {
  suite: string;
  scenarioHash: string;
  settingsHash: string;
  /** Rounds. */
  planned: number;
  /** Virtual users that the shards must have been to start together in each; null where chance or a limit decides. */
  users: number | null;
  /** Whether it is judged although users started late. */
  bestEffort: boolean;
};

/** The whole that the shards measured together. */
export type JoinedShards = {
  count: number;
  environment: ShardBlob['environment'];
  /** The instant at which they started, milliseconds since 1970, and the ids of their machines, with commas between. */
  startAtMs: number;
  machine: string;
  /** Rounds of each suite, each as if one machine had driven it. */
  rounds: ReadonlyMap<string, RoundMeasurement[]>;
  /** What the reader must know of how the shards ran, a sentence each. */
  notes: string[];
};

/**
 * Joins the blobs of all shards of one run exactly: distributions merge and counts add up. Throws SHARD_REFUSED for
 * each blob that is damaged, foreign, older or of other settings, SHARD_DOUBLED, SHARDS_MISSING, SHARD_FAILED for what
 * went wrong in a shard, SHARDS_DIVIDED, and SHARDS_APART: nothing is judged of a part of the load.
 */
export const joinBlobs = (found: readonly NamedBlob[], merging: MergingRun): JoinedShards => {
  const problems: TailgateError[] = [];
  // What is wrong with many is told once.
  const refused = new Map<string, string[]>();
  const failed = new Map<string, number[]>();
  const refuse = (reason: string, file: string) =>
    refused.set(reason, [...(refused.get(reason) ?? []), file]);
  const fail = (suite: string, problem: string, number: number) => {
    const key = JSON.stringify([suite, problem]);
    failed.set(key, [...(failed.get(key) ?? []), number]);
  };
  const refusals = () =>
    [...refused].map(([reason, files]) => tailgateError('SHARD_REFUSED', { files, reason }));
  const failures = (): TailgateError[] =>
    [...failed].map(([key, numbers]) => {
      const [suite, problem] = JSON.parse(key) as [string, string];
      return tailgateError('SHARD_FAILED', { numbers, suite, problem });
    });
  const blobs: { file: string; blob: ShardBlob }[] = [];
  for (const { file, parsed } of found) {
    if ('reason' in parsed) refuse(parsed.reason, file);
    else blobs.push({ file, blob: parsed.blob });
  }
  blobs.sort((a, b) => a.blob.shard.number - b.blob.shard.number || (a.file < b.file ? -1 : 1));
  const common: Common = {
    count: mostFrequent(blobs.map(({ blob }) => blob.shard.count)) ?? 0,
    startAtMs: mostFrequent(blobs.map(({ blob }) => blob.startAtMs)) ?? 0,
    run: mostFrequent(blobs.map(({ blob }) => JSON.stringify(blob.run))) ?? 'null',
    targets: mostFrequent(blobs.map(({ blob }) => targetsOf(blob))) ?? '',
  };
  const { count } = common;
  const files = new Map<number, string>();
  for (const { file, blob } of blobs) {
    const reason = foreignBecause(blob, merging, common);
    if (reason !== null) refuse(reason, file);
    const { number } = blob.shard;
    const first = files.get(number);
    if (first === undefined) files.set(number, file);
    else problems.push(tailgateError('SHARD_DOUBLED', { number, files: [first, file] }));
    for (const { suite, problems: told, rounds, planned } of blob.suites) {
      for (const problem of told) fail(suite, problem, number);
      if (told.length === 0 && rounds.length !== planned)
        fail(suite, `it measured ${rounds.length} of ${planned} rounds`, number);
    }
  }
  const missing = Array.from({ length: count }, (_, index) => index + 1).filter(
    (number) => !files.has(number),
  );
  if (blobs.length === 0 || missing.length > 0)
    problems.push(tailgateError('SHARDS_MISSING', { missing, count, found: files.size }));
  throwProblems([...refusals(), ...failures(), ...problems]);

  const notes: string[] = [];
  const rounds = new Map<string, RoundMeasurement[]>();
  let skewMs = 0;
  const clocks = clocksOf(blobs.map(({ blob }) => blob));
  // Of two shards, both may be wrong, in opposite directions.
  const clockErrorMs = clocks === null ? 0 : 2 * maxOf(clocks.map(({ errorMs }) => errorMs));
  for (const { suite, planned, users, bestEffort } of merging.suites) {
    const parts = blobs.map(({ blob }) => blob.suites.find((one) => one.suite === suite)!.rounds);
    const joined = Array.from({ length: planned }, (_, index) => {
      const { apartMs, problem } = startSkew({
        suite,
        round: index + 1,
        startedMs: parts.map((own, at) => own[index]!.startedAtMs + (clocks?.[at]?.offsetMs ?? 0)),
        errorMs: clockErrorMs,
        numberOf: (at) => blobs[at]!.blob.shard.number,
      });
      skewMs = Math.max(skewMs, apartMs);
      if (problem !== null) problems.push(problem);
      const measured = parts.map((own) => own[index]!.measurement);
      const intended = measured.reduce((total, { generator }) => total + generator.intendedArrivals, 0);
      if (users !== null && intended !== users)
        problems.push(tailgateError('SHARDS_DIVIDED', { suite, round: index + 1, users, intended }));
      // Of the whole, the late users of one machine may be too few to be seen.
      for (const [at, { generator }] of bestEffort ? [] : measured.entries()) {
        const reason = generatorBottleneck(generator);
        const { number } = blobs[at]!.blob.shard;
        if (reason !== null) fail(suite, `its load generator was the bottleneck: ${reason}`, number);
      }
      const merged = mergedOrNull(measured);
      if (merged !== null) return [merged];
      for (const [at, measurement] of measured.entries()) {
        const reason = damagedSketch([measurement]);
        if (reason !== null) refuse(reason, blobs[at]!.file);
      }
      return [];
    });
    rounds.set(suite, joined.flat());
    if (joined.flat().length < planned && refused.size === 0)
      throw new Error(`the rounds of suite "${suite}" could not be merged`);
  }
  throwProblems([...refusals(), ...failures(), ...problems]);
  const ids = [...new Set(blobs.map(({ blob }) => blob.machine))].sort();
  const started =
    clocks === null
      ? `by their own clocks, which could not be compared, they started within ${Math.ceil(skewMs)} ms`
      : `by the server's clock they started within ${Math.ceil(skewMs)} ms (give or take ${Math.ceil(clockErrorMs)} ms)`;
  notes.push(droveTogether(count, ids.length, started));
  const models = [...new Set(blobs.map(({ blob }) => blob.environment.cpuModel))];
  if (models.length > 1) notes.push(`The shards ran on different processors: ${models.join('; ')}.`);
  return {
    count,
    environment: blobs[0]!.blob.environment,
    startAtMs: common.startAtMs,
    machine: ids.join(','),
    rounds,
    notes,
  };
};

/** How the clock of each shard differs from the server's; null unless all of them know. */
const clocksOf = (blobs: readonly ShardBlob[]): ClockOffset[] | null => {
  const known = blobs.flatMap(({ clock }) => clock ?? []);
  return known.length === blobs.length ? known : null;
};

/** The parts as one; null where a distribution of theirs cannot be read. */
const mergedOrNull = (parts: readonly RoundMeasurement[]): RoundMeasurement | null => {
  try {
    const merged = mergeShards(parts);
    return damagedSketch([merged]) === null ? merged : null;
  } catch {
    return null;
  }
};

/** What most blobs agree on. */
type Common = { count: number; startAtMs: number; run: string; targets: string };

const targetsOf = ({ suites }: ShardBlob): string => suites.map(({ targetHash }) => targetHash).join(' ');

/** Why a blob is not part of the run, a clause; null when it is. */
const foreignBecause = (blob: ShardBlob, merging: MergingRun, common: Common): string | null => {
  const { run, suites } = merging;
  if (blob.tailgate !== merging.tailgate)
    return `Tailgate ${blob.tailgate} made it, and ${merging.tailgate} merges`;
  if (run !== null && (blob.run?.id !== run.id || blob.run.attempt > run.attempt))
    return `it is of ${shownRun(blob.run)}, and this is ${shownRun(run)}`;
  if (JSON.stringify(blob.run) !== common.run)
    return `it is of ${shownRun(blob.run)}, and the others are of ${shownRun(JSON.parse(common.run))}`;
  if (blob.startAtMs !== common.startAtMs)
    return `its run began at ${isoOf(blob.startAtMs)}, and that of the others at ${isoOf(common.startAtMs)}`;
  if (blob.shard.count !== common.count)
    return `it is one of ${blob.shard.count} shards, and the others are of ${common.count}`;
  if (merging.commit !== null && blob.commit !== merging.commit)
    return `it is of commit ${blob.commit?.slice(0, 10) ?? 'unknown'}, and ${merging.commit.slice(0, 10)} is judged`;
  if (targetsOf(blob) !== common.targets && blob.suites.length === suites.length)
    return 'it drove another server than the others';
  if (blob.seed !== merging.seed) return `it has the seed ${blob.seed}, and the settings say ${merging.seed}`;
  for (const wanted of suites) {
    const own = blob.suites.filter(({ suite }) => suite === wanted.suite);
    // After a problem a shard measures no more suites: that problem is told.
    if (own.length === 0 && blob.suites.some(({ problems }) => problems.length > 0)) continue;
    if (own.length !== 1) return `it holds suite "${wanted.suite}" ${own.length} times`;
    const { scenarioHash, settingsHash, planned } = own[0]!;
    if (scenarioHash !== wanted.scenarioHash) return `suite "${wanted.suite}" is of another scenario`;
    if (settingsHash !== wanted.settingsHash) return `suite "${wanted.suite}" is of other settings`;
    if (planned !== wanted.planned)
      return `suite "${wanted.suite}" has ${planned} rounds, and the settings say ${wanted.planned}`;
  }
  const unknown = blob.suites.find(({ suite }) => !suites.some((wanted) => wanted.suite === suite));
  return unknown === undefined ? null : `it holds suite "${unknown.suite}", which is not judged here`;
};

const isoOf = (ms: number): string => (Math.abs(ms) < 8e15 ? new Date(ms).toISOString() : String(ms));

const maxOf = (values: readonly number[]): number =>
  values.reduce((max, value) => Math.max(max, value), -Infinity);

/** The most frequent value, the first of several; undefined for none. */
const mostFrequent = <T>(values: readonly T[]): T | undefined => {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
};

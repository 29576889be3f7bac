import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { generatorBottleneck } from '../../src/generator/generator-bottleneck.ts';
import { descendantsOf, readProcesses } from '../../src/host/processes/process-table.ts';
import { ResourceStack } from '../../src/host/resource-stack.ts';
import { createLiveLine, createTerminalHost } from '../../src/host/terminal-host.ts';
import type { RoundMeasurement } from '../../src/metrics/round-measurement.ts';
import { seededRandom } from '../../src/metrics/seeded-random.ts';
import { observedValue } from '../../src/metrics/values.ts';
import { loadSettings } from '../../src/settings/load-settings.ts';
import { makePlan } from '../../src/settings/make-plan.ts';
import type { SuitePlan } from '../../src/settings/run-plan.ts';
import { type OpenSide, openSide } from '../../src/side/open-side.ts';
import { sampleResources } from '../../src/side/target/resource-sampler.ts';
import { pairLogRatio } from '../../src/verdict/statistics/pair-effect.ts';
import { beginDisturbance, type Condition, pinningOf } from './conditions.ts';

export const statistics = ['p50', 'p95', 'p99'] as const;
export type BenchStatistic = (typeof statistics)[number];

/** One statistic of a target beside that of the reference, over all slices of a job, and what the slices say of both. */
export type Observed = {
  targetMs: number;
  referenceMs: number;
  /** ln(target / reference) by adjacent slices, as pairs are compared. */
  slicedLogRatio: number;
};

/** What is measured together in a job. */
export type Design = {
  /** How the reference server is driven: by users in a loop, as the targets are, or at a fixed rate. */
  reference: 'loop' | 'fixed rate';
  /** The target beside the chat server. */
  second: 'location' | 'slower';
};

/** One job, as it stands in the file of raw records. */
export type Job = Design & {
  condition: string;
  block: number;
  startedAt: string;
  /** CPU time of each server over wall time of its slices. */
  serverCpu: Record<string, number>;
  bottleneck: string | null;
  /** By metric of a target, `<target>.<kind>`; of the chat server, the location server, or a slower chat server. */
  metrics: Record<string, Record<BenchStatistic, Observed>>;
};

const sliceMs = 1_000;
const slicesPerSide = 7;
const warmUpMs = 3_000;
const guardMs = 250;
/** CPU time that each chat costs on top in the slower chat server, microseconds: about a fifth of what it costs. */
const slowerWorkUs = 180;

const root = path.resolve(import.meta.dirname, '../..');

/** Metrics of the targets and of the reference, by kind. */
const metricsOf: Record<string, Record<'ack' | 'delivery', string>> = {
  reference: { ack: 'say.ack', delivery: 'say.delivery' },
  chat: { ack: 'chat.ack', delivery: 'chat.delivery' },
  slower: { ack: 'chat.ack', delivery: 'chat.delivery' },
  location: { ack: 'save_msg.ack', delivery: 'save_msg.delivery' },
};

/** Both sides' latency has this name while they are compared. */
const commonName = 'message.ack';

/** The suites of `tailgate.yml` beside this file, by name. */
const readSuites = async (): Promise<ReadonlyMap<string, SuitePlan>> => {
  const loaded = await loadSettings({
    cwd: root,
    inputs: {
      source: 'cli',
      values: { config: 'bench/reference/tailgate.yml', baseline: 'none' },
    },
    readFile: (file) => readFile(file, 'utf8'),
  });
  const { suites } = makePlan(loaded.settings, loaded);
  return new Map(suites.map((suite) => [suite.name, suite]));
};

const suiteOf = (name: string, driven: Design['reference']): string => {
  if (name === 'reference') return driven === 'loop' ? 'reference' : 'fixed rate';
  return name === 'slower' ? 'chat' : name;
};

type Side = { name: string; side: OpenSide };

const drive = async ({ name, side }: Side, slice: number, forMs: number): Promise<void> => {
  await side.load.resume(slice);
  const failure = await Promise.race([
    side.failed,
    side.load.finished.then(() => new Error('its load was over')),
    delay(forMs, null),
  ]);
  if (failure !== null) throw new Error(`${name}: ${failure.message}`);
  await side.load.pause(guardMs);
};

/** Each side once, in random order, then backwards: as pairs are, for any number of sides. */
const turnsOf = (sides: readonly Side[], random: () => number): Side[] => {
  const turns: Side[] = [];
  let order: Side[] = [];
  for (let turn = 0; turn < slicesPerSide; turn += 1) {
    order =
      turn % 2 === 1
        ? order.reverse()
        : sides
            .map((side) => ({ side, at: random() }))
            .sort((a, b) => a.at - b.at)
            .map(({ side }) => side);
    turns.push(...order);
  }
  return turns;
};

/** The measurement with what it says of `from` under the name `to`, alone. */
const renamed = (measured: RoundMeasurement, from: string, to: string): RoundMeasurement => {
  const only = (metrics: RoundMeasurement['metrics']) =>
    metrics[from] === undefined ? {} : { [to]: metrics[from] };
  return { ...measured, metrics: only(measured.metrics), slices: measured.slices.map(only) };
};

const observe = (
  reference: RoundMeasurement,
  target: RoundMeasurement,
  statistic: BenchStatistic,
): Observed => {
  const targetMs = observedValue([target], commonName, statistic);
  const referenceMs = observedValue([reference], commonName, statistic);
  const slicedLogRatio = pairLogRatio(reference, target, commonName, statistic);
  if (targetMs === null || referenceMs === null || slicedLogRatio === null)
    throw new Error('a latency was not measured');
  return { targetMs, referenceMs, slicedLogRatio };
};

/**
 * Measures the targets and the reference in turns, slice by slice, on a machine that is disturbed meanwhile. The targets
 * are the chat server and either the location server or a slower chat server.
 */
export const measureJob = async (
  condition: Condition,
  block: number,
  { reference: driven, second }: Design,
  seed: number,
): Promise<Job> => {
  const suites = await readSuites();
  const logDir = await mkdtemp(path.join(tmpdir(), 'tailgate-reference-'));
  const host = createTerminalHost({
    // The servers run with the Node that runs the bench.
    env: { ...process.env, PATH: `${path.dirname(process.execPath)}:${process.env.PATH}` },
    cwd: root,
    signal: new AbortController().signal,
    stderr: process.stderr,
    stdout: process.stdout,
    live: createLiveLine(process.stderr),
    quiet: true,
  });
  const startedAt = new Date().toISOString();
  const random = seededRandom(seed);
  try {
    await using resources = new ResourceStack();
    const names = ['reference', 'chat', second];
    const sides: Side[] = [];
    for (const [index, name] of names.entries()) {
      const suite = suites.get(suiteOf(name, driven))!;
      const env: Record<string, string> = name === 'slower' ? { CHAT_WORK_MICROS: String(slowerWorkUs) } : {};
      const side = await openSide(
        suite,
        { name: index === 0 ? 'baseline' : 'head', cwd: root, env },
        { host, logDir, seed: 1, pinning: pinningOf(condition) },
        name,
      );
      sides.push({ name, side: resources.use(side) });
      side.room?.loadStarts();
    }
    const processes = readProcesses();
    const pids = sides.flatMap(({ side }) => [
      side.target.pid!,
      ...descendantsOf(side.target.pid!, processes).map(({ pid }) => pid),
    ]);
    await using _disturbance = beginDisturbance(condition, pids);
    for (const each of sides) await drive(each, -1, warmUpMs);
    for (const { side } of sides) await side.load.reset();
    const samplers = sides.map(({ side }) => sampleResources(side.target.pid!, { intervalMs: 500 }));
    const turn = new Map<string, number>();
    for (const each of turnsOf(sides, random)) {
      const slice = turn.get(each.name) ?? 0;
      await drive(each, slice, sliceMs);
      turn.set(each.name, slice + 1);
    }
    const measured = new Map<string, RoundMeasurement>();
    const serverCpu: Record<string, number> = {};
    let bottleneck: string | null = null;
    for (const [index, { name, side }] of sides.entries()) {
      const measurement = await side.load.collect();
      const usage = await samplers[index]!.stop();
      measured.set(name, measurement);
      serverCpu[name] = Number(
        ((1_000 * (usage?.cpuSeconds ?? Number.NaN)) / measurement.activeMs).toFixed(3),
      );
      const found = generatorBottleneck(measurement.generator);
      if (found !== null) bottleneck ??= `${name}: ${found}`;
    }
    const metrics: Job['metrics'] = {};
    for (const name of names.slice(1)) {
      for (const kind of ['ack', 'delivery'] as const) {
        const reference = renamed(measured.get('reference')!, metricsOf.reference![kind], commonName);
        const target = renamed(measured.get(name)!, metricsOf[name]![kind], commonName);
        metrics[`${name}.${kind}`] = Object.fromEntries(
          statistics.map((statistic) => [statistic, observe(reference, target, statistic)]),
        ) as Record<BenchStatistic, Observed>;
      }
    }
    return {
      condition: condition.name,
      block,
      reference: driven,
      second,
      startedAt,
      serverCpu,
      bottleneck,
      metrics,
    };
  } finally {
    await rm(logDir, { recursive: true, force: true });
  }
};

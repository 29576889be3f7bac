/** Merging the blobs of a thousand shards as `tailgate merge` does: from files to one measurement, in a process of its own. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DDSketch } from '@artilleryio/sketches-js';
import { environmentFingerprint } from '../src/baseline/fingerprint.ts';
import { tailgateVersion } from '../src/host/versions.ts';
import { LatencySketch, type SerializedSketch } from '../src/metrics/latency-sketch.ts';
import type { RoundMeasurement } from '../src/metrics/round-measurement.ts';
import { joinBlobs } from '../src/run/shards/join-blobs.ts';
import { readBlobs } from '../src/run/shards/read-blobs.ts';
import { blobName, formatBlob } from '../src/run/shards/shard-blob.ts';
import { roundOf } from '../test/verdict/simulator.ts';
import { type Figure, figure } from './figure.ts';

export const about = 'time, memory and exactness of merging a thousand shards';

const shards = 1_000;
const metrics = Array.from({ length: 12 }, (_, index) => `event${index}.ack`);
/** Values of each distribution in each shard, and how long the load of each lasts. */
const values = 2_000;
const seconds = 600;
const commit = 'c'.repeat(40);
const common = { scenarioHash: 'scenario', settingsHash: 'settings', planned: 1 };

/** Latencies from half a millisecond to four seconds, another for every value. */
const latencyOf = (shard: number, metric: number, index: number): number => {
  const part = ((shard * values + index) * 2_654_435_761 + metric * 40_503) % 4_294_967_296;
  return 0.5 * 8_000 ** (part / 4_294_967_296);
};

const roundOfShard = (shard: number, whole: readonly LatencySketch[]): RoundMeasurement => {
  const round = roundOf({ metrics: {}, counters: {} });
  for (const [metric, id] of metrics.entries()) {
    const own = new LatencySketch();
    for (let index = 0; index < values; index += 1) {
      const value = latencyOf(shard, metric, index);
      own.record(value);
      whole[metric]!.record(value);
    }
    round.metrics[id] = own.toJSON();
  }
  round.sentPerSecond = Array.from({ length: seconds }, (_, second) => 40 + ((second + shard) % 3));
  return round;
};

const merging = { run: null, commit, tailgate: tailgateVersion, seed: 1 };

/** Every bin that holds a value, and the moments. */
const exactly = ({ bins, ...moments }: SerializedSketch): string => {
  const { store } = DDSketch.fromProto(new Uint8Array(Buffer.from(bins, 'base64')));
  const filled = store.bins.flatMap((count, index) => (count === 0 ? [] : [[index + store.offset, count]]));
  return JSON.stringify([moments, filled]);
};

/** What the process that merges prints. */
type Merged = { seconds: number; peakMB: number; sketches: string[] };

const merge = async (folder: string): Promise<Merged> => {
  const started = performance.now();
  const suites = [{ suite: 'load', ...common, users: null, bestEffort: false }];
  const joined = joinBlobs(await readBlobs(folder, folder), { ...merging, suites });
  const elapsed = performance.now() - started;
  const [round] = joined.rounds.get('load')!;
  return {
    seconds: elapsed / 1_000,
    peakMB: process.resourceUsage().maxRSS / 1_000,
    sketches: metrics.map((id) => exactly(round!.metrics[id]!)),
  };
};

export const run = async (args: readonly string[]): Promise<Figure[]> => {
  if (args[0] !== undefined) {
    process.stderr.write(JSON.stringify(await merge(args[0])));
    return [];
  }
  const folder = mkdtempSync(path.join(os.tmpdir(), 'merge-shards-'));
  try {
    const whole = metrics.map(() => new LatencySketch());
    let bytes = 0;
    for (let shard = 0; shard < shards; shard += 1) {
      const place = { number: shard + 1, count: shards };
      const text = formatBlob({
        shard: place,
        tailgate: tailgateVersion,
        run: null,
        startAtMs: 0,
        commit,
        seed: 1,
        environment: environmentFingerprint(),
        machine: `machine ${shard}`,
        clock: null,
        suites: [
          {
            suite: 'load',
            ...common,
            targetHash: 'target',
            rounds: [{ dueAtMs: 0, startedAtMs: shard % 50, measurement: roundOfShard(shard, whole) }],
            problems: [],
          },
        ],
      });
      bytes += text.length;
      writeFileSync(path.join(folder, blobName(place)), text);
    }
    const runner = path.join(import.meta.dirname, 'run.ts');
    const { stderr, status } = spawnSync(process.execPath, [runner, 'merge-shards', folder], {
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
    if (status !== 0) throw new Error(stderr);
    const merged = JSON.parse(stderr.slice(stderr.indexOf('{'))) as Merged;
    const equal = whole.filter((sketch, index) => exactly(sketch.toJSON()) === merged.sketches[index]).length;
    const peer = `${shards} shards of ${metrics.length} distributions with ${values} values, ${Math.round(bytes / shards / 1_000)} kB each`;
    return [
      figure('merging', merged.seconds, 's', '<=', 10, peer),
      figure('memory of the process that merges', merged.peakMB, 'MB', '<=', 500, peer),
      figure(
        'distributions equal to one machine, to the last bit',
        equal / metrics.length,
        'share',
        '>=',
        1,
        peer,
      ),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

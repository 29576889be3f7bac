import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { DDSketch } from '@artilleryio/sketches-js';
import { problemsOf } from '../../../src/errors.ts';
import { LatencySketch } from '../../../src/metrics/latency-sketch.ts';
import { mergeShards } from '../../../src/metrics/merge-rounds.ts';
import type { RoundMeasurement } from '../../../src/metrics/round-measurement.ts';
import { distributionOver } from '../../../src/metrics/values.ts';
import { joinBlobs, type MergingRun } from '../../../src/run/shards/join-blobs.ts';
import {
  blobName,
  formatBlob,
  isBlobName,
  parseBlob,
  type ShardBlob,
} from '../../../src/run/shards/shard-blob.ts';
import { roundOf } from '../../verdict/simulator.ts';

const environment = {
  cpuModel: 'Some CPU',
  cores: 2,
  memoryGiB: 8,
  os: 'linux x64 debian12',
  node: '24.0.0',
  tailgate: '0.1.0',
  artillery: '2.0.0',
};
const startAtMs = Date.parse('2030-01-31T12:00:00Z');
const values = Array.from({ length: 30_000 }, (_, index) => 1 + ((index * 7919) % 10_007) / 97);

const sketchOf = (some: readonly number[]) => {
  const sketch = new LatencySketch();
  for (const value of some) sketch.record(value);
  return sketch.toJSON();
};

const measured = (users: number, some: readonly number[]) => {
  const round = roundOf({
    metrics: { 'chat.ack': sketchOf(some) },
    counters: { 'messages.sent': some.length },
  });
  return {
    ...round,
    generator: { ...round.generator, intendedArrivals: users, startedArrivals: users, lateArrivals: 0 },
  };
};

const blobOf = (number: number, count = 3): ShardBlob => ({
  shard: { number, count },
  tailgate: '0.1.0',
  run: { id: '77', attempt: 2 },
  startAtMs,
  commit: 'c'.repeat(40),
  seed: 1,
  environment,
  machine: `machine ${number}`,
  clock: { offsetMs: -number, errorMs: 5 },
  suites: [
    {
      suite: 'chat',
      scenarioHash: 'scenario',
      settingsHash: 'settings',
      targetHash: 'target',
      planned: 2,
      rounds: [0, 1].map((round) => ({
        dueAtMs: startAtMs + round * 60_000,
        startedAtMs: startAtMs + round * 60_000 + number,
        measurement: measured(
          10,
          values.filter((_, index) => index % count === number - 1),
        ),
      })),
      problems: [],
    },
  ],
});

const merging = (changes: Partial<MergingRun> = {}): MergingRun => ({
  run: { id: '77', attempt: 2 },
  commit: 'c'.repeat(40),
  tailgate: '0.1.0',
  seed: 1,
  suites: [
    {
      suite: 'chat',
      scenarioHash: 'scenario',
      settingsHash: 'settings',
      planned: 2,
      users: 30,
      bestEffort: false,
    },
  ],
  ...changes,
});

type File = { file: string; text: string };
const fileOf = (blob: ShardBlob, file = `${blob.shard.number}/${blobName(blob.shard)}`): File => ({
  file,
  text: formatBlob(blob),
});
const join = (files: readonly File[], run = merging()) =>
  joinBlobs(
    files.map(({ file, text }) => ({ file, parsed: parseBlob(text) })),
    run,
  );
/** The three files of a run, the second one changed. */
const withSecond = (change: (blob: ShardBlob) => void): File[] => {
  const second = blobOf(2);
  change(second);
  return [fileOf(blobOf(1)), fileOf(second, '2/shard-2-of-3.json'), fileOf(blobOf(3))];
};
const withText = (change: (text: string) => string): File[] => {
  const [first, second, third] = withSecond(() => {});
  return [first!, { ...second!, text: change(second!.text) }, third!];
};
/** Changes the packed content and keeps the head's checksum. */
const repacked = (change: (body: string) => string): File[] =>
  withText((text) => {
    const head = JSON.parse(text) as { gzip: string };
    const body = gunzipSync(Buffer.from(head.gzip, 'base64')).toString('utf8');
    return JSON.stringify({ ...head, gzip: gzipSync(change(body)).toString('base64') });
  });
const headChanged = (changes: object): File[] =>
  withText((text) => JSON.stringify({ ...JSON.parse(text), ...changes }));
/** Every bin that holds a value, and the moments: the same distribution may be stored with more or fewer empty bins. */
const exactly = ({ metrics }: RoundMeasurement) => {
  const { bins, ...moments } = metrics['chat.ack']!;
  const { store } = DDSketch.fromProto(new Uint8Array(Buffer.from(bins, 'base64')));
  const filled = store.bins.flatMap((count, index) => (count === 0 ? [] : [[index + store.offset, count]]));
  return { moments, filled };
};
const chat = (blob: ShardBlob) => blob.suites[0]!;

test('shards that were merged are equal to one machine, to the last bit', () => {
  const count = 10;
  const parts = Array.from({ length: count }, (_, index) => blobOf(index + 1, count));
  const joined = join(
    parts.map((blob) => fileOf(blob)),
    merging({ suites: [{ ...merging().suites[0]!, users: 10 * count }] }),
  );
  const [first, second] = joined.rounds.get('chat')!;
  // As one machine tells it: through the same form, from one process.
  const whole = mergeShards([measured(100, values)]);
  assert.deepEqual(exactly(first!), exactly(whole));
  assert.deepEqual(exactly(second!), exactly(whole));
  assert.equal(first!.counters['messages.sent'], values.length);
  assert.equal(first!.generator.startedArrivals, 100);
  assert.equal(
    distributionOver([first!], 'chat.ack')!.summary().meanMs,
    distributionOver([whole], 'chat.ack')!.summary().meanMs,
  );
  assert.match(
    joined.notes[0]!,
    /^10 shards on 10 machines .* by the server's clock they started within 0 ms \(give or take 10 ms\)\.$/,
  );
});

test('the order in which files are found changes nothing', () => {
  const files = withSecond(() => {});
  assert.deepEqual(join([...files].reverse()).rounds, join(files).rounds);
});

test('one that merges at a desk takes the shards of a run in CI', () => {
  assert.equal(
    join(
      withSecond(() => {}),
      merging({ run: null }),
    ).count,
    3,
  );
});

test('where the clocks cannot be compared, the report says so', () => {
  const [note = ''] = join(
    withSecond((blob) => {
      blob.clock = null;
    }),
  ).notes;
  assert.match(note, /by their own clocks, which could not be compared, they started within 2 ms\.$/);
});

test('files are known by their names', () => {
  assert.equal(blobName({ number: 3, count: 10 }), 'shard-3-of-10.json');
  assert.ok(isBlobName('shard-3-of-10.json'));
  assert.ok(!isBlobName('report.json'));
});

/** What can go wrong with the second of three shards, and what must be said of it. */
const faults: [fault: string, files: () => File[], said: RegExp, run?: MergingRun][] = [
  ['no shard at all', () => [], /There is no shard to merge/],
  ['the first is missing', () => withSecond(() => {}).slice(1), /1 of 3 shards left nothing: 1\./],
  ['the last is missing', () => withSecond(() => {}).slice(0, 2), /1 of 3 shards left nothing: 3\./],
  ['all but one are missing', () => withSecond(() => {}).slice(0, 1), /2 of 3 shards left nothing: 2, 3\./],
  [
    'a shard is there twice',
    () => [...withSecond(() => {}), fileOf(blobOf(2), 'again/2.json')],
    /Two files are shard 2: "2\/shard-2-of-3\.json", "again\/2\.json"/,
  ],
  [
    'two shards took the same number',
    () => [fileOf(blobOf(1)), fileOf(blobOf(1), 'x'), fileOf(blobOf(3))],
    /Two files are shard 1/,
  ],
  [
    'an empty file, of a full disk',
    () => withText(() => ''),
    /2\/shard-2-of-3\.json" was refused: it is empty/,
  ],
  ['half a file, of a full disk', () => withText((text) => text.slice(0, text.length / 2)), /ends too early/],
  ['the last byte is missing', () => withText((text) => text.trimEnd().slice(0, -1)), /ends too early/],
  ['no JSON', () => withText(() => 'out of memory'), /not JSON/],
  ['JSON of something else', () => withText(() => '{"verdict":"pass"}'), /it is not one/],
  ['JSON null', () => withText(() => 'null'), /it is not one/],
  [
    'an older version',
    () => headChanged({ blobVersion: 0 }),
    /of version 0, and this Tailgate reads version 1/,
  ],
  ['a newer version', () => headChanged({ blobVersion: 2 }), /of version 2/],
  ['no checksum', () => headChanged({ sha256: undefined }), /its head is damaged/],
  ['another checksum', () => headChanged({ sha256: '00' }), /its content was changed/],
  ['packed content that is none', () => headChanged({ gzip: 'AAAA' }), /cannot be unpacked/],
  ['a head of another shard', () => headChanged({ shard: { number: 1, count: 3 } }), /names another shard/],
  [
    'a shard beyond the last',
    () =>
      withSecond((blob) => {
        blob.shard.number = 4;
      }),
    /its head is damaged/,
  ],
  [
    'content that was edited',
    () => repacked((body) => body.replace('"seed":1', '"seed":2')),
    /its content was changed/,
  ],
  [
    'a sketch that cannot be read',
    () =>
      withSecond((blob) => {
        chat(blob).rounds[0]!.measurement.metrics['chat.ack']!.bins = 'AAAA';
      }),
    /values of chat\.ack cannot be read|unpacked/,
  ],
  [
    'no suites',
    () =>
      withSecond((blob) => {
        blob.suites = [];
      }),
    /"suites" is damaged/,
  ],
  [
    'another Tailgate',
    () =>
      withSecond((blob) => {
        blob.tailgate = '0.0.9';
      }),
    /Tailgate 0\.0\.9 made it/,
  ],
  [
    'another run',
    () =>
      withSecond((blob) => {
        blob.run = { id: '76', attempt: 2 };
      }),
    /it is of run 76, attempt 2, and this is run 77/,
  ],
  [
    'no run',
    () =>
      withSecond((blob) => {
        blob.run = null;
      }),
    /it is of no CI run/,
  ],
  [
    'an earlier attempt',
    () =>
      withSecond((blob) => {
        blob.run = { id: '77', attempt: 1 };
      }),
    /attempt 1, and the others are of run 77, attempt 2/,
  ],
  [
    'a later attempt',
    () =>
      withSecond((blob) => {
        blob.run = { id: '77', attempt: 3 };
      }),
    /attempt 3, and this is run 77, attempt 2/,
  ],
  [
    'all of an older run',
    () => [1, 2, 3].map((number) => fileOf({ ...blobOf(number), run: { id: '70', attempt: 1 } })),
    /it is of run 70/,
  ],
  [
    'another run, merged at a desk',
    () =>
      withSecond((blob) => {
        blob.run = { id: '76', attempt: 2 };
      }),
    /the others are of run 77/,
    merging({ run: null }),
  ],
  [
    'another start',
    () =>
      withSecond((blob) => {
        blob.startAtMs -= 3_600_000;
      }),
    /its run began at 2030-01-31T11:00:00/,
  ],
  [
    'another number of shards',
    () =>
      withSecond((blob) => {
        blob.shard.count = 4;
      }),
    /one of 4 shards, and the others are of 3/,
  ],
  [
    'another commit',
    () =>
      withSecond((blob) => {
        blob.commit = 'd'.repeat(40);
      }),
    /it is of commit dddddddddd, and cccccccccc is judged/,
  ],
  [
    'another seed',
    () =>
      withSecond((blob) => {
        blob.seed = 9;
      }),
    /has the seed 9/,
  ],
  [
    'another server',
    () =>
      withSecond((blob) => {
        chat(blob).targetHash = 'other';
      }),
    /drove another server/,
  ],
  [
    'another scenario',
    () =>
      withSecond((blob) => {
        chat(blob).scenarioHash = 'x';
      }),
    /suite "chat" is of another scenario/,
  ],
  [
    'other settings',
    () =>
      withSecond((blob) => {
        chat(blob).settingsHash = 'x';
      }),
    /suite "chat" is of other settings/,
  ],
  [
    'other rounds',
    () =>
      withSecond((blob) => {
        chat(blob).planned = 1;
        chat(blob).rounds.pop();
      }),
    /has 1 rounds, and the settings say 2/,
  ],
  [
    'another suite',
    () =>
      withSecond((blob) => {
        chat(blob).suite = 'x';
      }),
    /holds suite "chat" 0 times/,
  ],
  [
    'one suite more',
    () =>
      withSecond((blob) => {
        blob.suites.push({ ...chat(blob), suite: 'x' });
      }),
    /holds suite "x", which is not judged/,
  ],
  [
    'a suite twice',
    () =>
      withSecond((blob) => {
        blob.suites.push(chat(blob));
      }),
    /holds suite "chat" 2 times/,
  ],
  [
    'a late shard',
    () =>
      withSecond((blob) => {
        chat(blob).rounds = [];
        chat(blob).problems = ['This shard was late.'];
      }),
    /Shard 2 did not measure suite "chat": This shard was late\./,
  ],
  [
    'a shard that died in the second round',
    () =>
      withSecond((blob) => {
        chat(blob).rounds.pop();
      }),
    /it measured 1 of 2 rounds/,
  ],
  [
    'a shard that measured all and had a problem',
    () =>
      withSecond((blob) => {
        chat(blob).problems = ['The server died.'];
      }),
    /The server died\./,
  ],
  [
    'a clock that is two seconds off',
    () =>
      withSecond((blob) => {
        chat(blob).rounds[1]!.startedAtMs += 2_000;
      }),
    /round 2 of suite "chat" 2000 ms apart \(give or take 10 ms\), shard 2 last/,
  ],
  [
    'a clock that is three seconds off, though it says that it was on time',
    () =>
      withSecond((blob) => {
        blob.clock = { offsetMs: 3_000, errorMs: 5 };
      }),
    /round 1 of suite "chat" 3\d+ ms apart \(give or take 10 ms\), shard 2 last/,
  ],
  [
    'a clock that is known too badly',
    () =>
      withSecond((blob) => {
        blob.clock = { offsetMs: 0, errorMs: 600 };
      }),
    /give or take 1200 ms/,
  ],
  [
    'a shard that was to start fewer users',
    () =>
      withSecond((blob) => {
        chat(blob).rounds[0]!.measurement.generator.intendedArrivals = 7;
      }),
    /Round 1 of suite "chat" has 30 users; the shards were to start 27/,
  ],
  [
    'a shard whose users started late',
    () =>
      withSecond((blob) => {
        const { generator } = chat(blob).rounds[0]!.measurement;
        generator.startedArrivals = 2;
        generator.lateArrivals = 8;
      }),
    /Shard 2 did not measure suite "chat": its load generator was the bottleneck/,
  ],
];

test('what is wrong with many shards is said once', () => {
  const blobs = Array.from({ length: 30 }, (_, index) => fileOf({ ...blobOf(index + 1, 30), seed: 9 }));
  assert.throws(
    () => join(blobs),
    (failure) => {
      const [problem, ...others] = problemsOf(failure);
      assert.match(
        problem!.what,
        /^30 shards were refused, each because it has the seed 9, and the settings say 1: "1\/shard.* and 10 more\.$/,
      );
      assert.deepEqual(others, []);
      return true;
    },
  );
});

test('there are as many faults as were promised', () => assert.ok(faults.length >= 40, `${faults.length}`));

for (const [fault, files, said, run] of faults)
  test(`not merged: ${fault}`, () => {
    assert.throws(
      () => join(files(), run),
      (failure) => {
        const problems = problemsOf(failure);
        assert.match(problems.map(({ what }) => what).join('\n'), said);
        for (const { exit, fix } of problems) {
          assert.equal(exit, 'invalid');
          assert.ok(fix.length > 20);
        }
        return true;
      },
    );
  });

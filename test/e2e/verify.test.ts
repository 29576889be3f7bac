// Runs beside one other: it needs a verdict on latencies, and leaves most of a machine idle.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { exitCodes } from '../../src/errors.ts';
import { parseReport } from '../../src/report/parse-report.ts';
import { type JobRecord, pairsOf, parseJobRecords } from '../../src/verdict/job-record.ts';
import { type Checkout, checkout, settings } from './fixture.ts';
import { processesNaming, startTailgate } from './runner.ts';

let repo: Checkout;

/** Settings for jobs of so many pairs of half a second a side: short enough for a test. */
const withPairs = (maxPairs: number): string =>
  settings().replace(
    /^verdict: .*$/m,
    `verdict: { minPairs: 2, maxPairs: ${maxPairs}, sliceMs: 250, slicesPerSide: 2, warmUpMs: 500, minSamplesP50: 10, minSamplesP95: 20, minSamplesP99: 50 }`,
  );

before(() => {
  repo = checkout();
  repo.write('tailgate.yml', withPairs(2));
  repo.write('three.yml', withPairs(3));
});
after(() => repo.remove());

type Ended = { code: number | null; out: string; log: string };

const tailgate = async (
  args: readonly string[],
  cancelWhen?: RegExp,
  env: Record<string, string> = {},
): Promise<Ended> => {
  const { child, ended } = startTailgate(repo.dir, args, { env });
  let log = '';
  child.stderr!.on('data', (text: string) => {
    log += text;
    if (!child.killed && cancelWhen?.test(log)) child.kill('SIGINT');
  });
  const { exitCode, stdout, stderr } = await ended;
  return { code: exitCode, out: stdout, log: stderr };
};

const recordsOf = (name: string): JobRecord[] => {
  const file = path.join(repo.dir, name);
  return existsSync(file) ? parseJobRecords(readFileSync(file, 'utf8')) : [];
};

/** A series; from its start again while the machine is too busy for the generator, as the gate rightly says. */
const verify = async (file: string, ...args: string[]): Promise<Ended & { records: JobRecord[] }> => {
  for (let tries = 1; ; tries += 1) {
    const ended = await tailgate(['verify', '--raw', file, ...args]);
    const records = recordsOf(file);
    const busy = records.some(({ problem }) => problem?.includes('generator was the bottleneck') === true);
    if (!busy || tries === 5) return { ...ended, records };
    rmSync(path.join(repo.dir, file));
  }
};

test('jobs of the server against itself and slowed, with their raw values; then nothing is left to do', async () => {
  const args = ['--aa', '1', '--inject', '3', '--jobs', '1', '--rounds-pairs', '2'];
  const { code, out, log, records } = await verify('jobs.jsonl', ...args);
  assert.equal(code, 0, log);
  assert.deepEqual(
    records.map(({ truth, design, pairs }) => ({ truth, design, pairs: pairs.length })),
    [
      { truth: 1, design: 'slices', pairs: 2 },
      { truth: 3, design: 'slices', pairs: 2 },
      { truth: 1, design: 'rounds', pairs: 2 },
    ],
  );
  for (const record of records) {
    assert.equal(record.suite, 'chat');
    assert.equal(record.metric, 'chat.ack');
    for (const { baseline, head } of pairsOf(record)) {
      assert.equal(baseline.slices.length, record.design === 'slices' ? 2 : 0);
      assert.ok(head.metrics['chat.ack']!.count > 5);
    }
    assert.ok(record.decided !== undefined && record.decided.pairs >= 2, JSON.stringify(record.decided));
  }
  assert.notEqual(records[0]!.seed, records[1]!.seed);
  const [, slowed] = records;
  assert.ok(slowed!.injected! > 1.5 && slowed!.injected! < 4.5, `injected ${slowed!.injected}`);
  assert.equal(records[0]!.injected, null);
  assert.match(out, /^\+200% service time +1 /m);
  assert.match(out, /^unchanged, in rounds +1 /m);
  assert.match(out, /^slices of 250 ms +2 /m);
  assert.match(out, /^whole rounds, one after the other +2 /m);

  const before = readFileSync(path.join(repo.dir, 'jobs.jsonl'), 'utf8');
  const again = await tailgate(['verify', '--raw', 'jobs.jsonl', ...args]);
  assert.equal(again.code, 0, again.log);
  assert.equal(again.out, out, 'the same summary, of the same jobs');
  assert.equal(readFileSync(path.join(repo.dir, 'jobs.jsonl'), 'utf8'), before);
});

test('a server that takes the factor itself, and the verdict that the gate would have given', async () => {
  // The chat server waits for as many milliseconds: one at the baseline, sixty at the head.
  const { code, log, records } = await verify(
    'own.jsonl',
    ...['--config', 'three.yml', '--inject', '60', '--jobs', '1', '--inject-env', 'CHAT_DELAY_MS'],
  );
  assert.equal(code, 0, log);
  assert.equal(records.length, 1);
  assert.equal(records[0]!.decided?.verdict, 'fail');
  assert.equal(records[0]!.pairs.length, 3, 'it is measured on to its last pair');
  assert.equal(records[0]!.injected, null, 'what a server does to itself is its own affair');
});

test('a job that ends with its verdict, and a series that is run job by job', async () => {
  const args = [
    ...['--config', 'three.yml', '--inject', '60', '--jobs', '2', '--inject-env', 'CHAT_DELAY_MS'],
    ...['--pairs', '2', '--at-most', '1'],
  ];
  const first = await verify('short.jsonl', ...args);
  assert.equal(first.code, 0, first.log);
  assert.equal(first.records.length, 1);
  assert.match(first.log, /1 job left: the same command goes on with them/);
  const [{ decided, pairs }] = first.records as [JobRecord];
  assert.equal(decided?.verdict, 'fail');
  assert.equal(pairs.length, decided.pairs, 'it ends where the gate would');
  let second: Ended;
  let tries = 0;
  do {
    second = await tailgate(['verify', '--raw', 'short.jsonl', ...args]);
    assert.equal(second.code, 0, second.log);
    tries += 1;
    // A machine too busy for the generator leaves the job to the next call.
  } while (second.log.includes('generator was the bottleneck') && tries < 5);
  assert.equal(recordsOf('short.jsonl').length, 2);
  assert.doesNotMatch(second.log, /left: the same command/);
});

test('an interruption loses the job that runs and no other, and leaves nothing running', async () => {
  // As soon as the second job begins.
  const ended = await tailgate(
    ['verify', '--aa', '3', '--rounds-pairs', '0', '--raw', 'cut.jsonl'],
    /unchanged: \w+ after [\s\S]*unchanged: \d job/,
  );
  assert.equal(ended.code, exitCodes.cancelled, ended.log);
  const kept = recordsOf('cut.jsonl').length;
  assert.ok(kept >= 1 && kept < 3, `${kept} jobs`);
  assert.match(ended.out, new RegExp(`^chat: ${kept} jobs? in `));
  assert.deepEqual(processesNaming(repo.dir), []);
});

test('a file of other jobs and several suites at once are refused before anything is started', async () => {
  const other = await tailgate([
    ...['verify', '--aa', '1', '--raw', 'cut.jsonl'],
    ...['--thresholds', 'p95 < +20%'],
  ]);
  assert.equal(other.code, exitCodes.usage, other.log);
  assert.match(other.log, /"[^"]*cut\.jsonl" cannot be continued: its jobs were run with other settings/);
  repo.write(
    'two.yml',
    withPairs(2).replace('  - name: chat', '  - { name: again, scenario: chat.yml }\n  - name: chat'),
  );
  const two = await tailgate(['verify', '--config', 'two.yml', '--aa', '1']);
  assert.equal(two.code, exitCodes.usage, two.log);
  assert.match(two.log, /one suite is verified at a time; name it with --suite \("again", "chat"\)/);
});

test('answers that outlast the slices are compared in whole rounds, and the report says why', async () => {
  repo.write(
    'slow.yml',
    withPairs(2).replace('{ mode: none }', '{ mode: side-by-side, dir: . }\nexplain: never'),
  );
  const args = ['run', '--config', 'slow.yml', '--json', 'slow.json', '--fail-on', 'none'];
  // Longer than a slice and its guard, so that every answer falls into the other side's turn.
  const ended = await tailgate(args, undefined, { CHAT_DELAY_MS: '700' });
  const report = parseReport(readFileSync(path.join(repo.dir, 'slow.json'), 'utf8'), 'slow.json');
  const [suite] = report.suites;
  assert.equal(suite?.design?.kind, 'rounds', ended.log);
  assert.ok(
    suite?.warnings.some((warning) =>
      /^The sides were compared in whole rounds, because in slices of 250 ms \d+% of the messages were unanswered/.test(
        warning,
      ),
    ),
    suite?.warnings.join('\n'),
  );
  assert.match(ended.out, /The sides were compared in whole rounds/);
  assert.ok(suite!.rounds.every((round) => round.slices === 0));
});

// Runs beside one other: it needs a verdict on latencies, and leaves most of a machine idle.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { parseReport } from '../../src/report/parse-report.ts';
import { type Checkout, checkout } from './fixture.ts';
import { runStep, type StepResult } from './runner.ts';

const queueServer = path.join(import.meta.dirname, 'queue-server.mjs');

const scenario = `config:
  target: http://127.0.0.1:3000
  phases: [{ duration: 4, arrivalRate: 10 }]
  socketio: { transports: [websocket] }
scenarios:
  - engine: socketio
    flow:
      - emit: { channel: work, data: 1 }
        acknowledge: {}
`;

/** A message takes 2 ms at the base and 12 ms at the head. */
const settings = `target:
  start: SERVICE_MS=12 node ${queueServer}
suites:
  - name: queue
    scenario: load.yml
    levels:
      - { name: low, overrides: { phases: [{ duration: 4, arrivalRate: 15 }] } }
      - { name: high, overrides: { phases: [{ duration: 4, arrivalRate: 45 }] } }
measure: { main: work.ack, drainMs: 100 }
verdict:
  { minPairs: 2, maxPairs: 2, sliceMs: 500, slicesPerSide: 2, warmUpMs: 500, guardMs: 100, minSamplesP50: 5, minSamplesP95: 5, minSamplesP99: 5 }
thresholds: ["work.ack.p50 < 10s"]
baseline: { mode: side-by-side, dir: ., start: 'SERVICE_MS=2 node ${queueServer}' }
failOn: [fail]
explain: never
`;

let repo: Checkout;
before(() => {
  repo = checkout();
  repo.write('load.yml', scenario);
  repo.write('tailgate.yml', settings);
});
after(() => repo.remove());

const run = async (inputs: Record<string, string> = {}): Promise<StepResult> => {
  for (let tries = 1; ; tries += 1) {
    const result = await runStep({ workspace: repo.dir, inputs, timeoutMs: 200_000 });
    if (tries === 3 || !result.log.includes('GENERATOR_BOTTLENECK')) return result;
  }
};

test('one suite at several loads gives one table by level, base against head', async () => {
  const result = await run();
  const file = result.outputs['report-json'] ?? '';
  const report = parseReport(readFileSync(file, 'utf8'), file);
  assert.deepEqual(
    report.suites.map(({ name, comparison }) => [name, comparison]),
    [
      ['queue/low', 'side-by-side'],
      ['queue/high', 'side-by-side'],
    ],
    result.log,
  );
  const [low, high] = report.suites.map((suite) => suite.metrics.find(({ id }) => id === 'work.ack'));
  for (const metric of [low, high]) {
    assert.ok((metric?.baseline?.p50Ms ?? 0) >= 2, result.log);
    assert.ok((metric?.head?.p50Ms ?? 0) >= 12, result.log);
  }
  const [lowRate, highRate] = report.suites.map(({ rounds }) => {
    const sum = (of: (round: (typeof rounds)[number]) => number) =>
      rounds.reduce((total, round) => total + of(round), 0);
    return sum(({ counters }) => counters['users.created'] ?? 0) / sum(({ activeMs }) => activeMs);
  });
  assert.ok(highRate! > 2 * lowRate!, 'the load is that of the level');

  const markdown = readFileSync(result.outputs['report-markdown'] ?? '', 'utf8');
  const table = /`work\.ack` by level, baseline → this PR:\n\n((?:\|.*\n)+)/.exec(markdown)?.[1] ?? '';
  const rows = table.trim().split('\n');
  assert.equal(rows.length, 4, markdown);
  assert.match(rows[0]!, /Level \| Mean \| p50 \| p95 \| p99 \| Errors \| Verdict/);
  assert.match(rows[2]!, /`low` \| [\d.]+ → [\d.]+ ms/);
  assert.match(rows[3]!, /`high` \| [\d.]+ → [\d.]+ ms/);
  assert.equal(result.summary.includes(rows[3]!), true);
});

test('one level alone can be chosen, and a level that does not exist is named', async () => {
  const unknown = await run({ suite: 'queue/lwo' });
  assert.equal(unknown.exitCode, 2, unknown.log);
  assert.match(unknown.log, /There is no suite named "queue\/lwo"/);
  const high = await run({ suite: 'queue/high', baseline: 'none', environment: '', rounds: '1' });
  const file = high.outputs['report-json'] ?? '';
  assert.deepEqual(
    parseReport(readFileSync(file, 'utf8'), file).suites.map(({ name }) => name),
    ['queue/high'],
  );
});

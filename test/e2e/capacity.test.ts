// Runs alone: it needs a verdict on latencies that it measures.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { parseRecord } from '../../src/baseline/record-format.ts';
import {
  type CapacityReport,
  type CapacitySide,
  capacityReportSchema,
} from '../../src/report/capacity-model.ts';
import { type Checkout, checkout } from './fixture.ts';
import { processesNaming, runStep, runTailgate, type StepResult, startTailgate } from './runner.ts';

const queueServer = path.join(import.meta.dirname, 'queue-server.mjs');

/** One message a user, so that messages a second are users a second. */
const scenario = (more = ''): string => `config:
  target: http://127.0.0.1:3000
  phases: [{ duration: 5, arrivalRate: 5 }]
  socketio: { transports: [websocket] }
${more}scenarios:
  - engine: socketio
    flow:
      - emit: { channel: work, data: 1 }
        acknowledge: {}
`;

const settings = (target: string, more: string): string => `target:
  start: ${target}
suites: [{ name: queue, scenario: load.yml }]
measure: { main: work.ack, drainMs: 100, timeoutMs: 2000 }
thresholds: ["work.ack.p95 < 100ms", "work.ack.p95 < +10%"]
${more}`;

let repo: Checkout;
before(() => {
  repo = checkout();
});
after(() => repo.remove());

const reportOf = (result: StepResult): CapacityReport =>
  capacityReportSchema.parse(JSON.parse(readFileSync(result.outputs['report-json'] ?? '', 'utf8')));

/** On a machine that is busy with something else the search rightly finds no answer; these tests need one. */
const until = async (
  request: Parameters<typeof runStep>[0],
  isAnswered: (report: CapacityReport) => boolean,
): Promise<{ result: StepResult; report: CapacityReport }> => {
  for (let tries = 1; ; tries += 1) {
    const result = await runStep({ ...request, timeoutMs: 240_000 });
    assert.ok(result.outputs['report-json'], result.log);
    const report = reportOf(result);
    if (isAnswered(report) || tries === 3) return { result, report };
  }
};

/** Both ends were found, as close as the precision of 25% asks for. */
const isNarrow = ({ edge: { holds, breaks } }: CapacitySide): boolean =>
  holds !== null && breaks !== null && breaks / holds <= 1.26;

test('the capacity of a server is found within the precision, and a slower version fails against it', async () => {
  repo.write('load.yml', scenario());
  // 100 messages a second at the base, 62.5 at the head.
  repo.write(
    'tailgate.yml',
    settings(
      `SERVICE_MS=16 node ${queueServer}`,
      `baseline: { mode: side-by-side, dir: ., start: 'SERVICE_MS=10 node ${queueServer}' }
capacity: { from: 39, to: 400, stepMs: 1300, warmUpMs: 700, precisionPercent: 25 }
`,
    ),
  );
  const { result, report } = await until(
    { workspace: repo.dir, inputs: { mode: 'capacity' } },
    ({ head, baseline }) => isNarrow(head) && baseline !== null && isNarrow(baseline),
  );
  const { baseline, head } = report;
  // The edge encloses the truth: in so short a step a little more than the server can do still waits for less than the
  // limit, and late timers of a busy machine may cost it a little.
  assert.ok(baseline!.edge.holds! <= 106 && baseline!.edge.breaks! >= 85, result.log);
  assert.ok(head.edge.holds! <= 67 && head.edge.breaks! >= 53, result.log);
  for (const side of [baseline!, head]) {
    assert.ok(isNarrow(side), result.log);
    assert.ok(side.edge.confirmed, result.log);
    assert.equal(side.gaveOut?.what, 'latency', result.log);
    assert.match(side.gaveOut!.explanation, /work\.ack p95 is .* it must be below 100 ms/);
  }
  assert.equal(report.verdict, 'fail', result.log);
  assert.equal(result.exitCode, 1);
  assert.match(report.reason, /This PR holds \S+ users\/s; the baseline holds \S+ users\/s: −/);
  assert.equal(result.outputs.verdict, 'fail');
  assert.equal(result.outputs.capacity, String(head.edge.holds));
  assert.match(result.summary, /Capacity: .* users\/s, −\d+% against the baseline/);
  assert.match(result.summary, /\| +Load \(users\/s\) \|/);
  assert.match(result.summary, /xychart-beta/);
  assert.match(readFileSync(result.outputs['report-html'] ?? '', 'utf8'), /<svg/);
  assert.match(report.warnings.join(), /relative to a baseline and play no part.*"work\.ack\.p95 < \+10%"/);
  assert.deepEqual(report.rules, ['work.ack.p95 < 100ms', 'errors.rate < 1%']);
  assert.deepEqual(processesNaming(queueServer), []);
});

test('a generator that is at its end says so, and that the server takes at least what it could drive', async () => {
  // A user costs the generator 16 ms of work and the server next to nothing: it can start no more than 60 a second.
  repo.write(
    'busy.js',
    'exports.busy = (context, events, done) => { const end = Date.now() + 16; while (Date.now() < end); done(); };\n',
  );
  const busy = scenario('  processor: ./busy.js\n').replace(
    '    flow:\n',
    '    flow:\n      - function: busy\n',
  );
  repo.write('load.yml', busy);
  repo.write(
    'tailgate.yml',
    settings(
      `SERVICE_MS=0.01 node ${queueServer}`,
      `baseline: { mode: file, path: history.jsonl, record: always }
capacity: { from: 3, to: 400, growth: 10, stepMs: 2000, warmUpMs: 500, precisionPercent: 400 }
`,
    ).replace('100ms', '1s'),
  );
  const { result, report } = await until(
    { workspace: repo.dir, inputs: { mode: 'capacity' } },
    ({ head }) => head.edge.holds !== null,
  );
  const [line = ''] = readFileSync(path.join(repo.dir, 'history.jsonl'), 'utf8').trim().split('\n').slice(-1);
  const stored = parseRecord(line);
  assert.ok('record' in stored, line);
  const { capacity } = stored.record;
  assert.deepEqual(
    [stored.record.suite, capacity?.holds, capacity?.breaks],
    ['queue (capacity)', report.head.edge.holds, null],
  );
  assert.ok(Math.abs(capacity!.messagesPerSecond! / capacity!.holds! - 1) < 0.5, line);
  assert.equal(readFileSync(path.join(repo.dir, '.tailgate/capacity-records.jsonl'), 'utf8').trim(), line);
  const [shown, offered] = await searchAtADesk();
  assert.match(shown, /queue \(capacity\): \d records? in[\s\S]*capacity [\d.]+ users\/s held \(/);
  // The live page has the loads that were tried, while others are still to be.
  assert.match(offered, /Still searching: 1 load tried so far/);
  assert.equal(report.head.edge.breaks, null, result.log);
  assert.ok(report.head.edge.holds! < 70, result.log);
  assert.equal(report.head.gaveOut?.what, 'generator', result.log);
  assert.match(report.reason, /holds at least [\d.]+ users\/s; the load generator ended the search/);
  assert.match(result.summary, /Capacity: at least [\d.]+ users\/s/);
  assert.equal(report.verdict, 'pass');
  assert.equal(result.exitCode, 0);
});

/** What a desk shows of the records, and the page of a search that is still going on. */
const searchAtADesk = async (): Promise<[shown: string, page: string]> => {
  const { stdout } = await runTailgate(repo.dir, ['baseline', 'show']);
  const { child, log, ended } = startTailgate(repo.dir, ['capacity', '--dashboard']);
  let page = '';
  while (child.exitCode === null && !page.includes('load tried so far')) {
    await delay(100);
    const [url] = /http:\/\/127\.0\.0\.1:\d+\/(?=\n)/.exec(log()) ?? [];
    if (url !== undefined)
      page = await fetch(url)
        .then((answer) => answer.text())
        .catch(() => '');
  }
  child.kill('SIGINT');
  await ended;
  return [stdout, page];
};

test('a search that is cancelled in the middle of an overload leaves nothing behind, and says what it knew', async () => {
  repo.write('load.yml', scenario());
  repo.write(
    'tailgate.yml',
    settings(
      `SERVICE_MS=200 node ${queueServer}`,
      'baseline: { mode: none }\ncapacity: { from: 80, stepMs: 60000, warmUpMs: 1000 }\n',
    ),
  );
  const result = await runStep({
    workspace: repo.dir,
    inputs: { mode: 'capacity' },
    cancelAfterMs: 6_000,
  });
  assert.equal(result.exitCode, 130, result.log);
  assert.ok(
    !existsSync(path.join(repo.dir, '.tailgate/capacity-records.jsonl')),
    'that of the search before',
  );
  assert.ok((result.cancelMs ?? 0) < 5_000, `took ${result.cancelMs} ms`);
  assert.deepEqual(processesNaming(queueServer), []);
  assert.equal(reportOf(result).problems[0]?.code, 'CANCELLED');
});

test('what a search needs is said before anything is started', async () => {
  repo.write('load.yml', scenario());
  const plain = settings(`node ${queueServer}`, 'baseline: { mode: none }\n');
  const table: [string, RegExp][] = [
    [plain.replace('"work.ack.p95 < 100ms", ', ''), /has no absolute limit, so no load would be too much/],
    [
      plain.replace('load.yml }', 'load.yml }, { name: other, scenario: load.yml }'),
      /several are selected\.[\s\S]*"queue", "other"/,
    ],
    [`${plain}capacity: { from: 50, to: 20 }\n`, /"capacity\.from" is not valid: it is more than "to"/],
  ];
  for (const [text, says] of table) {
    repo.write('tailgate.yml', text);
    const result = await runStep({ workspace: repo.dir, inputs: { mode: 'capacity' } });
    assert.equal(result.exitCode, 2, result.log);
    assert.match(decodeURIComponent(result.log.replace(/%(?![0-9A-F]{2})/g, '%25')), says);
    assert.equal(result.outputs.verdict, 'invalid');
  }
  const unknown = await runStep({ workspace: repo.dir, inputs: { mode: 'capasity' } });
  assert.equal(unknown.exitCode, 2);
  assert.match(unknown.log, /Did you mean "capacity"/);
});

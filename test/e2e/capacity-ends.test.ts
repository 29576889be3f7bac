// Runs beside one other: it needs a generator that can start some users, and leaves most of a machine idle.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { parseRecord } from '../../src/baseline/record-format.ts';
import { queueServer, reportOf, scenario, settings, until } from './capacity-run.ts';
import { type Checkout, checkout } from './fixture.ts';
import { processesNaming, runStep, runTailgate, startTailgate } from './runner.ts';

/** What ends a search other than a server that is too slow: the generator, who cancels it, and settings that lack something. */

let repo: Checkout;
before(() => {
  repo = checkout();
});
after(() => repo.remove());

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

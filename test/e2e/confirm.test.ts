// Runs beside one other: it needs a verdict on latencies, and leaves most of a machine idle.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { parseReport } from '../../src/report/parse-report.ts';
import { type Checkout, checkout, settings } from './fixture.ts';
import { runStep, type StepResult } from './runner.ts';

let repo: Checkout;

/** Wide enough that nothing but the injected delay exceeds it, whatever else the machine does. */
const inputs = {
  baseline: 'file:baseline.jsonl',
  thresholds: ['p50', 'p95', 'p99', 'max'].map((name) => `chat.ack.${name} < +200% and +200ms`).join('\n'),
};
const slow = { CHAT_DELAY_MS: '400' };

const linesOf = (name: string): Record<string, unknown>[] =>
  readFileSync(path.join(repo.dir, name), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

const writeLines = (name: string, records: readonly unknown[]): void =>
  writeFileSync(path.join(repo.dir, name), records.map((record) => `${JSON.stringify(record)}\n`).join(''));

/** A job; again while the machine is too busy for the generator, which the gate rightly refuses to judge. */
const job = async (more: Record<string, string>, env: Record<string, string> = {}): Promise<StepResult> => {
  const request = { workspace: repo.dir, inputs: { ...inputs, ...more }, env };
  let result = await runStep(request);
  for (let tries = 1; tries < 5 && result.log.includes('GENERATOR_BOTTLENECK'); tries += 1)
    result = await runStep(request);
  return result;
};

const suiteOf = (result: StepResult) => {
  const file = result.outputs['report-json'] ?? '';
  return parseReport(readFileSync(file, 'utf8'), file).suites[0]!;
};

before(async () => {
  repo = checkout();
  repo.write('tailgate.yml', settings().replace('baseline: { mode: none }\n', ''));
  const recorded = await job({ 'record-baseline': 'always' });
  assert.equal(recorded.exitCode, 0, recorded.log);
  const [record] = linesOf('baseline.jsonl');
  // A history of runs on one and the same quiet machine.
  writeLines(
    'baseline.jsonl',
    Array.from({ length: 12 }, (_, day) => ({
      ...record,
      recordedAt: new Date(Date.now() - (20 - day) * 86_400_000).toISOString(),
    })),
  );
});
after(() => repo.remove());

test('a suspect is left to a second job, which fails or clears it', async () => {
  const screened = await job({ confirm: 'fresh-job', 'record-baseline': 'always' }, slow);
  assert.equal(screened.exitCode, 0, screened.log);
  assert.equal(screened.outputs.verdict, 'suspect');
  assert.match(suiteOf(screened).reason, /^Suspect, to be measured again: /);
  assert.equal(suiteOf(screened).suspect, true);
  assert.equal(linesOf('baseline.jsonl').length, 12, 'a suspect is not stored');

  // As the artifact comes to the other machine.
  const [first] = linesOf('.tailgate/records.jsonl');
  assert.match(String(first!.machine), /^[0-9a-f]{16}$/);
  writeLines('suspect.jsonl', [{ ...first, machine: 'another machine' }]);

  const confirmed = await job({ 'confirm-from': 'suspect.jsonl', 'record-baseline': 'always' }, slow);
  assert.equal(confirmed.exitCode, 1, confirmed.log);
  assert.equal(confirmed.outputs.verdict, 'fail');
  assert.match(suiteOf(confirmed).reason, /on a fresh machine too/);
  assert.equal(linesOf('baseline.jsonl').length, 12, 'a fail is not stored');
  assert.equal(linesOf('.tailgate/records.jsonl')[0]?.verdict, 'fail');

  const cleared = await job({ 'confirm-from': 'suspect.jsonl', 'record-baseline': 'always' });
  assert.equal(cleared.exitCode, 0, cleared.log);
  assert.equal(cleared.outputs.verdict, 'pass');
  assert.match(cleared.log, /Measured again to confirm what the first job/);
  const stored = linesOf('baseline.jsonl');
  assert.equal(stored.length, 13, 'what passes is stored');
  assert.equal(
    stored.at(-1)?.machine,
    'another machine',
    'the measurement that was not made because of another',
  );
});

test('records of another commit cannot be confirmed', async () => {
  const [record] = linesOf('baseline.jsonl');
  // Where a download of the suspect's report folder puts them.
  const records = '.tailgate/records.jsonl';
  writeLines(records, [{ ...record, commit: 'f'.repeat(40) }]);
  const result = await job({ 'confirm-from': records });
  assert.equal(result.exitCode, 2, result.log);
  assert.equal(linesOf(records).length, 1, 'what was to be confirmed is not taken for an old report');
  assert.match(result.log, /cannot be confirmed for suite "chat": it was measured at commit f{40}/);
});

test('what was not suspect is not measured again', async () => {
  const [record] = linesOf('baseline.jsonl');
  writeLines('passed.jsonl', [{ ...record, machine: 'another machine' }]);
  const result = await job({ 'confirm-from': 'passed.jsonl', 'record-baseline': 'always' });
  assert.equal(result.exitCode, 0, result.log);
  assert.match(result.log, /Nothing was measured again/);
  assert.equal(linesOf('baseline.jsonl').length, 13, 'the first job stored it');
});

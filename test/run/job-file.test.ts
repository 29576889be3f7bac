import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { openJobFile } from '../../src/run/job-file.ts';
import type { JobRecord } from '../../src/verdict/job-record.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'tailgate-jobs-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const series = { suite: 'chat', scenarioHash: 'a', settingsHash: 'b' };
const job = (truth: number): JobRecord => ({
  schemaVersion: 1,
  ...series,
  truth,
  metric: 'chat.ack',
  design: 'slices',
  machine: 'a machine',
  startedAt: '2024-01-01T00:00:00Z',
  minutes: 10,
  pairs: [],
});

test('jobs are added one by one, and a file goes on where it stopped', async () => {
  const name = path.join(folder, 'new/jobs.jsonl');
  const first = await openJobFile(name, series);
  assert.deepEqual(first.records, []);
  await first.append(job(1));
  await first.append(job(1.1));
  assert.equal(readFileSync(name, 'utf8').split('\n').length, 3);
  const second = await openJobFile(name, series);
  assert.deepEqual(second.records, [job(1), job(1.1)]);
});

test('a line that was cut off is lost, and those before and after it are not', async () => {
  const name = path.join(folder, 'cut.jsonl');
  const first = await openJobFile(name, series);
  await first.append(job(1));
  appendFileSync(name, '{"schemaVersion":1,"truth":1.2,"met');
  const second = await openJobFile(name, series);
  assert.equal(second.records.length, 1);
  await second.append(job(1.05));
  assert.deepEqual(
    (await openJobFile(name, series)).records.map(({ truth }) => truth),
    [1, 1.05],
  );
});

test('a file of anything else is refused and left alone', async () => {
  const other = path.join(folder, 'other.jsonl');
  await (await openJobFile(other, series)).append(job(1));
  for (const [changed, reason] of [
    [{ suite: 'login' }, /its jobs are of suite "chat"/],
    [{ scenarioHash: 'c' }, /another version of the scenario/],
    [{ settingsHash: 'c' }, /other settings/],
  ] as const)
    await assert.rejects(openJobFile(other, { ...series, ...changed }), {
      code: 'JOB_FILE_UNUSABLE',
      what: reason,
    });
  const text = path.join(folder, 'notes.txt');
  writeFileSync(text, 'shopping list\nbread\n');
  await assert.rejects(openJobFile(text, series), { code: 'JOB_FILE_UNUSABLE', exit: 'usage' });
  assert.equal(readFileSync(text, 'utf8'), 'shopping list\nbread\n');
});

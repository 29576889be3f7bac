import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { exitCodes, TailgateError } from '../../src/errors.ts';
import { demoCommand } from '../../src/run/demo-command.ts';
import { openReportFolder, removeEmptyLogs, removeOldReports } from '../../src/run/report-folder.ts';
import { quietHost } from '../host/quiet-host.ts';

test('a folder that Tailgate makes ignores itself for git, and forgets the logs of the run before', async (t) => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'tailgate-report-'));
  t.after(() => rmSync(root, { recursive: true }));
  const reportDir = path.join(root, 'deep', '.tailgate');
  const { logDir } = await openReportFolder(reportDir);
  assert.match(readFileSync(path.join(reportDir, '.gitignore'), 'utf8'), /^\*$/m);
  assert.ok(!existsSync(path.join(root, 'deep', '.gitignore')));
  writeFileSync(path.join(logDir, 'old.log'), 'said something');
  await openReportFolder(reportDir);
  assert.ok(!existsSync(path.join(logDir, 'old.log')));
  writeFileSync(path.join(logDir, 'empty.log'), '');
  writeFileSync(path.join(logDir, 'full.log'), 'said something');
  await removeEmptyLogs(reportDir);
  assert.ok(!existsSync(path.join(logDir, 'empty.log')));
  assert.ok(existsSync(path.join(logDir, 'full.log')));
});

test('a folder that somebody else made is left as it is', async (t) => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'tailgate-report-'));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(path.join(root, 'logs'));
  writeFileSync(path.join(root, 'logs', 'mine.log'), '');
  await openReportFolder(root);
  await removeEmptyLogs(root);
  assert.ok(!existsSync(path.join(root, '.gitignore')));
  assert.ok(existsSync(path.join(root, 'logs', 'mine.log')));
});

test('what an earlier run left is removed when one begins, except what it reads', async (t) => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'tailgate-report-'));
  t.after(() => rmSync(root, { recursive: true }));
  const old = ['report.json', 'report.md', 'report.html', 'junit.xml', 'records.jsonl'];
  const others = ['baseline.jsonl', 'notes.md', 'capacity.json'];
  for (const name of [...old, ...others]) writeFileSync(path.join(root, name), name);
  await removeOldReports(root);
  assert.deepEqual(
    [...old, ...others].filter((name) => existsSync(path.join(root, name))),
    others,
  );
  writeFileSync(path.join(root, 'records.jsonl'), 'to be confirmed');
  await removeOldReports(root, { kept: [root] });
  assert.ok(existsSync(path.join(root, 'records.jsonl')));
});

test('an old report that cannot be removed is named as what is in the way, and no bug', async (t) => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'tailgate-report-'));
  t.after(() => rmSync(root, { recursive: true }));
  const inTheWay = path.join(root, 'report.json');
  mkdirSync(inTheWay);
  await assert.rejects(removeOldReports(root), (failure) => {
    assert.ok(failure instanceof TailgateError);
    assert.equal(failure.code, 'FILE_UNWRITABLE');
    assert.ok(failure.what.includes(inTheWay), failure.what);
    return true;
  });
});

test('a demonstration leaves a folder in which the reports of a run are ignored and cleared too', async (t) => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'tailgate-report-'));
  t.after(() => rmSync(root, { recursive: true }));
  const host = { ...quietHost(root, process.env), signal: AbortSignal.abort('SIGINT') };
  assert.equal(await demoCommand(host, () => {}), exitCodes.cancelled);
  const reportDir = path.join(root, '.tailgate');
  assert.ok(existsSync(path.join(reportDir, 'demo', 'report.json')));
  assert.match(readFileSync(path.join(reportDir, '.gitignore'), 'utf8'), /^\*$/m);
});

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { createLiveLine, createTerminalHost } from '../../src/host/terminal-host.ts';
import type { Report } from '../../src/report/report-model.ts';
import { compareReports } from '../../src/run/compare-command.ts';
import { judgedReports } from '../report/judged-report.ts';

const dir = mkdtempSync(path.join(os.tmpdir(), 'tailgate-compare-'));
after(() => rmSync(dir, { recursive: true, force: true }));

const compare = async (before: Report, second: Report): Promise<{ exitCode: number; text: string }> => {
  writeFileSync(path.join(dir, 'before.json'), JSON.stringify(before));
  writeFileSync(path.join(dir, 'after.json'), JSON.stringify(second));
  const { signal } = new AbortController();
  const { stderr } = process;
  let text = '';
  const exitCode = await compareReports({
    host: createTerminalHost({
      env: {},
      cwd: dir,
      signal,
      stderr,
      stdout: stderr,
      live: createLiveLine(stderr),
    }),
    print: (printed) => {
      text += printed;
    },
    inputs: { source: 'cli', values: {} },
    before: 'before.json',
    after: 'after.json',
    files: {},
  });
  return { exitCode, text };
};

test('a suite that is gone, a report without a verdict and a suite with a problem never pass', async () => {
  const pass = judgedReports.pass!();
  const [suite] = pass.suites;
  const same = await compare(pass, pass);
  assert.equal(same.exitCode, 0, same.text);
  const two = { ...pass, suites: [suite!, { ...suite!, name: 'orders' }] };
  const gone = await compare(two, pass);
  assert.equal(gone.exitCode, 4, gone.text);
  assert.match(gone.text, /lacks what the first has: "orders"/);
  const died = { code: 'TARGET_DIED', what: 'The server died', fix: '', file: null, line: null };
  const invalid = { ...pass, verdict: 'invalid' as const, problems: [died] };
  const pairs: [Report, Report][] = [
    [invalid, pass],
    [pass, invalid],
    [pass, { ...pass, suites: [{ ...suite!, problems: [died] }] }],
  ];
  for (const [before, second] of pairs) {
    const { exitCode, text } = await compare(before, second);
    assert.equal(exitCode, 4, text);
    assert.match(text, /The server died/);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeReports } from '../../src/report/merge-reports.ts';
import { renderHtml } from '../../src/report/render-html.ts';
import { renderMarkdown } from '../../src/report/render-markdown.ts';
import { reportSchema } from '../../src/report/report-model.ts';
import { judgedReports, judgedSuite, reportOf, suiteWith } from './judged-report.ts';

test('legs become one report with one verdict, and their suites keep apart', () => {
  const pass = reportOf([judgedSuite(), judgedSuite({ name: 'only-here' })]);
  const fail = reportOf([suiteWith('fail', { factor: 1.2 })], {
    environment: { ...pass.environment, node: '20.20.2' },
    durations: { totalMs: 900_000, buildMs: 1, loadMs: 2 },
    startedAt: '2026-03-14T09:00:00.000Z',
  });
  const merged = mergeReports([
    { label: '24', report: pass },
    { label: '20', report: fail },
  ]);
  assert.equal(merged.verdict, 'fail');
  assert.deepEqual(
    merged.suites.map((suite) => suite.name),
    ['24: chat-room', 'only-here', '20: chat-room'],
  );
  assert.equal(merged.suites[0]?.environment, undefined);
  assert.equal(merged.suites[2]?.environment?.node, '20.20.2');
  assert.equal(merged.durations.totalMs, 900_000);
  assert.equal(merged.startedAt, '2026-03-14T09:00:00.000Z');
  assert.equal(merged.commits.head, pass.commits.head);
  assert.ok(reportSchema.safeParse(merged).success);
  assert.match(renderMarkdown(merged), /slower, .* in `20: chat-room`/);
  assert.match(renderMarkdown(merged), /Measured on .* Node 20\.20\.2/);
  assert.match(renderHtml(merged), /Measured on .* Node 20\.20\.2/);
});

test('a leg that measured nothing counts, and legs of different commits name none', () => {
  const merged = mergeReports([
    { label: 'a', report: judgedReports.pass!() },
    { label: 'b', report: { ...judgedReports.nothing!(), commits: { head: 'other', base: null } } },
  ]);
  assert.equal(merged.verdict, 'invalid');
  assert.equal(merged.commits.head, null);
  assert.equal(merged.problems[0]?.what, 'b: Unknown setting "tresholds".');
  assert.throws(() => mergeReports([]), RangeError);
});

test('the same label twice still gives every suite a name of its own', () => {
  const report = judgedReports.pass!();
  const merged = mergeReports([
    { label: 'x', report },
    { label: 'x', report },
  ]);
  assert.deepEqual(
    merged.suites.map((suite) => suite.name),
    ['x: chat-room', 'x: chat-room (2)'],
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groupLevels, isLevelGroup } from '../../src/report/level-groups.ts';
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

test('what is renamed is measured again by the name that its settings know', () => {
  const failed = reportOf([suiteWith('fail', { factor: 1.2 })]);
  const merged = mergeReports([
    { label: 'node 24', report: judgedReports.pass!() },
    { label: 'node 20', report: failed },
  ]);
  assert.deepEqual(
    merged.suites.map(({ name, originalName }) => [name, originalName]),
    [
      ['node 24: chat-room', 'chat-room'],
      ['node 20: chat-room', 'chat-room'],
    ],
  );
  assert.match(renderMarkdown(merged), /`tailgate run --suite chat-room --baseline side-by-side /);
  const again = mergeReports([
    { label: 'a', report: merged },
    { label: 'b', report: merged },
  ]);
  assert.equal(again.suites[3]?.name, 'b: node 20: chat-room');
  assert.equal(again.suites[3]?.originalName, 'chat-room');
  assert.equal(mergeReports([{ label: 'a', report: failed }]).suites[0]?.originalName, undefined);
});

test('a level is measured again alone, and one that no list can name with its suite', () => {
  const commandOf = (name: string): string | undefined =>
    /`tailgate run --suite (.*?)(?: --.*)?`/.exec(renderMarkdown(reportOf([judgedSuite({ name })])))?.[1];
  assert.equal(commandOf('rooms/100 users'), "'rooms/100 users'");
  assert.equal(commandOf('api/v2'), 'api/v2');
  assert.equal(commandOf('rooms/1,000 users'), 'rooms');
});

test('a label with slashes makes no levels of suites', () => {
  const merged = mergeReports(
    ['legs/a', 'legs/b'].map((label) => ({ label, report: reportOf([judgedSuite({ name: 'chat' })]) })),
  );
  assert.deepEqual(
    merged.suites.map(({ name }) => name),
    ['legs-a: chat', 'legs-b: chat'],
  );
  assert.ok(groupLevels(merged.suites).every((entry) => !isLevelGroup(entry)));
  const levels = mergeReports(
    ['legs/a', 'legs/b'].map((label) => ({ label, report: judgedReports.levels!() })),
  );
  assert.deepEqual(
    groupLevels(levels.suites).map(({ name }) => name),
    ['legs-a: rooms', 'legs-b: rooms'],
  );
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { capacityHeadline, capacityTable, capacityText } from '../../src/report/capacity-document.ts';
import { type CapacityReport, capacityReportSchema } from '../../src/report/capacity-model.ts';
import { plainText } from '../../src/report/document.ts';
import { parseAnyReport } from '../../src/report/parse-report.ts';
import { renderHtml } from '../../src/report/render-html.ts';
import { renderJson } from '../../src/report/render-json.ts';
import { renderJunit } from '../../src/report/render-junit.ts';
import { renderMarkdown } from '../../src/report/render-markdown.ts';
import { renderCapacitySchema } from '../../src/report/render-report-schema.ts';
import { renderTerminal } from '../../src/report/render-terminal.ts';
import { displayWidth } from '../../src/report/terminal-text.ts';
import { htmlDocument, markdownPage } from './rendered-page.ts';
import { sampleCapacity } from './sample-capacity.ts';

const folder = path.join(import.meta.dirname, 'golden');
const asIs = { serializers: [(text: unknown) => String(text)] };

test('a comment about capacity', (t) => {
  t.assert.fileSnapshot(renderMarkdown(sampleCapacity()), path.join(folder, 'capacity.md'), asIs);
});

test('capacity on a terminal', (t) => {
  t.assert.fileSnapshot(renderTerminal(sampleCapacity()), path.join(folder, 'capacity.txt'), asIs);
  for (const columns of [50, 70, 90])
    for (const line of renderTerminal(sampleCapacity(), { columns, color: true }).split('\n'))
      assert.ok(displayWidth(line) <= columns, line);
});

test('the JSON fits its schema and survives being read', () => {
  const text = renderJson(sampleCapacity());
  assert.equal(renderJson(capacityReportSchema.parse(JSON.parse(text))), text);
});

test('capacity.schema.json is the schema of the model', () => {
  const committed = readFileSync(path.resolve(import.meta.dirname, '../../capacity.schema.json'), 'utf8');
  assert.equal(committed, renderCapacitySchema(), 'run: node scripts/generate-report-schema.ts');
});

test('a report that was written is read again, and one that does not fit says where', () => {
  const text = renderJson(sampleCapacity());
  assert.deepEqual(parseAnyReport(text, 'r.json'), sampleCapacity());
  for (const other of ['{}', '[]', 'null', 'no json', '{"kind":"run"}'])
    assert.throws(() => parseAnyReport(other, 'r.json'), { code: 'REPORT_UNREADABLE' }, other);
  assert.throws(() => parseAnyReport(text.replace('"breaks"', '"fails"'), 'r.json'), {
    code: 'REPORT_UNREADABLE',
    message: /"r\.json".*levels\[\d+\]\.verdict/,
  });
});

test('a report of a later version is read as that of a run is', () => {
  const text = renderJson(sampleCapacity());
  const later = JSON.parse(text) as CapacityReport;
  Object.assign(later, { later: { deep: 1 } });
  Object.assign(later.head.levels[0]!, { later: 1, another: [] });
  assert.equal(renderJson(parseAnyReport(JSON.stringify(later), 'r.json')), text);
  const refused = (changed: string, message: RegExp, maxLength?: number): void =>
    assert.throws(() => parseAnyReport(changed, 'r.json', maxLength), { code: 'REPORT_UNREADABLE', message });
  refused(
    JSON.stringify({ ...later, schemaVersion: 7 }),
    /its schema version is 7; this version of Tailgate/,
  );
  refused(JSON.stringify({ ...later, schemaVersion: undefined }), /it has no "schemaVersion"/);
  refused(text, /has \d+ characters, more than the 1000/, 1000);
});

test('what ended a search is said once, whatever it had found', () => {
  const report = sampleCapacity();
  const what = 'The run was cancelled (SIGINT).';
  report.problems = [{ code: 'CANCELLED', what, fix: 'It was stopped.', file: null, line: null }];
  Object.assign(report, { verdict: 'invalid', reason: what });
  for (const text of [renderTerminal(report), renderMarkdown(report), renderHtml(report)])
    assert.equal(text.split('was cancelled').length, 2, text);
});

test('the capacity is worded by what was found', () => {
  const side = (holds: number | null, breaks: number | null) => ({
    levels: [],
    gaveOut: null,
    knee: null,
    edge: { holds, breaks, confirmed: true },
  });
  assert.equal(capacityText(side(412, 430), 'users/s'), '412 users/s');
  assert.equal(capacityText(side(800, null), 'users/s'), 'at least 800 users/s');
  assert.equal(capacityText(side(null, 50), 'users'), 'less than 50 users');
  assert.equal(capacityText(side(null, null), 'users'), 'unknown');
  const alone = sampleCapacity({ baseline: null, head: side(412, 430), verdict: 'pass' });
  const title = (report: typeof alone) => plainText(capacityHeadline(report).title);
  assert.equal(title(alone), 'Capacity: 412 users/s');
  const better = sampleCapacity({ baseline: side(400, 420), head: side(500, 520) });
  assert.equal(title(better), 'Capacity: 500 users/s, +25% against the baseline (400 users/s)');
  assert.match(title(sampleCapacity({ verdict: 'invalid' })), /unknown/);
});

test('a load that was measured twice shows the later measurement, and a load of one side is shown', () => {
  const report = sampleCapacity();
  report.head.levels.push({ ...report.head.levels.at(-1)!, verdict: 'invalid' });
  const { columns, rows } = capacityTable(report);
  const p95 = columns.findIndex(({ title }) => title === 'p95');
  const row = (load: string) => rows.find(([first]) => first?.[0] === load)!.map(plainText);
  assert.equal(row('300').at(-1), '– → invalid');
  assert.equal(row('640').at(-1), 'breaks → –');
  assert.match(row('640')[p95]!, / → –$/);
  assert.match(row('300')[p95]!, /^– → /);
  assert.equal(rows.length, 13);
});

test('the curve has both sides and both edges', () => {
  const page = htmlDocument(renderHtml(sampleCapacity()));
  assert.equal(page.elements.filter(({ tag }) => tag === 'svg').length, 3);
  assert.match(page.text, /holds 380/);
  assert.match(page.text, /holds 300/);
  assert.equal(renderHtml(sampleCapacity()), renderHtml(sampleCapacity()));
  const nothing = sampleCapacity({
    baseline: null,
    head: {
      levels: [],
      gaveOut: null,
      knee: null,
      edge: { holds: null, breaks: null, confirmed: false },
    },
  });
  assert.equal(htmlDocument(renderHtml(nothing)).elements.filter(({ tag }) => tag === 'svg').length, 0);
  assert.doesNotMatch(renderMarkdown(nothing), /mermaid/);
});

test('JUnit fails when the capacity does', () => {
  assert.match(renderJunit(sampleCapacity(), ['fail']), /<failure message="This PR holds 21% fewer/);
  assert.match(renderJunit(sampleCapacity(), []), /<skipped message=/);
  assert.match(renderJunit(sampleCapacity({ verdict: 'pass' }), ['fail']), /name="capacity" time="0"\/>/);
});

test('foreign names stay text', () => {
  const piece = fc.constantFrom(
    '@octocat',
    '#1',
    '|',
    '`',
    '\n',
    '</details>',
    '<img src=x>',
    '```',
    '\u202E',
    'https://e.x',
    '*',
    '_',
    ' ',
    'a',
  );
  const nasty = fc.array(piece, { maxLength: 8 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(nasty, (text) => {
      const report = sampleCapacity({
        suite: text,
        scenario: text,
        metric: text,
        rules: [text],
        reason: text,
        warnings: [text],
      });
      for (const level of report.head.levels) for (const reason of level.reasons) reason.explanation = text;
      const page = markdownPage(renderMarkdown(report, { links: { run: null } }));
      assert.deepEqual(page.tables, [Array(14).fill(9)]);
      for (const live of page.liveText) assert.doesNotMatch(live, /@octocat|#1|https:/);
      assert.ok(!page.elements.some(({ tag }) => ['img', 'a', 'h1'].includes(tag)));
      const html = htmlDocument(renderHtml(report));
      assert.ok(!html.elements.some(({ tag }) => ['img', 'script'].includes(tag)));
    }),
    { seed: 5, numRuns: 40 },
  );
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { capacityReportSchema } from '../../src/report/capacity-model.ts';
import { capacityHeadline, capacityRows, capacityText } from '../../src/report/capacity-rows.ts';
import { isCapacityReport, parseCapacityReport } from '../../src/report/parse-capacity-report.ts';
import { renderCapacityHtml } from '../../src/report/render-capacity-html.ts';
import { renderCapacityJson } from '../../src/report/render-capacity-json.ts';
import { renderCapacityJunit } from '../../src/report/render-capacity-junit.ts';
import { renderCapacityMarkdown } from '../../src/report/render-capacity-markdown.ts';
import { renderCapacityTerminal } from '../../src/report/render-capacity-terminal.ts';
import { renderCapacitySchema } from '../../src/report/render-report-schema.ts';
import { displayWidth } from '../../src/report/terminal-text.ts';
import { htmlDocument, markdownPage } from './rendered-page.ts';
import { sampleCapacity } from './sample-capacity.ts';

const folder = path.join(import.meta.dirname, 'golden');
const asIs = { serializers: [(text: unknown) => String(text)] };

test('a comment about capacity', (t) => {
  t.assert.fileSnapshot(renderCapacityMarkdown(sampleCapacity()), path.join(folder, 'capacity.md'), asIs);
});

test('capacity on a terminal', (t) => {
  t.assert.fileSnapshot(renderCapacityTerminal(sampleCapacity()), path.join(folder, 'capacity.txt'), asIs);
  for (const columns of [50, 70, 90])
    for (const line of renderCapacityTerminal(sampleCapacity(), { columns, color: true }).split('\n'))
      assert.ok(displayWidth(line) <= columns, line);
});

test('the JSON fits its schema and survives being read', () => {
  const text = renderCapacityJson(sampleCapacity());
  assert.equal(renderCapacityJson(capacityReportSchema.parse(JSON.parse(text))), text);
});

test('capacity.schema.json is the schema of the model', () => {
  const committed = readFileSync(path.resolve(import.meta.dirname, '../../capacity.schema.json'), 'utf8');
  assert.equal(committed, renderCapacitySchema(), 'run: node scripts/generate-report-schema.ts');
});

test('a report that was written is read again, and one that does not fit says where', () => {
  const text = renderCapacityJson(sampleCapacity());
  assert.ok(isCapacityReport(text));
  assert.deepEqual(parseCapacityReport(text, 'r.json'), sampleCapacity());
  for (const other of ['{}', '[]', 'null', 'no json', '{"kind":"run"}'])
    assert.ok(!isCapacityReport(other), other);
  assert.throws(() => parseCapacityReport(text.replace('"breaks"', '"fails"'), 'r.json'), {
    code: 'REPORT_UNREADABLE',
    message: /"r\.json".*levels\[\d+\]\.verdict/,
  });
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
  assert.equal(capacityHeadline(alone).title, 'Capacity: 412 users/s');
  const better = sampleCapacity({ baseline: side(400, 420), head: side(500, 520) });
  assert.equal(
    capacityHeadline(better).title,
    'Capacity: 500 users/s, +25% against the baseline (400 users/s)',
  );
  assert.match(capacityHeadline(sampleCapacity({ verdict: 'invalid' })).title, /unknown/);
});

test('a load that was measured twice shows the later measurement, and a load of one side is shown', () => {
  const report = sampleCapacity();
  report.head.levels.push({ ...report.head.levels.at(-1)!, verdict: 'invalid' });
  const rows = capacityRows(report);
  const row = (load: string) => rows.find((one) => one.load === load);
  assert.equal(row('300')?.head, 'invalid');
  assert.equal(row('300')?.baseline, null);
  assert.equal(row('640')?.head, null);
  assert.match(row('640')!.p95, / → –$/);
  assert.match(row('300')!.p95, /^– → /);
  assert.equal(rows.length, 13);
});

test('the curve has both sides and both edges', () => {
  const page = htmlDocument(renderCapacityHtml(sampleCapacity()));
  assert.equal(page.elements.filter(({ tag }) => tag === 'svg').length, 3);
  assert.match(page.text, /holds 380/);
  assert.match(page.text, /holds 300/);
  assert.equal(renderCapacityHtml(sampleCapacity()), renderCapacityHtml(sampleCapacity()));
  const nothing = sampleCapacity({
    baseline: null,
    head: {
      levels: [],
      gaveOut: null,
      knee: null,
      edge: { holds: null, breaks: null, confirmed: false },
    },
  });
  assert.equal(
    htmlDocument(renderCapacityHtml(nothing)).elements.filter(({ tag }) => tag === 'svg').length,
    0,
  );
  assert.doesNotMatch(renderCapacityMarkdown(nothing), /mermaid/);
});

test('JUnit fails when the capacity does', () => {
  assert.match(renderCapacityJunit(sampleCapacity(), ['fail']), /<failure message="The head holds 21% fewer/);
  assert.match(renderCapacityJunit(sampleCapacity(), []), /<skipped message=/);
  assert.match(
    renderCapacityJunit(sampleCapacity({ verdict: 'pass' }), ['fail']),
    /name="capacity" time="0"\/>/,
  );
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
      const page = markdownPage(renderCapacityMarkdown(report, { links: { run: null } }));
      assert.deepEqual(page.tables, [Array(14).fill(9)]);
      for (const live of page.liveText) assert.doesNotMatch(live, /@octocat|#1|https:/);
      assert.ok(!page.elements.some(({ tag }) => ['img', 'a', 'h1'].includes(tag)));
      const html = htmlDocument(renderCapacityHtml(report));
      assert.ok(!html.elements.some(({ tag }) => ['img', 'script'].includes(tag)));
    }),
    { seed: 5, numRuns: 40 },
  );
});

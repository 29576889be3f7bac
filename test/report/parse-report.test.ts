import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { TailgateError } from '../../src/errors.ts';
import { parseReport } from '../../src/report/parse-report.ts';
import { renderJson } from '../../src/report/render-json.ts';
import { renderReportSchema } from '../../src/report/render-report-schema.ts';
import type { Report } from '../../src/report/report-model.ts';
import { judgedReports } from './judged-report.ts';

test('report.schema.json is the schema of the model', () => {
  const committed = readFileSync(path.resolve(import.meta.dirname, '../../report.schema.json'), 'utf8');
  assert.equal(committed, renderReportSchema(), 'run: node scripts/generate-report-schema.ts');
});

test('a report survives being written and read', () => {
  for (const [name, make] of Object.entries(judgedReports)) {
    const report = make();
    const text = renderJson(report);
    const read = parseReport(text, name);
    assert.equal(renderJson(read), text);
    assert.equal(read.verdict, report.verdict);
  }
});

test('keys stand in the order of the schema, whatever order the report was built in', () => {
  const report = judgedReports.pass!();
  const turned = Object.fromEntries(Object.entries(report).reverse()) as Report;
  assert.equal(renderJson(turned), renderJson(report));
});

const refusal = (text: string, maxLength?: number): string => {
  try {
    parseReport(text, 'a.json', maxLength);
  } catch (error) {
    assert.ok(error instanceof TailgateError);
    assert.equal(error.code, 'REPORT_UNREADABLE');
    assert.match(error.what, /^"a\.json" is not a Tailgate report: /);
    return error.what.replace('"a.json" is not a Tailgate report: ', '');
  }
  throw new Error('it was read');
};

test('what is not a report is refused, and the first problem is named with its place', () => {
  const report = judgedReports.pass!() as unknown as Record<string, never>;
  const changed = (change: (copy: Record<string, never>) => void): string => {
    const copy = JSON.parse(JSON.stringify(report)) as Record<string, never>;
    change(copy);
    return JSON.stringify(copy);
  };
  assert.match(refusal(''), /^it is not JSON \(/);
  assert.match(refusal('{"a": \u202E'), /^it is not JSON \([^\u202E]*\)\.$/);
  assert.equal(refusal('[]'), 'it is not a JSON object.');
  assert.equal(refusal('null'), 'it is not a JSON object.');
  assert.equal(refusal('{}'), 'it has no "schemaVersion".');
  assert.match(
    refusal('{"schemaVersion": 7}'),
    /its schema version is 7; this version of Tailgate reads versions up to 1/,
  );
  assert.match(refusal('{"schemaVersion": 0}'), /its schema version 0 is no longer read/);
  assert.match(
    refusal(
      changed((copy) =>
        Object.assign((copy as unknown as Report).suites[0]!.metrics[2]!.head as object, { count: 'many' }),
      ),
    ),
    /^suites\[0\]\.metrics\[2\]\.head\.count: expected number/,
  );
  assert.match(refusal(changed((copy) => Object.assign(copy, { verdict: 'great' }))), /^verdict: /);
  assert.match(refusal(changed((copy) => delete copy.commits)), /^commits: /);
  assert.match(refusal(renderJson(judgedReports.pass!()), 1000), /has \d+ characters, more than the 1000/);
});

test('a hostile report changes nothing outside of itself', () => {
  const text = renderJson(judgedReports.pass!()).replace(
    '"counters": {',
    '"counters": {"__proto__": {"baseline": 1, "head": 1},',
  );
  const report = parseReport(text, 'a.json');
  assert.equal(({} as Record<string, unknown>).baseline, undefined);
  assert.equal(Object.hasOwn(report.suites[0]!.counters, '__proto__'), false);
  const deep = `{"schemaVersion":1,"suites":${'['.repeat(50_000)}${']'.repeat(50_000)}}`;
  assert.ok(refusal(deep).length < 400);
});

test('fields of a later version are left out, wherever they stand', () => {
  const text = renderJson(judgedReports.pass!());
  const later = JSON.parse(text) as Report & { later?: unknown };
  Object.assign(later, { later: { deep: 1 } });
  Object.assign(later.suites[0]!.metrics[0]!, { later: 1, another: [] });
  Object.assign(later.environment, { later: null });
  assert.equal(renderJson(parseReport(JSON.stringify(later), 'a.json')), text);
  Object.assign(later, { verdict: 'great' });
  assert.match(refusal(JSON.stringify(later)), /^verdict: |later/);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { annotationsOf } from '../../src/github/report-annotations.ts';
import { parseReport } from '../../src/report/parse-report.ts';
import { renderHtml } from '../../src/report/render-html.ts';
import { renderMarkdown } from '../../src/report/render-markdown.ts';
import { renderTerminal } from '../../src/report/render-terminal.ts';
import { judgedReports } from './judged-report.ts';

const explained = () => {
  const report = judgedReports.fail!();
  const explanation = report.suites[0]!.explanation!;
  explanation.functions = [
    {
      name: 'verifyToken',
      file: 'src/token.ts',
      line: 6,
      owner: 'own',
      calls: { baseline: 1, head: 2, difference: 1, low: 1, high: 1 },
      timeUs: { baseline: 41, head: 82.5 },
      allocatedBytes: { baseline: 1_500, head: 3_100 },
    },
    {
      name: '<script>alert(1)</script>',
      file: 'node:timers',
      line: 3,
      owner: 'node',
      calls: { baseline: 0.5, head: 0.48, difference: -0.02, low: -0.1, high: 0.06 },
      timeUs: { baseline: 0, head: 0 },
      allocatedBytes: { baseline: 0, head: 0 },
    },
  ];
  return report;
};

test('the page and the comment have a table of what each function did, and foreign names are inert', () => {
  const report = explained();
  assert.deepEqual(parseReport(JSON.stringify(report), 'report.json'), report);
  const page = renderHtml(report);
  assert.match(page, /verifyToken[\s\S]*src\/token\.ts:6[\s\S]*1\.00 → 2\.00[\s\S]*\+1\.00 to \+1\.00/);
  assert.match(page, /0\.041 ms → 0\.0825 ms[\s\S]*1\.5 kB → 3\.1 kB/);
  assert.doesNotMatch(page, /<script>alert/);
  assert.match(renderMarkdown(report), /What each function did for a message/);
});

test('the line of the change that did it is annotated', () => {
  const inside = annotationsOf(explained(), process.cwd()).find(({ title }) => /why it changed/.test(title));
  assert.deepEqual([inside?.path, inside?.line, inside?.level], ['src/server.ts', 117, 'failure']);
});

test('every report says what looking for the cause took, and one where nobody looked does not', () => {
  const report = explained();
  const shown = [renderHtml, renderMarkdown, renderTerminal];
  for (const render of shown) assert.doesNotMatch(render(report), /looking\s+for\s+the\s+cause/);
  report.durations.explainMs = 17_800;
  for (const render of shown) assert.match(render(report), /looking\s+for\s+the\s+cause\s+1[78]/);
});

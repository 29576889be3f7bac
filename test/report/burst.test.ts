import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderHtml } from '../../src/report/render-html.ts';
import { renderMarkdown } from '../../src/report/render-markdown.ts';
import { renderTerminal } from '../../src/report/render-terminal.ts';
import type { SuiteReport } from '../../src/report/report-model.ts';
import { judgedReports } from './judged-report.ts';

/** The sample of levels; the last one is a burst for which the generator was too slow. */
const burst = (bestEffort: boolean) => {
  const report = judgedReports.levels!();
  const last = report.suites.at(-1)!;
  const generator: NonNullable<SuiteReport['generator']> = {
    ...last.generator!,
    startedArrivals: 10_000,
    intendedArrivalsMs: 1_000,
    arrivalsMs: 8_000,
    bottleneck: 'it used 96% of a core',
    ...(bestEffort ? { bestEffort } : {}),
  };
  return { ...report, suites: [...report.suites.slice(0, -1), { ...last, generator }] };
};

const rate = /10,000 users, meant to start within 1 s, started within 8 s \(1,250\/s\)/;

for (const [name, render] of [
  ['markdown', renderMarkdown],
  ['terminal', (report: Parameters<typeof renderTerminal>[0]) => renderTerminal(report, { columns: 200 })],
  ['HTML', renderHtml],
] as const)
  test(`${name}: below the table of levels stands how fast the users of a burst came`, () => {
    assert.match(render(burst(true)), rate);
    assert.doesNotMatch(render(burst(false)), /meant to start/);
  });

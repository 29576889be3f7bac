import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plainText } from '../../src/report/document.ts';
import { headlineOf } from '../../src/report/headline.ts';
import type { ChangeReport, LimitReport, MetricReport, SuiteReport } from '../../src/report/report-model.ts';
import { reportOf, suiteWith } from './judged-report.ts';

type Row = {
  name: [metric: string, statistic: string];
  unit?: MetricReport['unit'];
  change: [relative: number, low: number | null, high: number | null];
  rule?: string;
};

const rowOf = (verdict: LimitReport['verdict'], { name, unit = 'ms', change, rule }: Row): MetricReport => {
  const [id, statistic] = name;
  const [relative, low, high] = change;
  const confidence = low === null ? null : 0.95;
  const found: ChangeReport = { statistic, relative, low, high, confidence, samples: 8 };
  const limit: LimitReport[] =
    rule === undefined
      ? []
      : [{ rule, statistic, verdict, explanation: 'Why.', detectable: null, file: null, line: null }];
  return {
    id,
    unit,
    baseline: null,
    head: null,
    baselineValue: 100,
    headValue: 100 * (1 + relative),
    change: [found],
    limit,
    verdict: rule === undefined ? 'advisory' : verdict,
  };
};

const passed = suiteWith('pass');

const told = (verdict: 'pass' | 'inconclusive', rows: readonly Row[], suite: Partial<SuiteReport> = {}) => {
  const metrics = rows.map((row) => rowOf(verdict, row));
  const headline = headlineOf(reportOf([{ ...passed, verdict, metrics, ...suite }]));
  return [plainText(headline.title), plainText(headline.detail)] as const;
};

const p95 = (change: Row['change'], rule?: string): Row => ({
  name: ['chat.delivery', 'p95'],
  change,
  ...(rule === undefined ? {} : { rule }),
});

test('a pass does not say that nothing got slower above a line that says what did', () => {
  const limit = 'chat.delivery.p95 < +20%';
  assert.deepEqual(told('pass', [p95([0.12, 0.08, 0.16], limit)]), [
    'Slower, but within the limit',
    'The largest rise: chat.delivery p95 12% slower. We are 95% sure that it is between 8% and 16% slower (8 pairs).',
  ]);
  // Little, but beyond chance, and on a row that the line below speaks of.
  assert.match(told('pass', [p95([0.02, 0.01, 0.03], limit)])[0], /^Slower, but within the limit$/);
  const ungated: Row = { name: ['joinRoom.ack', 'p95'], change: [2, 1.8, 2.2] };
  const [title, detail] = told('pass', [
    p95([0.01, -0.02, 0.04], limit),
    p95([0.01, -0.02, 0.04], 'chat.delivery.p95 < 200ms'),
    ungated,
  ]);
  assert.equal(title, 'Slower, but within all 2 limits');
  assert.match(detail, /^The largest rise: joinRoom\.ack p95 200% slower\. /);
  assert.match(told('pass', [ungated])[0], /^Slower, but there was no limit to judge it by$/);
});

test('what is not proven, or no wait of a user, got no slower', () => {
  const limit = 'chat.delivery.p95 < +20%';
  const within = p95([0.01, -0.02, 0.04], limit);
  const nothing = 'Nothing got slower: the limit holds';
  assert.equal(told('pass', [within])[0], nothing);
  assert.equal(
    told('pass', [within, { name: ['joinRoom.ack', 'p95'], change: [0.02, 0.01, 0.03] }])[0],
    nothing,
  );
  for (const [metric, unit] of [
    ['server.cpuPerMessage', 'ms'],
    ['messages.sent.perSecond', 'perSecond'],
  ] as const)
    assert.equal(
      told('pass', [within, { name: [metric, 'value'], unit, change: [0.3, 0.2, 0.4] }])[0],
      nothing,
      metric,
    );
  // Without an interval it is neither slower nor not.
  const stored = { comparison: 'single' } as const;
  assert.deepEqual(told('pass', [p95([0.15, null, null], limit)], stored), [
    'Within the limit',
    'The largest rise: chat.delivery p95 15% slower. That is against 8 earlier runs.',
  ]);
  assert.equal(told('pass', [p95([0.05, null, null], limit)], stored)[0], nothing);
});

test('the largest change is the largest: for the worse if anything is, whichever direction that is', () => {
  const of = (statistic: string, relative: number): Row => ({
    name: ['chat.delivery', statistic],
    change: [relative, relative - 0.03, relative + 0.02],
    rule: `chat.delivery.${statistic} < +10%`,
  });
  const fewer: Row = {
    name: ['messages.sent.perSecond', 'value'],
    unit: 'perSecond',
    change: [-0.04, -0.045, -0.035],
    rule: 'messages.sent.perSecond>-5%',
  };
  const detail = (...rows: Row[]): string => told('pass', rows)[1].split('. ')[0]!;
  assert.equal(detail(of('p95', -0.05), of('p50', -0.3)), 'The largest change: chat.delivery p50 30% faster');
  assert.equal(detail(of('p50', -0.3), of('p95', 0.01)), 'The largest rise: chat.delivery p95 1% slower');
  assert.equal(detail(of('p50', 0.01), fewer), 'The largest fall: messages.sent.perSecond 4% lower');
  assert.equal(detail(of('p50', 0)), 'The largest change: chat.delivery p50 did not move');
  assert.equal(detail(of('count', -0.05)), 'The largest change: chat.delivery count 5% lower');
});

test('what is undecided is told by the end of the interval that its limit is about', () => {
  const rate = (rule: string, change: Row['change']): string =>
    told('inconclusive', [
      { name: ['messages.sent.perSecond', 'value'], unit: 'perSecond', change, rule },
    ])[0];
  const may = 'Undecided: messages.sent.perSecond may be';
  assert.equal(rate('messages.sent.perSecond > -5%', [-0.04, -0.12, 0.03]), `${may} up to 12% lower`);
  assert.equal(rate('"messages.sent.perSecond">=-5%', [0.02, -0.07, 0.13]), `${may} up to 7% lower`);
  assert.equal(rate('messages.sent.perSecond < +5%', [0.02, -0.07, 0.13]), `${may} up to 13% higher`);
  assert.equal(rate('messages.sent.perSecond > +5%', [0.06, 0.01, 0.13]), `${may} 6% higher`);
  assert.equal(
    told('inconclusive', [p95([0.02, -0.07, 0.13], 'chat.delivery.p95 < +10%')])[0],
    'Undecided: chat.delivery p95 may be up to 13% slower',
  );
});

import { formatChange, formatPercentChange, formatShare, formatValue, plural } from '../metrics/notation.ts';
import type { Verdict } from '../verdict/verdict.ts';
import { type MetricRow, metricRows, rowName, shortRule } from './metric-rows.ts';
import type { ChangeReport, Report, SuiteReport } from './report-model.ts';

export const verdictEmoji: Record<Verdict | 'advisory', string> = {
  pass: '✅',
  fail: '❌',
  inconclusive: '❔',
  invalid: '⛔',
  advisory: '',
};

export const verdictWord: Record<Verdict | 'advisory', string> = {
  pass: 'pass',
  fail: 'fail',
  inconclusive: 'inconclusive',
  invalid: 'invalid',
  advisory: '',
};

/** The verdict in words, as plain text that still holds foreign names. */
export type Headline = {
  verdict: Verdict;
  /** What was found: one line. */
  title: string;
  /** By how much and how sure, or what to make of it: one or two sentences. */
  detail: string;
};

/** How a change was obtained: "8 pairs", "14 stored runs", "one stored run". */
export const samplesPhrase = (change: ChangeReport, comparison: SuiteReport['comparison']): string => {
  if (comparison === 'side-by-side') return plural(change.samples, 'pair');
  if (comparison === 'history') return plural(change.samples, 'stored run');
  return change.samples <= 1 ? 'one earlier run' : plural(change.samples, 'earlier run');
};

const howSure = (change: ChangeReport, comparison: SuiteReport['comparison']): string => {
  const samples = samplesPhrase(change, comparison);
  return change.confidence === null
    ? `against ${samples}`
    : `${formatShare(change.confidence)} interval, ${samples}`;
};

/** "18% slower" for latencies, "18% higher" for everything else. */
export const directionPhrase = (row: Pick<MetricRow, 'unit'>, change: ChangeReport): string => {
  const { relative } = change;
  const size = formatPercentChange(relative, change).replace(/^[+−]/, '');
  if (row.unit === 'ms') return `${size} ${relative >= 0 ? 'slower' : 'faster'}`;
  return `${size} ${relative >= 0 ? 'higher' : 'lower'}`;
};

type Found = { suite: SuiteReport; row: MetricRow };

/** The rows with this verdict, in the order of the table, but the p95 of the first metric before its other ones. */
const rowsWith = (suites: readonly SuiteReport[], verdict: Verdict): Found[] => {
  const found = suites.flatMap((suite) =>
    metricRows(suite)
      .filter((row) => row.verdict === verdict)
      .map((row) => ({ suite, row })),
  );
  const [first] = found;
  const better = found.find(
    ({ suite, row }) => suite === first?.suite && row.metric === first.row.metric && row.statistic === 'p95',
  );
  return better === undefined ? found : [better, ...found.filter((entry) => entry !== better)];
};

const limitThat = (row: MetricRow, verdict: Verdict) => row.limits.find((limit) => limit.verdict === verdict);

const foundTitle = ({ row }: Found, verdict: Verdict): string => {
  const name = rowName(row);
  const missed = limitThat(row, 'fail');
  const rule = missed === undefined ? '' : shortRule(missed.rule, row);
  // A relative rule names a sign; an absolute one was missed by the value itself.
  if (row.change !== null && (rule === '' || /[+±]/.test(rule) || row.head === null))
    return `${name} ${verdict === 'fail' ? 'is' : 'may be'} ${directionPhrase(row, row.change)}`;
  if (row.head !== null) return `${name} is ${formatValue(row.head, row.unit, row.statistic)}`;
  return name;
};

const foundDetail = ({ suite, row }: Found, verdict: Verdict): string => {
  const parts: string[] = [];
  if (row.change !== null) {
    parts.push(`${formatChange(row.change)}, ${howSure(row.change, suite.comparison)}`);
  }
  if (row.baseline !== null && row.head !== null)
    parts.push(
      `${formatValue(row.baseline, row.unit, row.statistic)} → ${formatValue(row.head, row.unit, row.statistic)}`,
    );
  const limit = limitThat(row, verdict);
  if (limit !== undefined) parts.push(`limit ${shortRule(limit.rule, row).replace(/^[<>=]+ */, '')}`);
  const detectable = limit?.detectable ?? null;
  const sentence = `${parts.join('; ')}.`;
  if (verdict !== 'inconclusive' || detectable === null) return sentence;
  return `${sentence} The smallest change that could have been seen is ${formatPercentChange(detectable).replace('+', '')}.`;
};

const inSuite = (suite: SuiteReport, suites: readonly SuiteReport[]): string =>
  suites.length > 1 ? ` in ${suite.name}` : '';

const andMore = (count: number): string => (count > 1 ? `, and ${count - 1} more` : '');

const whatPassed = (suites: readonly SuiteReport[]): string => {
  if (suites.some((suite) => suite.comparison !== 'none')) return 'nothing got slower beyond its limit';
  const hasLimits = suites.some((suite) => suite.metrics.some((metric) => metric.limit.length > 0));
  return hasLimits ? 'the absolute limits hold' : 'it was measured, and nothing judged it';
};

const passDetail = (suites: readonly SuiteReport[]): string => {
  const gated = suites.flatMap((suite) =>
    metricRows(suite)
      .filter((row) => row.limits.length > 0)
      .map((row) => ({ suite, row })),
  );
  const limits = plural(
    gated.reduce((sum, { row }) => sum + row.limits.length, 0),
    'limit',
  );
  const changed = gated.filter(({ row }) => row.change !== null);
  const [largest] = changed.sort((a, b) => b.row.change!.relative - a.row.change!.relative);
  if (gated.length === 0) return 'There was no baseline to compare with, and no absolute limit to apply.';
  if (largest === undefined) {
    const alone = suites.every((suite) => suite.comparison === 'none');
    return alone ? `${limits} held. There was no baseline to compare with.` : `${limits} held.`;
  }
  const { row, suite } = largest;
  const change = row.change!;
  return `${limits} held. Largest gated change: ${rowName(row)}${inSuite(suite, suites)} ${formatChange(change)}, ${howSure(change, suite.comparison)}.`;
};

const blocks = (report: Report, verdict: Verdict): string => {
  if (verdict === 'pass') return '';
  return report.failOn.includes(verdict) ? '' : ' It does not fail this step, as set.';
};

/** The headline of a whole report. */
export const headlineOf = (report: Report): Headline => {
  const { verdict, suites } = report;
  const found = rowsWith(suites, verdict);
  const [first] = found;
  switch (verdict) {
    case 'pass':
      return {
        verdict,
        title: `Performance gate passed: ${whatPassed(suites)}`,
        detail: passDetail(suites),
      };
    case 'fail':
    case 'inconclusive': {
      const words = verdict === 'fail' ? 'Performance gate failed' : 'Performance gate inconclusive';
      const suite = first?.suite ?? suites.find((one) => one.verdict === verdict);
      if (first === undefined)
        return {
          verdict,
          title: suite === undefined ? words : `${words}${inSuite(suite, suites)}`,
          detail: `${suite?.reason ?? ''}${blocks(report, verdict)}`,
        };
      return {
        verdict,
        title: `${words}: ${foundTitle(first, verdict)}${inSuite(first.suite, suites)}${andMore(found.length)}`,
        detail: `${foundDetail(first, verdict)}${blocks(report, verdict)}`,
      };
    }
    case 'invalid': {
      const suite = suites.find((one) => one.verdict === 'invalid');
      const problem = suite?.problems[0] ?? report.problems[0];
      const reason = problem?.what.split('\n')[0] ?? suite?.reason ?? 'nothing was judged';
      return {
        verdict,
        title: `No verdict${suite === undefined ? '' : inSuite(suite, suites)}: the measurement cannot be trusted`,
        detail: `${reason}${blocks(report, verdict)}`,
      };
    }
  }
};

import { valuesOf } from '../metrics/values.ts';
import { judgeValues } from '../verdict/judge-suite.ts';
import type { SuiteQuestion } from '../verdict/judgement.ts';
import { judgedMetric } from './measured-parts.ts';
import type { MetricReport, SuiteReport } from './report-model.ts';
import { valuesOfReport } from './values-of-report.ts';

/**
 * One suite of two reports, the head of the second judged by that of the first (null when it has no such suite). All
 * that is judged and shown stands in the two reports.
 */
export function compareSuites(
  question: SuiteQuestion,
  before: SuiteReport | null,
  after: SuiteReport,
  warnings: readonly string[],
): SuiteReport {
  const head = valuesOfReport(after);
  const history = before === null ? [] : [valuesOfReport(before)];
  const asked: SuiteQuestion = head.quiet.length === 0 ? question : { ...question, kind: 'endurance' };
  const judgement = judgeValues(asked, {
    baseline: history[0] ?? valuesOf([]),
    head,
    pairs: [],
    history,
    confirmation: null,
  });
  return {
    name: after.name,
    verdict: judgement.verdict,
    reason: judgement.reason,
    comparison: question.comparison,
    scenario: after.scenario,
    main: judgement.main,
    ...(after.environment === undefined ? {} : { environment: after.environment }),
    metrics: judgement.metrics.map(judgedMetric).map((metric) => withDistribution(metric, before, after)),
    counters: countersOf(before, after),
    ...(after.sendRate === undefined
      ? {}
      : { sendRate: { baseline: before?.sendRate?.head ?? null, head: after.sendRate.head } }),
    errors: errorsOf(before, after),
    unmeasured: after.unmeasured,
    rounds: after.rounds
      .filter(({ side }) => side === 'head')
      .map((round, index) => ({ ...round, index, pair: null })),
    ...timelineOf(before, after),
    generator: after.generator,
    resources:
      after.resources === null && (before?.resources ?? null) === null
        ? null
        : { baseline: before?.resources?.head ?? null, head: after.resources?.head ?? null },
    problems: [],
    warnings: [...warnings, ...judgement.warnings],
    trend: null,
  };
}

function withDistribution(
  metric: MetricReport,
  before: SuiteReport | null,
  after: SuiteReport,
): MetricReport {
  const of = (suite: SuiteReport | null) => suite?.metrics.find(({ id }) => id === metric.id)?.distribution;
  const [baseline, head] = [of(before), of(after)];
  if (head === undefined) return metric;
  const same = JSON.stringify(baseline?.quantiles) === JSON.stringify(head.quantiles);
  return { ...metric, distribution: { ...head, baselineMs: same ? (baseline?.headMs ?? null) : null } };
}

/** How the heads of both reports went, where they tell of the same latency. */
function timelineOf(before: SuiteReport | null, after: SuiteReport): Pick<SuiteReport, 'timeline'> {
  if (after.timeline === undefined) return {};
  const { metric, head } = after.timeline;
  const earlier = before?.timeline;
  return { timeline: { metric, head, baseline: earlier?.metric === metric ? earlier.head : null } };
}

function countersOf(before: SuiteReport | null, after: SuiteReport): SuiteReport['counters'] {
  const names = [...new Set([before, after].flatMap((suite) => Object.keys(suite?.counters ?? {})))].sort();
  return Object.fromEntries(
    names.map((name) => [
      name,
      { baseline: before?.counters[name]?.head ?? null, head: after.counters[name]?.head ?? null },
    ]),
  );
}

function errorsOf(before: SuiteReport | null, after: SuiteReport): SuiteReport['errors'] {
  const errorsIn = (suite: SuiteReport | null) => (suite?.errors ?? []).filter(({ count }) => count > 0);
  const names = [...new Set([...errorsIn(after), ...errorsIn(before)].map(({ name }) => name))];
  return names.map((name) => {
    const atHead = errorsIn(after).find((error) => error.name === name);
    const atBaseline = errorsIn(before).find((error) => error.name === name);
    return {
      ...(atHead ?? atBaseline)!,
      count: atHead?.count ?? 0,
      baselineCount: before === null ? null : (atBaseline?.count ?? 0),
    };
  });
}

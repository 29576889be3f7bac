import type { TailgateError } from '../errors.ts';
import { mainOf } from '../metrics/main-metric.ts';
import { mergeResources, mergeUnmeasured } from '../metrics/merge-rounds.ts';
import type { RoundMeasurement } from '../metrics/round-measurement.ts';
import type { MeasuredPair, SuiteEvidence, SuiteJudgement } from '../verdict/judgement.ts';
import { overallVerdict } from '../verdict/verdict.ts';
import {
  counterReports,
  errorReports,
  generatorNumbers,
  judgedMetric,
  resourceReport,
  roundReport,
  type Sides,
  sendRateReport,
  unjudgedMetrics,
  withDistribution,
} from './measured-parts.ts';
import { problemReports, verdictWith } from './problem-report.ts';
import type {
  EnvironmentReport,
  Explanation,
  Report,
  RoundReport,
  SuiteReport,
  TrendReport,
} from './report-model.ts';
import { timelineOf } from './timeline.ts';

/** What is known of a suite when it is over, however it ended. */
export type SuiteParts = {
  name: string;
  /** Path of the scenario as the user wrote it. */
  scenario: string;
  comparison: SuiteEvidence['comparison'];
  /** Both sides, measured side by side. */
  pairs: readonly MeasuredPair[];
  /** Rounds of the head that are not in pairs. */
  head: readonly RoundMeasurement[];
  /** Rounds of the stored run that is shown as the baseline, when there are no pairs. */
  baseline: readonly RoundMeasurement[];
  /** Null when the suite never came to a verdict: it is invalid, and what was measured is still reported. */
  judgement: SuiteJudgement | null;
  problems: readonly TailgateError[];
  warnings: readonly string[];
  /** Why the generator was the bottleneck; null when it was not. */
  bottleneck: string | null;
  /** What was measured was judged all the same. */
  bestEffort?: boolean;
  trend: TrendReport | null;
  /** The metric that the settings name as the main one; null when they name none. */
  main: string | null;
  /** How the sides took turns; only side by side. */
  design?: SuiteReport['design'];
  /** Why it changed; null where nobody looked. */
  explanation?: Explanation | null;
};

/** What is known of a run when it is over. */
export type ReportParts = {
  suites: readonly SuiteReport[];
  failOn: Report['failOn'];
  /** Problems of the run as a whole; those of a suite stand in the suite. */
  problems: readonly TailgateError[];
  environment: EnvironmentReport;
  commits: Report['commits'];
  runUrl: string | null;
  /** ISO 8601. */
  startedAt: string;
  durations: Report['durations'];
};

/** The report of a run. */
export const buildReport = (parts: ReportParts): Report => ({
  schemaVersion: 1,
  verdict: verdictWith(overallVerdict(parts.suites.map((suite) => suite.verdict)), parts.problems),
  failOn: parts.failOn,
  suites: [...parts.suites],
  problems: problemReports(parts.problems),
  environment: parts.environment,
  commits: parts.commits,
  runUrl: parts.runUrl,
  startedAt: parts.startedAt,
  durations: parts.durations,
});

/** The report of one suite, from whatever there is of it. */
export const buildSuiteReport = (parts: SuiteParts): SuiteReport => {
  const sides: Sides = {
    baseline: parts.pairs.length > 0 ? parts.pairs.map((pair) => pair.baseline) : parts.baseline,
    head: [...parts.pairs.map((pair) => pair.head), ...parts.head],
  };
  const measured = parts.pairs.flatMap((pair) => [pair.baseline, pair.head]).concat(parts.head);
  const { judgement } = parts;
  const metrics = judgement === null ? unjudgedMetrics(sides) : judgement.metrics.map(judgedMetric);
  const [problem] = parts.problems;
  const firstLine = problem?.what.split('\n')[0];
  const resources = {
    baseline: resourceReport(mergeResources(sides.baseline)),
    head: resourceReport(mergeResources(sides.head)),
  };
  const sendRate = sendRateReport(sides);
  const verdict = judgement === null ? 'invalid' : verdictWith(judgement.verdict, parts.problems);
  const main = judgement?.main ?? mainOf(parts.main, [...sides.baseline, ...sides.head]);
  const timeline = main === null ? null : timelineOf(main, sides);
  return {
    name: parts.name,
    verdict,
    reason:
      judgement === null || verdict !== judgement.verdict
        ? (firstLine ?? 'The suite did not come to a verdict.')
        : judgement.reason,
    comparison: parts.comparison,
    ...(judgement?.suspect === true && verdict === 'inconclusive' ? { suspect: true } : {}),
    ...(parts.design === undefined ? {} : { design: parts.design }),
    ...(parts.explanation == null ? {} : { explanation: parts.explanation }),
    scenario: parts.scenario,
    main,
    metrics: metrics.map((metric) => withDistribution(metric, sides)),
    counters: counterReports(sides),
    ...(sendRate === null ? {} : { sendRate }),
    errors: errorReports(sides),
    unmeasured: mergeUnmeasured(sides.head.map((round) => round.unmeasured)),
    rounds: roundReports(parts),
    ...(timeline === null ? {} : { timeline }),
    generator:
      measured.length === 0
        ? null
        : {
            ...generatorNumbers(measured),
            bottleneck: parts.bottleneck,
            ...(parts.bottleneck !== null && parts.bestEffort === true ? { bestEffort: true } : {}),
          },
    resources: resources.baseline === null && resources.head === null ? null : resources,
    problems: problemReports(parts.problems),
    warnings: [
      ...new Set([
        ...parts.warnings,
        ...(judgement?.warnings ?? []),
        ...measured.flatMap((round) => round.warnings),
      ]),
    ],
    trend: parts.trend,
  };
};

function roundReports(parts: SuiteParts): RoundReport[] {
  const paired = parts.pairs.flatMap((pair, number) => [
    { round: pair.baseline, side: 'baseline' as const, pair: number },
    { round: pair.head, side: 'head' as const, pair: number },
  ]);
  const single = parts.head.map((round) => ({ round, side: 'head' as const, pair: null }));
  return [...paired, ...single].map(({ round, side, pair }, index) => roundReport(round, side, pair, index));
}

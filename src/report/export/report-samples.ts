import { type AnyReport, isCapacity } from '../document-of.ts';
import type { LatencySummaryReport, MetricReport, SuiteReport } from '../report-model.ts';

/** One number of a report, in base units: seconds, bytes, ratios, counts. */
export type ReportSample = {
  family: SampleFamily;
  /** suite, metric, statistic, side, load: those that apply. */
  labels: Readonly<Record<string, string>>;
  value: number;
};

export type SampleFamily = keyof typeof sampleFamilies;

/** Families of numbers: unit as OpenMetrics names it, the same in UCUM, and what they are. */
export const sampleFamilies = {
  latency: { unit: 'seconds', ucum: 's', help: 'Latency of all messages of a side' },
  messages: { unit: '', ucum: '{message}', help: 'Values in a latency distribution' },
  count: { unit: '', ucum: '{count}', help: 'A counter, or a number of your own' },
  share: { unit: 'ratio', ucum: '1', help: 'A share' },
  size: { unit: 'bytes', ucum: 'By', help: 'Memory' },
  cpu: { unit: 'cores', ucum: '{core}', help: 'CPU time over wall time' },
  rate: { unit: 'per_second', ucum: '{count}/s', help: 'A rate' },
  change: { unit: 'ratio', ucum: '1', help: 'Head against baseline, as a ratio minus one' },
  change_low: { unit: 'ratio', ucum: '1', help: 'Lower end of the confidence interval of a change' },
  change_high: { unit: 'ratio', ucum: '1', help: 'Upper end of the confidence interval of a change' },
  passed: { unit: '', ucum: '1', help: 'Whether the verdict is pass: 1, or 0 with the verdict as a label' },
  capacity: { unit: '', ucum: '{load}', help: 'Highest load at which every limit held' },
} as const;

/** Every number of a report that monitoring can take. What was not observed is left out. */
export function reportSamples(report: AnyReport): ReportSample[] {
  if (!isCapacity(report)) return report.suites.flatMap(suiteSamples);
  const { suite, unit, verdict } = report;
  return [
    passed({ suite }, verdict),
    ...(['baseline', 'head'] as const).flatMap((side) => {
      const found = report[side];
      if (found === null) return [];
      return [
        ...sample('capacity', { suite, side, unit }, found.edge.holds),
        ...found.levels.flatMap((level, index) => {
          const labels = { suite, side, load: String(level.load), step: String(index + 1) };
          return [
            ...summarySamples({ ...labels, metric: report.metric ?? '' }, level.latency),
            ...sample('share', { ...labels, metric: 'errors.rate' }, level.errorRate),
          ];
        }),
      ];
    }),
  ];
}

function suiteSamples(suite: SuiteReport): ReportSample[] {
  const labels = { suite: suite.name };
  return [
    passed(labels, suite.verdict),
    ...suite.metrics.flatMap((metric) => metricSamples(labels, metric)),
    ...Object.entries(suite.counters).flatMap(([metric, values]) =>
      suite.metrics.some(({ id }) => id === metric)
        ? []
        : sides.flatMap((side) => sample('count', { ...labels, metric, side }, values[side])),
    ),
  ];
}

const sides = ['baseline', 'head'] as const;

function metricSamples(suite: Readonly<Record<string, string>>, metric: MetricReport): ReportSample[] {
  const labels = { ...suite, metric: metric.id };
  return [
    ...sides.flatMap((side) => summarySamples({ ...labels, side }, metric[side])),
    ...sides.flatMap((side) => {
      const value = side === 'head' ? metric.headValue : metric.baselineValue;
      const [family, factor] = familyOf[metric.unit];
      return sample(family, { ...labels, side }, value === null ? null : value * factor);
    }),
    ...metric.change.flatMap(({ statistic, relative, low, high }) => [
      ...sample('change', { ...labels, statistic }, relative),
      ...sample('change_low', { ...labels, statistic }, low),
      ...sample('change_high', { ...labels, statistic }, high),
    ]),
  ];
}

const familyOf: Record<MetricReport['unit'], [SampleFamily, number]> = {
  ms: ['latency', 1 / 1000],
  count: ['count', 1],
  ratio: ['share', 1],
  bytes: ['size', 1],
  cores: ['cpu', 1],
  perSecond: ['rate', 1],
};

const statistics = [
  ['p50Ms', 'p50'],
  ['p90Ms', 'p90'],
  ['p95Ms', 'p95'],
  ['p99Ms', 'p99'],
  ['p999Ms', 'p99.9'],
  ['maxMs', 'max'],
  ['meanMs', 'mean'],
] as const;

function summarySamples(
  labels: Readonly<Record<string, string>>,
  summary: LatencySummaryReport | null,
): ReportSample[] {
  if (summary === null) return [];
  return [
    ...statistics.flatMap(([field, statistic]) => {
      const value = summary[field];
      return sample('latency', { ...labels, statistic }, value === null ? null : value / 1000);
    }),
    ...sample('messages', labels, summary.count),
  ];
}

function passed(labels: Readonly<Record<string, string>>, verdict: string): ReportSample {
  return { family: 'passed', labels: { ...labels, verdict }, value: verdict === 'pass' ? 1 : 0 };
}

function sample(
  family: SampleFamily,
  labels: Readonly<Record<string, string>>,
  value: number | null,
): ReportSample[] {
  return value === null || !Number.isFinite(value)
    ? []
    : [{ family, labels, value: Number(value.toPrecision(12)) }];
}

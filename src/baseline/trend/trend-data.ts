import { LatencySketch } from '../../metrics/latency-sketch.ts';
import { byImportance } from '../../metrics/main-metric.ts';
import type { RoundMeasurement } from '../../metrics/round-measurement.ts';
import type { BaselineRecord } from '../baseline-record.ts';
import { changePoints } from './change-points.ts';

const statistics = { p50: 0.5, p95: 0.95, p99: 0.99 } as const;
type StatisticName = keyof typeof statistics;
const names = Object.keys(statistics) as StatisticName[];

/** Metrics shown on the page at most: the main one and those after it. */
const maxMetrics = 12;

/** One stored run on the page of trends. */
export type TrendPoint = {
  at: string;
  commit: string | null;
  commitUrl: string | null;
  runUrl: string | null;
  verdict: BaselineRecord['verdict'];
  accepted: BaselineRecord['accepted'];
  /** Runs with the same number compare with each other: same scenario, settings and machine. */
  kind: number;
  /** p50, p95 and p99 in milliseconds, by metric. */
  values: Record<string, [number, number, number]>;
};

/** `data/<suite>.json` of the branch: a published form, beside the records that it is made from. */
export type TrendData = {
  schemaVersion: 1;
  suite: string;
  /** The main one first. */
  metrics: string[];
  points: TrendPoint[];
  /** `point` is the index of the first run at the new level. */
  changes: { metric: string; statistic: StatisticName; point: number; relative: number }[];
};

/** Address of a commit, from that of a run on GitHub or GitLab; null when it is of another form. */
export const commitUrl = (runUrl: string | null, commit: string | null): string | null => {
  if (runUrl === null || commit === null || !/^[0-9a-f]{7,64}$/.test(commit)) return null;
  const github = /^(https?:\/\/[^/\s]+\/[^/\s]+\/[^/\s]+)\/actions\/runs\/\d+/.exec(runUrl);
  if (github !== null) return `${github[1]}/commit/${commit}`;
  const gitlab = /^(https?:\/\/\S+)\/-\/jobs\/\d+/.exec(runUrl);
  return gitlab === null ? null : `${gitlab[1]}/-/commit/${commit}`;
};

const merged = (rounds: readonly RoundMeasurement[]): Map<string, LatencySketch> => {
  const sketches = new Map<string, LatencySketch>();
  for (const round of rounds) {
    for (const [metric, json] of Object.entries(round.metrics)) {
      if (json.count === 0) continue;
      const sketch = sketches.get(metric) ?? new LatencySketch();
      sketch.merge(LatencySketch.fromJSON(json));
      sketches.set(metric, sketch);
    }
  }
  return sketches;
};

const rounded = (ms: number): number => Number(ms.toPrecision(4));

const kindOf = ({ fingerprint }: BaselineRecord): string => {
  const { cpuModel, cores, os } = fingerprint.environment;
  return JSON.stringify([
    fingerprint.scenarioHash,
    fingerprint.settingsHash,
    cpuModel,
    cores,
    os.split(' ').slice(0, 3),
  ]);
};

const changesOf = (points: readonly TrendPoint[], metrics: readonly string[]): TrendData['changes'] => {
  const changes: TrendData['changes'] = [];
  for (const kind of new Set(points.map((point) => point.kind))) {
    for (const metric of metrics) {
      const own = points.flatMap((point, index) =>
        point.kind === kind && point.values[metric] !== undefined
          ? [{ index, values: point.values[metric] }]
          : [],
      );
      names.forEach((statistic, which) => {
        for (const { index, relative } of changePoints(own.map(({ values }) => values[which]!)))
          changes.push({ metric, statistic, point: own[index]!.index, relative: rounded(relative) });
      });
    }
  }
  return changes;
};

/** What the page shows of one suite, from its records, oldest first. */
export const trendData = (suite: string, records: readonly BaselineRecord[]): TrendData => {
  const counts = new Map<string, number>();
  const kinds = new Map<string, number>();
  const points = records.map((record): TrendPoint => {
    const kind = kindOf(record);
    if (!kinds.has(kind)) kinds.set(kind, kinds.size);
    const values: TrendPoint['values'] = {};
    for (const [metric, sketch] of merged(record.rounds)) {
      counts.set(metric, (counts.get(metric) ?? 0) + sketch.count);
      values[metric] = names.map((name) => rounded(sketch.quantileMs(statistics[name]))) as [
        number,
        number,
        number,
      ];
    }
    return {
      at: record.recordedAt,
      commit: record.commit,
      commitUrl: commitUrl(record.runUrl, record.commit),
      runUrl: record.runUrl,
      verdict: record.verdict,
      accepted: record.accepted,
      kind: kinds.get(kind)!,
      values,
    };
  });
  const metrics = byImportance(counts).slice(0, maxMetrics);
  for (const point of points) {
    for (const metric of Object.keys(point.values))
      if (!metrics.includes(metric)) delete point.values[metric];
  }
  return { schemaVersion: 1, suite, metrics, points, changes: changesOf(points, metrics) };
};

import { LatencySketch } from '../../metrics/latency-sketch.ts';
import { byImportance } from '../../metrics/main-metric.ts';
import { customMetric } from '../../metrics/metric.ts';
import type { RoundMeasurement } from '../../metrics/round-measurement.ts';
import type { Statistic, Unit } from '../../metrics/threshold.ts';
import { observedValue } from '../../metrics/values.ts';
import type { BaselineRecord } from '../baseline-record.ts';
import { changePoints } from './change-points.ts';

const statistics = { p50: 0.5, p95: 0.95, p99: 0.99 } as const;

type StatisticName = keyof typeof statistics;

const names = Object.keys(statistics) as StatisticName[];

/** Metrics shown on the page at most: the main one and those after it. */
const maxMetrics = 12;

/** What is drawn beside latency: failures, resources, and the work for each message, which is the least noisy. */
const shownNumbers: readonly (TrendNumber & { statistic: Statistic })[] = [
  { id: 'errors.rate', statistic: 'value', title: 'Errors per attempt', unit: 'ratio' },
  { id: 'deliveries.lost.rate', statistic: 'value', title: 'Lost deliveries', unit: 'ratio' },
  { id: 'messages.sent.perSecond', statistic: 'value', title: 'Messages a second', unit: 'perSecond' },
  { id: 'server.cpuPerMessage', statistic: 'value', title: 'CPU time for each message', unit: 'ms' },
  { id: 'server.cpu', statistic: 'max', title: "The server's CPU, peak", unit: 'cores' },
  { id: 'server.rss', statistic: 'max', title: 'Memory (RSS), peak', unit: 'bytes' },
  { id: 'server.heap', statistic: 'max', title: 'Heap, peak', unit: 'bytes' },
  { id: 'server.loopDelay', statistic: 'max', title: 'Event-loop delay, peak', unit: 'ms' },
  { id: 'server.fds', statistic: 'max', title: 'Open files, peak', unit: 'count' },
  {
    id: 'server.syscalls.perMessage',
    statistic: 'value',
    title: 'System calls for each message',
    unit: 'count',
  },
  {
    id: 'server.allocated.perMessage',
    statistic: 'value',
    title: 'Memory allocated for each message',
    unit: 'bytes',
  },
  {
    id: 'wire.bytes.perMessage',
    statistic: 'value',
    title: 'Bytes on the wire for each message',
    unit: 'bytes',
  },
];

/** What the searches for the capacity found. */
const capacityNumbers: readonly TrendNumber[] = [
  { id: 'capacity.users', title: 'Capacity: users a second', unit: 'perSecond' },
  { id: 'capacity.messages', title: 'Capacity: messages a second', unit: 'perSecond' },
];

/** A number of a run that is drawn over time. */
export type TrendNumber = { id: string; title: string; unit: Unit };

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
  /** What was observed of `TrendData.numbers`, and of the custom metrics. */
  numbers: Record<string, number>;
  /** Between what such a number lies, where it is not known better; null where it has no end. */
  ranges?: Record<string, [low: number, high: number | null]>;
};

/** `data/<suite>.json` of the branch: a published form, beside the records that it is made from. */
export type TrendData = {
  schemaVersion: 1;
  suite: string;
  /** The main one first. */
  metrics: string[];
  /** Failures, resources, work for each message, and custom metrics: those that a run has. */
  numbers: TrendNumber[];
  points: TrendPoint[];
  /** `point` is the index of the first run at the new level. */
  changes: { metric: string; statistic: StatisticName; point: number; relative: number }[];
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
    const capacity = capacityOf(record);
    return {
      at: record.recordedAt,
      commit: record.commit,
      commitUrl: commitUrl(record.runUrl, record.commit),
      runUrl: record.runUrl,
      verdict: record.verdict,
      accepted: record.accepted,
      kind: kinds.get(kind)!,
      values,
      numbers: { ...capacity.numbers, ...numbersOf(record) },
      ...(capacity.ranges === undefined ? {} : { ranges: capacity.ranges }),
    };
  });
  const seen = new Set(points.flatMap((point) => Object.keys(point.numbers)));
  const known = [...capacityNumbers, ...shownNumbers];
  const custom = [...seen].filter((id) => !known.some((number) => number.id === id)).sort();
  const numbers = [
    ...known.filter(({ id }) => seen.has(id)).map(({ id, title, unit }) => ({ id, title, unit })),
    ...custom.slice(0, maxMetrics).map((id) => ({ id, title: id, unit: 'count' as const })),
  ];
  const metrics = byImportance(counts).slice(0, maxMetrics);
  for (const point of points) {
    for (const metric of Object.keys(point.values))
      if (!metrics.includes(metric)) delete point.values[metric];
  }
  return { schemaVersion: 1, suite, metrics, numbers, points, changes: changesOf(points, metrics) };
};

/** Address of a commit, from that of a run on GitHub or GitLab; null when it is of another form. */
export const commitUrl = (runUrl: string | null, commit: string | null): string | null => {
  if (runUrl === null || commit === null || !/^[0-9a-f]{7,64}$/.test(commit)) return null;
  const github = /^(https?:\/\/[^/\s]+\/[^/\s]+\/[^/\s]+)\/actions\/runs\/\d+/.exec(runUrl);
  if (github !== null) return `${github[1]}/commit/${commit}`;
  const gitlab = /^(https?:\/\/\S+)\/-\/jobs\/\d+/.exec(runUrl);
  return gitlab === null ? null : `${gitlab[1]}/-/commit/${commit}`;
};

function kindOf({ fingerprint }: BaselineRecord): string {
  const { cpuModel, cores, os } = fingerprint.environment;
  return JSON.stringify([
    fingerprint.scenarioHash,
    fingerprint.settingsHash,
    cpuModel,
    cores,
    os.split(' ').slice(0, 3),
  ]);
}

function merged(rounds: readonly RoundMeasurement[]): Map<string, LatencySketch> {
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
}

function rounded(ms: number): number {
  return Number(ms.toPrecision(4));
}

/** The capacity lies between the load that held and the one that broke; messages go with users. */
function capacityOf({ capacity }: BaselineRecord): Pick<TrendPoint, 'numbers' | 'ranges'> {
  if (capacity === undefined) return { numbers: {} };
  const { holds, breaks, messagesPerSecond } = capacity;
  const users = holds ?? 0;
  const messages =
    messagesPerSecond === null || holds === null
      ? null
      : { value: messagesPerSecond, high: breaks === null ? null : (messagesPerSecond * breaks) / holds };
  return {
    numbers: {
      'capacity.users': users,
      ...(messages === null ? {} : { 'capacity.messages': rounded(messages.value) }),
    },
    ranges: {
      'capacity.users': [users, breaks],
      ...(messages === null
        ? {}
        : {
            'capacity.messages': [
              rounded(messages.value),
              messages.high === null ? null : rounded(messages.high),
            ],
          }),
    },
  };
}

function numbersOf({ rounds }: BaselineRecord): Record<string, number> {
  const custom = new Set(rounds.flatMap((round) => Object.keys(round.custom)));
  const wanted = [
    ...shownNumbers,
    ...[...custom].map((name) => ({ id: customMetric(name), statistic: 'value' as const })),
  ];
  return Object.fromEntries(
    wanted.flatMap(({ id, statistic }) => {
      const value = observedValue(rounds, id, statistic);
      return value === null || !Number.isFinite(value) ? [] : [[id, rounded(value)]];
    }),
  );
}

function changesOf(points: readonly TrendPoint[], metrics: readonly string[]): TrendData['changes'] {
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
}

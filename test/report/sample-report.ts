import { tailgateError } from '../../src/errors.ts';
import { LatencySketch } from '../../src/metrics/latency-sketch.ts';
import { sketchOver } from '../../src/metrics/merge-rounds.ts';
import { standardCounters } from '../../src/metrics/metric.ts';
import type { RoundMeasurement } from '../../src/metrics/round-measurement.ts';
import { seededRandom } from '../../src/metrics/seeded-random.ts';
import { quantileOf } from '../../src/metrics/values.ts';
import { buildReport, buildSuiteReport, type SuiteParts } from '../../src/report/build-report.ts';
import type { Report, SuiteReport } from '../../src/report/report-model.ts';
import type { AppliedLimit, Change, JudgedMetric, SuiteJudgement } from '../../src/verdict/judgement.ts';
import type { Verdict } from '../../src/verdict/verdict.ts';

/** Latencies around `medianMs` with a long tail. */
const latencies = (random: () => number, count: number, medianMs: number): LatencySketch => {
  const sketch = new LatencySketch();
  for (let i = 0; i < count; i += 1) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    sketch.record(medianMs * Math.exp(0.45 * normal));
  }
  return sketch;
};

export type RoundOptions = {
  seed: number;
  /** Factor on every latency. */
  factor?: number;
  errors?: RoundMeasurement['errors'];
  slices?: number;
  resources?: boolean;
};

/** One round of a chat room: 500 messages, each delivered to four members. */
export const sampleRound = (options: RoundOptions): RoundMeasurement => {
  const random = seededRandom(options.seed);
  const factor = options.factor ?? 1;
  const errors = options.errors ?? [];
  const errorCount = errors.reduce((sum, error) => sum + error.count, 0);
  const metrics = {
    'chat.delivery': latencies(random, 2000, 24 * factor).toJSON(),
    'chat.ack': latencies(random, 500, 9 * factor).toJSON(),
    'connect.handshake': latencies(random, 100, 12).toJSON(),
    'session.length': latencies(random, 100, 7200).toJSON(),
  };
  return {
    activeMs: 10_000,
    metrics,
    slices: Array.from({ length: options.slices ?? 10 }, () => ({})),
    counters: {
      ...Object.fromEntries(standardCounters.map((name) => [name, 0])),
      'users.created': 100,
      'users.completed': 100 - Math.min(errorCount, 100),
      'users.failed': Math.min(errorCount, 100),
      'messages.sent': 500,
      'messages.acknowledged': 500,
      'deliveries.expected': 2000,
      'deliveries.received': 2000,
      errors: errorCount,
    },
    errors,
    unmeasured: [{ event: 'leaveRoom', step: 'chat-room > leaveRoom', count: 100 }],
    warnings: [],
    generator: {
      cpuShare: 0.34,
      loopDelayP50Ms: 1.1,
      loopDelayP99Ms: 2.4,
      loopDelayMaxMs: 6.2,
      intendedArrivals: 100,
      startedArrivals: 100,
      lateArrivals: 0,
      intendedSends: 500,
      lateSends: 1,
      maxLagMs: 8.1,
      peakRssBytes: 96_000_000,
    },
    resources:
      options.resources === false
        ? null
        : {
            samples: [],
            cpuSeconds: 3.1 * factor,
            maxCpuShare: 0.41 * factor,
            maxRssBytes: 88_300_000,
            maxOpenFiles: 131,
            openFilesLimit: 65_536,
            maxThreads: 11,
            maxHeapUsedBytes: 31_200_000,
            maxLoopDelayMs: 12.4 * factor,
            gcPauseMs: 18.2,
          },
    custom: {},
  };
};

const change = (
  statistic: string,
  relative: number,
  spread: number | null,
  samples: number,
  baseline: number,
): Change => ({
  statistic,
  relative,
  baseline,
  head: baseline * (1 + relative),
  low: spread === null ? null : relative - spread,
  high: spread === null ? null : relative + spread,
  confidence: spread === null ? null : 0.95,
  samples,
});

const limitOf = (
  rule: string,
  statistic: string,
  verdict: Verdict,
  explanation: string,
  extra: Partial<AppliedLimit> = {},
): AppliedLimit => ({
  rule,
  statistic,
  verdict,
  explanation,
  detectable: null,
  file: null,
  line: null,
  ...extra,
});

export type SuiteOptions = {
  name?: string;
  /** What the judgement says of chat.delivery. */
  verdict?: Verdict;
  comparison?: SuiteParts['comparison'];
  factor?: number;
  spread?: number | null;
  pairs?: number;
  errors?: RoundMeasurement['errors'];
  parts?: Partial<SuiteParts>;
};

/** A suite as the verdict stage hands it over, measured over real sketches. */
export const sampleParts = (options: SuiteOptions = {}): SuiteParts => {
  const name = options.name ?? 'chat-room';
  const verdict = options.verdict ?? 'pass';
  const comparison = options.comparison ?? 'side-by-side';
  const factor = options.factor ?? 1;
  const count = options.pairs ?? 8;
  const headErrors = options.errors ?? [];
  const sides = Array.from({ length: count }, (_, index) => ({
    baseline: sampleRound({ seed: 100 + index }),
    head: sampleRound({ seed: 500 + index, factor, errors: headErrors }),
  }));
  const pairs = comparison === 'side-by-side' ? sides : [];
  const head = sides.map((pair) => pair.head);
  const baseline = comparison === 'none' ? [] : sides.map((pair) => pair.baseline);
  const hasChange = comparison !== 'none';
  const spread = comparison === 'single' ? null : (options.spread ?? 0.021);

  const judged = (
    id: string,
    limits: readonly AppliedLimit[],
    changed: number,
    metricVerdict: JudgedMetric['verdict'],
  ): JudgedMetric => ({
    id,
    unit: 'ms',
    baseline: sketchOver(baseline, id)?.summary() ?? null,
    head: sketchOver(head, id)?.summary() ?? null,
    baselineValue: null,
    headValue: null,
    change: hasChange
      ? (['p50', 'p95', 'p99'] as const).map((statistic, i) =>
          change(
            statistic,
            changed + 0.002 * i,
            spread === null ? null : spread * (i + 1),
            count,
            sketchOver(baseline, id)?.quantileMs(quantileOf[statistic]) ?? 0,
          ),
        )
      : [],
    limit: [...limits],
    verdict: metricVerdict,
  });

  const relative = factor - 1;
  const percent = `${relative >= 0 ? '+' : ''}${(relative * 100).toFixed(1)}%`;
  const why: Record<Verdict, string> = {
    pass: `chat.delivery p95 changed by ${percent} over ${count} pairs; a rise of 10% or more is ruled out, so it passes.`,
    fail: `chat.delivery p95 rose by ${percent} over ${count} pairs; the rise is above 3% and 1 ms and cannot be chance (t = 9.1 against 5.5), so it fails.`,
    inconclusive: `chat.delivery p95 changed by ${percent} over ${count} pairs; neither a rise of 10% nor no change can be ruled out, so it stays undecided.`,
    invalid: 'chat.delivery p95 has too few samples to be judged.',
  };
  const limits = hasChange
    ? [
        limitOf('chat.delivery.p50 < +10%', 'p50', verdict, why[verdict].replace('p95', 'p50')),
        limitOf('chat.delivery.p95 < +10%', 'p95', verdict, why[verdict], {
          detectable: verdict === 'inconclusive' ? 0.14 : null,
        }),
        limitOf(
          'chat.delivery.p99 < +20%',
          'p99',
          'pass',
          'chat.delivery p99 stays within 20% of the baseline.',
        ),
      ]
    : [];
  const absolute = limitOf(
    'chat.delivery.p95 < 200ms',
    'p95',
    'pass',
    'chat.delivery p95 is below 200 ms in every round.',
    { file: 'tailgate.yml', line: 14 },
  );
  const judgement: SuiteJudgement = {
    verdict,
    main: null,
    reason: hasChange ? why[verdict] : 'All absolute limits hold.',
    metrics: [
      judged('chat.ack', [], relative, 'advisory'),
      judged('chat.delivery', [...limits, absolute], relative, verdict),
      judged('connect.handshake', [], 0.004, 'advisory'),
      judged('session.length', [], 0.001, 'advisory'),
      {
        id: 'errors.rate',
        unit: 'ratio',
        baseline: null,
        head: null,
        baselineValue: hasChange ? 0 : null,
        headValue: headErrors.length === 0 ? 0 : 0.0021,
        change: [],
        limit: [
          limitOf(
            'errors.rate < 0.1%',
            'value',
            headErrors.length === 0 ? 'pass' : verdict,
            'Errors per attempt.',
          ),
        ],
        verdict: headErrors.length === 0 ? 'pass' : verdict,
      },
    ],
    next: 'decided',
    progress: null,
    warnings: [],
  };
  return {
    name,
    scenario: 'scenarios/chat-room.yml',
    comparison,
    pairs,
    head: pairs.length > 0 ? [] : head,
    baseline: pairs.length > 0 ? [] : baseline,
    judgement,
    problems: [],
    warnings: [],
    bottleneck: null,
    trend: {
      metric: 'chat.delivery',
      statistic: 'p95',
      values: [49.1, 50.2, 48.7, 51.3, 49.9, 50.4, 49.2, 50.3 * factor],
    },
    main: 'chat.delivery',
    ...options.parts,
  };
};

export const sampleSuite = (options: SuiteOptions = {}): SuiteReport =>
  buildSuiteReport(sampleParts(options));

export const sampleReport = (suites: SuiteReport[], changes: Partial<Report> = {}): Report => ({
  ...buildReport({
    suites,
    failOn: ['fail', 'invalid'],
    problems: [],
    environment: {
      cpuModel: 'AMD EPYC 7763 64-Core Processor',
      cores: 4,
      memoryGiB: 15.6,
      os: 'Ubuntu 24.04.3 LTS',
      node: '24.21.0',
      tailgate: '0.1.0',
      artillery: '2.0.34',
      pinning: 'server on cores 0-1, generator on cores 2-3',
    },
    commits: {
      head: '3f1c9a27d4e8b60512f7a9c3d1e4b8f6a0572c9e',
      base: '8b2e6d10f9a74c35e1d0827b6f4a9c5e3d718240',
    },
    runUrl: 'https://github.com/acme/chat/actions/runs/9172634455',
    startedAt: '2026-03-14T09:26:53.000Z',
    durations: { totalMs: 268_000, buildMs: 21_400, loadMs: 212_000 },
  }),
  ...changes,
});

const websocketErrors = [
  {
    name: 'Error: websocket error',
    count: 4,
    messages: ['connect ECONNREFUSED 127.0.0.1:3000', 'Unexpected server response: 503'],
    steps: ['connect', 'chat-room > emit chat'],
  },
  {
    name: 'ETIMEDOUT',
    count: 1,
    messages: ['no acknowledgement of "joinRoom" within 10000 ms'],
    steps: ['chat-room > emit joinRoom'],
  },
];

/** One report of every kind that a reader meets. */
export const sampleReports: Record<string, () => Report> = {
  pass: () => sampleReport([sampleSuite({ factor: 1.006 })]),
  fail: () => sampleReport([sampleSuite({ verdict: 'fail', factor: 1.18, errors: websocketErrors })]),
  inconclusive: () =>
    sampleReport([sampleSuite({ verdict: 'inconclusive', factor: 1.06, spread: 0.09, pairs: 12 })]),
  invalid: () =>
    sampleReport([
      sampleSuite({
        parts: {
          judgement: null,
          pairs: [
            { baseline: sampleRound({ seed: 1 }), head: sampleRound({ seed: 2, errors: websocketErrors }) },
          ],
          problems: [
            tailgateError('TARGET_DIED', {
              command: 'node dist/server.js',
              exitCode: 'SIGABRT',
              tail: 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n----- Native stack trace -----\n 1: 0xb8d0a3 node::OOMErrorHandler',
            }),
          ],
          trend: null,
        },
      }),
    ]),
  'first-run': () =>
    sampleReport([sampleSuite({ comparison: 'none', pairs: 1, parts: { trend: null } })], {
      commits: { head: '3f1c9a27d4e8b60512f7a9c3d1e4b8f6a0572c9e', base: null },
    }),
  single: () => sampleReport([sampleSuite({ comparison: 'single', pairs: 2, factor: 0.86 })]),
  'several-suites': () =>
    sampleReport([
      sampleSuite({ name: 'chat-room', factor: 1.004 }),
      sampleSuite({ name: 'signalling', verdict: 'fail', factor: 1.24 }),
      sampleSuite({ name: 'location', verdict: 'inconclusive', factor: 1.05, spread: 0.08 }),
    ]),
  levels: () =>
    sampleReport(
      [30, 100, 1000, 2000].map((users, index) =>
        sampleSuite({
          name: `rooms/${users} users`,
          factor: 1 - 0.12 * index,
          pairs: 4,
          ...(users === 2000 ? { errors: websocketErrors } : {}),
        }),
      ),
    ),
  nothing: () =>
    sampleReport([], {
      problems: [
        {
          code: 'SETTINGS_UNKNOWN_KEY',
          what: 'Unknown setting "tresholds".',
          fix: 'Did you mean "thresholds"?',
          file: 'tailgate.yml',
          line: 7,
        },
      ],
    }),
};

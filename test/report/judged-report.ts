import assert from 'node:assert/strict';
import { type TailgateError, tailgateError } from '../../src/errors.ts';
import { LatencySketch } from '../../src/metrics/latency-sketch.ts';
import type { RoundMeasurement } from '../../src/metrics/round-measurement.ts';
import { seededRandom } from '../../src/metrics/seeded-random.ts';
import { parseThreshold } from '../../src/metrics/threshold-grammar.ts';
import { buildReport, buildSuiteReport, type SuiteParts } from '../../src/report/build-report.ts';
import type { Report, SuiteReport } from '../../src/report/report-model.ts';
import { judgeSuite } from '../../src/verdict/judge-suite.ts';
import type { Verdict } from '../../src/verdict/verdict.ts';
import {
  evidenceOf,
  metricId,
  noRegression,
  quietWorld,
  recordOf,
  seededNormal,
  simulatePairs,
} from '../verdict/simulator.ts';

/** Latencies around `medianMs` with a long tail. */
const latencies = (random: () => number, count: number, medianMs: number): LatencySketch => {
  const sketch = new LatencySketch();
  for (let i = 0; i < count; i += 1) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    sketch.record(medianMs * Math.exp(0.45 * normal));
  }
  return sketch;
};

/** What a round of a chat room counts beside its deliveries: 500 messages, each delivered to four members. */
const chatRoom = (
  round: RoundMeasurement,
  random: () => number,
  factor: number,
  errors: RoundMeasurement['errors'],
): RoundMeasurement => {
  const delivery = round.metrics[metricId]!;
  const errorCount = errors.reduce((sum, error) => sum + error.count, 0);
  return {
    ...round,
    metrics: {
      'chat.delivery': delivery,
      'chat.ack': latencies(random, 500, 9 * factor).toJSON(),
      'connect.handshake': latencies(random, 100, 12).toJSON(),
      'session.length': latencies(random, 100, 7200).toJSON(),
    },
    slices: round.slices.map((slice) => ({ 'chat.delivery': slice[metricId]! })),
    counters: {
      ...round.counters,
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
    generator: {
      ...round.generator,
      cpuShare: 0.34,
      loopDelayP50Ms: 1.1,
      loopDelayP99Ms: 2.4,
      loopDelayMaxMs: 6.2,
      intendedSends: 500,
      lateSends: 1,
      maxLagMs: 8.1,
      peakRssBytes: 96_000_000,
    },
    resources: {
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
  };
};

const room = { ...quietWorld, medianMs: 24, messageDeviation: 0.45, rate: 200 };

/** One round of a chat room. */
export const chatRound = (options: {
  seed: number;
  factor?: number;
  errors?: RoundMeasurement['errors'];
  resources?: boolean;
}): RoundMeasurement => {
  const { seed, factor = 1, errors = [] } = options;
  const [pair] = simulatePairs(room, { ...noRegression, slower: factor }, 1, seed);
  const round = chatRoom(pair!.head, seededRandom(seed), factor, errors);
  return options.resources === false ? { ...round, resources: null } : round;
};

export type SuiteOptions = {
  name?: string;
  comparison?: SuiteParts['comparison'];
  /** Factor on every latency of the head. */
  factor?: number;
  /** Deviation of ln(latency) between processes: how noisy the machine is. */
  noise?: number;
  pairs?: number;
  errors?: RoundMeasurement['errors'];
  thresholds?: string[];
  parts?: Partial<SuiteParts>;
};

/** Both sides of a chat room on a simulated machine. */
export const measuredPairs = (options: SuiteOptions = {}): SuiteParts['pairs'] => {
  const { factor = 1, noise = 0.02, pairs = 8, errors = [] } = options;
  const random = seededRandom(11);
  // Two draws of a process on one machine, centred, so that small samples show the change that was put in.
  const normal = seededNormal(5);
  const wobble = Array.from({ length: pairs }, () => noise * normal());
  const mean = wobble.reduce((sum, one) => sum + one, 0) / pairs;
  return wobble.map((one, index) => {
    const slower = factor * Math.exp(one - mean);
    const [pair] = simulatePairs(
      { ...room, processDeviation: 0 },
      { ...noRegression, slower },
      1,
      900 + index,
    );
    return {
      baseline: chatRoom(pair!.baseline, random, 1, []),
      head: chatRoom(pair!.head, random, slower, errors),
    };
  });
};

/** A suite as the judge hands it over. */
export const judgedParts = (options: SuiteOptions = {}): SuiteParts => {
  const name = options.name ?? 'chat-room';
  const comparison = options.comparison ?? 'side-by-side';
  const sides = measuredPairs(options);
  const pairs = comparison === 'side-by-side' ? [...sides] : [];
  const head = pairs.length > 0 ? [] : sides.map((pair) => pair.head);
  const history =
    comparison === 'single' || comparison === 'history' ? [recordOf(sides.map((pair) => pair.baseline))] : [];
  const sources = options.thresholds ?? ['chat.delivery.p95 < 200ms', 'errors.rate < 0.1%'];
  const judgement = judgeSuite(
    evidenceOf({
      suite: name,
      comparison,
      pairs,
      head,
      history,
      thresholds: sources.map((source, index) =>
        parseThreshold(source, { file: 'tailgate.yml', line: 14 + index }),
      ),
      mainMetric: 'chat.delivery',
      final: true,
    }),
  );
  return {
    name,
    scenario: 'scenarios/chat-room.yml',
    comparison,
    pairs,
    head,
    baseline: history.flatMap((record) => record.rounds),
    judgement,
    problems: [],
    warnings: [],
    bottleneck: null,
    trend: {
      metric: 'chat.delivery',
      statistic: 'p95',
      values: [49.1, 50.2, 48.7, 51.3, 49.9, 50.4, 49.2, 50.3 * (options.factor ?? 1)],
    },
    main: 'chat.delivery',
    ...options.parts,
  };
};

export const judgedSuite = (options: SuiteOptions = {}): SuiteReport =>
  buildSuiteReport(judgedParts(options));

/** A suite that must come to this verdict. */
export const suiteWith = (verdict: Verdict, options: SuiteOptions = {}): SuiteReport => {
  const suite = judgedSuite({ ...usual[verdict], ...options });
  assert.equal(suite.verdict, verdict, suite.reason);
  return suite;
};

const usual: Record<Verdict, SuiteOptions> = {
  pass: { factor: 1.006 },
  fail: { factor: 1.18 },
  inconclusive: { factor: 1.06, noise: 0.12, pairs: 12 },
  invalid: { parts: { judgement: null } },
};

export const reportOf = (suites: SuiteReport[], changes: Partial<Report> = {}): Report => ({
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

const died = (): TailgateError =>
  tailgateError('TARGET_DIED', {
    command: 'node dist/server.js',
    exitCode: 'SIGABRT',
    tail: 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n----- Native stack trace -----\n 1: 0xb8d0a3 node::OOMErrorHandler',
  });

const made: Record<string, () => Report> = {
  pass: () => reportOf([suiteWith('pass')]),
  fail: () =>
    reportOf([
      {
        ...suiteWith('fail', { errors: websocketErrors }),
        explanation: {
          kind: 'more-work',
          sentences: [
            {
              text: '`verifyToken` runs 2.00 times a message instead of 1.00.',
              place: { file: 'src/token.ts', line: 6 },
            },
            {
              text: 'The new call is in `chat`, a line of this pull request.',
              place: { file: 'src/server.ts', line: 117 },
            },
          ],
        },
      },
    ]),
  inconclusive: () => reportOf([suiteWith('inconclusive')]),
  invalid: () =>
    reportOf([
      judgedSuite({
        errors: websocketErrors,
        pairs: 1,
        parts: { judgement: null, problems: [died()], trend: null },
      }),
    ]),
  'first-run': () =>
    reportOf([suiteWith('pass', { comparison: 'none', pairs: 1, parts: { trend: null } })], {
      commits: { head: '3f1c9a27d4e8b60512f7a9c3d1e4b8f6a0572c9e', base: null },
    }),
  single: () => reportOf([judgedSuite({ comparison: 'single', pairs: 2, factor: 0.86 })]),
  'several-suites': () =>
    reportOf([
      suiteWith('pass', { name: 'chat-room' }),
      suiteWith('fail', { name: 'signalling', factor: 1.24 }),
      suiteWith('inconclusive', { name: 'location' }),
    ]),
  levels: () =>
    reportOf(
      [30, 100, 1000, 2000].map((users, index) =>
        judgedSuite({
          name: `rooms/${users} users`,
          factor: 1 - 0.12 * index,
          pairs: 8,
          ...(users === 2000 ? { errors: websocketErrors } : {}),
        }),
      ),
    ),
  nothing: () =>
    reportOf([], {
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

const kept = new Map<string, Report>();

/** One report of every kind that a reader meets, with the sentences of the judge; a fresh copy each time. */
export const judgedReports: Record<string, () => Report> = Object.fromEntries(
  Object.entries(made).map(([name, make]) => [
    name,
    () => {
      if (!kept.has(name)) kept.set(name, make());
      return structuredClone(kept.get(name)!);
    },
  ]),
);

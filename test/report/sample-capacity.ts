import type { CapacityLevel, CapacityReport, CapacitySide } from '../../src/report/capacity-model.ts';
import { judgedReports } from './judged-report.ts';

/** A server whose latency rises as 1 / (1 - load / capacity), as a queue's does. */
const level = (load: number, capacity: number, phase: CapacityLevel['phase']): CapacityLevel => {
  const use = Math.min(load / capacity, 0.99);
  const base = 18 / (1 - use);
  const p95Ms = base * 2.1;
  const holds = p95Ms < 200;
  return {
    load,
    achieved: load,
    users: load * 7,
    phase,
    verdict: holds ? 'holds' : 'breaks',
    latency: {
      count: load * 60,
      meanMs: base * 1.1,
      p50Ms: base,
      p90Ms: base * 1.8,
      p95Ms,
      p99Ms: base * 3,
      p999Ms: base * 4,
      maxMs: base * 5,
    },
    errorRate: use > 0.95 ? 0.012 : 0,
    lostRate: 0,
    resources: {
      cpuSeconds: use * 20,
      maxCpuShare: Math.round(use * 100) / 100,
      maxRssBytes: 90_000_000 + load * 100_000,
      maxOpenFiles: 40 + load,
      openFilesLimit: 65_536,
      maxThreads: 11,
      maxHeapUsedBytes: 40_000_000,
      maxLoopDelayMs: base / 2,
      gcPauseMs: 20,
    },
    limits: [],
    reasons: holds
      ? []
      : [
          {
            what: 'latency',
            explanation: `chat.delivery p95 is ${Math.round(p95Ms)} ms, above the limit of 200 ms.`,
          },
        ],
  };
};

const side = (capacity: number, loads: readonly number[]): CapacitySide => {
  const levels = loads.map((load, index) =>
    level(load, capacity, index < 6 ? 'growing' : index < loads.length - 1 ? 'bisecting' : 'confirming'),
  );
  const holding = levels.filter((one) => one.verdict === 'holds').map((one) => one.load);
  const breaking = levels.filter((one) => one.verdict === 'breaks');
  return {
    levels,
    edge: {
      holds: holding.length === 0 ? null : Math.max(...holding),
      breaks: breaking.length === 0 ? null : Math.min(...breaking.map((one) => one.load)),
      confirmed: true,
    },
    knee: { load: 160, meanMs: 31 },
    gaveOut: breaking[0]?.reasons[0] ?? null,
  };
};

export const sampleCapacity = (changes: Partial<CapacityReport> = {}): CapacityReport => {
  const { environment, commits, runUrl, startedAt } = judgedReports.nothing!();
  return {
    schemaVersion: 1,
    kind: 'capacity',
    suite: 'chat-room',
    scenario: 'scenarios/chat-room.yml',
    unit: 'users/s',
    metric: 'chat.delivery',
    rules: ['chat.delivery.p95 < 200ms', 'errors.rate < 1%'],
    verdict: 'fail',
    reason: 'This PR holds 21% fewer users than the baseline; the limit is a loss of 10%.',
    baseline: side(480, [10, 20, 40, 80, 160, 320, 640, 400, 360, 380, 380]),
    head: side(380, [10, 20, 40, 80, 160, 320, 240, 280, 300, 300]),
    problems: [],
    warnings: [],
    environment,
    commits,
    runUrl,
    startedAt,
    durations: { totalMs: 412_000, buildMs: 21_000, loadMs: 330_000 },
    ...changes,
  };
};

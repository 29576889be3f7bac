import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LatencySketch } from '../../src/metrics/latency-sketch.ts';
import { measurementOfReport } from '../../src/run/measurement-of-report.ts';
import { sampleSuite } from '../report/sample-report.ts';

test('what a report tells of a latency is what is read from it again, the mean too', () => {
  const suite = sampleSuite({ verdict: 'pass' });
  const metric = suite.metrics.find(({ head }) => head !== null)!;
  const head = { ...metric.head!, meanMs: metric.head!.p50Ms! * 1.3 };
  const round = measurementOfReport({ ...suite, metrics: [{ ...metric, head }] });
  const again = LatencySketch.fromJSON(round.metrics[metric.id]!).summary();
  assert.equal(again.count, Math.min(head.count, 100_000));
  assert.ok(Math.abs(again.meanMs / head.meanMs - 1) < 1e-9, `${again.meanMs} for ${head.meanMs}`);
  for (const [name, value] of [
    ['p50Ms', head.p50Ms],
    ['p95Ms', head.p95Ms],
    ['p99Ms', head.p99Ms],
    ['maxMs', head.maxMs],
  ] as const)
    assert.ok(Math.abs(again[name] / value! - 1) < 0.02, `${name} ${again[name]} for ${value}`);
});

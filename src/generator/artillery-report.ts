import { LatencySketch } from '../metrics/latency-sketch.ts';
import { metricOf } from '../metrics/metric.ts';
import type { RoundMeasurement } from '../metrics/round-measurement.ts';
import { artilleryCounterName, artilleryLatencyName } from '../scenario/artillery-metric-names.ts';

/** Artillery's summary of one histogram, milliseconds. */
export type ArtillerySummary = Record<
  'min' | 'max' | 'count' | 'mean' | 'p50' | 'median' | 'p75' | 'p90' | 'p95' | 'p99' | 'p999',
  number
>;

/** What plugins get of a test: Artillery's report, made from our measurement. */
export type ArtilleryReport = {
  period: number;
  counters: Record<string, number>;
  rates: Record<string, number>;
  histograms: Record<string, ArtillerySummary>;
  summaries: Record<string, ArtillerySummary>;
  firstCounterAt: number;
  lastCounterAt: number;
  firstHistogramAt: number;
  lastHistogramAt: number;
  firstMetricAt: number;
  lastMetricAt: number;
};

/**
 * A measurement as Artillery reports it. Every metric is there under Artillery's name, and under ours where they
 * differ; `socketio.response_time` is all acknowledgements and responses of Socket.IO steps together.
 */
export const artilleryReport = (
  measurement: Pick<RoundMeasurement, 'metrics' | 'counters' | 'errors' | 'activeMs'>,
  nowMs: number,
): ArtilleryReport => {
  const named = new Map<string, number>();
  for (const [name, value] of Object.entries(measurement.counters)) {
    // The sum of all errors has no name in Artillery, and would be found inside of `errors.ECONNREFUSED`.
    if (name === 'errors') continue;
    named.set(name, value);
    named.set(artilleryCounterName(name), value);
  }
  for (const error of measurement.errors) named.set(`errors.${error.name}`, error.count);
  named.set('socketio.emit', measurement.counters['messages.sent'] ?? 0);
  const counters = longestFirst(named);
  const summaries: Record<string, ArtillerySummary> = {};
  const answers = new LatencySketch();
  for (const [id, json] of Object.entries(measurement.metrics)) {
    const sketch = LatencySketch.fromJSON(json);
    const wait = metricOf(id).of;
    if ((wait === 'ack' || wait === 'response') && artilleryLatencyName(id) === id) answers.merge(sketch);
    summaries[id] = summaryOf(sketch);
    summaries[artilleryLatencyName(id)] = summaries[id];
  }
  if (answers.count > 0) summaries['socketio.response_time'] ??= summaryOf(answers);
  const seconds = measurement.activeMs / 1_000;
  const perSecond = (count: number) => (seconds > 0 ? Math.round(count / seconds) : 0);
  const rates: Record<string, number> = { 'socketio.emit_rate': perSecond(counters['socketio.emit'] ?? 0) };
  if (counters['http.requests'] !== undefined)
    rates['http.request_rate'] = perSecond(counters['http.requests']);
  const startedMs = nowMs - measurement.activeMs;
  return {
    period: nowMs,
    counters,
    rates,
    histograms: summaries,
    summaries,
    firstCounterAt: startedMs,
    lastCounterAt: nowMs,
    firstHistogramAt: startedMs,
    lastHistogramAt: nowMs,
    firstMetricAt: startedMs,
    lastMetricAt: nowMs,
  };
};

/** `ensure` looks for each name in its conditions as plain text: `vusers.failed` has to be found before `users.failed`. */
function longestFirst(values: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...values].sort(([a], [b]) => b.length - a.length));
}

function summaryOf(sketch: LatencySketch): ArtillerySummary {
  const { count, meanMs, maxMs } = sketch.summary();
  const at = (q: number) => tenth(sketch.quantileMs(q));
  return {
    min: at(0),
    max: tenth(maxMs),
    count,
    mean: tenth(meanMs),
    p50: at(0.5),
    median: at(0.5),
    p75: at(0.75),
    p90: at(0.9),
    p95: at(0.95),
    p99: at(0.99),
    p999: at(0.999),
  };
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}

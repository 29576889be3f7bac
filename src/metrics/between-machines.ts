import { mergeSketches, type SerializedSketch } from './latency-sketch.ts';
import { formatDuration } from './notation.ts';
import type { MetricId, RoundMeasurement } from './round-measurement.ts';

const suffix = ' between machines';

/** Where latencies of `id` are kept that the clocks of two machines timed, until it is known how well these agree. */
export const betweenMachines = (id: MetricId): MetricId => `${id}${suffix}`;

export const isBetweenMachines = (id: MetricId): boolean => id.endsWith(suffix);

/** Clocks may be wrong by this part of what they time. */
const allowedShare = 0.1;

/**
 * Puts latencies between machines, whose clocks agree to within `errorMs`, to those that one clock timed. Where that is
 * more than a tenth of their median they are left out, and a warning says so.
 */
export const settleBetweenMachines = (measured: RoundMeasurement, errorMs: number): RoundMeasurement => {
  const ids = Object.keys(measured.metrics).filter(isBetweenMachines);
  if (ids.length === 0) return measured;
  const left = new Set<MetricId>();
  const warnings = [...measured.warnings];
  for (const id of ids) {
    const p50Ms = mergeSketches([measured.metrics[id]!])!.quantileMs(0.5);
    if (errorMs <= allowedShare * p50Ms) continue;
    left.add(id);
    warnings.push(
      `"${id.slice(0, -suffix.length)}" is without deliveries between machines, which were only counted: their clocks agree to within ${formatDuration(errorMs)}, more than a tenth of the p50 of ${formatDuration(p50Ms)}.`,
    );
  }
  const settled = (sketches: Record<MetricId, SerializedSketch>): Record<MetricId, SerializedSketch> => {
    const kept: Record<MetricId, SerializedSketch> = {};
    for (const [id, sketch] of Object.entries(sketches)) if (!isBetweenMachines(id)) kept[id] = sketch;
    for (const id of ids) {
      const sketch = left.has(id) ? undefined : sketches[id];
      if (sketch === undefined) continue;
      const own = id.slice(0, -suffix.length);
      kept[own] = mergeSketches([...(kept[own] === undefined ? [] : [kept[own]]), sketch])!.toJSON();
    }
    return kept;
  };
  const { course } = measured;
  return {
    ...measured,
    warnings,
    metrics: settled(measured.metrics),
    slices: measured.slices.map(settled),
    ...(course === undefined ? {} : { course: { ...course, steps: course.steps.map(settled) } }),
  };
};

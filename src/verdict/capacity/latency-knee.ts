/** What one load showed on average. */
export type LoadPoint = { load: number; meanMs: number };

/**
 * The knee of a curve of latency by load: the load with the greatest power, which is throughput over mean latency
 * (Kleinrock, "Power and deterministic rules of thumb for probabilistic problems in computer communications", ICC 1979;
 * the "knee capacity" of Jain, "The Art of Computer Systems Performance Analysis", 1991, chapter 3). There a line from the origin touches the curve: below it
 * more load costs less latency than it brings throughput, above it more. Null with fewer than three loads, and when the
 * greatest power is that of the highest load, so that the knee may lie beyond what was measured.
 */
export const latencyKnee = (points: readonly LoadPoint[]): LoadPoint | null => {
  const usable = points.filter(({ load, meanMs }) => load > 0 && meanMs > 0).sort((a, b) => a.load - b.load);
  if (usable.length < 3) return null;
  const knee = usable.reduce((best, point) =>
    point.load / point.meanMs > best.load / best.meanMs ? point : best,
  );
  return knee === usable.at(-1) ? null : knee;
};

import { arrivedMs } from '../arrival-instant.ts';

/**
 * Difference between the clock of the load and `performance.now()`, microseconds. The clock is the host's monotonic one,
 * which `performance.now()` reads too from an origin of its own, or that of another machine that leads the load.
 */
let originUs = (() => {
  let best = 0;
  let bestGap = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const before = performance.now();
    const hostUs = Number(process.hrtime.bigint() / 1_000n);
    const gap = performance.now() - before;
    if (gap >= bestGap) continue;
    bestGap = gap;
    best = hostUs - before * 1_000;
  }
  return best;
})();

/** From now on the clock of the load is that of a machine whose monotonic clock is ahead of this one by so much. */
export const followClock = (aheadUs: number): void => {
  originUs += aheadUs;
};

/** Now on the clock of the load, microseconds: comparable between all processes and threads that drive it. */
export const hostTimeUs = (): number => performance.now() * 1_000 + originUs;

/** When what is being handled arrived, on the same clock: after `sentUs`, when it was sent. */
export const arrivedUs = (sentUs: number): number => asHostTimeUs(arrivedMs((sentUs - originUs) / 1_000));

/** A reading of `performance.now()` on the clock of the load, microseconds. */
export const asHostTimeUs = (performanceMs: number): number => performanceMs * 1_000 + originUs;

import { arrivedMs } from '../arrival-instant.ts';

/**
 * Difference between the host's monotonic clock and `performance.now()`, microseconds. Both read CLOCK_MONOTONIC;
 * the process's own origin is what differs.
 */
const originUs = (() => {
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

/** Now on the monotonic clock of the host, microseconds: comparable between processes and threads of one host. */
export const hostTimeUs = (): number => performance.now() * 1_000 + originUs;

/** When what is being handled arrived, on the same clock: after `sentUs`, when it was sent. */
export const arrivedUs = (sentUs: number): number => asHostTimeUs(arrivedMs((sentUs - originUs) / 1_000));

/** A reading of `performance.now()` on the monotonic clock of the host, microseconds. */
export const asHostTimeUs = (performanceMs: number): number => performanceMs * 1_000 + originUs;

import type { Statistic } from '../metrics/threshold.ts';
import type { VerdictSettings } from '../settings/settings-schema.ts';

/** A p99.9 needs ten times the values of a p99: ten values beyond it either way. */
const beyondP99 = 10;

/**
 * Values per side, over all rounds, below which a statistic of a latency is not judged. With 1,000 values a p99 has
 * ten values above it; with fewer it is little more than the maximum.
 */
export const samplesNeeded = (statistic: Statistic, settings: VerdictSettings): number => {
  switch (statistic) {
    case 'p50':
    case 'mean':
      return settings.minSamplesP50;
    case 'p5':
    case 'p10':
    case 'p90':
    case 'p95':
    case 'tail':
      return settings.minSamplesP95;
    case 'p99':
      return settings.minSamplesP99;
    case 'p999':
      return beyondP99 * settings.minSamplesP99;
    default:
      return 1;
  }
};

const bars = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

const maxBars = 60;
/** What differs by less than this share of the median is noise, and must not look like a mountain. */
const quietShare = 0.1;

/**
 * The values as bars of block characters. The scale reaches from the smallest to the largest value, and at least over
 * 10% of the median to either side.
 */
export const sparkline = (values: readonly number[]): string => {
  const known = values.filter(Number.isFinite).slice(-maxBars);
  if (known.length === 0) return '';
  const median = [...known].sort((a, b) => a - b)[Math.floor((known.length - 1) / 2)]!;
  const margin = Math.abs(median) * quietShare;
  const low = Math.min(...known, median - margin);
  const span = Math.max(...known, median + margin) - low;
  return known
    .map((value) => bars[span === 0 ? 3 : Math.round(((value - low) / span) * (bars.length - 1))])
    .join('');
};

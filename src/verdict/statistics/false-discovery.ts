/**
 * Which of many p-values stand out when at most a share `q` of those named may be false: Benjamini and Hochberg
 * (1995). Gives one answer per p-value, in their order.
 */
export const falseDiscoveries = (pValues: readonly number[], q: number): boolean[] => {
  const order = pValues.map((p, index) => ({ p, index })).sort((a, b) => a.p - b.p);
  let accepted = -1;
  for (const [rank, { p }] of order.entries()) if (p <= (q * (rank + 1)) / order.length) accepted = rank;
  const named = new Set(order.slice(0, accepted + 1).map(({ index }) => index));
  return pValues.map((_, index) => named.has(index));
};

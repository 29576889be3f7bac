/** Keys whose values are words of ours, which a short secret must not break. */
const ownWords = new Set(['verdict', 'failOn', 'unit', 'statistic', 'comparison', 'code', 'side', 'kind']);

/**
 * A copy of plain data with `mask` applied to every text in it, before any of it is escaped for a format: afterwards a
 * secret may be written differently. Keys, and the values of keys that hold words of ours, stay as they are.
 */
export const maskStrings = <T>(value: T, mask: (text: string) => string): T => {
  const copy = (part: unknown): unknown => {
    if (typeof part === 'string') return mask(part);
    if (Array.isArray(part)) return part.map(copy);
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(
      Object.entries(part).map(([key, child]) => [key, ownWords.has(key) ? child : copy(child)]),
    );
  };
  return copy(value) as T;
};

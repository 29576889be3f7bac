/** What gave out at a load, and one sentence about it with the value and the limit. */
export type CapacityReason = {
  what:
    | 'latency'
    | 'errors'
    | 'loss'
    | 'descriptors'
    | 'cpu'
    | 'memory'
    | 'throughput'
    | 'limit'
    | 'generator'
    | 'server';
  explanation: string;
};

/**
 * What stands behind the others comes first: a server without descriptors refuses connections, one without CPU answers
 * late, and users who wait pile up.
 */
const order: readonly CapacityReason['what'][] = [
  'generator',
  'server',
  'descriptors',
  'memory',
  'cpu',
  'errors',
  'loss',
  'latency',
  'throughput',
  'limit',
];

/** The reasons with the first cause first. */
export const inOrderOfCause = (reasons: readonly CapacityReason[]): CapacityReason[] =>
  [...reasons].sort((a, b) => order.indexOf(a.what) - order.indexOf(b.what));

/** The first cause in one: a resource that was used up together with the limit that broke for it. */
export const firstCause = (reasons: readonly CapacityReason[]): CapacityReason | null => {
  const [first, ...others] = reasons;
  if (first === undefined) return null;
  const isResource = ['descriptors', 'memory', 'cpu'].includes(first.what);
  const symptom = others.find(({ what }) => !['descriptors', 'memory', 'cpu'].includes(what));
  return isResource && symptom !== undefined
    ? { what: first.what, explanation: `${first.explanation} ${symptom.explanation}` }
    : first;
};

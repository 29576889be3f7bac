/** The four answers. `invalid`: no verdict can be trusted; it never counts as a pass. */
export type Verdict = 'pass' | 'fail' | 'inconclusive' | 'invalid';

const severity: Record<Verdict, number> = { pass: 0, inconclusive: 1, fail: 2, invalid: 3 };

/**
 * The verdict of a whole from the verdicts of its parts: a fail stands whatever else happened, then invalid, then
 * inconclusive. No parts is invalid: nothing was judged.
 */
export const overallVerdict = (parts: readonly Verdict[]): Verdict => {
  if (parts.length === 0) return 'invalid';
  if (parts.includes('fail')) return 'fail';
  return parts.reduce((worst, part) => (severity[part] > severity[worst] ? part : worst), 'pass');
};

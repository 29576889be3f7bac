import { nounsOf } from '../metrics/metric.ts';
import { formatCount, formatPoints, formatValue, plural } from '../metrics/notation.ts';
import type { CountDecision, State } from './decide-pairs.ts';
import type { CountGate } from './gates.ts';

/** The sentence that says what was compared and why it came out so. `where`: "in 8 pairs", "against one stored run". */
export const explainCount = (
  gate: CountGate,
  decision: CountDecision,
  state: State,
  where: string,
): string => {
  const { comparison: c, allowed, anyIncrease } = decision;
  const counts = `${events(c.headEvents, gate.metric)} (${formatValue(c.headRate, 'ratio')} of the attempts) against ${formatCount(c.baselineEvents)} (${formatValue(c.baselineRate, 'ratio')}) at the baseline ${where}`;
  if (c.headEvents === 0) return `No ${nounsOf(gate.metric).many} ${where}, so it passes.`;
  if (anyIncrease)
    return `${counts}: any increase fails, as set, and there is ${state === 'fail' ? 'one' : 'none'}.`;
  const clusters =
    c.dispersion > 1.5 && !c.assumed ? `; they come in clusters, which the comparison allows for` : '';
  if (state === 'fail')
    return `${counts}: a rise of ${formatPoints(c.rise)}, more than the ${formatPoints(allowed)} allowed and more than chance explains${clusters}, so it fails.`;
  if (state === 'undecided')
    return `${counts}: a rise of ${formatPoints(c.rise)} would be too much, but chance could still explain it${clusters}.`;
  if (c.rise <= 0) return `${counts}: no rise, so it passes.`;
  return c.rise < allowed
    ? `${counts}: a rise of ${formatPoints(c.rise)}, less than the ${formatPoints(allowed)} allowed, so it passes.`
    : `${counts}: chance explains the difference${clusters}, so it passes.`;
};

function events(count: number, metric: string): string {
  const { one, many } = nounsOf(metric);
  return plural(count, one, many);
}

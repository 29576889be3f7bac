import { formatChange, formatInterval } from '../metrics/notation.ts';
import type { AdvisoryChange } from './advisory.ts';
import type { GateOutcome } from './outcome.ts';

/**
 * What the server's CPU time per message says of latencies that failed, in a sentence: whether the code does more, or
 * waits longer. It is measured by the kernel and not by the generator, so it is a second witness. Null when no latency
 * failed, when it was not sampled, or when it cannot tell: its interval holds both no rise and one that matters.
 */
export const cpuWitness = (
  outcomes: readonly GateOutcome[],
  changes: readonly AdvisoryChange[],
  materialityPercent: number,
): string | null => {
  const failed = outcomes.some(
    ({ gate, state }) =>
      state === 'fail' &&
      gate.kind === 'change' &&
      gate.unit === 'ms' &&
      gate.metric !== 'server.cpuPerMessage',
  );
  const found = changes.find(({ metric }) => metric === 'server.cpuPerMessage');
  if (!failed || found === undefined) return null;
  const { low, high } = found.change;
  if (low > 0)
    return `The CPU time that a message costs the server changed by ${formatChange(found.change)} too: the code does more.`;
  if (high * 100 < materialityPercent)
    return `The CPU time that a message costs the server did not rise (${formatInterval(low, high)}): it is not work that takes longer, but waiting, for example for a database, a lock or a timer.`;
  return null;
};

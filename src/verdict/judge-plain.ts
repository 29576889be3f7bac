import { weakCentre } from '../comparison/stored-history.ts';
import type { VerdictSettings } from '../settings/settings-schema.ts';
import type { ChangeGate } from './gates.ts';
import type { GateOutcome } from './outcome.ts';
import { percent, plural, quantity, subjectName } from './wording.ts';

/** The limit itself, in the metric's unit. */
const limitValue = (gate: ChangeGate, baseline: number): number => {
  const changes = [
    ...(gate.allowed.percent === null ? [] : [(gate.allowed.percent / 100) * Math.abs(baseline)]),
    ...(gate.allowed.delta === null ? [] : [gate.allowed.delta]),
  ];
  // Of two parts both must be exceeded: the one that lets more through counts.
  const change = gate.sign === 1 ? Math.max(...changes) : Math.min(...changes);
  return baseline + change;
};

/**
 * A plain relative limit against fewer than ten stored values (their median): no model of the noise, so weak evidence,
 * which the explanation says.
 */
export const judgePlainChange = (
  gate: ChangeGate,
  stored: readonly number[],
  value: number,
  _settings: VerdictSettings,
): GateOutcome => {
  const baseline = weakCentre(stored);
  const limit = limitValue(gate, baseline);
  const missed = gate.sign === 1 ? value > limit : value < limit;
  const relative = baseline === 0 ? null : value / baseline - 1;
  const runs =
    stored.length === 1 ? 'one earlier run' : `the median of ${plural(stored.length, 'earlier run')}`;
  const effect = relative === null ? '' : ` (${percent(relative)})`;
  const limitText = quantity(limit, gate.unit);
  const name = subjectName(gate.metric, gate.statistic);
  const verdict = missed
    ? `${gate.sign === 1 ? 'above' : 'below'} the limit of ${limitText}, so it fails`
    : `within the limit of ${limitText}, so it passes`;
  return {
    gate,
    state: missed ? 'fail' : 'pass',
    explanation: `${name} is ${quantity(value, gate.unit)} against ${quantity(baseline, gate.unit)} in ${runs}${effect}: ${verdict}. This is weak evidence: so few runs do not show how much chance moves them.`,
    change:
      relative === null
        ? null
        : {
            statistic: gate.statistic,
            relative,
            low: null,
            high: null,
            confidence: null,
            samples: stored.length,
          },
    detectable: null,
    baselineValue: baseline,
    headValue: value,
  };
};

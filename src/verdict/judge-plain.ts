import { median } from '../metrics/averages.ts';
import { formatPercentChange, formatValue, plural, subjectName } from '../metrics/notation.ts';
import type { VerdictSettings } from '../settings/settings-schema.ts';
import { allowedChange } from './decide-pairs.ts';
import { type ChangeGate, plainFloorMs } from './gates.ts';
import type { GateOutcome } from './outcome.ts';

/**
 * A plain relative limit against fewer than ten stored values (their median): no model of the noise, so weak evidence,
 * which the explanation says.
 */
export const judgePlainChange = (
  gate: ChangeGate,
  stored: readonly number[],
  value: number,
  settings: VerdictSettings,
): GateOutcome => {
  // Which one odd run does not move.
  const baseline = median(stored);
  const limit = limitValue(gate, baseline, settings);
  const missed = gate.sign === 1 ? value > limit : value < limit;
  const relative = baseline === 0 ? null : value / baseline - 1;
  const runs =
    stored.length === 1 ? 'one earlier run' : `the median of ${plural(stored.length, 'earlier run')}`;
  const effect = relative === null ? '' : ` (${formatPercentChange(relative)})`;
  const limitText = formatValue(limit, gate.unit);
  const name = subjectName(gate.metric, gate.statistic);
  const verdict = missed
    ? `${gate.sign === 1 ? 'above' : 'below'} the limit of ${limitText}, so it fails`
    : `within the limit of ${limitText}, so it passes`;
  return {
    gate,
    state: missed ? 'fail' : 'pass',
    explanation: `${name} is ${formatValue(value, gate.unit)} against ${formatValue(baseline, gate.unit)} in ${runs}${effect}: ${verdict} (weak evidence).`,
    change:
      relative === null
        ? null
        : {
            statistic: gate.statistic,
            relative,
            baseline,
            head: value,
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

/** The limit itself, in the metric's unit: for a default gate its margin, with a floor because nothing is proven. */
function limitValue(gate: ChangeGate, baseline: number, settings: VerdictSettings): number {
  const allowance =
    gate.source === 'default'
      ? { percent: gate.margin.percent, delta: settings.floorMs ?? plainFloorMs }
      : gate.allowed;
  return baseline + allowedChange(allowance, baseline, gate.sign);
}

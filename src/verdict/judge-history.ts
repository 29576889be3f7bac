import { formatCount, formatPercentChange, formatValue, plural, subjectName } from '../metrics/notation.ts';
import type { Values } from '../metrics/values.ts';
import type { VerdictSettings } from '../settings/settings-schema.ts';
import { allowanceIn, decideCount } from './decide-pairs.ts';
import { explainCount } from './explain-count.ts';
import { alphaShares, type ChangeGate, type CountGate, type Gate, isLatencyGate } from './gates.ts';
import { judgeAbsolute } from './judge-absolute.ts';
import { nothingAttempted } from './judge-pairs.ts';
import { judgePlainChange } from './judge-plain.ts';
import { jobAlpha } from './look-schedule.ts';
import { type GateOutcome, plainOutcome } from './outcome.ts';
import { samplesNeeded } from './sample-sizes.ts';
import { type HistoryLimits, historyLimits, maxHistory, minHistory } from './statistics/stored-history.ts';

/** Stored runs, and the head measured once or twice. */
export type HistoryEvidence = {
  /** Each stored run, oldest first, and all that the head is compared with together. */
  history: readonly Values[];
  baseline: Values;
  head: Values;
  confirmation: Values | null;
  confirmedOn: 'same-machine' | 'fresh-machine';
  /** Apply plain limits alone, however many runs there are. */
  plain: boolean;
  settings: VerdictSettings;
  final: boolean;
  suites: number;
};

/** What came of all gates; `confirm` when the head should be measured again before it can fail. */
export type HistoryJudgement = { outcomes: GateOutcome[]; confirm: boolean };

/**
 * Judges every gate against stored runs. Ten or more values of a metric set a limit by how much they differ; with
 * fewer, a plain relative limit is applied, which is weak evidence.
 */
export const judgeHistory = (gates: readonly Gate[], evidence: HistoryEvidence): HistoryJudgement => {
  const shares = alphaShares(gates);
  const outcomes = gates.map((gate): GateOutcome => {
    if (gate.kind === 'absolute')
      return judgeAbsolute(gate, evidence.head, evidence.baseline, evidence.settings);
    if (gate.kind === 'count') return judgeCount(gate, shares.get(gate)!, evidence);
    return judgeChange(gate, evidence);
  });
  const failed = outcomes.some(({ state }) => state === 'fail');
  const open = outcomes.some(({ state }) => state === 'undecided');
  return { outcomes, confirm: open && !failed && !evidence.final };
};

function judgeCount(gate: CountGate, share: number, evidence: HistoryEvidence): GateOutcome {
  const { head, history, suites } = evidence;
  const measured = [...head.rounds, ...(evidence.confirmation?.rounds ?? [])];
  const baseline = evidence.baseline.rounds.flatMap((round) => round.events(gate.metric) ?? []);
  const counts = measured.flatMap((round) => round.events(gate.metric) ?? []);
  if (counts.length < measured.length || baseline.length === 0)
    return plainOutcome(
      gate,
      'invalid',
      `${gate.metric} was not counted in every round, so nothing can be compared.`,
    );
  const without = nothingAttempted(gate, evidence);
  if (without !== null) return without;
  const decision = decideCount(gate, baseline, counts, (jobAlpha * share) / suites, false);
  const runs = Math.min(history.length, maxHistory);
  return {
    gate,
    state: decision.state === 'undecided' ? 'inconclusive' : decision.state,
    explanation: explainCount(
      gate,
      decision,
      decision.state,
      runs === 1 ? 'in the stored run' : `in ${runs} stored runs`,
    ),
    change: null,
    detectable: null,
    baselineValue: evidence.baseline.value(gate.metric, gate.statistic),
    headValue: head.value(gate.metric, gate.statistic),
  };
}

function judgeChange(gate: ChangeGate, evidence: HistoryEvidence): GateOutcome {
  const { head, settings, history } = evidence;
  const name = subjectName(gate.metric, gate.statistic);
  const value = head.value(gate.metric, gate.statistic);
  const stored = storedValues(gate, history.slice(-maxHistory));
  const before = stored.at(-1) ?? null;
  if (value === null || Number.isNaN(value))
    return plainOutcome(gate, 'invalid', `${name} was not measured in this PR, so nothing can be compared.`, {
      baseline: before,
    });
  if (isLatencyGate(gate, head)) {
    const needed = samplesNeeded(gate.statistic, settings);
    const samples = head.samples(gate.metric);
    if (samples < needed)
      return plainOutcome(
        gate,
        gate.source === 'default' ? 'skipped' : 'invalid',
        `${name} comes from ${plural(samples, 'value')}, and at least ${formatCount(needed)} are needed to judge it.`,
        { baseline: before, head: value },
      );
  }
  if (stored.length === 0)
    return plainOutcome(
      gate,
      'invalid',
      `${name} is in none of the stored runs, so nothing can be compared.`,
      {
        head: value,
      },
    );
  const logarithmic = value > 0 && stored.every((one) => one > 0);
  if (!evidence.plain && logarithmic && stored.length >= minHistory)
    return judgeLogChange(gate, stored, value, evidence);
  return judgePlainChange(gate, stored, value, settings);
}

function storedValues(gate: ChangeGate, history: readonly Values[]): number[] {
  return history.flatMap((run) => {
    const value = run.value(gate.metric, gate.statistic);
    return value === null || Number.isNaN(value) ? [] : [value];
  });
}

function judgeLogChange(
  gate: ChangeGate,
  stored: readonly number[],
  value: number,
  evidence: HistoryEvidence,
): GateOutcome {
  const limits = historyLimits(stored.map((one) => gate.sign * Math.log(one)))!;
  const centre = Math.exp(gate.sign * limits.centre);
  const allowed = allowanceIn('log', gate.allowed, centre, gate.sign);
  const first = placeValue(value, gate.sign, limits, allowed);
  const name = subjectName(gate.metric, gate.statistic);
  const relative = Math.expm1(gate.sign * first.change);
  const made = (state: GateOutcome['state'], explanation: string): GateOutcome => ({
    gate,
    state,
    explanation,
    change: {
      statistic: gate.statistic,
      relative,
      baseline: centre,
      head: value,
      low: null,
      high: null,
      confidence: null,
      samples: limits.records,
    },
    detectable: limits.detectable,
    baselineValue: centre,
    headValue: value,
  });
  const what = `${name} is ${formatValue(value, gate.unit)} (${formatPercentChange(relative)}); ${explainLimit(gate, limits, allowed)}`;
  if (allowed < 0) return improvement(first.change, allowed, limits, made, what);
  if (!first.beyondScreen)
    return made('pass', `${what}. This one is not, so it passes. ${detectableWords(limits)}`);
  const again = evidence.confirmation?.value(gate.metric, gate.statistic) ?? null;
  if (evidence.confirmation === null)
    return made(
      'undecided',
      `${what}. This one is, so it must be measured again before it can fail. ${detectableWords(limits)}`,
    );
  if (again === null || !(again > 0))
    return made('invalid', `${what}. This one is, and the second measurement has no ${name}.`);
  const second = placeValue(again, gate.sign, limits, allowed);
  const repeat = `measured again, it is ${formatValue(again, gate.unit)} (${formatPercentChange(Math.expm1(gate.sign * second.change))})`;
  if (!second.beyondScreen) {
    const cleared = made(
      'pass',
      `${what}. This one is, but ${repeat}: the first was chance, so it passes. ${detectableWords(limits)}`,
    );
    // What passes is what was measured again: beside a value that was chance, "pass" would be a riddle.
    const relativeAgain = Math.expm1(gate.sign * second.change);
    return {
      ...cleared,
      change: cleared.change && { ...cleared.change, relative: relativeAgain, head: again },
      headValue: again,
    };
  }
  if (evidence.confirmedOn === 'fresh-machine')
    return made('fail', `${what}. This one is, and it is on a fresh machine too (${repeat}), so it fails.`);
  if (first.beyondStrict && second.beyondStrict)
    return made(
      'fail',
      `${what}. This one is far beyond (chance brings one run in 300 there), and ${repeat}. So it fails, although both come from one machine.`,
    );
  return made(
    'inconclusive',
    `${what}. This one is, and ${repeat}. Both come from one machine, which may be slow, so it is only suspect: run it again on a fresh machine, or compare side by side. ${detectableWords(limits)}`,
  );
}

/** A limit that asks for an improvement: reached beyond what chance does to one run it passes, missed as far it fails. */
function improvement(
  change: number,
  allowed: number,
  limits: HistoryLimits,
  made: (state: GateOutcome['state'], explanation: string) => GateOutcome,
  what: string,
): GateOutcome {
  const chance = limits.screen - limits.centre;
  const beyond = change - allowed;
  if (beyond < -chance) return made('pass', `${what}. It is better by more than that, so it passes.`);
  if (beyond > chance)
    return made('fail', `${what}. It is not, and chance does not explain it, so it fails.`);
  return made(
    'inconclusive',
    `${what}. Chance alone could explain on which side of that it is, so it is undecided: compare side by side.`,
  );
}

/** A value of the head placed against the limits; all in the bad direction, in ln. */
function placeValue(value: number, sign: 1 | -1, limits: HistoryLimits, allowed: number) {
  const position = sign * Math.log(value);
  const change = position - limits.centre;
  return {
    change,
    beyondScreen: position > limits.screen && change >= allowed,
    beyondStrict: position > limits.strict && change >= allowed,
  };
}

function explainLimit(gate: ChangeGate, limits: HistoryLimits, allowed: number): string {
  const above = gate.sign === 1 ? 'above' : 'below';
  const centre = formatValue(Math.exp(gate.sign * limits.centre), gate.unit);
  const at = (position: number): string => formatValue(Math.exp(gate.sign * position), gate.unit);
  const usual = `${plural(limits.records, 'stored run')} usually show ${centre}`;
  if (allowed < 0)
    return `${usual}, and it must be ${gate.sign === 1 ? 'below' : 'above'} ${at(limits.centre + allowed)}`;
  return limits.centre + allowed > limits.screen
    ? `${usual}, and what is ${above} ${at(limits.centre + allowed)} is beyond the limit`
    : `${usual}, and chance brings one run in twenty ${above} ${at(limits.screen)}`;
}

function detectableWords(limits: HistoryLimits): string {
  return `Stored runs that differ as much as these show a change of ${formatPercentChange(limits.detectable)} or more.`;
}

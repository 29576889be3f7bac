import { mainOf } from '../metrics/main-metric.ts';
import { observedValue } from '../metrics/observed-value.ts';
import type { RoundMeasurement } from '../metrics/round-measurement.ts';
import { adviseOnPairs } from './advisory.ts';
import { inconsistencies, mixedHistory } from './consistency.ts';
import { cpuWitness } from './cpu-witness.ts';
import { overwhelmingErrors, widelyMissed } from './early-evidence.ts';
import { type Gate, gatesFor } from './gates.ts';
import { hiddenByDelays, mostlyTimeouts, unjudgedForDelays, withDelays } from './generator-delays.ts';
import { judgeAbsolute } from './judge-absolute.ts';
import { judgeHistory, roundsOf } from './judge-history.ts';
import { judgePairs } from './judge-pairs.ts';
import { listMetrics } from './judged-metrics.ts';
import type { SuiteEvidence, SuiteJudgement } from './judgement.ts';
import { type GateOutcome, type GateState, plainOutcome } from './outcome.ts';
import { judgeChecks } from './plugin-checks.ts';
import { progressOf } from './progress.ts';
import { reasonOf } from './reason.ts';
import { overallVerdict, type Verdict } from './verdict.ts';

/** The rounds of both sides, however they were obtained. */
type Measured = { baseline: RoundMeasurement[]; head: RoundMeasurement[] };

const measuredOf = (evidence: SuiteEvidence): Measured => {
  if (evidence.comparison === 'side-by-side')
    return {
      baseline: evidence.pairs.map((pair) => pair.baseline),
      head: evidence.pairs.map((pair) => pair.head),
    };
  const stored = evidence.comparison === 'none' ? [] : roundsOf(evidence.history);
  return { baseline: stored, head: evidence.head };
};

const verdictOf = (state: GateState): Verdict | null => {
  if (state === 'skipped') return null;
  return state === 'undecided' ? 'inconclusive' : state;
};

type Judged = { outcomes: GateOutcome[]; next: SuiteJudgement['next'] };

const judgeGates = (evidence: SuiteEvidence, gates: readonly Gate[], measured: Measured): Judged => {
  const { settings, final } = evidence;
  const suites = evidence.suitesInJob ?? 1;
  if (evidence.comparison === 'side-by-side') {
    const { outcomes, settled } = judgePairs(gates, evidence.pairs, settings, { final, suites });
    return { outcomes, next: settled ? 'decided' : 'more-pairs' };
  }
  if (evidence.comparison === 'none')
    return {
      outcomes: gates.flatMap((gate) =>
        gate.kind === 'absolute' ? judgeAbsolute(gate, measured.head, measured.baseline, settings) : [],
      ),
      next: 'decided',
    };
  const { outcomes, confirm } = judgeHistory(gates, {
    records: evidence.history,
    head: evidence.head,
    confirmation: evidence.confirmation,
    confirmedOn: evidence.confirmedOn ?? 'same-machine',
    plain: evidence.comparison === 'single',
    settings,
    final,
    suites,
  });
  return { outcomes, next: confirm ? 'confirm' : 'decided' };
};

/** Judges every gate; `early` when some limits are missed so widely that nothing more need be measured. */
const judgeAll = (
  evidence: SuiteEvidence,
  gates: readonly Gate[],
  measured: Measured,
): { judged: Judged; early: boolean } => {
  const rounds = [...measured.baseline, ...measured.head];
  const delays = evidence.generatorDelays ?? null;
  const hidden = delays === null ? [] : gates.filter((gate) => hiddenByDelays(gate, rounds));
  const judgeable = gates.filter((gate) => !hidden.includes(gate));
  const judged = judgeGates(evidence, judgeable, measured);
  const missed = widelyMissed(judgeable, measured.head, evidence.settings);
  const outcomes = judged.outcomes.map((outcome) => {
    const found = missed.find(({ gate }) => gate === outcome.gate) ?? outcome;
    return delays === null ? found : withDelays(found, delays, measured.head);
  });
  return {
    judged: {
      ...judged,
      outcomes: [...outcomes, ...hidden.map((gate) => unjudgedForDelays(gate, delays!))],
    },
    early: missed.length > 0,
  };
};

/** Default gates with too few values are left out, but not all of the latency's: something must be judged. */
const withoutEmptyGate = (outcomes: GateOutcome[]): GateOutcome[] => {
  const latency = outcomes.filter(({ gate }) => gate.kind === 'change' && gate.unit === 'ms' && !gate.guard);
  if (latency.length === 0 || latency.some(({ state }) => state !== 'skipped')) return outcomes;
  return outcomes.map((outcome) =>
    outcome === latency[0] ? { ...outcome, state: 'invalid' as const } : outcome,
  );
};

/** What is known before any gate is looked at: reasons for which nothing can be judged. */
const reasonsAgainst = (evidence: SuiteEvidence, measured: Measured): string[] => {
  const mixed = mixedHistory(evidence.history);
  return [
    ...evidence.invalid,
    ...(mixed === null || evidence.comparison === 'side-by-side' || evidence.comparison === 'none'
      ? []
      : [mixed]),
    ...inconsistencies(
      measured.baseline,
      measured.head,
      evidence.comparison === 'side-by-side',
      evidence.settings,
    ),
  ];
};

const warningsOf = (
  evidence: SuiteEvidence,
  outcomes: readonly GateOutcome[],
  findings: readonly string[],
): string[] => {
  const warnings = outcomes
    .filter(({ state }) => state === 'skipped')
    .map(({ explanation }) => `Not judged: ${explanation}`);
  if (evidence.comparison === 'single')
    warnings.push(
      'The comparison is weak evidence: with fewer than ten comparable stored runs, what chance does is not known. Side by side is stronger.',
    );
  if (evidence.comparison === 'none') {
    const relative = evidence.thresholds.filter(({ bound }) => bound.kind === 'relative');
    if (relative.length > 0)
      warnings.push(
        `There is no baseline yet, so ${relative.length === 1 ? 'this limit was' : 'these limits were'} not applied: ${relative.map(({ source }) => `"${source}"`).join(', ')}.`,
      );
  }
  return [...warnings, ...findings];
};

/**
 * The verdict on one suite from everything that was measured: the one decision function of every mode. Pure; called
 * after each pair side by side (`next` says whether more are wanted), and once or twice otherwise.
 *
 * A suite fails when a gate fails, is invalid when nothing can be trusted or a gate has nothing to judge by, passes
 * when every gate passes, and is inconclusive otherwise. With no baseline and no absolute limit there is nothing to
 * judge by: a complete measurement then passes, and the reason says that nothing was compared.
 */
export const judgeSuite = (evidence: SuiteEvidence): SuiteJudgement => {
  const measured = measuredOf(evidence);
  const { baseline, head } = measured;
  const main = mainOf(evidence.mainMetric, [...baseline, ...head]);
  const { gates, unmatched } = gatesFor({
    thresholds: evidence.thresholds,
    settings: evidence.settings,
    main,
    rounds: [...baseline, ...head],
    proof: evidence.comparison === 'none' ? null : evidence.comparison === 'single' ? 'plain' : 'proven',
  });
  const against = reasonsAgainst(evidence, measured);
  const failing = failingOutright(evidence, measured, against);
  if (failing !== null || against.length > 0) {
    const why =
      failing === null
        ? 'the measurement as a whole has no verdict'
        : 'most attempts failed, which decides without it';
    const outcomes = gates.map((gate) => notJudged(gate, measured, why));
    const next = failing?.again === true ? 'more-pairs' : 'decided';
    const { witness: _, ...common } = describe(evidence, measured, main, gates, outcomes, next);
    if (failing === null) return { ...common, verdict: 'invalid', reason: against[0]! };
    return { ...common, verdict: failing.again ? 'inconclusive' : 'fail', reason: failing.sentence };
  }
  const { judged, early } = judgeAll(evidence, gates, measured);
  const outcomes = evidence.generatorDelays ? judged.outcomes : withoutEmptyGate(judged.outcomes);
  const next = early ? 'decided' : judged.next;
  const missing = unmatched.map(
    ({ source }) => `The limit "${source}" is on a metric that was never observed.`,
  );
  const checks = judgeChecks(head);
  const failedCheck = checks.find((check) => check.verdict === 'fail');
  const parts: Verdict[] = [
    ...checks.flatMap(({ limit }) => limit.map((each) => each.verdict)),
    ...outcomes.flatMap(({ state }) => verdictOf(state) ?? []),
    ...missing.map(() => 'invalid' as const),
  ];
  const verdict = parts.length === 0 ? 'pass' : overallVerdict(parts);
  const { witness, ...described } = describe(evidence, measured, main, gates, outcomes, next);
  const suspect =
    evidence.comparison === 'history' &&
    verdict === 'inconclusive' &&
    outcomes.some(({ gate, state }) => gate.kind === 'change' && verdictOf(state) === 'inconclusive');
  const onlyChecksFail = failedCheck !== undefined && !outcomes.some(({ state }) => state === 'fail');
  return {
    ...described,
    metrics: [...described.metrics, ...checks],
    verdict,
    ...(suspect ? { suspect } : {}),
    reason: onlyChecksFail
      ? `${failedCheck.limit[0]!.explanation.replace(/\.$/, '')}: ${failedCheck.limit[0]!.rule}.`
      : [
          reasonOf({ verdict, outcomes, missing, evidence, next }),
          ...(verdict === 'fail' && witness !== null ? [witness] : []),
        ].join(' '),
  };
};

/** Most attempts at head failed: a sentence, and whether one more pair should show it `again` first. */
const failingOutright = (
  evidence: SuiteEvidence,
  { baseline, head }: Measured,
  against: readonly string[],
): { sentence: string; again: boolean } | null => {
  // Without a baseline, a run that measured nothing may as well be a mistake in the scenario.
  if (evidence.invalid.length > 0 || (baseline.length === 0 && against.length > 0)) return null;
  if (evidence.generatorDelays && mostlyTimeouts(head)) return null;
  const sentence = overwhelmingErrors(head, baseline);
  if (sentence === null) return null;
  const again = evidence.comparison === 'side-by-side' && head.length < 2 && !evidence.final;
  return { sentence, again };
};

/** Everything of a judgement but the verdict and its reason. */
const describe = (
  evidence: SuiteEvidence,
  { baseline, head }: Measured,
  main: string | null,
  gates: readonly Gate[],
  outcomes: readonly GateOutcome[],
  next: SuiteJudgement['next'],
): Omit<SuiteJudgement, 'verdict' | 'reason'> & { witness: string | null } => {
  const rounds = [...baseline, ...head];
  const latencies = new Set(rounds.flatMap((round) => Object.keys(round.metrics)));
  const advice = adviseOnPairs(
    evidence.pairs,
    [...latencies, ...advisoryMetrics(rounds)],
    latencies,
    new Set(gates.map((gate) => `${gate.metric}/${gate.statistic}`)),
    evidence.settings.materialityPercent,
  );
  return {
    main,
    metrics: listMetrics(evidence, { main, outcomes, advice: advice.changes, baseline, head }),
    next,
    progress: progressOf(outcomes, evidence.pairs, main),
    warnings: warningsOf(evidence, outcomes, next === 'decided' ? advice.findings : []),
    witness: cpuWitness(outcomes, advice.changes, evidence.settings.materialityPercent),
  };
};

const notJudged = (gate: Gate, { baseline, head }: Measured, why: string): GateOutcome =>
  plainOutcome(gate, 'invalid', `Not judged, because ${why}.`, {
    baseline: observedValue(baseline, gate.metric, gate.statistic),
    head: observedValue(head, gate.metric, gate.statistic),
  });

/** Of the work for a message, what hardly moves with the machine; the rest is for who sets a limit on it. */
const advisoryWork = ['server.syscalls.perMessage', 'server.allocated.perMessage', 'wire.bytes.perMessage'];

/** Metrics beside latencies that are compared though no limit is on them. */
const advisoryMetrics = (rounds: readonly RoundMeasurement[]): string[] => [
  ...(rounds.some((round) => round.resources !== null) ? ['server.cpuPerMessage', 'server.rss'] : []),
  ...advisoryWork.filter((metric) =>
    rounds.every((round) => observedValue([round], metric, 'value') !== null),
  ),
  ...new Set(rounds.flatMap((round) => Object.keys(round.custom).map((name) => `custom.${name}`))),
];

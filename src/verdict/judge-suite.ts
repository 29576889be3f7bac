import { chooseMain } from '../metrics/main-metric.ts';
import { customMetric, metricOf } from '../metrics/metric.ts';
import { type Values, valuesOf } from '../metrics/values.ts';
import { adviseOnPairs, cpuWitness } from './advisory.ts';
import { inconsistencies, mixedHistory, partlyEmptyNames, stepsNeverAnswered } from './consistency.ts';
import { overwhelmingFailures, widelyMissed } from './early-evidence.ts';
import { type Gate, gatesFor, isLatencyGate } from './gates.ts';
import { hiddenByDelays, mostlyTimeouts, unjudgedForDelays, withDelays } from './generator-delays.ts';
import { judgeAbsolute, mayChange } from './judge-absolute.ts';
import { isCounted, judgeCounted } from './judge-counted.ts';
import {
  areWavesCompared,
  driftNotes,
  enduranceGates,
  enduranceNote,
  judgeEnduranceGates,
} from './judge-endurance.ts';
import { judgeHistory } from './judge-history.ts';
import { judgePairs } from './judge-pairs.ts';
import { listMetrics } from './judged-metrics.ts';
import type { Measured, MeasuredPair, SuiteEvidence, SuiteJudgement, SuiteQuestion } from './judgement.ts';
import { noiseNotes } from './noise-budget.ts';
import { type GateOutcome, type GateState, plainOutcome } from './outcome.ts';
import { judgeChecks } from './plugin-checks.ts';
import { reasonOf } from './reason.ts';
import { studentTUpperQuantile } from './statistics/distributions.ts';
import { pairLogRatio, sketchResolution, summarisePairs } from './statistics/pair-effect.ts';
import { maxHistory } from './statistics/stored-history.ts';
import { overallVerdict, type Verdict } from './verdict.ts';

const proofOf = { 'side-by-side': 'pairs', history: 'history', single: 'plain', none: null } as const;

/** Of the work for a message, what hardly moves with the machine; the rest is for who sets a limit on it. */
const advisoryWork = ['server.syscalls.perMessage', 'server.allocated.perMessage', 'wire.bytes.perMessage'];

/**
 * The verdict on one suite from everything that was measured: the one decision function of every mode. Pure; called
 * after each pair side by side (`next` says whether more are wanted), and once or twice otherwise.
 *
 * A suite fails when a gate fails, is invalid when nothing can be trusted or a gate has nothing to judge by, passes
 * when every gate passes, and is inconclusive otherwise. With no baseline and no absolute limit there is nothing to
 * judge by: a complete measurement then passes, and the reason says that nothing was compared.
 */
export const judgeSuite = (evidence: SuiteEvidence): SuiteJudgement => {
  const stored = evidence.comparison === 'history' || evidence.comparison === 'single';
  const mixed = stored ? mixedHistory(evidence.history) : null;
  const invalid = mixed === null ? evidence.invalid : [...evidence.invalid, mixed];
  return judgeValues({ ...evidence, invalid }, measuredOf(evidence));
};

/** `judgeSuite` of values that come from elsewhere, as from a report. */
export const judgeValues = (question: SuiteQuestion, measured: Measured): SuiteJudgement => {
  const { baseline, head } = measured;
  const main = question.mainMetric ?? chooseMain(samplesOf(baseline, head));
  const { gates, unmatched } =
    question.kind === 'endurance'
      ? enduranceGates(question, measured, main)
      : gatesFor({
          thresholds: question.thresholds,
          settings: question.settings,
          main,
          sides: [baseline, head],
          proof: proofOf[question.comparison],
        });
  const against = reasonsAgainst(question, measured);
  const failing = failingOutright(question, measured, against);
  if (failing !== null || against.length > 0) {
    const why =
      failing === null
        ? 'the measurement as a whole has no verdict'
        : 'most attempts failed, which decides without it';
    const outcomes = gates.map((gate) => notJudged(gate, measured, why));
    const next = failing?.again === true ? 'more-pairs' : 'decided';
    const { witness: _, ...common } = describe(question, measured, main, gates, outcomes, next);
    if (failing === null) return { ...common, verdict: 'invalid', reason: against[0]! };
    return { ...common, verdict: failing.again ? 'inconclusive' : 'fail', reason: failing.sentence };
  }
  const sameCode = question.sameCode ?? null;
  const { judged, early } = judgeAll(question, gates, measured);
  const found = question.generatorDelays ? judged.outcomes : withoutEmptyGate(judged.outcomes, measured);
  const outcomes = sameCode === null ? found : found.map((outcome) => withSameCode(outcome, measured));
  const next = early || (sameCode !== null && !wantsMore(gates, question, head)) ? 'decided' : judged.next;
  const missing = [
    ...unmatched.map(({ source }) => `The limit "${source}" is on a metric that was never observed.`),
    ...stepsNeverAnswered(baseline, head),
  ];
  const checks = judgeChecks(head);
  const failedCheck = checks.find((check) => check.verdict === 'fail');
  const parts: Verdict[] = [
    ...checks.flatMap(({ limit }) => limit.map((each) => each.verdict)),
    ...outcomes.flatMap(({ state }) => verdictOf(state) ?? []),
    ...missing.map(() => 'invalid' as const),
  ];
  const verdict = parts.length === 0 ? 'pass' : overallVerdict(parts);
  const { witness, ...described } = describe(question, measured, main, gates, outcomes, next);
  const suspect =
    question.comparison === 'history' &&
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
          sameCode !== null && verdict === 'pass'
            ? `Both sides ran the same code (${sameCode}), so nothing can have changed.`
            : reasonOf({
                verdict,
                outcomes,
                missing,
                checks: checks.flatMap(({ limit }) => limit).length,
                question,
                measured,
                next,
              }),
          ...(verdict === 'fail' && witness !== null ? [witness] : []),
        ].join(' '),
  };
};

function measuredOf({ comparison, pairs, head, history, confirmation }: SuiteEvidence): Measured {
  if (comparison === 'side-by-side')
    return {
      baseline: valuesOf(pairs.map((pair) => pair.baseline)),
      head: valuesOf(pairs.map((pair) => pair.head)),
      pairs,
      history: [],
      confirmation: null,
    };
  const stored = comparison === 'none' ? [] : history.slice(-maxHistory).flatMap(({ rounds }) => rounds);
  return {
    baseline: valuesOf(stored),
    head: valuesOf(head),
    pairs: [],
    history: history.map(({ rounds }) => valuesOf(rounds)),
    confirmation: confirmation === null ? null : valuesOf(confirmation),
  };
}

/** How many values of each latency both sides have together. */
function samplesOf(...sides: readonly Values[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const side of sides)
    for (const metric of side.latencies) counts.set(metric, (counts.get(metric) ?? 0) + side.samples(metric));
  return counts;
}

/** What is known before any gate is looked at: reasons for which nothing can be judged. */
function reasonsAgainst(question: SuiteQuestion, measured: Measured): string[] {
  const { baseline, head } = measured;
  return [
    ...question.invalid,
    ...inconsistencies(baseline, head, question.comparison === 'side-by-side', question.settings),
  ];
}

/** Most attempts at head failed: a sentence, and whether one more pair should show it `again` first. */
function failingOutright(
  question: SuiteQuestion,
  { baseline, head }: Measured,
  against: readonly string[],
): { sentence: string; again: boolean } | null {
  // Without a baseline, a run that measured nothing may as well be a mistake in the scenario.
  if (question.invalid.length > 0 || (baseline.rounds.length === 0 && against.length > 0)) return null;
  if (question.generatorDelays && mostlyTimeouts(head)) return null;
  const sentence = overwhelmingFailures(head, baseline);
  if (sentence === null) return null;
  const again = question.comparison === 'side-by-side' && head.rounds.length < 2 && !question.final;
  return { sentence, again };
}

function notJudged(gate: Gate, { baseline, head }: Measured, why: string): GateOutcome {
  return plainOutcome(gate, 'invalid', `Not judged, because ${why}.`, {
    baseline: baseline.value(gate.metric, gate.statistic),
    head: head.value(gate.metric, gate.statistic),
  });
}

/** Everything of a judgement but the verdict and its reason. */
function describe(
  question: SuiteQuestion,
  measured: Measured,
  main: string | null,
  gates: readonly Gate[],
  outcomes: readonly GateOutcome[],
  next: SuiteJudgement['next'],
): Omit<SuiteJudgement, 'verdict' | 'reason'> & { witness: string | null } {
  const { baseline, head } = measured;
  const isEndurance = question.kind === 'endurance';
  // Waves of users are too short to compare latencies by.
  const pairs = isEndurance ? [] : measured.pairs;
  const latencies = new Set([...baseline.latencies, ...head.latencies]);
  const advice = adviseOnPairs(
    pairs,
    [...latencies, ...advisoryMetrics(baseline, head)],
    latencies,
    new Set(gates.flatMap((gate) => (gate.kind === 'absolute' ? [] : `${gate.metric}/${gate.statistic}`))),
    question.settings.materialityPercent,
  );
  return {
    main,
    metrics: listMetrics(question, measured, { main, outcomes, advice: advice.changes }),
    next,
    progress: progressOf(outcomes, pairs, main),
    warnings: [
      ...warningsOf(question, measured, outcomes, next === 'decided' ? advice.findings : []),
      ...(next === 'decided' ? noiseNotes(pairs, main, outcomes) : []),
      ...partlyEmptyNames(head),
      ...(isEndurance ? [enduranceNote(measured) ?? [], driftNotes(measured, main)].flat() : []),
    ],
    witness: cpuWitness(outcomes, advice.changes, question.settings.materialityPercent),
  };
}

/** Metrics beside latencies that are compared though no limit is on them. */
function advisoryMetrics(...sides: readonly Values[]): string[] {
  return [
    ...['server.cpuPerMessage', 'server.rss'].filter((metric) =>
      sides.some((side) => side.value(metric, metricOf(metric).statistics[0]!) !== null),
    ),
    ...advisoryWork.filter((metric) =>
      sides.every(({ rounds }) => rounds.every((round) => round.value(metric, 'value') !== null)),
    ),
    ...new Set(sides.flatMap(({ custom }) => custom.map(customMetric))),
  ];
}

/**
 * The change that the progress line shows: of the gate with most weight that is still open, with an ordinary 95%
 * interval. Only to be looked at: the verdict uses boundaries made for looking again and again.
 */
function progressOf(
  outcomes: readonly GateOutcome[],
  pairs: readonly MeasuredPair[],
  main: string | null,
): SuiteJudgement['progress'] {
  if (pairs.length < 2 || main === null) return null;
  const candidates = outcomes.flatMap(({ gate, state }) =>
    gate.kind === 'change' && gate.metric === main && !gate.guard
      ? [{ gate, open: state === 'undecided' }]
      : [],
  );
  const chosen = (candidates.find(({ open }) => open) ?? candidates[0])?.gate;
  if (chosen === undefined) return null;
  const ratios = pairs.map((pair) => pairLogRatio(pair.baseline, pair.head, main, chosen.statistic));
  if (!ratios.every((ratio) => ratio !== null)) return null;
  const summary = summarisePairs(ratios, sketchResolution);
  const reach = studentTUpperQuantile(0.025, summary.pairs - 1) * summary.standardError;
  return {
    metric: main,
    statistic: chosen.statistic,
    relative: Math.expm1(summary.mean),
    low: Math.expm1(summary.mean - reach),
    high: Math.expm1(summary.mean + reach),
  };
}

function warningsOf(
  question: SuiteQuestion,
  measured: Measured,
  outcomes: readonly GateOutcome[],
  findings: readonly string[],
): string[] {
  const warnings = outcomes
    .filter(({ state }) => state === 'skipped')
    .map(({ explanation }) => `Not judged: ${explanation}`);
  if (question.comparison === 'single')
    warnings.push(
      'The comparison is weak evidence: with fewer than ten comparable stored runs, what chance does is not known. Side by side is stronger.',
    );
  const withoutWaves = question.kind === 'endurance' && !areWavesCompared(measured);
  if (question.comparison === 'none' || withoutWaves) {
    const relative = question.thresholds.filter(({ bound }) => bound.kind === 'relative');
    const why =
      question.comparison === 'none' ? 'There is no baseline yet' : 'No stored run has waves to compare with';
    if (relative.length > 0)
      warnings.push(
        `${why}, so ${relative.length === 1 ? 'this limit was' : 'these limits were'} not applied: ${relative.map(({ source }) => `"${source}"`).join(', ')}.`,
      );
  }
  return [...warnings, ...findings];
}

type Judged = { outcomes: GateOutcome[]; next: SuiteJudgement['next'] };

/** Judges every gate; `early` when some limits are missed so widely that nothing more need be measured. */
function judgeAll(
  question: SuiteQuestion,
  gates: readonly Gate[],
  measured: Measured,
): { judged: Judged; early: boolean } {
  const delays = question.generatorDelays ?? null;
  const hidden =
    delays === null ? [] : gates.filter((gate) => hiddenByDelays(gate, measured.baseline, measured.head));
  const empty = gates.filter((gate) => !hidden.includes(gate) && hasNoAttempts(gate, measured.head));
  const judgeable = gates.filter(
    (gate) => !hidden.includes(gate) && !empty.includes(gate) && !isCounted(gate),
  );
  const judged = judgeGates(question, judgeable, measured);
  const missed = widelyMissed(judgeable, measured.head, question.settings);
  const outcomes = judged.outcomes.map((outcome) => {
    const found = missed.find(({ gate }) => gate === outcome.gate) ?? outcome;
    return delays === null ? found : withDelays(found, delays, measured.head);
  });
  return {
    judged: {
      ...judged,
      outcomes: [
        ...outcomes,
        ...hidden.map((gate) => unjudgedForDelays(gate, delays!)),
        ...empty.map(withoutAttempts),
        ...judgeCounted(gates.filter(isCounted), question),
      ],
    },
    early: missed.length > 0,
  };
}

/** Whether a limit of the user is on failures of something that was never attempted, such as lost deliveries. */
function hasNoAttempts(gate: Gate, head: Values): boolean {
  return (
    gate.source === 'threshold' &&
    head.metric(gate.metric).failure !== null &&
    head.events(gate.metric)?.attempts === 0
  );
}

function judgeGates(question: SuiteQuestion, gates: readonly Gate[], measured: Measured): Judged {
  const { settings, final } = question;
  if (question.kind === 'endurance')
    return { outcomes: judgeEnduranceGates(question, gates, measured), next: 'decided' };
  const suites = question.suitesInJob ?? 1;
  if (question.comparison === 'side-by-side') {
    const { outcomes, settled } = judgePairs(gates, measured.pairs, measured, settings, { final, suites });
    return { outcomes, next: settled ? 'decided' : 'more-pairs' };
  }
  if (question.comparison === 'none')
    return {
      outcomes: gates.flatMap((gate) =>
        gate.kind === 'absolute' ? judgeAbsolute(gate, measured.head, measured.baseline, settings) : [],
      ),
      next: 'decided',
    };
  const { outcomes, confirm } = judgeHistory(gates, {
    ...measured,
    confirmedOn: question.confirmedOn ?? 'same-machine',
    plain: question.comparison === 'single',
    settings,
    final,
    suites,
  });
  return { outcomes, next: confirm ? 'confirm' : 'decided' };
}

function withoutAttempts(gate: Gate): GateOutcome {
  return plainOutcome(
    gate,
    'invalid',
    `The limit "${gate.rule}" cannot be judged: nothing was attempted that could have failed so${/^deliveries\./.test(gate.metric) ? ' (no delivery was ever expected: watch one with "delivery" in a step, or "measure.deliveries")' : ''}.`,
  );
}

/** Default gates with too few values are left out, but not all of the latency's: something must be judged. */
function withoutEmptyGate(outcomes: GateOutcome[], { baseline, head }: Measured): GateOutcome[] {
  const latency = outcomes.filter(
    ({ gate }) => gate.kind === 'change' && isLatencyGate(gate, baseline, head) && !gate.guard,
  );
  if (latency.length === 0 || latency.some(({ state }) => state !== 'skipped')) return outcomes;
  return outcomes.map((outcome) =>
    outcome === latency[0] ? { ...outcome, state: 'invalid' as const } : outcome,
  );
}

/**
 * No change can come from code that is the same: whatever is not a limit on the head alone passes, and be it that one
 * pair has too few values to show it. What was not measured at all is no pass.
 */
function withSameCode(outcome: GateOutcome, { baseline, head }: Measured): GateOutcome {
  const { gate, state } = outcome;
  const isMeasured =
    isCounted(gate) ||
    (isLatencyGate(gate, baseline, head) && [baseline, head].every((side) => side.samples(gate.metric) > 0));
  return gate.kind === 'absolute' || (state === 'invalid' && !isMeasured)
    ? outcome
    : {
        ...outcome,
        state: 'pass',
        explanation: 'Both sides ran the same code, so it passes.',
        detectable: null,
      };
}

/** Whether limits on the head alone may come out otherwise after more pairs. */
function wantsMore(gates: readonly Gate[], { final, settings }: SuiteQuestion, head: Values): boolean {
  return (
    !final &&
    gates.some((gate) => gate.kind === 'absolute' && !isCounted(gate) && mayChange(gate, head, settings))
  );
}

function verdictOf(state: GateState): Verdict | null {
  if (state === 'skipped') return null;
  return state === 'undecided' ? 'inconclusive' : state;
}

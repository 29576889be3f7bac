import type { Threshold } from '../metrics/threshold.ts';
import { pairedSamples, pairMs, roundsMs, type ScenarioOutline } from './estimate.ts';
import type { RunPlan, SuitePlan } from './run-plan.ts';

const percentiles = [
  { statistic: 'p50', setting: 'minSamplesP50' },
  { statistic: 'p95', setting: 'minSamplesP95' },
  { statistic: 'p99', setting: 'minSamplesP99' },
] as const;

/**
 * A sentence for each verdict that `plan` cannot give, and why. `outlines` holds, by name of the suite, what is known of
 * its scenario; what is not known is not spoken of.
 */
export const limitationsOf = (plan: RunPlan, outlines: ReadonlyMap<string, ScenarioOutline>): string[] => {
  const loads = { ...plan, suites: plan.suites.filter(({ endurance }) => endurance === undefined) };
  return [
    ...(loads.suites.length === 0 ? [] : ofComparison(loads, outlines)),
    ...loads.suites.flatMap((suite) => {
      const outline = outlines.get(suite.name);
      return outline === undefined ? [] : ofSamples(loads, suite, outline);
    }),
    ...(loads.suites.length === 0 ? [] : ofTime(loads, outlines)),
    ...ofWaves(plan),
  ];
};

function ofComparison(plan: RunPlan, outlines: ReadonlyMap<string, ScenarioOutline>): string[] {
  if (plan.baseline.url !== undefined && plan.explain === 'always')
    return [
      'The work of both versions is not counted ("explain"): nothing can be loaded into servers that run already.',
    ];
  if (plan.baseline.mode !== 'none') return [];
  const relative = plan.suites.flatMap((suite) =>
    suite.thresholds.filter((threshold) => threshold.bound.kind === 'relative'),
  );
  const absolute = plan.suites.filter((suite) =>
    suite.thresholds.some((threshold) => threshold.bound.kind === 'absolute'),
  );
  return [
    'Nothing is compared, because "baseline.mode" is "none": absolute limits alone can fail.',
    ...(relative.length > 0
      ? [`These limits are relative to a baseline and cannot be judged: ${quote(relative)}.`]
      : []),
    ...plan.suites
      .filter((suite) => !absolute.includes(suite))
      .map(
        (suite) =>
          `Suite "${suite.name}" has no absolute limit, so without a baseline nothing in it can fail but ${outlines.get(suite.name)?.hasChecks ? "the scenario's own checks and " : ''}a run that is invalid.`,
      ),
  ];
}

function quote(thresholds: readonly Threshold[]): string {
  return thresholds.map((threshold) => `"${threshold.source}"`).join(', ');
}

function ofSamples(plan: RunPlan, suite: SuitePlan, outline: ScenarioOutline): string[] {
  const paired = plan.baseline.mode === 'side-by-side';
  const planned = paired
    ? pairedSamples(outline, plan.verdict, plan.verdict.maxPairs)
    : outline.plannedSamples === null
      ? null
      : outline.plannedSamples * plan.rounds;
  if (planned === null) return [];
  return percentiles
    .filter(({ setting }) => planned < plan.verdict[setting])
    .map(
      ({ statistic, setting }) =>
        `Suite "${suite.name}" plans about ${planned} values of its main latency a side; a ${statistic} is not judged with fewer than ${plan.verdict[setting]}. More users, a longer scenario or more ${paired ? 'pairs' : 'rounds'} would give them.`,
    );
}

function ofTime(plan: RunPlan, outlines: ReadonlyMap<string, ScenarioOutline>): string[] {
  const budgetMs = plan.maxMinutes * 60_000;
  if (plan.baseline.mode === 'side-by-side') {
    const { minPairs, maxPairs } = plan.verdict;
    const onePairEachMs = plan.suites.reduce(
      (sum, suite) => sum + pairMs(plan.verdict, outlines.get(suite.name)?.plannedMs ?? null),
      0,
    );
    const perSuite = Math.floor(budgetMs / onePairEachMs);
    if (perSuite < minPairs)
      return [
        `${plan.maxMinutes} minutes are enough for ${perSuite} pairs a suite, and no verdict is given before ${minPairs}: raise "maxMinutes" to at least ${Math.ceil((minPairs * onePairEachMs) / 60_000)}, or comparisons will be inconclusive.`,
      ];
    return perSuite < maxPairs
      ? [
          `${plan.maxMinutes} minutes are enough for ${perSuite} of at most ${maxPairs} pairs a suite: a small change may stay inconclusive.`,
        ]
      : [];
  }
  const planned = plan.suites.map((suite) => {
    const outline = outlines.get(suite.name);
    return outline === undefined ? null : roundsMs(outline, plan.rounds, suite.measure.drainMs);
  });
  const known = planned.reduce<number>((sum, ms) => sum + (ms ?? 0), 0);
  const endless = plan.suites.filter((suite) => outlines.get(suite.name)?.plannedMs === null);
  return [
    ...endless.map(
      (suite) =>
        `The scenario of suite "${suite.name}" has no end of its own: it is stopped when the ${plan.maxMinutes} minutes of "maxMinutes" are over.`,
    ),
    ...(known > budgetMs
      ? [
          `The planned rounds take about ${minutes(known)}, more than the ${plan.maxMinutes} minutes of "maxMinutes": not all of them will run.`,
        ]
      : []),
  ];
}

function minutes(ms: number): string {
  return `${Math.round(ms / 6_000) / 10} min`;
}

/** Waves of users go on for as long as they were given, if the run as a whole has the time. */
function ofWaves({ suites, maxMinutes }: RunPlan): string[] {
  const minutes = suites.reduce((sum, { endurance }) => sum + (endurance?.minutes ?? 0), 0);
  return minutes <= maxMinutes
    ? []
    : [
        `Suites of kind "endurance" ask for ${minutes} minutes, more than the ${maxMinutes} of "maxMinutes": fewer waves will run.`,
      ];
}

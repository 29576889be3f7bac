import { availableParallelism } from 'node:os';
import path from 'node:path';
import { tailgateError } from '../errors.ts';
import { generatorBottleneck } from '../generator/generator-bottleneck.ts';
import { mainOf } from '../metrics/main-metric.ts';
import type { Statistic } from '../metrics/threshold.ts';
import { observedValue } from '../metrics/values.ts';
import type { RunPlan, SuitePlan } from '../settings/run-plan.ts';
import { measureOnePair } from '../side/measure-one-pair.ts';
import type { SideSource } from '../side/open-side.ts';
import { coarserDesign, firstDesign, type PairDesign, warmedUpTogether } from '../side/pair-design.ts';
import type { RoundContext } from '../side/round-context.ts';
import { rateAngle } from '../verdict/bisect/choose-statistic.ts';
import type { MeasuredPair } from '../verdict/judgement.ts';
import { pairLogRatio } from '../verdict/statistics/pair-effect.ts';
import type { BisectRecord, PairOutcome, RisenFunction } from './bisect-file.ts';
import { type CommitBuilds, shortName } from './commit-builds.ts';
import { explainSuite, type SuiteExplanation } from './explain-suite.ts';
import { changeRoots } from './read-change.ts';
import { runsCodeOutside } from './same-code.ts';

export type CommitMeasuring = {
  suite: SuitePlan;
  plan: RunPlan;
  plannedMs: number | null;
  obstacle: string | null;
  context: RoundContext;
  builds: CommitBuilds;
};

/** So that a pair has a seed of its own, whatever was measured before it. */
const seedsPerSearch = 1_000_000;

/** Measures versions of a search against each other, as a run side by side does. */
export class CommitMeter {
  readonly #setting: CommitMeasuring;
  #design: PairDesign;
  #settled = false;

  constructor(setting: CommitMeasuring) {
    this.#setting = setting;
    this.#design = firstDesign(setting.plan.verdict, setting).design;
  }

  /**
   * One pair: how far the commit is from the good one, by each statistic that it has values for. `number` tells the pairs of a search apart.
   * Throws what went wrong.
   */
  async pair(good: string, commit: string, number: number): Promise<PairOutcome> {
    const { suite, plan, context, plannedMs } = this.#setting;
    const { host } = context;
    const [baseline, head] = await this.#sources(good, commit);
    let disturbed = 0;
    for (;;) {
      const outcome = await measureOnePair({
        suite,
        baseline,
        head,
        context: { ...context, seed: context.seed + (number % seedsPerSearch) },
        number: 0,
        design: this.#design,
        label: `bisect-${commit.slice(0, 10)}-${number + 1}`,
        deadlineMs: longestRoundMs,
        onProgress: () => {},
      });
      if (host.signal.aborted) throw tailgateError('CANCELLED', { signal: String(host.signal.reason) });
      const sides = [outcome.baseline, outcome.head];
      const problem = sides.find((side) => side.problem !== null)?.problem;
      if (problem) throw problem;
      const reason = sides
        .map(({ measurement }) => measurement && generatorBottleneck(measurement.generator))
        .find((each) => each !== null);
      if (reason && suite.measure.arrivals !== 'best-effort') {
        disturbed += 1;
        if (disturbed > mostDisturbed) throw tailgateError('GENERATOR_BOTTLENECK', { reason });
        host.info(`A pair is measured again, because the load generator was the bottleneck: ${reason}.`);
        continue;
      }
      const coarser = this.#settled
        ? null
        : coarserDesign(this.#design, outcome.unansweredShare, plan.verdict, plannedMs);
      if (coarser !== null) {
        this.#design = coarser;
        continue;
      }
      const pair = { baseline: outcome.baseline.measurement!, head: outcome.head.measurement! };
      if (!this.#settled) {
        this.#design = warmedUpTogether(this.#design, pair, context.pinning ?? availableParallelism());
        this.#settled = true;
      }
      return outcomeOf(pair, suite.measure.main ?? null, suite.name);
    }
  }

  /** Counts what a commit does for a message, and what `before` did. Throws CANCELLED, or what a build threw. */
  async explain(
    before: string,
    commit: string,
    profile: boolean,
  ): Promise<{ explanation: SuiteExplanation; record: BisectRecord & { kind: 'counted' } }> {
    const { suite, plan, plannedMs, obstacle, context, builds } = this.#setting;
    const [baseline, head] = await this.#sources(before, commit);
    const roots = await changeRoots(head.cwd, await builds.open(before), context.host);
    const explanation = await explainSuite({
      suite,
      baseline,
      head,
      context,
      label: `bisect-${commit.slice(0, 10)}`,
      sliced: obstacle === null,
      guardMs: plan.verdict.guardMs,
      warmUpMs: plan.verdict.warmUpMs,
      plannedMs,
      profile,
      roots,
      budgetMs: longestCountMs,
      repeated: false,
      evidence: null,
      onProgress: () => {},
    });
    const folder = path.relative(roots.head, path.resolve(head.cwd, suite.target.cwd));
    return { explanation, record: recordOf(explanation, commit, roots.head, folder) };
  }

  async #sources(good: string, commit: string): Promise<[SideSource, SideSource]> {
    const { builds } = this.#setting;
    const before = await builds.open(good);
    const after = await builds.open(commit);
    return [
      { name: 'baseline', cwd: before.dir, version: shortName(good) },
      { name: 'head', cwd: after.dir, version: shortName(commit) },
    ];
  }
}

/** Pairs in a row in which the generator could not follow: one is an accident of the machine, several are not. */
const mostDisturbed = 3;
/** Only bounds a round that does not end by itself. */
const longestRoundMs = 3_600_000;

/**
 * What the search may be decided by, in the order of preference; work has no queue in it, and the floor no luck. A rate
 * of failures has no logarithm where nothing fails.
 */
function outcomeOf({ baseline, head }: MeasuredPair, named: string | null, suite: string): PairOutcome {
  const main = mainOf(named, [baseline, head]);
  const read: [string, Statistic][] = [
    ...(main === null ? [] : (['p5', 'p50', 'p95'] as const).map((one): [string, Statistic] => [main, one])),
    ['server.cpuPerMessage', 'value'],
    ['server.rss', 'max'],
  ];
  const values = read.flatMap(([metric, statistic]): [string, number][] => {
    const ratio = pairLogRatio(baseline, head, metric, statistic);
    return ratio === null ? [] : [[statistic === 'value' ? metric : `${metric} ${statistic}`, ratio]];
  });
  const rates = ['errors.rate', 'deliveries.lost.rate'].flatMap((metric) => {
    const [good, commit] = [baseline, head].map((round) => observedValue([round], metric, 'value'));
    return typeof good !== 'number' || typeof commit !== 'number'
      ? []
      : [[metric, { good, commit }] as const];
  });
  const angles = rates.map(([metric, { good, commit }]) => [metric, rateAngle(commit) - rateAngle(good)]);
  if (values.length + rates.length === 0) throw tailgateError('NOTHING_MEASURED', { suite });
  return { values: Object.fromEntries([...values, ...angles]), rates: Object.fromEntries(rates) };
}

const leastRise = 0.02;
/** Far more than a counted pair takes. */
const longestCountMs = 300_000;

function recordOf(
  explanation: SuiteExplanation,
  commit: string,
  root: string,
  folder: string,
): BisectRecord & { kind: 'counted' } {
  if ('unavailable' in explanation || explanation.explained.calls === undefined)
    return { kind: 'counted', commit, functions: null, named: [], reachesOut: true };
  const { explained, work } = explanation;
  const risen = explained.functions.flatMap(({ name, file, owner, calls }) =>
    calls !== null && calls.low > 0 && calls.difference > leastRise
      ? [{ name, file, owner, difference: calls.difference }]
      : [],
  );
  const functions = risen.map(({ name, file, difference }): RisenFunction => ({ name, file, difference }));
  const places = explained.sentences.flatMap(({ place }) => (place === undefined ? [] : [place]));
  const named = risen
    .filter(({ owner }) => owner === 'own')
    .map(({ name, file }) => ({ name, file }))
    .sort((a, b) => rank(a.file) - rank(b.file));
  function rank(file: string): number {
    const at = places.findIndex((place) => place.file === file);
    return at < 0 ? places.length : at;
  }
  const reachesOut = runsCodeOutside(work.head.scripts, root, folder);
  return { kind: 'counted', commit, functions, named, reachesOut };
}

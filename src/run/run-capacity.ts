import os from 'node:os';
import path from 'node:path';
import type { BaseCommit } from '../baseline/base-commit.ts';
import type { BaselineRecord } from '../baseline/baseline-record.ts';
import { environmentFingerprint } from '../baseline/fingerprint.ts';
import { problemsOf, type TailgateError, tailgateError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import type { PinningDecision } from '../host/processes/core-pinning.ts';
import { ResourceStack } from '../host/resource-stack.ts';
import { mainOf } from '../metrics/main-metric.ts';
import { metricOf } from '../metrics/metric.ts';
import { atSide, formatDuration, plural } from '../metrics/notation.ts';
import type { Threshold } from '../metrics/threshold.ts';
import { formatThreshold, parseThreshold } from '../metrics/threshold-grammar.ts';
import { valuesOf } from '../metrics/values.ts';
import { capacitySide, type MeasuredLevel } from '../report/build-capacity.ts';
import type { CapacityReport } from '../report/capacity-model.ts';
import { problemReports, verdictWith } from '../report/problem-report.ts';
import { renderProgress } from '../report/render-progress.ts';
import type { LoadedSettings } from '../settings/load-settings.ts';
import type { SuitePlan } from '../settings/run-plan.ts';
import { capacityVerdict, type SideResult } from '../verdict/capacity/capacity-verdict.ts';
import { samplesNeeded } from '../verdict/sample-sizes.ts';
import { capacityRecords } from './capacity-record.ts';
import { showLine, type Watcher } from './dashboard.ts';
import { type DeployedVersions, deployedVersions } from './deployed-versions.ts';
import { contextOf, prepareRun, type Stage } from './prepare-run.ts';
import { prepareSides } from './prepare-sides.ts';
import { commitsOf, type Provenance } from './provenance.ts';
import { type CapacitySearch, roundsAt, type SearchedSide, searchCapacity } from './search-capacity.ts';

/** What a search needs from outside. */
export type CapacityRequest = {
  loaded: LoadedSettings;
  host: Host;
  provenance: Provenance;
  /** Makes the base version available, for side by side. */
  openBase: () => Promise<BaseCommit>;
  /** Whose history it is in the store, see `historyName`. */
  key: string;
  /** Whoever watches while it is searched. */
  watcher?: Watcher | undefined;
};

/** What a search gave, whether or not it came to a verdict. */
export type CapacityOutcome = {
  report: CapacityReport;
  /** Of the head, for the store; none where nothing was found. */
  records: BaselineRecord[];
};

/** Errors are too much for every server, whatever else the limits say. */
const errorRule = 'errors.rate < 1%';

type Rules = { suite: SuitePlan; ignored: Threshold[] };

const unsearched: SideResult = {
  holds: null,
  breaks: null,
  ceiling: null,
  confirmed: false,
  contradicted: false,
  end: 'problem',
};

/** A search as far as it has come. */
type CapacityRun = {
  request: CapacityRequest;
  loaded: LoadedSettings;
  stage: Stage;
  rules: Rules;
  startedAt: string;
  startedMs: number;
  problems: TailgateError[];
  base: BaseCommit | null;
  buildMs: number;
  deployed: DeployedVersions | undefined;
  found: CapacitySearch;
};

/**
 * The whole story of a search for the highest load that a server takes: settings, plan, then for each step target,
 * room, load, measurement and verdict, then the report. Publishes nothing. Throws what is wrong before anything is started
 * (usage errors); what goes wrong later is in the report, with everything that was measured before it.
 */
export async function runCapacity(request: CapacityRequest): Promise<CapacityOutcome> {
  const startedAt = new Date().toISOString();
  const startedMs = performance.now();
  const loaded = settingsOfSearch(request.loaded);
  const stage = await prepareRun(loaded, request.host);
  const run: CapacityRun = {
    ...{ request, loaded, stage, rules: rulesOf(stage.plan.suites), startedAt, startedMs, problems: [] },
    ...{ base: null, buildMs: 0, deployed: undefined },
    found: { sides: [], problems: [], warnings: [], loadMs: 0 },
  };
  await using resources = new ResourceStack();
  try {
    if (request.provenance.problem !== null) throw request.provenance.problem;
    const sources = await openSources(run, resources);
    const end = request.host.group(`Capacity of ${run.rules.suite.name}`);
    run.found = await search(run, sources);
    end();
    run.problems.push(...run.found.problems);
  } catch (failure) {
    run.problems.push(...problemsOf(failure));
  }
  const report = reportOf(run, run.found, judged(run));
  return { report, records: recordsOf(run, report) };
}

/** The settings as a search of capacity reads them: no levels of its own, and a baseline only side by side. */
function settingsOfSearch(loaded: LoadedSettings): LoadedSettings {
  const { settings } = loaded;
  const mode = settings.baseline.mode === 'side-by-side' ? 'side-by-side' : 'none';
  return {
    ...loaded,
    settings: {
      ...settings,
      suites: settings.suites.map((suite) => ({ ...suite, levels: [] })),
      baseline: { ...settings.baseline, mode },
    },
  };
}

/** The one suite of the search, with the absolute limits that must hold. Throws CAPACITY_* errors. */
function rulesOf(suites: readonly SuitePlan[]): Rules {
  const [suite, ...others] = suites;
  if (suite === undefined || others.length > 0)
    throw tailgateError('CAPACITY_ONE_SUITE', { known: suites.map(({ name }) => name) });
  if (suite.endurance !== undefined)
    throw tailgateError('KIND_UNFIT', { suite: suite.name, command: 'a search of capacity' });
  const absolute = suite.thresholds.filter(({ bound }) => bound.kind === 'absolute');
  if (absolute.length === 0) throw tailgateError('CAPACITY_NO_LIMIT', { suite: suite.name });
  const thresholds = absolute.some(countsErrors) ? absolute : [...absolute, parseThreshold(errorRule, {})];
  return {
    suite: { ...suite, thresholds },
    ignored: suite.thresholds.filter(({ bound }) => bound.kind === 'relative'),
  };
}

function countsErrors({ metric }: Threshold): boolean {
  return ['errors', 'users.failed'].includes(metricOf(metric).failure?.part ?? metric);
}

type Sources = Parameters<typeof searchCapacity>[0]['sources'];

/** The versions to search: the baseline first, where it is asked for. */
async function openSources(run: CapacityRun, resources: ResourceStack): Promise<Sources> {
  const { request, loaded, stage } = run;
  const { plan, logDir } = stage;
  run.base = plan.baseline.mode === 'side-by-side' ? resources.use(await request.openBase()) : null;
  const { cwd } = loaded;
  const sides = await prepareSides(plan, { cwd, base: run.base, logDir, host: request.host });
  run.buildMs = sides.buildMs;
  run.deployed = await deployedVersions(plan, sides, run.base, { ...request, cwd: request.loaded.cwd });
  return sides.baseline === null ? [sides.head] : [sides.baseline, sides.head];
}

function search(run: CapacityRun, sources: Sources): Promise<CapacitySearch> {
  const { request, loaded, stage } = run;
  const { host, watcher } = request;
  const { plan } = stage;
  const { suite } = run.rules;
  const started = performance.now();
  return searchCapacity({
    level: {
      suite,
      scenario: stage.scenarios.get(suite.name)!,
      plan,
      context: contextOf(stage, suite, host),
      means: serverMeans(stage.pinning, suite),
    },
    settings: loaded.settings.capacity,
    sources,
    budgetMs: plan.maxMinutes * 60_000,
    onProgress: (source, step, load) => {
      const view = {
        suite: suite.name,
        stage: `${step.phase}, ${step.load} users/s`,
        side: source.name,
        load,
        pairs: null,
        interval: null,
        elapsedMs: performance.now() - started,
        budgetMs: plan.maxMinutes * 60_000,
      };
      showLine(request, (columns) => renderProgress(view, columns));
    },
    onLevel: (source, level, sofar) => {
      const main = level.round === null ? null : mainOf(suite.measure.main ?? null, [level.round]);
      host.info(`${sources.length > 1 ? `${source.name}: ` : ''}${describeLevel(level, main)}`);
      const tried = `${plural(levelsOf(sofar).length, 'load')} tried so far`;
      watcher?.show(reportOf(run, sofar, { verdict: 'inconclusive', reason: `Still searching: ${tried}.` }));
    },
  });
}

/**
 * Cores and memory that the server has; a container often has less than the machine. Of one whose resources are asked
 * for elsewhere nobody knows.
 */
function serverMeans({ pinning }: PinningDecision, { target }: SuitePlan) {
  if (target.resources !== undefined) return { cores: Infinity, memoryBytes: Infinity };
  const allowed = process.constrainedMemory();
  return {
    cores: pinning?.server.length ?? os.availableParallelism(),
    memoryBytes: allowed > 0 ? Math.min(allowed, os.totalmem()) : os.totalmem(),
  };
}

function describeLevel(level: MeasuredLevel, main: string | null): string {
  const p95 = level.round === null || main === null ? undefined : level.round.metrics[main];
  const latency =
    p95 === undefined || p95.count === 0 ? '' : `, ${main} mean ${formatDuration(p95.sumMs / p95.count)}`;
  const [reason] = level.reasons;
  return `${level.load} users/s: ${level.outcome}${latency}${reason === undefined ? '' : `. ${reason.explanation}`}`;
}

function levelsOf({ sides }: CapacitySearch): MeasuredLevel[] {
  return sides.flatMap(({ levels }) => levels);
}

type Judged = Pick<CapacityReport, 'verdict' | 'reason'>;

function reportOf(run: CapacityRun, found: CapacitySearch, { verdict, reason }: Judged): CapacityReport {
  const { request, loaded, stage, rules, problems } = run;
  const { suite } = rules;
  const baseline = sideOf(found, 'baseline');
  const head = sideOf(found, 'head');
  const rounds = levelsOf(found).flatMap(({ round }) => round ?? []);
  const main = mainOf(suite.measure.main ?? null, rounds);
  const withProblems = verdictWith(verdict, problems);
  const [problem] = problems;
  return {
    schemaVersion: 1,
    kind: 'capacity',
    suite: suite.name,
    scenario: path.relative(loaded.cwd, suite.scenarioPath),
    unit: 'users/s',
    metric: main,
    rules: suite.thresholds.map(formatThreshold),
    verdict: withProblems,
    reason: withProblems !== verdict && problem !== undefined ? (problem.what.split('\n')[0] ?? '') : reason,
    baseline: baseline === null ? null : capacitySide(baseline.levels, baseline.result, main),
    head: capacitySide(head?.levels ?? [], head?.result ?? unsearched, main),
    problems: problemReports(problems),
    warnings: [
      ...(request.provenance.note === null ? [] : [request.provenance.note]),
      ...(run.base?.notes ?? []),
      ...(run.deployed?.notes ?? []),
      ...warningsOf(stage, rules, found),
    ],
    environment: { ...environmentFingerprint(), pinning: stage.pinning.description },
    commits: commitsOf(request.provenance, run.base, run.deployed),
    runUrl: request.provenance.runUrl,
    startedAt: run.startedAt,
    durations: {
      totalMs: performance.now() - run.startedMs,
      buildMs: run.buildMs,
      loadMs: found.loadMs,
    },
  };
}

function sideOf({ sides }: CapacitySearch, name: string): SearchedSide | null {
  return sides.find(({ source }) => source.name === name) ?? null;
}

function warningsOf(stage: Stage, { suite, ignored }: Rules, search: CapacitySearch): string[] {
  return [
    ...(ignored.length === 0
      ? []
      : [
          `These limits are relative to a baseline and play no part in the search: ${ignored.map(({ source }) => `"${source}"`).join(', ')}.`,
        ]),
    ...search.warnings,
    ...search.sides.flatMap((side) => [
      ...(side.result.contradicted
        ? [
            `A higher load than ${side.result.breaks} users/s held ${atSide(side.source.name)}: what gave out there comes and goes with something else than load.`,
          ]
        : []),
      ...thinSamples(stage, suite, side),
    ]),
  ];
}

/** Percentiles at the edge that come from fewer values than a run would judge by. */
function thinSamples(stage: Stage, suite: SuitePlan, side: SearchedSide): string[] {
  const { result, source } = side;
  const rounds = roundsAt(side, result.holds);
  if (rounds.length === 0) return [];
  const main = mainOf(suite.measure.main ?? null, rounds);
  return suite.thresholds.flatMap((threshold) => {
    const metric = threshold.metric === 'main' ? (main ?? '') : threshold.metric;
    const samples = valuesOf(rounds).samples(metric);
    const needed = samplesNeeded(threshold.statistic, stage.plan.verdict);
    return samples === 0 || samples >= needed
      ? []
      : [
          `"${formatThreshold(threshold)}" was judged at ${result.holds} users/s by ${samples} values ${atSide(source.name)}; ${needed} would be enough to trust it. Raise "capacity.stepMs".`,
        ];
  });
}

function judged({ found, loaded }: CapacityRun): Judged {
  return capacityVerdict(
    loaded.settings.capacity,
    {
      head: sideOf(found, 'head')?.result ?? unsearched,
      baseline: sideOf(found, 'baseline')?.result ?? null,
    },
    levelsOf(found).length,
  );
}

/** Of the head, where the search came to its end. */
function recordsOf(run: CapacityRun, report: CapacityReport): BaselineRecord[] {
  const { request, loaded, stage, rules, problems, found } = run;
  const head = sideOf(found, 'head');
  if (head === null || problems.length > 0) return [];
  const { suite } = rules;
  const scenarioHash = stage.scenarios.get(suite.name)!.scenario.hash;
  const settings = loaded.settings.capacity;
  const { key, provenance } = request;
  return capacityRecords({ suite, scenarioHash, key, settings, head, report, provenance });
}

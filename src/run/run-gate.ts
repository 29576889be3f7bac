import path from 'node:path';
import type { BaseCommit } from '../baseline/base-commit.ts';
import type {
  BaselineHistory,
  BaselineRecord,
  BaselineStore,
  Fingerprint,
} from '../baseline/baseline-record.ts';
import { comparableRecords } from '../baseline/comparability.ts';
import { environmentFingerprint, settingsHash } from '../baseline/fingerprint.ts';
import { historyName } from '../baseline/history-name.ts';
import { machineId } from '../baseline/machine-id.ts';
import { problemsOf, type TailgateError, tailgateError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { ResourceStack } from '../host/resource-stack.ts';
import { tailgateVersion } from '../host/versions.ts';
import { plural } from '../metrics/notation.ts';
import type { RoundMeasurement } from '../metrics/round-measurement.ts';
import { buildReport, buildSuiteReport } from '../report/build-report.ts';

import { renderProgress } from '../report/render-progress.ts';
import type { Report, SuiteReport } from '../report/report-model.ts';
import { fitWidth } from '../report/terminal-text.ts';
import { trendOf } from '../report/trend.ts';
import { sliceObstacle } from '../scenario/slice-obstacle.ts';
import { limitationsOf } from '../settings/limitations.ts';
import type { LoadedSettings } from '../settings/load-settings.ts';
import type { SuitePlan } from '../settings/run-plan.ts';
import { type RoundContext, type SideSource, startSideTarget } from '../side/open-side.ts';
import type { PairDesign } from '../side/pair-design.ts';
import type { CheckedScenario } from './check-scenarios.ts';
import { explainRun } from './explain-run.ts';
import { measureSuite } from './measure-suite.ts';
import { type ConfirmationPlan, planConfirmation } from './plan-confirmation.ts';
import { prepareRun, type Stage } from './prepare-run.ts';
import { prepareSides, type Sides } from './prepare-sides.ts';
import { commitsOf, type Provenance } from './provenance.ts';
import { type ChangeRoots, changeRoots } from './read-change.ts';
import { readRecords } from './read-records.ts';
import { sameCode } from './same-code.ts';
import { ciRun } from './shards/ci-run.ts';
import { type JoinedShards, joinBlobs, type NamedBlob } from './shards/join-blobs.ts';
import { isBestEffort, judgeRun, logName, type SuiteInputs, type SuiteRun, startRun } from './suite-run.ts';

/** What a run needs from outside: all that differs between GitHub, other CI systems and a terminal. */
export type GateRequest = {
  loaded: LoadedSettings;
  host: Host;
  provenance: Provenance;
  /** Store of the settings' baseline. */
  store: BaselineStore;
  /** Whose history it is in the store, see `historyName`. */
  key: string;
  /** Whether it is compared with a baseline; not when it is to be one. */
  compares: boolean;
  /** Makes the base version available, for side by side. */
  openBase: () => Promise<BaseCommit>;
  /** Reads what the shards of this run left, to be judged here; everything is measured here if not given. */
  readShards?: (() => Promise<NamedBlob[]>) | undefined;
  /** Whoever watches while it is measured. */
  watcher?: { progress: (line: string) => void; show: (report: Report) => void };
};

/** What a run gave, whether or not it came to a verdict. */
export type GateResult = {
  report: Report;
  /** Records of the suites that were measured without a problem, for the baseline. */
  records: BaselineRecord[];
  /** Suites of which the records are those of an earlier job, which stored them itself. */
  known: ReadonlySet<string>;
};

const fingerprintOf = (suite: SuitePlan, scenario: CheckedScenario): Fingerprint => ({
  scenarioHash: scenario.scenario.hash,
  settingsHash: settingsHash(suite),
  environment: environmentFingerprint(),
});

type StoredSuite = {
  history: BaselineRecord[];
  all: BaselineHistory;
  warnings: string[];
  problems: TailgateError[];
};

const noHistory = (): StoredSuite => ({
  history: [],
  all: { records: [], damaged: [] },
  warnings: [],
  problems: [],
});

/** Says that there is nothing to compare with yet, and what will change that. */
const noBaselineYet = ({ loaded, provenance, store }: GateRequest, absent: string | undefined): string => {
  if (absent !== undefined)
    return `There is no baseline, and none can be stored: ${absent}. Set "baseline.remote", or keep it in a file ("baseline: file:PATH").`;
  const { record } = loaded.settings.baseline;
  const yet = `There is no baseline in ${store.where} yet`;
  const { mode } = loaded.settings.baseline;
  const isHere = provenance.inCi || mode === 'file';
  if (isHere && (record === 'always' || (record === 'default-branch' && provenance.onDefaultBranch)))
    return `${yet}: this run becomes the first, unless it fails.`;
  return record === 'never'
    ? `${yet}: "tailgate baseline record" stores one.`
    : `${yet}: a run on the default branch${mode === 'file' ? '' : ' in CI'} stores one, or "tailgate baseline record".`;
};

/** Records of before there were keys may be those of another service with a suite of this name. */
const keylessWarning = async ({ store }: GateRequest, suite: string): Promise<string[]> => {
  const { records } = await store.read(suite);
  return records.length === 0
    ? []
    : [
        `${plural(records.length, 'record')} of a suite "${suite}" without a key are in ${store.where}: they may be of another service, and are not compared with. If they are of this one, set "baseline.key" to "".`,
      ];
};

/** Reads the stored records of one suite, and keeps those that this run may be compared with. */
const readHistory = async (
  request: GateRequest,
  suite: SuitePlan,
  fingerprint: Fingerprint,
): Promise<StoredSuite> => {
  const none = noHistory().all;
  const { where } = request.store;
  const { mode, require } = request.loaded.settings.baseline;
  const warnings: string[] = [];
  if (!request.compares) return { history: [], all: none, warnings, problems: [] };
  let all = none;
  try {
    all = await request.store.read(historyName(request.key, suite.name));
    if (request.key !== '' && all.records.length === 0)
      warnings.push(...(await keylessWarning(request, suite.name)));
  } catch (failure) {
    const problems = [...problemsOf(failure)];
    // Side by side the history is only for the trend. Elsewhere a run without its baseline must not pass, but what it
    // measures is still worth reporting.
    if (mode !== 'side-by-side') {
      for (const { what } of problems) request.host.warn(`${what} The run will have no verdict.`);
      return { history: [], all: none, warnings, problems };
    }
    for (const problem of problems) request.host.debug(problem.message);
    return { history: [], all: none, warnings, problems: [] };
  }
  for (const damaged of all.damaged)
    warnings.push(`A stored record was skipped because it is damaged (${damaged.where}: ${damaged.reason}).`);
  const { comparable, reasons } = comparableRecords(all.records, fingerprint);
  warnings.push(...reasons);
  const problems =
    comparable.length === 0 && require && mode !== 'side-by-side'
      ? [tailgateError('BASELINE_MISSING', { where })]
      : [];
  if (all.records.length === 0 && problems.length === 0 && mode !== 'side-by-side' && mode !== 'none')
    warnings.push(noBaselineYet(request, all.absent));
  return { history: comparable, all, warnings, problems };
};

/** Joins what the shards of this run measured. Throws the problems of SHARD_* and SHARDS_*. */
const joinShards = async (
  { host, provenance }: GateRequest,
  { plan, scenarios }: Stage,
  work: readonly { suite: SuitePlan; fingerprint: Fingerprint }[],
  blobs: NamedBlob[],
): Promise<JoinedShards> =>
  joinBlobs(blobs, {
    run: ciRun(host.env),
    commit: provenance.headSha,
    tailgate: tailgateVersion,
    seed: plan.seed,
    suites: work.map(({ suite, fingerprint: { scenarioHash, settingsHash } }) => {
      const { scenario } = scenarios.get(suite.name)!;
      const isFixed = scenario.phases.every(({ maxUsers, mode }) => maxUsers === null && mode !== 'poisson');
      return {
        suite: suite.name,
        scenarioHash,
        settingsHash,
        planned: plan.rounds,
        users: isFixed ? scenario.plannedUsers : null,
        bestEffort: isBestEffort({ suite }),
      };
    }),
  });

/** Another number of shards is another load generator, so it is compared with runs of as many alone. */
const shardedFingerprint = (fingerprint: Fingerprint, { count, environment }: JoinedShards): Fingerprint => ({
  ...fingerprint,
  settingsHash: `${fingerprint.settingsHash}/${count}`,
  environment,
});

const contextOf = (stage: Stage, host: Host, { name }: SuitePlan): RoundContext => ({
  host,
  logDir: stage.logDir,
  seed: stage.plan.seed,
  pinning: stage.pinning.pinning,
  limits: stage.limits.get(name)!.plan,
});

/** Starts the server of a version and stops it again. Gives why it does not start; throws what else goes wrong. */
const startProblem = async (
  suite: SuitePlan,
  side: SideSource,
  context: RoundContext,
): Promise<TailgateError | null> => {
  try {
    await using _target = await startSideTarget(suite, side, context, `${logName(suite)}-${side.name}-start`);
    return null;
  } catch (failure) {
    const [problem] = problemsOf(failure);
    if (problem?.code === 'TARGET_EXITED' || problem?.code === 'TARGET_NOT_READY') return problem;
    throw failure;
  }
};

const withoutBase = ({ what }: TailgateError): string =>
  `No baseline: the absolute limits decide alone ("baseline.require: false"). ${what.split('\n')[0]}`;

/** Whether the two versions are started in different ways, whatever their code. */
const differsByEnvironment = ({ baseline, head }: Sides): boolean =>
  baseline?.start !== head.start || JSON.stringify(baseline?.env) !== JSON.stringify(head.env);

/** Of the line of progress where it need not fit a terminal, characters. */
const widestLine = 200;

const measureOne = async (
  request: GateRequest,
  stage: Stage,
  sides: Sides,
  suite: SuitePlan,
  stored: StoredSuite,
  budgetMs: number,
  { confirmation, warnings }: ConfirmationPlan,
  unbuilt: TailgateError | undefined,
  roots: ChangeRoots | null,
  measured: readonly RoundMeasurement[] | undefined,
  onMeasured: (run: SuiteRun) => void,
): Promise<SuiteRun> => {
  const { host } = request;
  const { plan } = stage;
  const sliced = sides.baseline !== null;
  const limits = stage.limits.get(suite.name)!;
  const { scenario, outline } = stage.scenarios.get(suite.name)!;
  const inputs: SuiteInputs = {
    suite,
    plan,
    plannedMs: outline.plannedMs,
    obstacle: sliceObstacle(scenario),
    head: sides.head,
    baseline: sides.baseline,
    history: stored.history,
    measured,
    context: { ...contextOf(stage, host, suite), endsAtMs: performance.now() + budgetMs },
    budgetMs,
    onProgress: (progress) => {
      const done = { done: progress.done, doneMs: progress.doneMs, sinceMs: progress.sinceMs };
      const state = {
        suite: progress.suite,
        stage: 'measuring' as const,
        side: progress.side,
        load: progress.load,
        pairs: sliced
          ? { ...done, min: plan.verdict.minPairs, max: plan.verdict.maxPairs }
          : { ...done, min: progress.most, max: progress.most },
        interval: progress.judgement,
        elapsedMs: progress.elapsedMs,
        budgetMs,
      };
      host.progress(renderProgress(state, host.columns));
      request.watcher?.progress(renderProgress(state, widestLine));
    },
    ...(request.watcher === undefined ? {} : { onMeasured }),
  };
  if (unbuilt !== undefined) return { ...startRun(inputs, 'none'), problems: [unbuilt] };
  // A log has no room for a line that says nothing yet.
  if (host.interactive && measured === undefined)
    host.progress(fitWidth(`${suite.name} · starting the server`, host.columns));
  if (roots !== null && plan.sameCode === 'pass' && !differsByEnvironment(sides)) {
    const serverFolder = path.resolve(sides.head.cwd, suite.target.cwd);
    const { file, extended } = request.loaded;
    const sharedFiles = [suite.scenarioPath, ...extended, ...(file === null ? [] : [file])];
    inputs.sameCodeOf = (ran) => sameCode(ran, { roots, serverFolder, sharedFiles, host });
  }
  const run = await measureSuite(inputs, confirmation);
  if (sides.baseline !== null && roots !== null) {
    if (host.interactive) host.progress(`${suite.name} · counting the work of both versions`);
    run.explanation = await explainRun(run, inputs, sides.baseline, roots);
  }
  run.warnings.push(...warnings, ...limits.notes);
  return run;
};

const designReport = (design: PairDesign): NonNullable<SuiteReport['design']> => ({
  kind: design.kind,
  warmUpMs: design.warmUpMs,
  ...(design.kind === 'slices' ? { warmUpTogether: design.warmUpTogether } : {}),
  sliceMs: design.kind === 'slices' ? design.sliceMs : null,
  slicesPerSide: design.kind === 'slices' ? design.slicesPerSide : null,
});

const headsOf = (run: SuiteRun): RoundMeasurement[] =>
  run.pairs.length > 0 ? run.pairs.map((pair) => pair.head) : run.head;

const suiteReport = (
  run: SuiteRun,
  stored: StoredSuite,
  cwd: string,
  warnings: Iterable<string>,
): SuiteReport => {
  const shown = run.history.at(-1);
  return buildSuiteReport({
    name: run.suite.name,
    scenario: path.relative(cwd, run.suite.scenarioPath),
    comparison: run.comparison,
    pairs: run.pairs,
    head: run.head,
    baseline: shown?.rounds ?? [],
    judgement: run.judgement,
    problems: [...stored.problems, ...run.problems],
    warnings: [...warnings, ...stored.warnings, ...run.warnings],
    bottleneck: run.bottleneck,
    bestEffort: isBestEffort(run),
    trend: trendOf(stored.history, headsOf(run), run.judgement?.main ?? run.suite.measure.main ?? null),
    main: run.suite.measure.main ?? null,
    ...(run.design === null ? {} : { design: designReport(run.design) }),
    explanation: run.explanation,
  });
};

const recordOf = (
  run: SuiteRun,
  fingerprint: Fingerprint,
  { provenance, key }: Pick<GateRequest, 'provenance' | 'key'>,
  verdict: SuiteReport['verdict'],
  recordedAt: string,
): BaselineRecord => ({
  schemaVersion: 1,
  suite: run.suite.name,
  ...(key === '' ? {} : { key }),
  commit: provenance.headSha,
  branch: provenance.branch,
  recordedAt,
  fingerprint,
  rounds: headsOf(run),
  verdict,
  accepted: null,
  runUrl: provenance.runUrl,
  machine: machineId(),
});

/**
 * The whole story of a run, one stage after the other: settings, plan, target, room, load, measurement, comparison,
 * verdict, report. Publishes nothing. Throws what is wrong before anything is started (usage errors); what goes wrong
 * later is in the report, with everything that was measured before it.
 */
export const runGate = async (request: GateRequest): Promise<GateResult> => {
  const { host, loaded, provenance } = request;
  const startedAt = new Date().toISOString();
  const started = performance.now();
  const stage = await prepareRun(loaded, host, request.readShards === undefined ? 1 : 0);
  const { plan } = stage;
  const outlines = new Map([...stage.scenarios].map(([name, { outline }]) => [name, outline]));
  for (const limitation of limitationsOf(plan, outlines)) host.info(`Note: ${limitation}`);
  const { confirmFrom } = plan.baseline;
  const first = confirmFrom === undefined ? [] : await readRecords(confirmFrom);
  const work = plan.suites.map((suite) => {
    const fingerprint = fingerprintOf(suite, stage.scenarios.get(suite.name)!);
    const confirming = planConfirmation(plan.baseline, suite, first, provenance.headSha, fingerprint);
    return { suite, fingerprint, confirming };
  });

  await using resources = new ResourceStack();
  const problems: TailgateError[] = [];
  const suites: SuiteReport[] = [];
  const records: BaselineRecord[] = [];
  const known = new Set<string>();
  let joined: JoinedShards | null = null;
  let base: BaseCommit | null = null;
  let buildMs = 0;
  let loadMs = 0;
  const reportOf = (those: readonly SuiteReport[]): Report =>
    buildReport({
      suites: those,
      failOn: loaded.settings.failOn,
      problems,
      environment: {
        ...(joined?.environment ?? environmentFingerprint()),
        pinning: stage.pinning.description,
      },
      commits: commitsOf(provenance, base),
      runUrl: provenance.runUrl,
      startedAt,
      durations: { totalMs: performance.now() - started, buildMs, loadMs },
    });
  const runWarnings = new Set(provenance.note === null ? [] : [provenance.note]);
  if (provenance.note !== null && provenance.problem === null) host.warn(provenance.note);
  try {
    if (provenance.problem !== null) throw provenance.problem;
    joined =
      request.readShards === undefined
        ? null
        : await joinShards(request, stage, work, await request.readShards());
    for (const note of joined?.notes ?? []) runWarnings.add(note);
    const sideBySide = plan.baseline.mode === 'side-by-side' && request.compares && joined === null;
    /** By suite: why there is no base version of it, where the absolute limits may decide alone. */
    const baseless = new Map<string, TailgateError>();
    const isOptional = plan.baseline.require === false;
    if (sideBySide) {
      try {
        base = resources.use(await request.openBase());
      } catch (failure) {
        const [problem] = problemsOf(failure);
        if (!isOptional || problem?.code !== 'BASE_ABSENT') throw failure;
        for (const { name } of plan.suites) baseless.set(name, problem);
      }
    }
    for (const note of base?.notes ?? []) runWarnings.add(note);
    const roots = base === null ? null : await changeRoots(loaded.cwd, base, host);
    const unbuilt = new Map<string, TailgateError>();
    const sides = await prepareSides(joined === null ? plan : { ...plan, suites: [] }, {
      cwd: loaded.cwd,
      base,
      logDir: stage.logDir,
      host,
      onFailure: (suite, problem, side) =>
        (side === 'baseline' && isOptional ? baseless : unbuilt).set(suite, problem),
    });
    const [failure] = unbuilt.values();
    if (failure !== undefined && unbuilt.size === plan.suites.length) throw failure;
    buildMs = sides.buildMs;
    if (sides.baseline !== null && isOptional) {
      for (const suite of plan.suites) {
        if (baseless.has(suite.name) || unbuilt.has(suite.name)) continue;
        const problem = await startProblem(suite, sides.baseline, contextOf(stage, host, suite));
        if (problem !== null) baseless.set(suite.name, problem);
      }
    }
    const measuringSince = performance.now();
    for (const [index, { suite, fingerprint: own, confirming }] of work.entries()) {
      const fingerprint = joined === null ? own : shardedFingerprint(own, joined);
      const missing = baseless.get(suite.name);
      const stored =
        missing === undefined
          ? await readHistory(request, suite, fingerprint)
          : { ...noHistory(), warnings: [withoutBase(missing)] };
      const leftMs = plan.maxMinutes * 60_000 - (performance.now() - measuringSince);
      // Each suite may use its share of the time, and what those before it left over.
      const budgetMs = Math.max(leftMs / (plan.suites.length - index), 1_000);
      const end = host.group(`Suite ${suite.name}`);
      const run = await measureOne(
        request,
        stage,
        missing === undefined ? sides : { ...sides, baseline: null },
        suite,
        stored,
        budgetMs,
        // What shards drove together is not driven again here.
        joined === null ? confirming : { ...confirming, confirmation: { by: 'fresh-job' } },
        unbuilt.get(suite.name),
        roots,
        joined?.rounds.get(suite.name),
        (now) => {
          const judgement = now.judgement ?? judgeRun(now, plan, false);
          const report = suiteReport({ ...now, judgement }, stored, loaded.cwd, []);
          request.watcher?.show(reportOf([...suites, report]));
        },
      );
      end();
      loadMs += run.loadMs;
      const report = suiteReport(run, stored, loaded.cwd, index === 0 ? runWarnings : []);
      suites.push(report);
      if (run.problems.length === 0 && report.verdict !== 'invalid') {
        const { confirmation } = confirming;
        if (confirmation.by === 'this-job') {
          // Of two measurements the first is the one that was not made because of another.
          records.push({ ...confirmation.first, verdict: report.verdict });
          if (run.confirmation.length === 0) known.add(suite.name);
        } else records.push(recordOf(run, fingerprint, request, report.verdict, startedAt));
      }
      if (run.problems.some(({ code }) => code === 'CANCELLED')) break;
    }
  } catch (failure) {
    problems.push(...problemsOf(failure));
  }
  return { report: reportOf(suites), records, known };
};

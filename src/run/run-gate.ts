import type { BaseCommit } from '../baseline/base-commit.ts';
import type { BaselineRecord, Fingerprint } from '../baseline/baseline-record.ts';
import { environmentFingerprint, settingsHash } from '../baseline/fingerprint.ts';
import { problemsOf, type TailgateError } from '../errors.ts';
import { ResourceStack } from '../host/resource-stack.ts';
import { sum } from '../metrics/averages.ts';
import { buildReport } from '../report/build-report.ts';
import type { Report, SuiteReport } from '../report/report-model.ts';
import { limitationsOf } from '../settings/limitations.ts';
import type { SuitePlan } from '../settings/run-plan.ts';
import type { DeployedVersions } from './deployed-versions.ts';
import type { GateRequest } from './gate-request.ts';
import { measureSuite } from './measure-suite.ts';
import { openBase, openVersions, type Versions } from './open-versions.ts';
import { type ConfirmationPlan, planConfirmation } from './plan-confirmation.ts';
import { prepareRun, type Stage } from './prepare-run.ts';
import { commitsOf } from './provenance.ts';
import { readHistory } from './read-history.ts';
import { readRecords } from './read-records.ts';
import type { Crew } from './shards/gather-shards.ts';
import type { JoinedShards } from './shards/join-blobs.ts';
import { joinShards, shardedFingerprint } from './shards/join-shards.ts';
import { leadShards } from './shards/meet-shards.ts';
import { type ReportedSuite, recordsOf, suiteReport } from './suite-report.ts';
import { judgeRun, type SuiteRun } from './suite-run.ts';

/** What a run gave, whether or not it came to a verdict. */
export type GateResult = {
  report: Report;
  /** Records of the suites that were measured without a problem, for the baseline. */
  records: BaselineRecord[];
  /** Suites of which the records are those of an earlier job, which stored them itself. */
  known: ReadonlySet<string>;
};

/**
 * The whole story of a run, one stage after the other: prepare, open the versions, measure and judge each suite, report.
 * Delivers nothing. Throws what is wrong before anything is started (usage errors); what goes wrong later is in the
 * report, with everything that was measured before it.
 */
export async function runGate(request: GateRequest): Promise<GateResult> {
  const { host, loaded, provenance } = request;
  const startedAt = new Date().toISOString();
  const started = performance.now();
  const share = request.readShards === undefined ? 1 / (request.lead?.count ?? 1) : 0;
  const stage = await prepareRun(loaded, host, share);
  showLimitations(request, stage);
  const planned = await planSuites(request, stage);

  await using resources = new ResourceStack();
  const problems: TailgateError[] = [];
  const suites: ReportedSuite[] = [];
  let joined: JoinedShards | null = null;
  let crew: Crew | null = null;
  let base: BaseCommit | null = null;
  let versions: Versions | null = null;
  const reportOf = (those: SuiteReport[]): Report =>
    buildReport({
      suites: those,
      failOn: loaded.settings.failOn,
      problems,
      environment: {
        ...(joined?.environment ?? environmentFingerprint()),
        pinning: stage.pinning.description,
      },
      commits: commitsOf(provenance, base, versions?.deployed),
      runUrl: provenance.runUrl,
      startedAt,
      durations: {
        totalMs: performance.now() - started,
        buildMs: versions?.sides.buildMs ?? 0,
        loadMs: suites.reduce((sum, { run }) => sum + run.loadMs, 0),
        ...explainTime(suites.map(({ run }) => run)),
      },
    });
  try {
    if (provenance.problem !== null) throw provenance.problem;
    joined = await joinShards(request, stage, planned);
    if (request.lead !== undefined)
      crew = resources.use(await leadShards({ ...request.lead, host, commit: provenance.headSha }, stage));
    const opened = await openBase(request, stage, resources);
    base = opened.base;
    versions = await openVersions(request, stage, opened);
    const measuringSince = performance.now();
    for (const [index, { suite, fingerprint: own, confirm }] of planned.entries()) {
      const fingerprint = shardedFingerprint(own, joined ?? crew);
      const confirming = confirm(fingerprint, joined);
      const stored = await readHistory(request, suite.name, fingerprint, versions.baseless.get(suite.name));
      // Each suite may use its share of the time, and what those before it left over.
      const leftMs = stage.plan.maxMinutes * 60_000 - (performance.now() - measuringSince);
      const budgetMs = Math.max(leftMs / (planned.length - index), 1_000);
      const end = host.group(`Suite ${suite.name}`);
      const measured = joined?.rounds.get(suite.name);
      const { deployed } = versions;
      const notes = (): Set<string> | [] =>
        index === 0 ? notesOf(request, base, joined?.notes ?? crew?.notes() ?? [], deployed) : [];
      const onMeasured = (now: SuiteRun): void => {
        const judgement = now.judgement ?? judgeRun(now, stage.plan, false);
        const report = suiteReport({ ...now, judgement }, stored, loaded.cwd, notes());
        request.watcher?.show(reportOf([...suites.map((suite) => suite.report), report]));
      };
      const work = {
        suite,
        confirming,
        history: stored.history,
        measured,
        part: crew?.part,
        budgetMs,
      };
      const watched = request.watcher === undefined ? work : { ...work, onMeasured };
      const run = await measureSuite(request, stage, versions, watched);
      end();
      const warnings = notes();
      const report = suiteReport(run, stored, loaded.cwd, warnings);
      suites.push({ run, report, fingerprint, confirming, machine: joined?.machine ?? null });
      if (run.problems.some(({ code }) => code === 'CANCELLED')) break;
    }
  } catch (failure) {
    problems.push(...problemsOf(failure));
  }
  const [problem] = [...problems, ...suites.flatMap(({ run }) => run.problems)];
  crew?.end(problem === undefined ? null : host.mask(problem.what));
  return { report: reportOf(suites.map((suite) => suite.report)), ...recordsOf(suites, request, startedAt) };
}

type PlannedSuite = {
  suite: SuitePlan;
  /** As one machine measures it. */
  fingerprint: Fingerprint;
  /** How a suspect is confirmed, once it is known who measures. Throws CONFIRMATION_MISMATCH. */
  confirm: (fingerprint: Fingerprint, joined: JoinedShards | null) => ConfirmationPlan;
};

/** What a suite is compared by, and how a suspect of it is confirmed. */
async function planSuites(
  { provenance, lead, readShards }: GateRequest,
  { plan, scenarios }: Stage,
): Promise<PlannedSuite[]> {
  const { confirmFrom } = plan.baseline;
  const first = confirmFrom === undefined ? [] : await readRecords(confirmFrom);
  return plan.suites.map((suite) => {
    const fingerprint: Fingerprint = {
      scenarioHash: scenarios.get(suite.name)!.scenario.hash,
      settingsHash: settingsHash(suite),
      environment: environmentFingerprint(),
    };
    const confirm: PlannedSuite['confirm'] = (measured, joined) =>
      planConfirmation(plan.baseline, suite, first, provenance.headSha, measured, joined);
    // What does not fit is told before anything is started. Of shards it is known once they are read.
    if (readShards === undefined) confirm(shardedFingerprint(fingerprint, lead ?? null), null);
    return { suite, fingerprint, confirm };
  });
}

function showLimitations({ host, provenance }: GateRequest, { plan, scenarios }: Stage): void {
  const outlines = new Map([...scenarios].map(([name, { outline }]) => [name, outline]));
  for (const limitation of limitationsOf(plan, outlines)) host.info(`Note: ${limitation}`);
  if (provenance.note !== null && provenance.problem === null) host.warn(provenance.note);
}

/** What is to be known of the commits that are compared, and of the shards that drove the load. */
function notesOf(
  { provenance }: GateRequest,
  base: BaseCommit | null,
  driven: readonly string[],
  deployed: DeployedVersions,
): Set<string> {
  const ownNotes = provenance.note === null ? [] : [provenance.note];
  return new Set([...ownNotes, ...driven, ...(base?.notes ?? []), ...deployed.notes]);
}

function explainTime(runs: readonly SuiteRun[]): { explainMs?: number } {
  const times = runs.flatMap(({ explainMs }) => explainMs ?? []);
  return times.length === 0 ? {} : { explainMs: sum(times) };
}

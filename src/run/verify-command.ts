import { createHash } from 'node:crypto';
import path from 'node:path';
import { environmentFingerprint, settingsHash } from '../baseline/fingerprint.ts';
import { exitCodes, problemsOf, type TailgateError, tailgateError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { formatElapsed, plural } from '../metrics/notation.ts';
import { renderJobProgress, renderVerification, truthName } from '../report/render-verification.ts';
import { sliceObstacle } from '../scenario/slice-obstacle.ts';
import type { CliRequest } from '../settings/cli-request.ts';
import { pairMs } from '../settings/estimate.ts';
import { loadSettings } from '../settings/load-settings.ts';
import type { SuitePlan } from '../settings/run-plan.ts';
import { type JobKind, jobKinds, jobsLeft, nextJob } from '../verdict/job-series.ts';
import { isCounted } from '../verdict/judge-counted.ts';
import { summariseJobs } from '../verdict/summarise-jobs.ts';
import { showProblems } from './deliver.ts';
import { exitCodeOfProblems } from './exit-code.ts';
import { type JobFile, openJobFile } from './job-file.ts';
import { onlySuite, startedHere } from './only-suite.ts';
import { contextOf, prepareRun, type Stage } from './prepare-run.ts';
import { prepareSides } from './prepare-sides.ts';
import { type JobSetting, runJob } from './verify-job.ts';

/** What was asked for (`aa` jobs of the server against itself, and so on), and where it is shown. */
export type VerifyCommand = Extract<CliRequest, { command: 'verify' }> & {
  host: Host;
  print: (text: string) => void;
};

/** So many invalid jobs one after the other are no accident. */
const maxInvalidRun = 3;

/** `tailgate verify` from its inputs to its exit code. What is known to go wrong is shown, and never thrown. */
export const verifyCommand = async (command: VerifyCommand): Promise<number> => {
  try {
    return await verify(command);
  } catch (failure) {
    const problems = problemsOf(failure);
    showProblems(command.host, problems);
    return exitCodeOfProblems(problems);
  }
};

async function verify(command: VerifyCommand): Promise<number> {
  const { host } = command;
  const loaded = startedHere(await loadSettings({ cwd: host.cwd, inputs: command.inputs }));
  const stage = await prepareRun(loaded, host);
  const { logDir, plan } = stage;
  const setting = settingOf(command, stage, { name: 'head', cwd: loaded.cwd });
  const kinds = jobKinds({
    unchanged: command.aa,
    factors: command.inject,
    jobsPerFactor: command.jobs,
    rounds: command.roundPairs > 0,
  });
  const name = command.raw === undefined ? ownFile(plan.reportDir) : path.resolve(host.cwd, command.raw);
  const file = await openJobFile(name, setting.common);
  const complete = nextJob(kinds, file.records) === null;
  if (!complete) await prepareSides(plan, { cwd: loaded.cwd, base: null, logDir, host });
  const ended = complete
    ? null
    : await runSeries(setting, kinds, file, command.atMost ?? Number.POSITIVE_INFINITY);
  if (file.records.length > 0) {
    const shown = { ...setting.common, file: path.relative(host.cwd, file.path) };
    command.print(renderVerification(summariseJobs(file.records), file.records, shown, host.result));
  }
  if (ended !== null) {
    showProblems(host, [ended]);
    return exitCodeOfProblems([ended]);
  }
  const invalid = file.records.every(({ problem }) => problem !== undefined);
  return invalid ? exitCodes.invalid : exitCodes.pass;
}

function settingOf(command: VerifyCommand, stage: Stage, source: JobSetting['source']): JobSetting {
  const suite = suiteOf(stage);
  const { scenario, outline } = stage.scenarios.get(suite.name)!;
  const judged = suite.thresholds.map((threshold) => threshold.source);
  const settings = createHash('sha256')
    .update(settingsHash(suite))
    .update(JSON.stringify([stage.plan.verdict, judged, command.injectEnv ?? null]))
    .digest('hex');
  return {
    suite,
    plan: stage.plan,
    plannedMs: outline.plannedMs,
    obstacle: sliceObstacle(scenario),
    source,
    context: contextOf(stage, suite, command.host),
    injectEnv: command.injectEnv ?? null,
    roundPairs: command.roundPairs,
    leastPairs: command.pairs ?? null,
    common: {
      suite: suite.name,
      scenarioHash: scenario.hash,
      settingsHash: settings,
      machine: machineName(),
    },
  };
}

/** The one suite that is verified, with its relative limits: absolute ones say nothing of a change. */
function suiteOf({ plan }: Stage): SuitePlan {
  const suite = onlySuite(plan, 'verify', 'verified');
  return {
    ...suite,
    thresholds: suite.thresholds.filter((one) => one.bound.kind === 'relative' && !isCounted(one)),
  };
}

function machineName(): string {
  const { cpuModel, cores, memoryGiB, os, node } = environmentFingerprint();
  return `${cpuModel}, ${cores} cores, ${memoryGiB} GiB, ${os}, Node ${node}`;
}

/** Name of the file that is written where none is named; it never goes on with an older one. */
function ownFile(reportDir: string): string {
  return path.join(reportDir, `verify-${new Date().toISOString().replaceAll(/[:.]/g, '-')}.jsonl`);
}

/** Runs what is left of the series. Gives the problem that ended it early; null when it is complete. */
async function runSeries(
  setting: JobSetting,
  kinds: readonly JobKind[],
  file: JobFile,
  atMost: number,
): Promise<TailgateError | null> {
  const { host } = setting.context;
  let invalidRun = 0;
  let started = 0;
  const left = (): number => kinds.reduce((sum, kind) => sum + jobsLeft(kind, file.records), 0);
  const minutesLeft = (): number =>
    kinds.reduce((sum, kind) => sum + jobsLeft(kind, file.records) * jobMinutes(setting, kind, file), 0);
  host.info(
    `${plural(left(), 'job')}, about ${formatElapsed(minutesLeft() * 60_000)}. Each is added to ${path.relative(host.cwd, file.path)} as it ends; an interruption loses only the one that runs.`,
  );
  for (let kind = nextJob(kinds, file.records); kind !== null; kind = nextJob(kinds, file.records)) {
    if (started === atMost) {
      host.info(`${plural(left(), 'job')} left: the same command goes on with them.`);
      return null;
    }
    started += 1;
    if (host.signal.aborted) return tailgateError('CANCELLED', { signal: String(host.signal.reason) });
    const total = minutesLeft();
    const name = truthName(kind);
    const end = host.group(`${name}: ${plural(left(), 'job')} left`);
    const { run, record } = await runJob(setting, kind, file.records.length, (progress) =>
      host.progress(
        renderJobProgress(
          { name, left: left(), minutesLeft: total - progress.elapsedMs / 60_000, ...progress },
          host.columns,
        ),
      ),
    );
    end();
    const [problem] = run.problems;
    for (const warning of run.warnings) host.warn(warning);
    if (problem?.code === 'CANCELLED' || problem?.code === 'INJECTION_MISSING') return problem;
    await file.append(record);
    const { decided } = record;
    host.info(
      `${name}: ${decided === undefined ? 'no verdict' : `${decided.verdict} after ${plural(decided.pairs, 'pair')}`}${record.problem === undefined ? '' : ` (${record.problem})`}.`,
    );
    invalidRun = problem === undefined ? 0 : invalidRun + 1;
    if (problem !== undefined && invalidRun >= maxInvalidRun) return problem;
  }
  return null;
}

/** Estimates how long jobs take: as those that have been run, or all pairs of a job without an end before its time. */
function jobMinutes(setting: JobSetting, kind: JobKind, file: JobFile): number {
  const alike = file.records.filter(({ design, problem }) => design === kind.design && problem === undefined);
  if (alike.length > 0) return alike.reduce((sum, { minutes }) => sum + minutes, 0) / alike.length;
  const pairs = kind.design === 'rounds' ? setting.roundPairs : setting.plan.verdict.maxPairs;
  return (pairs * pairMs(setting.plan.verdict, setting.plannedMs)) / 60_000;
}

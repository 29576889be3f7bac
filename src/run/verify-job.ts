import { tailgateError } from '../errors.ts';
import { mainOf } from '../metrics/main-metric.ts';
import type { RunPlan, SuitePlan } from '../settings/run-plan.ts';
import type { SideSource } from '../side/open-side.ts';
import type { RoundContext } from '../side/round-context.ts';
import { injectServiceTime, type ServiceTimeInjection } from '../side/target/inject-service-time.ts';
import { type JobRecord, recordJob } from '../verdict/job-record.ts';
import type { JobKind } from '../verdict/job-series.ts';
import { measureSideBySide } from './measure-side-by-side.ts';
import type { SuiteInputs, SuiteProgress, SuiteRun } from './suite-run.ts';

/** What every job of a series has in common. */
export type JobSetting = {
  suite: SuitePlan;
  plan: RunPlan;
  plannedMs: number | null;
  obstacle: string | null;
  /** The one version of the server that is measured against itself. */
  source: SideSource;
  context: RoundContext;
  /** Environment variable by which the server takes a factor and slows itself; null for the preload of Node servers. */
  injectEnv: string | null;
  /** Most pairs of a job in whole rounds. */
  roundPairs: number;
  /** Pairs after which a job in slices ends once its verdict stands; null for all, whatever the verdict. */
  leastPairs: number | null;
  /** What is recorded of every job besides its result. */
  common: Required<Pick<JobRecord, 'suite' | 'scenarioHash' | 'settingsHash' | 'machine'>>;
};

/** Pairs draw their seeds from that of their job, one after the other. */
const seedsPerJob = 1_000;

/** A job ends by its pairs; this only bounds what hangs. */
const longestJobMs = 24 * 3_600_000;

export type JobResult = { run: SuiteRun; record: JobRecord };

/**
 * Runs one job to its last pair, or to `leastPairs` and its verdict, and notes what the gate would have said and when.
 * What goes wrong is in the run's problems and in the record.
 */
export const runJob = async (
  setting: JobSetting,
  kind: JobKind,
  number: number,
  onProgress: (progress: SuiteProgress) => void,
): Promise<JobResult> => {
  const seed = setting.plan.seed + seedsPerJob * number;
  const sides = openSides(setting, kind.truth);
  const startedAt = new Date().toISOString();
  const started = performance.now();
  const minutes = (): number => (performance.now() - started) / 60_000;
  let decided: JobRecord['decided'];
  try {
    const run = await measureSideBySide(
      {
        ...inputsOf(setting, kind, sides, seed),
        onProgress,
        onJudgement: (judgement, pairs) => {
          assertInjected(sides.injection);
          if (judgement.next === 'decided')
            decided ??= { verdict: judgement.verdict, pairs, minutes: minutes() };
          // Jobs in rounds are there for their noise alone, and measure it to the end.
          return kind.design === 'rounds' || setting.leastPairs === null || pairs < setting.leastPairs;
        },
      },
      sides.baseline,
    );
    const [problem] = run.problems;
    if (problem !== undefined) decided = { verdict: 'invalid', pairs: run.pairs.length, minutes: minutes() };
    const design = run.design?.kind ?? kind.design;
    const measured = run.pairs.flatMap(({ baseline, head }) => [baseline, head]);
    const record = recordJob({
      ...setting.common,
      truth: kind.truth,
      metric: mainOf(setting.suite.measure.main ?? null, measured) ?? '',
      design,
      ...(design === kind.design ? {} : { wanted: kind.design }),
      ...(run.design?.kind === 'slices' ? { sliceMs: run.design.sliceMs } : {}),
      startedAt,
      minutes: minutes(),
      seed,
      ...(decided === undefined ? {} : { decided }),
      injected: factorOf(sides.injection),
      ...(problem === undefined ? {} : { problem: problem.what.split('\n')[0] ?? problem.code }),
      pairs: run.pairs,
    });
    return { run, record };
  } finally {
    sides.close();
  }
};

/** The environment of both sides, and how to tell what was injected; null when the preload is not used. */
type Sides = { baseline: SideSource; head: SideSource; injection: ServiceTimeInjection | null };

function openSides(setting: JobSetting, truth: number): Sides & { close(): void } {
  const { source, injectEnv, suite, context } = setting;
  const plain = (name: SideSource['name'], env: Record<string, string>): SideSource => ({
    ...source,
    name,
    env,
  });
  if (truth === 1 || injectEnv !== null) {
    const env = (factor: number) => (injectEnv === null ? {} : { [injectEnv]: String(factor) });
    return {
      baseline: plain('baseline', env(1)),
      head: plain('head', env(truth)),
      injection: null,
      close: () => {},
    };
  }
  const options = suite.target.env.NODE_OPTIONS ?? context.host.env.NODE_OPTIONS;
  const nodeOptions = options === undefined ? undefined : String(options);
  // Counting messages costs a little as well, so both sides count.
  const before = injectServiceTime(1, nodeOptions);
  const after = injectServiceTime(truth, nodeOptions);
  return {
    baseline: plain('baseline', before.env),
    head: plain('head', after.env),
    injection: after,
    close: () => {
      before.close();
      after.close();
    },
  };
}

function inputsOf(setting: JobSetting, kind: JobKind, sides: Sides, seed: number): SuiteInputs {
  const { plan, suite } = setting;
  const verdict =
    kind.design === 'rounds'
      ? {
          ...plan.verdict,
          alternate: 'rounds' as const,
          minPairs: Math.min(plan.verdict.minPairs, setting.roundPairs),
          maxPairs: setting.roundPairs,
        }
      : plan.verdict;
  return {
    suite,
    plan: { ...plan, suites: [suite], verdict, seed },
    plannedMs: setting.plannedMs,
    obstacle: setting.obstacle,
    head: sides.head,
    baseline: sides.baseline,
    history: [],
    context: { ...setting.context, seed },
    budgetMs: longestJobMs,
    onProgress: () => {},
  };
}

/** Throws INJECTION_MISSING when nothing was added to the service time of the head. */
function assertInjected(injection: ServiceTimeInjection | null): void {
  if (injection === null) return;
  const injected = injection.injected();
  if (injected === null)
    throw tailgateError('INJECTION_MISSING', { reason: 'no Node process of it loaded the preload' });
  if (injected.messages === 0 || injected.injectedMs <= 0)
    throw tailgateError('INJECTION_MISSING', {
      reason: 'its Node processes got no message over a connection or request of their own',
    });
}

function factorOf(injection: ServiceTimeInjection | null): number | null {
  const injected = injection?.injected() ?? null;
  return injected === null || injected.ownMs <= 0 ? null : 1 + injected.injectedMs / injected.ownMs;
}

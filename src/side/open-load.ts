import type { HookVariables } from '../generator/load-protocol.ts';
import type { LoadSession } from '../generator/load-session.ts';
import { startGenerators, startLoadSession } from '../generator/start-load-session.ts';
import type { SideName } from '../metrics/round-measurement.ts';
import type { SuitePlan } from '../settings/run-plan.ts';
import { resolveSecret } from '../settings/secrets.ts';
import { engineSettingsOf } from './engine-settings-of.ts';
import type { RoundContext, SharedLoad } from './round-context.ts';
import type { LimitPlan } from './target/limits.ts';

/** Generators of one side that have no server yet. Closing them ends them; `open` hands them over. */
export type PreparedLoad = AsyncDisposable & {
  /** Prepares the load, paused. `hooks`: what `before` left on another machine. Throws as `startLoadSession`. */
  open(server: Pick<SharedLoad, 'url' | 'variables'>, hooks?: HookVariables): Promise<LoadSession>;
};

/** However little time is left: whoever gave too little is told by the load. */
const shortestPrepareMs = 10_000;

/** Starts the generators that drive the load of one side on this machine. */
export const loadOf = (
  suite: SuitePlan,
  side: SideName,
  context: RoundContext,
  logFile: (kind: string) => string,
): PreparedLoad => {
  const { host, seed, part = { shard: { index: 0, count: 1 } } } = context;
  const options = {
    logPath: logFile('load.log'),
    workers: suite.measure.generators,
    cpus: context.pinning?.generator ?? null,
    env: host.env,
    signal: host.signal,
    ...(context.endsAtMs === undefined
      ? {}
      : { prepareMs: Math.max(shortestPrepareMs, context.endsAtMs - performance.now()) }),
  };
  const generators = startGenerators(options);
  return {
    open: ({ url, variables }, hooks) =>
      startLoadSession(
        {
          scenarioPath: suite.scenarioPath,
          environment: suite.environment,
          overrides: suite.overrides,
          variables: { ...suite.variables, ...variables },
          targetUrl: url,
          engine: engineSettingsOf(
            suite.measure,
            suite.room?.failureEvents ?? ['exception'],
            { seed, shard: part.shard, clock: part.clock },
            (secret, key) => resolveSecret(secret, host.env, key),
            sourceAddresses(context.limits, side),
          ),
          rawPath: suite.measure.raw ? logFile('raw.jsonl') : null,
          secrets: [...host.secrets],
        },
        { ...options, hooks, others: part.others?.({ suite: suite.name, side, seed, url, variables }) },
        generators,
      ),
    [Symbol.asyncDispose]: () => generators[Symbol.asyncDispose](),
  };
};

/** Two sides that run at once come from addresses of their own, so that neither takes the ports of the other. */
const sourceAddresses = (limits: LimitPlan | null | undefined, side: SideName): string[] =>
  (limits?.localAddresses ?? []).map((address) =>
    side === 'head' ? address : address.replace(/^127\.0\.0\./, '127.0.1.'),
  );

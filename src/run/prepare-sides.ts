import path from 'node:path';
import type { BaseCommit } from '../baseline/base-commit.ts';
import { problemsOf, type TailgateError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import type { SideName } from '../metrics/round-measurement.ts';
import type { RunPlan } from '../settings/run-plan.ts';
import type { SideSource } from '../side/open-side.ts';
import { buildTarget } from '../side/target/build-target.ts';

/** The versions that are measured, built. */
export type Sides = { head: SideSource; baseline: SideSource | null; buildMs: number };

type BuildOptions = {
  cwd: string;
  base: BaseCommit | null;
  logDir: string;
  host: Host;
  /** Told each suite whose build failed, so that the others can be measured; if not given, BUILD_FAILED is thrown. */
  onFailure?: (suite: string, problem: TailgateError, side: SideName) => void;
};

/**
 * Builds the head in `cwd` and, side by side, the base version in its own folder, one after the other. Throws
 * BUILD_FAILED or CANCELLED.
 */
export const prepareSides = async (plan: RunPlan, options: BuildOptions): Promise<Sides> => {
  const { base } = options;
  const head: SideSource = { name: 'head', cwd: options.cwd };
  if (base?.deployed !== undefined) {
    const { url } = base.deployed;
    return {
      head,
      baseline: { name: 'baseline', cwd: base.dir, version: 'the base version', url },
      buildMs: 0,
    };
  }
  let buildMs = await build(plan, head, options);
  if (base === null) return { head, baseline: null, buildMs };
  const baseline: SideSource = {
    name: 'baseline',
    cwd: base.dir,
    version: `the base version${base.sha === null ? '' : ` (${base.sha.slice(0, 10)})`}`,
    start: plan.baseline.start,
  };
  buildMs += await build(plan, baseline, options);
  return { head, baseline, buildMs };
};

/** Builds a version once for each different build command and folder of its suites. */
async function build(
  plan: RunPlan,
  { cwd: root, name, version }: SideSource,
  options: BuildOptions,
): Promise<number> {
  const { logDir, host, onFailure } = options;
  let totalMs = 0;
  const done = new Map<string, TailgateError | null>();
  for (const { name: suite, target } of plan.suites) {
    const cwd = path.resolve(root, target.cwd);
    const key = JSON.stringify([target.build, cwd, target.env]);
    if (target.build === undefined) continue;
    if (!done.has(key)) {
      done.set(key, null);
      const end = host.group(`Build ${name}: ${target.build}`);
      try {
        totalMs += await buildTarget(target, {
          cwd,
          logPath: path.join(logDir, `build-${name}${done.size > 1 ? `-${done.size}` : ''}.log`),
          label: name,
          version,
          env: host.env,
          secrets: host.secrets,
          signal: host.signal,
        });
      } catch (failure) {
        const [problem] = problemsOf(failure);
        if (onFailure === undefined || problem?.code !== 'BUILD_FAILED') throw failure;
        done.set(key, problem);
      } finally {
        end();
      }
    }
    const problem = done.get(key);
    if (problem) onFailure?.(suite, problem, name);
  }
  return totalMs;
}

import path from 'node:path';
import type { BaseCommit } from '../baseline/base-commit.ts';
import type { Host } from '../host/host.ts';
import type { RunPlan } from '../plan/run-plan.ts';
import type { SideSource } from '../rounds/open-side.ts';
import { buildTarget } from '../target/build-target.ts';

/** The versions that are measured, built. */
export type Sides = { head: SideSource; baseline: SideSource | null; buildMs: number };

/** Builds a version once for each different build command and folder of its suites. */
const build = async (
  plan: RunPlan,
  root: string,
  name: string,
  logDir: string,
  host: Host,
): Promise<number> => {
  let totalMs = 0;
  const done = new Set<string>();
  for (const { target } of plan.suites) {
    const cwd = path.resolve(root, target.cwd);
    const key = JSON.stringify([target.build, cwd, target.env]);
    if (target.build === undefined || done.has(key)) continue;
    done.add(key);
    const end = host.group(`Build ${name}: ${target.build}`);
    try {
      totalMs += await buildTarget(target, {
        cwd,
        logPath: path.join(logDir, `build-${name}${done.size > 1 ? `-${done.size}` : ''}.log`),
        label: name,
        env: host.env,
        secrets: host.secrets,
        signal: host.signal,
      });
    } finally {
      end();
    }
  }
  return totalMs;
};

/**
 * Builds the head in `cwd` and, side by side, the base version in its own folder, one after the other. Throws
 * BUILD_FAILED or CANCELLED.
 */
export const prepareSides = async (
  plan: RunPlan,
  options: { cwd: string; base: BaseCommit | null; logDir: string; host: Host },
): Promise<Sides> => {
  const { base, host, logDir } = options;
  let buildMs = await build(plan, options.cwd, 'head', logDir, host);
  const head: SideSource = { name: 'head', cwd: options.cwd };
  if (base === null) return { head, baseline: null, buildMs };
  buildMs += await build(plan, base.dir, 'baseline', logDir, host);
  return { head, baseline: { name: 'baseline', cwd: base.dir, start: plan.baseline.start }, buildMs };
};

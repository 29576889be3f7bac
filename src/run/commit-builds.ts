import { statfs } from 'node:fs/promises';
import path from 'node:path';
import { type BaseCommit, openCommit } from '../baseline/base-commit.ts';
import type { Host } from '../host/host.ts';
import type { SuitePlan } from '../settings/run-plan.ts';
import { buildTarget } from '../side/target/build-target.ts';

/** Built commits that are kept, beside the good one; fewer where the disk is nearly full. */
const mostBuilds = 6;
const leastFreeBytes = 2e9;

/** Commits of one search, each in a worktree of its own and built once; the ones used longest ago make room. */
export class CommitBuilds implements AsyncDisposable {
  readonly #suite: SuitePlan;
  readonly #kept: string;
  readonly #options: { cwd: string; host: Host; logDir: string };
  /** By commit; the one used last is the last. */
  readonly #open = new Map<string, BaseCommit>();

  /** `kept` is never removed before the end. */
  constructor(suite: SuitePlan, kept: string, options: { cwd: string; host: Host; logDir: string }) {
    this.#suite = suite;
    this.#kept = kept;
    this.#options = options;
  }

  /** Throws BUILD_FAILED, BASE_ABSENT, BASE_COMMIT_UNAVAILABLE or CANCELLED. */
  async open(sha: string): Promise<BaseCommit> {
    const known = this.#open.get(sha);
    if (known !== undefined) {
      this.#open.delete(sha);
      this.#open.set(sha, known);
      return known;
    }
    await this.#makeRoom();
    const { cwd, host, logDir } = this.#options;
    const { target } = this.#suite;
    const version = shortName(sha);
    const opened = await openCommit(sha, { cwd, env: host.env, signal: host.signal });
    try {
      await buildTarget(target, {
        cwd: path.resolve(opened.dir, target.cwd),
        logPath: path.join(logDir, `build-${sha.slice(0, 10)}.log`),
        label: version,
        version,
        env: host.env,
        secrets: host.secrets,
        signal: host.signal,
      });
    } catch (failure) {
      await opened[Symbol.asyncDispose]();
      throw failure;
    }
    this.#open.set(sha, opened);
    return opened;
  }

  async #makeRoom(): Promise<void> {
    // The last one used is the other side of what is measured next, or as likely as any to be needed again.
    for (const [sha, build] of [...this.#open].slice(0, -1)) {
      if (sha === this.#kept) continue;
      const { bavail, bsize } = await statfs(path.dirname(build.dir));
      if (this.#open.size <= mostBuilds && bavail * bsize >= leastFreeBytes) return;
      this.#open.delete(sha);
      await build[Symbol.asyncDispose]();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#open.values()];
    this.#open.clear();
    for (const build of all) await build[Symbol.asyncDispose]();
  }
}

export const shortName = (sha: string): string => `commit ${sha.slice(0, 10)}`;

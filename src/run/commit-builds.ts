import { createHash } from 'node:crypto';
import { readFile, rm, statfs } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { type BaseCommit, openCommit, reopenCommit } from '../baseline/base-commit.ts';
import type { Host } from '../host/host.ts';
import { ifThere } from '../host/replace-file.ts';
import { plural } from '../metrics/notation.ts';
import type { SuitePlan } from '../settings/run-plan.ts';
import { buildTarget } from '../side/target/build-target.ts';
import { writeText } from './write-reports.ts';

/** Built commits that are kept, beside the good one; fewer where the disk is nearly full. */
const mostBuilds = 6;
const leastFreeBytes = 2e9;

export type CommitBuildsOptions = {
  cwd: string;
  host: Host;
  logDir: string;
  /** Lists the builds, so that a search that is interrupted finds them when it goes on. */
  list: string;
};

/** What is written of a worktree. `built`: false while it is being built, and after a process that was killed then. */
type ListedBuild = { sha: string; made: string; built: boolean; target: string };

/**
 * Commits of one search, each in a worktree of its own and built once; the ones used longest ago make room. Those of a
 * search that is to go on are kept for it (`keep`); what was not built to its end is removed.
 */
export class CommitBuilds implements AsyncDisposable {
  readonly #suite: SuitePlan;
  readonly #kept: string;
  readonly #options: CommitBuildsOptions;
  /** By commit; the one used last is the last. */
  readonly #open = new Map<string, BaseCommit>();
  /** What an earlier process left, by commit. */
  readonly #left: Map<string, ListedBuild>;
  #unfinished: ListedBuild | null = null;
  #keeps = false;

  private constructor(
    suite: SuitePlan,
    kept: string,
    options: CommitBuildsOptions,
    left: Map<string, ListedBuild>,
  ) {
    this.#suite = suite;
    this.#kept = kept;
    this.#options = options;
    this.#left = left;
  }

  /** `kept` is never removed before the end. Removes what an earlier process left that cannot be used. */
  static async open(suite: SuitePlan, kept: string, options: CommitBuildsOptions): Promise<CommitBuilds> {
    const listed = await readList(options.list);
    const left = new Map<string, ListedBuild>();
    for (const build of listed) {
      const isUsable = build.built && build.target === targetOf(suite) && !left.has(build.sha);
      if (isUsable) left.set(build.sha, build);
      else await (await reopenCommit(build.sha, build.made, gitOptions(options)))?.[Symbol.asyncDispose]();
    }
    return new CommitBuilds(suite, kept, options, left);
  }

  /** The search is not over: what was built stays for the next call. */
  keep(): void {
    this.#keeps = true;
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
    const opened = (await this.#reopen(sha)) ?? (await this.#build(sha));
    this.#open.set(sha, opened);
    await this.#write();
    return opened;
  }

  async #reopen(sha: string): Promise<BaseCommit | null> {
    const left = this.#left.get(sha);
    if (left === undefined) return null;
    this.#left.delete(sha);
    const opened = await reopenCommit(sha, left.made, gitOptions(this.#options));
    if (opened !== null) this.#options.host.info(`${shortName(sha)} was built by an earlier search.`);
    return opened;
  }

  async #build(sha: string): Promise<BaseCommit> {
    const { host, logDir } = this.#options;
    const { target } = this.#suite;
    const version = shortName(sha);
    const opened = await openCommit(sha, gitOptions(this.#options));
    try {
      this.#unfinished = this.#listed(opened, false);
      await this.#write();
      await buildTarget(target, {
        cwd: path.resolve(opened.dir, target.cwd),
        logPath: path.join(logDir, `build-${sha.slice(0, 10)}.log`),
        label: version,
        version,
        env: host.env,
        secrets: host.secrets,
        signal: host.signal,
      });
      return opened;
    } catch (failure) {
      await opened[Symbol.asyncDispose]();
      throw failure;
    } finally {
      this.#unfinished = null;
    }
  }

  #listed({ sha, made }: BaseCommit, built: boolean): ListedBuild {
    return { sha: sha!, made: made!, built, target: targetOf(this.#suite) };
  }

  /** Before a build begins and after it has ended, so that whoever reads it knows which are whole. */
  async #write(): Promise<void> {
    const { list } = this.#options;
    const all = [
      ...this.#left.values(),
      ...[...this.#open.values()].map((build) => this.#listed(build, true)),
      ...(this.#unfinished === null ? [] : [this.#unfinished]),
    ];
    if (all.length === 0) await rm(list, { force: true });
    else await writeText(list, `${JSON.stringify(all, null, 2)}\n`);
  }

  async #makeRoom(): Promise<void> {
    // What an earlier search left and this one did not need yet goes first.
    for (const [sha, { made }] of this.#left) {
      if (sha === this.#kept) continue;
      if (!(await this.#isFull(path.dirname(made), this.#left.size + this.#open.size))) return;
      this.#left.delete(sha);
      await (await reopenCommit(sha, made, gitOptions(this.#options)))?.[Symbol.asyncDispose]();
    }
    // The last one used is the other side of what is measured next, or as likely as any to be needed again.
    for (const [sha, build] of [...this.#open].slice(0, -1)) {
      if (sha === this.#kept) continue;
      if (!(await this.#isFull(path.dirname(build.dir), this.#open.size))) return;
      this.#open.delete(sha);
      await build[Symbol.asyncDispose]();
    }
  }

  async #isFull(folder: string, builds: number): Promise<boolean> {
    if (builds > mostBuilds) return true;
    const free = await statfs(folder).catch(() => null);
    return free !== null && free.bavail * free.bsize < leastFreeBytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#keeps || this.#options.host.signal.aborted) {
      const kept = this.#open.size + this.#left.size;
      if (kept > 0)
        this.#options.host.info(
          `${plural(kept, 'build')} kept for when the search goes on ("git worktree list" shows where); its answer removes them.`,
        );
      return await this.#write();
    }
    const left = [...this.#left.values()].map(({ sha, made }) =>
      reopenCommit(sha, made, gitOptions(this.#options)),
    );
    const all = [...this.#open.values(), ...(await Promise.all(left))];
    this.#left.clear();
    this.#open.clear();
    for (const build of all) await build?.[Symbol.asyncDispose]();
    await this.#write();
  }
}

export const shortName = (sha: string): string => `commit ${sha.slice(0, 10)}`;

/** What a build depends on beside its commit; of the environment the names alone, since values may be secret. */
function targetOf({ target }: SuitePlan): string {
  const { build, cwd, env } = target;
  return createHash('sha256')
    .update(JSON.stringify([build, cwd, Object.keys(env).sort()]))
    .digest('hex');
}

function gitOptions({ cwd, host }: CommitBuildsOptions) {
  return { cwd, env: host.env, signal: host.signal };
}

async function readList(file: string): Promise<ListedBuild[]> {
  const text = await ifThere(readFile(file, 'utf8'));
  if (text === null) return [];
  try {
    return listOfBuilds.parse(JSON.parse(text));
  } catch {
    // Written by hand, or by another version.
    return [];
  }
}

const listOfBuilds = z.array(
  z.object({ sha: z.string(), made: z.string(), built: z.boolean(), target: z.string() }),
);

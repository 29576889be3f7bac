import type { ShardBlob } from './shard-blob.ts';

/** The run of the CI system that a process belongs to; null where none says so. */
export const ciRun = (env: Readonly<Record<string, string | undefined>>): ShardBlob['run'] => {
  if (env.GITHUB_RUN_ID)
    return { id: env.GITHUB_RUN_ID, attempt: Math.max(1, Number(env.GITHUB_RUN_ATTEMPT) || 1) };
  // A job of GitLab that is run again stays in its pipeline.
  return env.CI_PIPELINE_ID ? { id: env.CI_PIPELINE_ID, attempt: 1 } : null;
};

/** A run of a CI system as messages name it. */
export const shownRun = (run: ShardBlob['run']): string =>
  run === null ? 'no CI run' : `run ${run.id}, attempt ${run.attempt}`;

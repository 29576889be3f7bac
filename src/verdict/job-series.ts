import type { JobRecord } from './job-record.ts';

/** Jobs of one kind in a series: their truth, how the sides alternate, and how many of them are wanted. */
export type JobKind = Pick<JobRecord, 'truth' | 'design'> & { jobs: number };

/**
 * How many jobs of a kind are still to be run. Invalid ones are repeated, but a machine on which most are invalid does
 * not get more than twice as many as were asked for.
 */
export const jobsLeft = (kind: JobKind, records: readonly JobRecord[]): number => {
  const done = records.filter((record) => isOf(record, kind));
  const valid = done.filter(({ problem }) => problem === undefined).length;
  return Math.max(0, Math.min(kind.jobs - valid, 2 * kind.jobs - done.length));
};

/**
 * The kind whose turn it is: the one that is furthest from complete, so that an interrupted series has something of
 * each, and a machine that gets slower in the evening does not make one of them worse. Null when all are complete.
 */
export const nextJob = (kinds: readonly JobKind[], records: readonly JobRecord[]): JobKind | null => {
  let next: { kind: JobKind; share: number } | null = null;
  for (const kind of kinds) {
    const share = jobsLeft(kind, records) / kind.jobs;
    if (share > 0 && share > (next?.share ?? 0)) next = { kind, share };
  }
  return next?.kind ?? null;
};

/** The kinds of jobs that a command asked for; those of the same truth and design are one. */
export const jobKinds = (request: {
  /** Jobs in which nothing is changed. */
  unchanged: number;
  /** Factors on the service time of the head, and the jobs at each. */
  factors: readonly number[];
  jobsPerFactor: number;
  /** Whether one unchanged job is measured in whole rounds as well. */
  rounds: boolean;
}): JobKind[] => {
  const factors = [...new Set(request.factors)].filter((factor) => factor !== 1).sort((a, b) => a - b);
  const unchanged = request.unchanged + (request.factors.includes(1) ? request.jobsPerFactor : 0);
  const kinds: JobKind[] = [
    { truth: 1, design: 'slices', jobs: unchanged },
    ...factors.map((truth) => ({ truth, design: 'slices' as const, jobs: request.jobsPerFactor })),
    { truth: 1, design: 'rounds', jobs: request.rounds ? 1 : 0 },
  ];
  return kinds.filter(({ jobs }) => jobs > 0);
};

function isOf(record: JobRecord, kind: JobKind): boolean {
  return record.truth === kind.truth && (record.wanted ?? record.design) === kind.design;
}

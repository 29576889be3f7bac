/** Commits that are one for the search, in the order of history: their servers do not differ, or cannot be told apart. */
export type Version = {
  /** The last of them is the one that is measured. */
  commits: readonly string[];
  /** Weight of being the culprit before anything is measured. */
  prior: number;
};

/** A commit, whether it changes what the server can read, and its weight. */
export type Candidate = { commit: string; changesServer: boolean; prior: number };

/**
 * Groups the commits after the good one. Those that leave the server as it was are no suspects; those that cannot be
 * built or measured join the next that can, because nothing tells them apart.
 */
export const mergeVersions = (candidates: readonly Candidate[], broken: ReadonlySet<string>): Version[] => {
  const versions: Version[] = [];
  let waiting: Candidate[] = [];
  for (const candidate of candidates) {
    if (!candidate.changesServer) continue;
    waiting.push(candidate);
    if (broken.has(candidate.commit)) continue;
    versions.push({
      commits: waiting.map(({ commit }) => commit),
      prior: waiting.reduce((sum, { prior }) => sum + prior, 0),
    });
    waiting = [];
  }
  return versions;
};

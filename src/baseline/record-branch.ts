/** The files of a branch at one commit. */
export type BranchSnapshot = {
  /** The commit; null when the branch does not exist yet. */
  readonly commit: string | null;
  /** Why there can be no branch, as a clause. */
  readonly absent?: string | undefined;
  /** Paths of all files, sorted. */
  readonly paths: readonly string[];
  /** Text of files, in the order asked. */
  read(paths: readonly string[]): Promise<string[]>;
};

/** New text by path; null removes the file. */
export type BranchChanges = ReadonlyMap<string, string | null>;

/**
 * A branch that files are added to from many places at once. `commit` never forces: it says `conflict` when the branch
 * is no longer at the snapshot's commit, and nothing has changed then. Errors are for the user already.
 */
export type RecordBranch = {
  readonly where: string;
  snapshot(): Promise<BranchSnapshot>;
  commit(snapshot: BranchSnapshot, changes: BranchChanges, message: string): Promise<'done' | 'conflict'>;
};

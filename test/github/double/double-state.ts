import { GitObjects } from './git-objects.ts';

/** Who a token belongs to and what it may do. `write` includes `read`. */
export type DoubleToken = {
  login: string;
  type: 'Bot' | 'User';
  permissions: Partial<Record<PermissionName, 'read' | 'write'>>;
};

export type PermissionName =
  | 'actions'
  | 'checks'
  | 'contents'
  | 'issues'
  | 'metadata'
  | 'pull-requests'
  | 'statuses';

export type DoubleComment = {
  id: number;
  issue: number;
  login: string;
  type: 'Bot' | 'User';
  body: string;
  createdAt: string;
  updatedAt: string;
  minimized: string | null;
};

export type DoublePull = {
  number: number;
  state: 'open' | 'closed';
  title: string;
  head: { ref: string; sha: string; repository: string };
  base: { ref: string; sha: string };
};

export type DoubleAnnotation = {
  path: string;
  start_line: number;
  end_line: number;
  annotation_level: string;
  message: string;
  title?: string;
};

export type DoubleCheckRun = {
  id: number;
  name: string;
  headSha: string;
  status: string;
  conclusion: string | null;
  externalId: string | null;
  detailsUrl: string | null;
  title: string | null;
  summary: string | null;
  annotations: DoubleAnnotation[];
  app: string;
};

export type DoubleStatus = {
  id: number;
  sha: string;
  state: string;
  context: string;
  description: string | null;
  targetUrl: string | null;
};

export type DoubleArtifact = { id: number; runId: number; name: string; zip: Buffer; expired: boolean };

/** Everything the double knows of one repository. Tests read and change it directly. */
export class DoubleRepository {
  readonly owner: string;
  readonly name: string;
  readonly private: boolean;
  readonly defaultBranch: string;
  readonly objects = new GitObjects();
  /** Full name (`refs/heads/main`) to commit. */
  readonly refs = new Map<string, string>();
  readonly pulls = new Map<number, DoublePull>();
  comments: DoubleComment[] = [];
  readonly checkRuns: DoubleCheckRun[] = [];
  readonly statuses: DoubleStatus[] = [];
  readonly artifacts: DoubleArtifact[] = [];
  #nextId = 1000;

  constructor(fullName: string, options: { private?: boolean; defaultBranch?: string } = {}) {
    const [owner = '', name = ''] = fullName.split('/');
    this.owner = owner;
    this.name = name;
    this.private = options.private ?? false;
    this.defaultBranch = options.defaultBranch ?? 'main';
  }

  get fullName(): string {
    return `${this.owner}/${this.name}`;
  }

  nextId(): number {
    this.#nextId += 1;
    return this.#nextId;
  }

  /** Commits `files` on top of a branch (made when absent) and gives the commit's id. */
  commit(branch: string, files: Record<string, string>, message = 'Change'): string {
    const ref = `refs/heads/${branch}`;
    const parent = this.refs.get(ref);
    const tree = parent === undefined ? undefined : this.objects.commits.get(parent)?.tree;
    const entries = tree === undefined ? new Map() : this.objects.flatten(tree);
    for (const [path, content] of Object.entries(files)) {
      entries.set(path, {
        path,
        mode: '100644',
        type: 'blob',
        sha: this.objects.addBlob(Buffer.from(content)),
      });
    }
    const who = { name: 'Test', email: 'test@example.com', date: new Date().toISOString() };
    const sha = this.objects.addCommit({
      tree: this.objects.addFlatTree(entries),
      parents: parent === undefined ? [] : [parent],
      message,
      author: who,
      committer: who,
    });
    this.refs.set(ref, sha);
    return sha;
  }

  /** Files of a branch by path, as text; null when there is no such branch. */
  files(branch: string): Map<string, string> | null {
    const commit = this.objects.commits.get(this.refs.get(`refs/heads/${branch}`) ?? '');
    if (commit === undefined) return null;
    return new Map(
      [...this.objects.flatten(commit.tree)].map(([path, entry]) => [
        path,
        this.objects.blobs.get(entry.sha)!.toString('utf8'),
      ]),
    );
  }

  /** Number of commits on a branch, along first parents. */
  depth(branch: string): number {
    let count = 0;
    for (
      let sha = this.refs.get(`refs/heads/${branch}`);
      sha !== undefined;
      sha = this.objects.commits.get(sha)?.parents[0]
    )
      count += 1;
    return count;
  }

  /** Adds a comment as somebody else would have written it. */
  addComment(issue: number, login: string, body: string, type: 'Bot' | 'User' = 'User'): DoubleComment {
    const now = new Date().toISOString();
    const comment = {
      id: this.nextId(),
      issue,
      login,
      type,
      body,
      createdAt: now,
      updatedAt: now,
      minimized: null,
    };
    this.comments.push(comment);
    return comment;
  }
}

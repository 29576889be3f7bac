import type { BranchChanges, BranchSnapshot, RecordBranch } from './record-branch.ts';

/**
 * GitHub's Git Data interface as the store needs it. `request` rejects with an error that has the HTTP `status`;
 * `explain` turns that error into one for the user.
 */
export type GitDataApi = {
  owner: string;
  repo: string;
  request(route: string, parameters: Record<string, unknown>): Promise<{ data: unknown }>;
  explain(error: unknown, purpose: 'baseline-read' | 'baseline-write'): Error;
};

type TreeData = { sha: string; tree: { path: string; type: string; sha: string }[] };
type BlobData = { content: string; encoding: string };

const statusOf = (error: unknown): number => {
  const status = (error as { status?: unknown } | null)?.status;
  return typeof status === 'number' ? status : 0;
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : '');
/** GitHub's words for a ref that moved, appeared or went between reading and writing. */
const staleRef = /not a fast forward|reference already exists|reference does not exist/i;

type Snapshot = BranchSnapshot & { readonly treeSha: string | null };

/**
 * The branch through blobs, trees, commits and refs: no checkout, no git, no credentials but the token. The ref is
 * moved without `force`, which GitHub refuses (422, or 409) unless it is a fast-forward.
 */
export class GitDataBranch implements RecordBranch {
  readonly where: string;
  readonly #api: GitDataApi;
  readonly #branch: string;
  /** By id: content-addressed, so that what was read once never has to be read again. */
  readonly #blobs = new Map<string, string>();

  constructor(api: GitDataApi, branch: string) {
    this.#api = api;
    this.#branch = branch;
    this.where = `branch ${branch} of ${api.owner}/${api.repo}`;
  }

  async #call<T>(route: string, parameters: Record<string, unknown> = {}): Promise<T> {
    const { owner, repo } = this.#api;
    const { data } = await this.#api.request(route, { owner, repo, ...parameters });
    return data as T;
  }

  /** Commit of the branch, or null. A repository that hides from the token is told from a branch that is absent. */
  async #head(): Promise<string | null> {
    try {
      const ref = await this.#call<{ object: { sha: string } }>('GET /repos/{owner}/{repo}/git/ref/{ref}', {
        ref: `heads/${this.#branch}`,
      });
      return ref.object.sha;
    } catch (error) {
      if (statusOf(error) !== 404) throw error;
      await this.#call('GET /repos/{owner}/{repo}');
      return null;
    }
  }

  async snapshot(): Promise<Snapshot> {
    try {
      const commit = await this.#head();
      if (commit === null) return { commit, treeSha: null, paths: [], read: async () => [] };
      const tree = await this.#call<TreeData>('GET /repos/{owner}/{repo}/git/trees/{tree_sha}', {
        tree_sha: commit,
        recursive: '1',
      });
      const files = new Map(
        tree.tree.filter((entry) => entry.type === 'blob').map((entry) => [entry.path, entry.sha]),
      );
      return {
        commit,
        treeSha: tree.sha,
        paths: [...files.keys()].sort(),
        read: (paths) => Promise.all(paths.map((path) => this.#blob(files.get(path)!))),
      };
    } catch (error) {
      throw this.#api.explain(error, 'baseline-read');
    }
  }

  async #blob(sha: string): Promise<string> {
    const known = this.#blobs.get(sha);
    if (known !== undefined) return known;
    try {
      const blob = await this.#call<BlobData>('GET /repos/{owner}/{repo}/git/blobs/{file_sha}', {
        file_sha: sha,
      });
      const text = Buffer.from(blob.content, blob.encoding === 'base64' ? 'base64' : 'utf8').toString('utf8');
      this.#blobs.set(sha, text);
      return text;
    } catch (error) {
      throw this.#api.explain(error, 'baseline-read');
    }
  }

  async commit(snapshot: Snapshot, changes: BranchChanges, message: string): Promise<'done' | 'conflict'> {
    try {
      const tree = await this.#call<{ sha: string }>('POST /repos/{owner}/{repo}/git/trees', {
        ...(snapshot.treeSha === null ? {} : { base_tree: snapshot.treeSha }),
        tree: [...changes].map(([path, text]) => ({
          path,
          mode: '100644',
          type: 'blob',
          ...(text === null ? { sha: null } : { content: text }),
        })),
      });
      const commit = await this.#call<{ sha: string }>('POST /repos/{owner}/{repo}/git/commits', {
        message,
        tree: tree.sha,
        parents: snapshot.commit === null ? [] : [snapshot.commit],
      });
      return await this.#move(snapshot.commit, commit.sha);
    } catch (error) {
      throw this.#api.explain(error, 'baseline-write');
    }
  }

  async #move(from: string | null, to: string): Promise<'done' | 'conflict'> {
    try {
      if (from === null) {
        await this.#call('POST /repos/{owner}/{repo}/git/refs', {
          ref: `refs/heads/${this.#branch}`,
          sha: to,
        });
      } else {
        await this.#call('PATCH /repos/{owner}/{repo}/git/refs/{ref}', {
          ref: `heads/${this.#branch}`,
          sha: to,
          force: false,
        });
      }
      return 'done';
    } catch (error) {
      const status = statusOf(error);
      if (status === 409) return 'conflict';
      if (status !== 422 && status < 500) throw error;
      const head = await this.#head();
      // The answer may have been lost after the ref was moved.
      if (head === to) return 'done';
      // A rule of the repository also answers 422, but then the branch is where it was.
      if (status === 422 && (head !== from || staleRef.test(messageOf(error)))) return 'conflict';
      throw error;
    }
  }
}

import { createHash } from 'node:crypto';

export type TreeEntry = { path: string; mode: string; type: 'blob' | 'tree' | 'commit'; sha: string };
export type CommitPerson = { name: string; email: string; date: string };
export type CommitObject = {
  tree: string;
  parents: string[];
  message: string;
  author: CommitPerson;
  committer: CommitPerson;
};

const hash = (type: string, body: Buffer): string =>
  createHash('sha1').update(`${type} ${body.length}\0`).update(body).digest('hex');

const person = (who: CommitPerson): string =>
  `${who.name} <${who.email}> ${Math.floor(Date.parse(who.date) / 1000)} +0000`;

/** Git orders the entries of a tree as if the names of folders ended in a slash. */
const treeOrder = (entry: TreeEntry): string => (entry.type === 'tree' ? `${entry.path}/` : entry.path);

/** The object database of one repository: content-addressed as git does it, so that ids are git's own. */
export class GitObjects {
  readonly blobs = new Map<string, Buffer>();
  readonly trees = new Map<string, TreeEntry[]>();
  readonly commits = new Map<string, CommitObject>();

  has(sha: string): boolean {
    return this.blobs.has(sha) || this.trees.has(sha) || this.commits.has(sha);
  }

  addBlob(content: Buffer): string {
    const sha = hash('blob', content);
    this.blobs.set(sha, content);
    return sha;
  }

  addTree(entries: TreeEntry[]): string {
    const sorted = entries.toSorted((a, b) => (treeOrder(a) < treeOrder(b) ? -1 : 1));
    const body = Buffer.concat(
      sorted.map((entry) =>
        Buffer.concat([
          Buffer.from(`${entry.mode.replace(/^0/, '')} ${entry.path}\0`),
          Buffer.from(entry.sha, 'hex'),
        ]),
      ),
    );
    const sha = hash('tree', body);
    this.trees.set(sha, sorted);
    return sha;
  }

  addCommit(commit: CommitObject): string {
    const parents = commit.parents.map((parent) => `parent ${parent}\n`).join('');
    const text = `tree ${commit.tree}\n${parents}author ${person(commit.author)}\ncommitter ${person(commit.committer)}\n\n${commit.message}`;
    const sha = hash('commit', Buffer.from(text));
    this.commits.set(sha, commit);
    return sha;
  }

  /** Every file below a tree, by its whole path. */
  flatten(treeSha: string, prefix = ''): Map<string, TreeEntry> {
    const files = new Map<string, TreeEntry>();
    for (const entry of this.trees.get(treeSha) ?? []) {
      const path = `${prefix}${entry.path}`;
      if (entry.type === 'tree') {
        for (const [inner, found] of this.flatten(entry.sha, `${path}/`)) files.set(inner, found);
      } else files.set(path, { ...entry, path });
    }
    return files;
  }

  /** Makes the nested trees for whole paths and gives the root's id. */
  addFlatTree(files: ReadonlyMap<string, TreeEntry>): string {
    const here: TreeEntry[] = [];
    const below = new Map<string, Map<string, TreeEntry>>();
    for (const [path, entry] of files) {
      const slash = path.indexOf('/');
      if (slash < 0) here.push({ ...entry, path });
      else {
        const folder = path.slice(0, slash);
        const inner = below.get(folder) ?? new Map<string, TreeEntry>();
        inner.set(path.slice(slash + 1), entry);
        below.set(folder, inner);
      }
    }
    for (const [folder, inner] of below) {
      here.push({ path: folder, mode: '040000', type: 'tree', sha: this.addFlatTree(inner) });
    }
    return this.addTree(here);
  }

  /** Whether `ancestor` is reachable from `sha`: what makes a ref update a fast-forward. */
  isAncestor(ancestor: string, sha: string): boolean {
    const pending = [sha];
    const seen = new Set<string>();
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (next === ancestor) return true;
      if (seen.has(next)) continue;
      seen.add(next);
      pending.push(...(this.commits.get(next)?.parents ?? []));
    }
    return false;
  }
}

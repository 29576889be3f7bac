import type { Answer, Call, Operation } from './call.ts';
import { notFound, refuse } from './call.ts';
import type { CommitObject, CommitPerson, TreeEntry } from './git-objects.ts';

const urlOf = (call: Call, rest: string) => `${call.apiUrl}/repos/${call.repository.fullName}/${rest}`;

const refPayload = (call: Call, ref: string, sha: string) => ({
  ref,
  node_id: `REF_${ref}`,
  url: urlOf(call, `git/${ref}`),
  object: { type: 'commit', sha, url: urlOf(call, `git/commits/${sha}`) },
});

const commitPayload = (call: Call, sha: string, commit: CommitObject) => ({
  sha,
  node_id: `C_${sha}`,
  url: urlOf(call, `git/commits/${sha}`),
  html_url: `https://github.com/${call.repository.fullName}/commit/${sha}`,
  author: commit.author,
  committer: commit.committer,
  message: commit.message,
  tree: { sha: commit.tree, url: urlOf(call, `git/trees/${commit.tree}`) },
  parents: commit.parents.map((parent) => ({
    sha: parent,
    url: urlOf(call, `git/commits/${parent}`),
    html_url: `https://github.com/${call.repository.fullName}/commit/${parent}`,
  })),
  verification: { verified: false, reason: 'unsigned', signature: null, payload: null, verified_at: null },
});

const treePayload = (call: Call, sha: string, entries: Iterable<TreeEntry>) => ({
  sha,
  url: urlOf(call, `git/trees/${sha}`),
  truncated: false,
  tree: [...entries].map((entry) => {
    const blob = call.repository.objects.blobs.get(entry.sha);
    return {
      ...entry,
      ...(blob === undefined ? {} : { size: blob.length }),
      url: urlOf(call, `git/${entry.type}s/${entry.sha}`),
    };
  }),
});

/** A repository without commits answers every git data request like this. */
const emptyRepository = (call: Call): Answer | null =>
  call.repository.refs.size === 0 ? refuse(409, 'Git Repository is empty.') : null;

const who = (given: unknown): CommitPerson => ({
  name: 'github-actions[bot]',
  email: '41898282+github-actions[bot]@users.noreply.github.com',
  date: new Date().toISOString(),
  ...(given as Partial<CommitPerson> | undefined),
});

type NewEntry = {
  path: string;
  mode: string;
  type: TreeEntry['type'];
  sha?: string | null;
  content?: string;
};

const createTree = (call: Call): Answer => {
  const empty = emptyRepository(call);
  if (empty !== null) return empty;
  const { objects } = call.repository;
  const base = call.body.base_tree as string | undefined;
  if (base !== undefined && !objects.trees.has(base) && !objects.commits.has(base)) return notFound();
  const files = base === undefined ? new Map() : objects.flatten(objects.commits.get(base)?.tree ?? base);
  for (const entry of call.body.tree as NewEntry[]) {
    if (entry.sha === null) {
      if (!files.delete(entry.path)) return refuse(422, 'GitRPC::BadObjectState');
      continue;
    }
    const sha = entry.sha ?? objects.addBlob(Buffer.from(entry.content ?? ''));
    if (!objects.has(sha)) return refuse(422, `tree.sha ${sha} is not a valid ${entry.type}`);
    files.set(entry.path, { path: entry.path, mode: entry.mode, type: entry.type, sha });
  }
  const sha = objects.addFlatTree(files);
  return { status: 201, body: treePayload(call, sha, objects.trees.get(sha)!) };
};

const updateRef = (call: Call): Answer => {
  const { objects, refs } = call.repository;
  const ref = `refs/${call.path.ref}`;
  const current = refs.get(ref);
  const sha = String(call.body.sha);
  if (current === undefined) return refuse(422, 'Reference does not exist');
  if (!objects.commits.has(sha)) return refuse(422, 'Object does not exist');
  if (call.body.force !== true && !objects.isAncestor(current, sha)) {
    return refuse(422, 'Update is not a fast forward');
  }
  refs.set(ref, sha);
  return { status: 200, body: refPayload(call, ref, sha) };
};

export const gitOperations: Record<string, Operation> = {
  'git/get-ref': (call) => {
    const empty = emptyRepository(call);
    if (empty !== null) return empty;
    const ref = `refs/${call.path.ref}`;
    const sha = call.repository.refs.get(ref);
    return sha === undefined ? notFound() : { status: 200, body: refPayload(call, ref, sha) };
  },
  'git/create-ref': (call) => {
    const empty = emptyRepository(call);
    if (empty !== null) return empty;
    const ref = String(call.body.ref);
    const sha = String(call.body.sha);
    if (!/^refs\/[^/]+\/.+/.test(ref)) return refuse(422, 'Reference name must start with refs/');
    if (call.repository.refs.has(ref)) return refuse(422, 'Reference already exists');
    if (!call.repository.objects.commits.has(sha)) return refuse(422, 'Object does not exist');
    call.repository.refs.set(ref, sha);
    return { status: 201, body: refPayload(call, ref, sha) };
  },
  'git/update-ref': updateRef,
  'git/delete-ref': (call) =>
    call.repository.refs.delete(`refs/${call.path.ref}`)
      ? { status: 204, body: undefined }
      : refuse(422, 'Reference does not exist'),
  'git/get-commit': (call) => {
    const sha = String(call.path.commit_sha);
    const commit = call.repository.objects.commits.get(sha);
    return commit === undefined ? notFound() : { status: 200, body: commitPayload(call, sha, commit) };
  },
  'git/create-commit': (call) => {
    const { objects } = call.repository;
    const parents = (call.body.parents as string[] | undefined) ?? [];
    if (!objects.trees.has(String(call.body.tree))) return refuse(422, 'Tree SHA does not exist');
    if (parents.some((parent) => !objects.commits.has(parent)))
      return refuse(422, 'Parent SHA does not exist or is not a commit object');
    const author = who(call.body.author);
    const commit: CommitObject = {
      tree: String(call.body.tree),
      parents,
      message: String(call.body.message),
      author,
      committer: who(call.body.committer ?? call.body.author),
    };
    const sha = objects.addCommit(commit);
    return { status: 201, body: commitPayload(call, sha, commit) };
  },
  'git/get-tree': (call) => {
    const { objects } = call.repository;
    const asked = String(call.path.tree_sha);
    const sha = objects.commits.get(asked)?.tree ?? asked;
    const entries = objects.trees.get(sha);
    if (entries === undefined) return notFound();
    const recursive = call.query.recursive !== undefined;
    return { status: 200, body: treePayload(call, sha, recursive ? objects.flatten(sha).values() : entries) };
  },
  'git/create-tree': createTree,
  'git/get-blob': (call) => {
    const sha = String(call.path.file_sha);
    const blob = call.repository.objects.blobs.get(sha);
    if (blob === undefined) return notFound();
    const content = blob.toString('base64').replace(/(.{60})/g, '$1\n');
    return {
      status: 200,
      body: {
        sha,
        node_id: `B_${sha}`,
        size: blob.length,
        url: urlOf(call, `git/blobs/${sha}`),
        content,
        encoding: 'base64',
      },
    };
  },
  'git/create-blob': (call) => {
    const empty = emptyRepository(call);
    if (empty !== null) return empty;
    const encoding = call.body.encoding === 'base64' ? 'base64' : 'utf8';
    const sha = call.repository.objects.addBlob(Buffer.from(String(call.body.content), encoding));
    return { status: 201, body: { sha, url: urlOf(call, `git/blobs/${sha}`) } };
  },
};

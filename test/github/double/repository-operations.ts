import type { Answer, Call, Operation } from './call.ts';
import { notFound, page, refuse, simpleUser } from './call.ts';
import type { DoubleArtifact, DoublePull } from './double-state.ts';

const repositoryPayload = (call: Call, fullName = call.repository.fullName) => {
  const [owner = '', name = ''] = fullName.split('/');
  return {
    id: 1,
    node_id: 'R_1',
    name,
    full_name: fullName,
    owner: simpleUser(owner, 'User'),
    private: call.repository.private,
    html_url: `https://github.com/${fullName}`,
    fork: fullName !== call.repository.fullName,
    url: `${call.apiUrl}/repos/${fullName}`,
    default_branch: call.repository.defaultBranch,
  };
};

const pullPayload = (call: Call, pull: DoublePull) => {
  const html = `https://github.com/${call.repository.fullName}/pull/${pull.number}`;
  const headOwner = pull.head.repository.split('/')[0]!;
  return {
    id: pull.number,
    node_id: `PR_${pull.number}`,
    number: pull.number,
    state: pull.state,
    title: pull.title,
    url: `${call.apiUrl}/repos/${call.repository.fullName}/pulls/${pull.number}`,
    html_url: html,
    user: simpleUser(headOwner, 'User'),
    head: {
      label: `${headOwner}:${pull.head.ref}`,
      ref: pull.head.ref,
      sha: pull.head.sha,
      repo: repositoryPayload(call, pull.head.repository),
      user: simpleUser(headOwner, 'User'),
    },
    base: {
      label: `${call.repository.owner}:${pull.base.ref}`,
      ref: pull.base.ref,
      sha: pull.base.sha,
      repo: repositoryPayload(call),
      user: simpleUser(call.repository.owner, 'User'),
    },
    author_association: 'CONTRIBUTOR',
  };
};

const artifactPayload = (call: Call, artifact: DoubleArtifact) => {
  const url = `${call.apiUrl}/repos/${call.repository.fullName}/actions/artifacts/${artifact.id}`;
  return {
    id: artifact.id,
    node_id: `A_${artifact.id}`,
    name: artifact.name,
    size_in_bytes: artifact.zip.length,
    url,
    archive_download_url: `${url}/zip`,
    expired: artifact.expired,
    created_at: '2026-01-01T00:00:00Z',
    expires_at: '2026-04-01T00:00:00Z',
    updated_at: '2026-01-01T00:00:00Z',
  };
};

const findArtifact = (call: Call) =>
  call.repository.artifacts.find((artifact) => artifact.id === Number(call.path.artifact_id));

const getContent = (call: Call): Answer => {
  const { objects, refs, defaultBranch } = call.repository;
  const ref = call.query.ref ?? defaultBranch;
  const sha = refs.get(`refs/heads/${ref}`) ?? refs.get(ref) ?? ref;
  const commit = objects.commits.get(sha);
  const path = String(call.path.path);
  const entry = commit === undefined ? undefined : objects.flatten(commit.tree).get(path);
  if (entry === undefined) return notFound();
  const blob = objects.blobs.get(entry.sha)!;
  const url = `${call.apiUrl}/repos/${call.repository.fullName}/contents/${path}?ref=${ref}`;
  return {
    status: 200,
    body: {
      type: 'file',
      encoding: 'base64',
      size: blob.length,
      name: path.split('/').at(-1),
      path,
      content: blob.toString('base64'),
      sha: entry.sha,
      url,
      git_url: null,
      html_url: null,
      download_url: null,
      _links: { git: null, html: null, self: url },
    },
  };
};

export const repositoryOperations: Record<string, Operation> = {
  'repos/get': (call) => ({ status: 200, body: repositoryPayload(call) }),
  'repos/get-content': getContent,
  'repos/list-pull-requests-associated-with-commit': (call) => {
    const sha = call.path.commit_sha;
    const found = [...call.repository.pulls.values()].filter((pull) => pull.head.sha === sha);
    const url = `/repos/${call.repository.fullName}/commits/${sha}/pulls`;
    const { items, headers } = page(call, url, found);
    return { status: 200, body: items.map((pull) => pullPayload(call, pull)), headers };
  },
  'pulls/get': (call) => {
    const pull = call.repository.pulls.get(Number(call.path.pull_number));
    return pull === undefined ? notFound() : { status: 200, body: pullPayload(call, pull) };
  },
  'pulls/list': (call) => {
    const { head, base, state = 'open' } = call.query;
    const found = [...call.repository.pulls.values()].filter(
      (pull) =>
        (state === 'all' || pull.state === state) &&
        (base === undefined || pull.base.ref === base) &&
        (head === undefined || head === `${pull.head.repository.split('/')[0]}:${pull.head.ref}`),
    );
    const { items, headers } = page(call, `/repos/${call.repository.fullName}/pulls`, found);
    return { status: 200, body: items.map((pull) => pullPayload(call, pull)), headers };
  },
  'actions/list-workflow-run-artifacts': (call) => {
    const run = Number(call.path.run_id);
    const found = call.repository.artifacts.filter(
      (artifact) =>
        artifact.runId === run && (call.query.name === undefined || artifact.name === call.query.name),
    );
    const { items, headers } = page(
      call,
      `/repos/${call.repository.fullName}/actions/runs/${run}/artifacts`,
      found,
    );
    return {
      status: 200,
      body: {
        total_count: found.length,
        artifacts: items.map((artifact) => artifactPayload(call, artifact)),
      },
      headers,
    };
  },
  'actions/get-artifact': (call) => {
    const artifact = findArtifact(call);
    return artifact === undefined ? notFound() : { status: 200, body: artifactPayload(call, artifact) };
  },
  'actions/download-artifact': (call) => {
    const artifact = findArtifact(call);
    if (artifact === undefined) return notFound();
    if (artifact.expired) return refuse(410, 'Artifact has expired');
    return {
      status: 302,
      body: undefined,
      headers: { location: `${call.apiUrl}/artifact-bytes/${call.repository.fullName}/${artifact.id}` },
    };
  },
  'users/get-authenticated': (call) =>
    call.token.type === 'Bot'
      ? refuse(403, 'Resource not accessible by integration')
      : { status: 200, body: simpleUser(call.token.login, 'User') },
};

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BranchStore } from '../../src/baseline/branch-store.ts';
import { GitDataBranch } from '../../src/baseline/git-data-branch.ts';
import { TailgateError } from '../../src/errors.ts';
import { gitDataApi } from '../../src/github/git-data-api.ts';
import { DoubleRepository } from '../github/double/double-state.ts';
import type { GithubDouble } from '../github/double/github-double.ts';
import { startGithubDouble, workflowToken } from '../github/double/github-double.ts';
import { clientOf, repositoryName } from '../github/pull-request.ts';
import { commitOf, recordOf } from './records.ts';

const storeOf = (
  double: GithubDouble,
  more: { token?: string; keep?: number; patienceMs?: number; keepDays?: number } = {},
): BranchStore =>
  new BranchStore(
    new GitDataBranch(
      gitDataApi(clientOf(double, { token: more.token ?? 'token' }), repositoryName),
      'tailgate',
    ),
    {
      retention: { keep: more.keep ?? 200, keepDays: more.keepDays ?? 36_500 },
      backoffMs: 5,
      patienceMs: more.patienceMs ?? 240_000,
    },
  );

const started = async (): Promise<GithubDouble> => {
  const double = await startGithubDouble();
  double.repository().commit('main', { 'README.md': 'Chat\n' });
  return double;
};

test('the branch is made when it is absent, without history and without touching others', async () => {
  await using double = await started();
  const store = storeOf(double);
  assert.equal(store.where, 'branch tailgate of acme/chat');
  assert.deepEqual(await store.read('chat'), { records: [], damaged: [] });
  const record = recordOf(1);
  await store.append([record]);
  assert.deepEqual(await store.read('chat'), { records: [record], damaged: [] });
  assert.deepEqual(await store.read('other'), { records: [], damaged: [] });
  const repository = double.repository();
  assert.equal(repository.depth('tailgate'), 1);
  assert.equal(repository.depth('main'), 1);
  assert.doesNotMatch(repository.files('tailgate')!.get('README.md')!, /^Chat/);
  assert.deepEqual(double.violations, []);
});

test('records are added, never rewritten', async () => {
  await using double = await started();
  const store = storeOf(double);
  await store.append([recordOf(1), recordOf(1, { suite: 'stomp' })]);
  const before = double.repository().files('tailgate')!.get('records/chat/000001.jsonl')!;
  await store.append([recordOf(2)]);
  const after = double.repository().files('tailgate')!.get('records/chat/000001.jsonl')!;
  assert.ok(after.startsWith(before));
  const { records } = await store.read('chat');
  assert.deepEqual(
    records.map((record) => record.commit),
    [commitOf(1), commitOf(2)],
  );
  assert.equal((await store.read('stomp')).records.length, 1);
});

test('twenty writers at once lose nothing', async () => {
  await using double = await started();
  await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      storeOf(double).append([recordOf(i), recordOf(i, { suite: 'stomp' })]),
    ),
  );
  for (const suite of ['chat', 'stomp']) {
    const { records, damaged } = await storeOf(double).read(suite);
    assert.deepEqual(
      records.map((record) => record.commit),
      Array.from({ length: 20 }, (_, i) => commitOf(i)),
    );
    assert.deepEqual(damaged, []);
  }
  assert.equal(double.repository().depth('tailgate'), 20);
  const refused = double.requests.filter((request) => request.status === 422).length;
  assert.ok(refused > 0, 'the writers did meet');
  assert.deepEqual(double.violations, []);
});

test('a lost answer to a ref that was moved does not record twice', async () => {
  await using double = await started();
  const store = storeOf(double);
  await store.append([recordOf(1)]);
  double.faults.add({ operation: 'git/update-ref', status: 502, applied: true, times: 9 });
  await store.append([recordOf(2)]);
  assert.equal((await store.read('chat')).records.length, 2);
  assert.equal(double.repository().depth('tailgate'), 2);
});

test('409 and stale refs are met with another try', async () => {
  await using double = await started();
  const store = storeOf(double);
  await store.append([recordOf(1)]);
  double.faults.add({ operation: 'git/update-ref', status: 409, message: 'Conflict', times: 2 });
  double.faults.add({
    operation: 'git/update-ref',
    before: () => double.repository().commit('tailgate', { x: 'y' }),
  });
  await store.append([recordOf(2)]);
  assert.equal((await store.read('chat')).records.length, 2);
  assert.equal(double.repository().files('tailgate')!.get('x'), 'y');
});

const rejected = async (work: Promise<unknown>): Promise<TailgateError> => {
  const error: unknown = await work.then(
    () => assert.fail('it must not succeed'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof TailgateError, String(error));
  return error;
};

test('a rule of the repository that forbids the push is no conflict', async () => {
  await using double = await started();
  const store = storeOf(double);
  await store.append([recordOf(1)]);
  double.faults.add({
    operation: 'git/update-ref',
    status: 422,
    message: 'Repository rule violations found',
    times: 9,
  });
  const error = await rejected(store.append([recordOf(2)]));
  assert.equal(error.code, 'BASELINE_WRITE_FAILED');
  assert.match(error.message, /Repository rule violations found/);
  assert.equal(double.count('git/update-ref'), 1);
});

test('patience with other writers ends', async () => {
  await using double = await started();
  const store = storeOf(double, { patienceMs: 60 });
  await store.append([recordOf(1)]);
  double.faults.add({ operation: 'git/update-ref', status: 409, message: 'Conflict', times: 1_000 });
  const error = await rejected(store.append([recordOf(2)]));
  assert.equal(error.code, 'BASELINE_WRITE_FAILED');
  assert.match(error.message, /other writers were faster/);
});

test('a token that may only read is told the permission to add', async () => {
  await using double = await startGithubDouble({
    tokens: {
      token: workflowToken({ contents: 'write' }),
      reader: workflowToken({ contents: 'read' }),
      blind: workflowToken({}),
      outsider: { login: 'mallory', type: 'User', permissions: {} },
    },
    repositories: [new DoubleRepository('acme/chat', { private: true })],
  });
  double.repository().commit('main', { a: 'b' });
  await storeOf(double).append([recordOf(1)]);
  const reader = storeOf(double, { token: 'reader' });
  assert.equal((await reader.read('chat')).records.length, 1);
  const error = await rejected(reader.append([recordOf(2)]));
  assert.equal(error.code, 'GITHUB_PERMISSION');
  assert.match(error.fix, /permissions:\n {2}contents: write$/);
  const blind = await rejected(storeOf(double, { token: 'blind' }).read('chat'));
  assert.equal(blind.code, 'GITHUB_PERMISSION');
  assert.match(blind.fix, /permissions:\n {2}contents: read$/);
  const hidden = await rejected(storeOf(double, { token: 'outsider' }).read('chat'));
  assert.equal(hidden.code, 'GITHUB_PERMISSION', 'a repository that hides is not a first run');
  const nobody = await rejected(storeOf(double, { token: 'nobody' }).read('chat'));
  assert.equal(nobody.code, 'GITHUB_TOKEN_REJECTED');
});

test('an unreadable branch is an error, a damaged record is listed and skipped', async () => {
  await using double = await started();
  const store = storeOf(double);
  await store.append([recordOf(1), recordOf(2)]);
  const path = 'records/chat/000001.jsonl';
  const [first, second] = double.repository().files('tailgate')!.get(path)!.split('\n');
  double.repository().commit('tailgate', { [path]: `${first}\n${second!.slice(0, 300)}\n` });
  const { records, damaged } = await store.read('chat');
  assert.deepEqual(
    records.map((record) => record.commit),
    [commitOf(1)],
  );
  assert.equal(damaged.length, 1);
  assert.equal(damaged[0]!.where, `${path}:2`);
  await store.append([recordOf(3)]);
  assert.equal((await store.read('chat')).records.length, 2, 'an append keeps what is damaged as it is');
  assert.equal((await store.read('chat')).damaged.length, 1);
  double.faults.add({ operation: 'git/get-tree', status: 500, times: 9 });
  assert.equal((await rejected(store.read('chat'))).code, 'BASELINE_UNREADABLE');
});

test('retention removes the oldest segments', async () => {
  await using double = await started();
  const store = storeOf(double, { keep: 4 });
  for (let i = 0; i < 9; i += 1) await store.append([recordOf(i)]);
  const { records } = await store.read('chat');
  assert.deepEqual(
    records.map((record) => record.commit),
    [5, 6, 7, 8].map(commitOf),
  );
  const files = [...double.repository().files('tailgate')!.keys()].filter((path) =>
    path.startsWith('records/'),
  );
  assert.equal(files.length, 4);
});

test('records older than the days to keep are removed', async () => {
  await using double = await started();
  const now = Date.now();
  const at = (daysAgo: number, number: number) =>
    recordOf(number, { recordedAt: new Date(now - daysAgo * 86_400_000).toISOString() });
  const store = storeOf(double, { keep: 4, keepDays: 30 });
  await store.append([at(40, 1)]);
  await store.append([at(20, 2)]);
  await store.append([at(1, 3)]);
  assert.deepEqual(
    (await store.read('chat')).records.map((record) => record.commit),
    [commitOf(2), commitOf(3)],
  );
});

test('an empty repository is explained', async () => {
  await using double = await startGithubDouble();
  const error = await rejected(storeOf(double).append([recordOf(1)]));
  assert.match(error.message, /Git Repository is empty/);
});

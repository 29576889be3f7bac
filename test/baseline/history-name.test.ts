import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { folderKey, historyName } from '../../src/baseline/history-name.ts';
import { openBaselineStore } from '../../src/baseline/open-baseline.ts';
import { baselineSchema } from '../../src/settings/settings-schema.ts';
import { recordOf } from './records.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'tailgate-history-'));
after(() => rmSync(root, { recursive: true, force: true }));
const repository = path.join(root, 'shop');
mkdirSync(path.join(repository, 'services/chat'), { recursive: true });
mkdirSync(path.join(repository, 'services/orders'), { recursive: true });
execFileSync('git', ['init', '-q', repository]);
execFileSync('git', ['init', '-q', '--bare', path.join(root, 'store.git')]);

test('the key is the folder of the settings and of the run in the repository', async () => {
  const keyOf = (cwd: string, file: string | null) =>
    folderKey(
      { cwd: path.join(repository, cwd), file: file === null ? null : path.join(repository, file) },
      process.env,
    );
  assert.equal(await keyOf('.', 'tailgate.yml'), '');
  assert.equal(await keyOf('.', null), '');
  assert.equal(await keyOf('.', '.github/tailgate.yml'), '');
  assert.equal(await keyOf('services/chat', 'services/chat/tailgate.yml'), 'services/chat');
  assert.equal(await keyOf('.', 'services/chat/tailgate.yml'), 'services/chat');
  assert.equal(await keyOf('services/chat', 'tailgate.yml'), 'services/chat');
  assert.equal(await keyOf('services/chat', null), 'services/chat');
  assert.notEqual(
    await keyOf('services/chat', 'ci/tailgate.yml'),
    await keyOf('services/orders', 'ci/tailgate.yml'),
  );
});

test('services whose suites have the same name share no history, in a file or on a branch', async () => {
  const stores = [
    { mode: 'file', path: path.join(root, 'baseline.jsonl'), keep: 1 },
    { mode: 'branch', remote: path.join(root, 'store.git'), keep: 1 },
  ];
  for (const settings of stores) {
    await using store = openBaselineStore(baselineSchema.parse({ ...settings, keepDays: 36_500 }), {
      cwd: repository,
      env: process.env,
      github: null,
    });
    await store.append([recordOf(1, { key: 'services/chat' }), recordOf(2, { key: 'services/orders' })]);
    await store.append([recordOf(3)]);
    const commits = async (key: string) =>
      (await store.read(historyName(key, 'chat'))).records.map(({ commit }) => commit);
    assert.deepEqual(await commits('services/chat'), [recordOf(1).commit], settings.mode);
    assert.deepEqual(await commits('services/orders'), [recordOf(2).commit], settings.mode);
    assert.deepEqual(await commits(''), [recordOf(3).commit], 'records without a key are those of the root');
  }
});

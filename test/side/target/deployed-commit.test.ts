import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCommitIds } from '../../../src/side/target/deployed-commit.ts';

const idsIn = (answer: string) =>
  readCommitIds(
    { command: `printf '%s' '${answer}'`, timeoutMs: 5_000 },
    { url: 'http://127.0.0.1:3000', side: 'head', cwd: '.', env: process.env, secrets: [] },
  );

test('a commit is found as servers tell it, by its id or as "git describe" writes it, and in no other word', async () => {
  for (const [answer, ids] of [
    ['{"commit":"2414721abc0"}', ['2414721abc0']],
    ['v1.4.0-3-g2414721', ['2414721']],
    ['chat 2.0 (2414721-dirty)', ['2414721']],
  ] as const)
    assert.deepEqual(await idsIn(answer), ids, answer);
  await assert.rejects(idsIn('release g2414721x of staging'), { code: 'TARGET_VERSION_UNREADABLE' });
});

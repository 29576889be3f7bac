import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Host } from '../../src/host/host.ts';
import { couldBeRead, sameCode } from '../../src/run/same-code.ts';

const root = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'tailgate-same-code-')));
after(() => rmSync(root, { recursive: true, force: true }));

const host = { env: process.env, signal: new AbortController().signal } as unknown as Host;
const repo = path.join(root, 'repo');
const base = path.join(root, 'base');
const git = (...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@example.com', ...args], {
    cwd: repo,
    encoding: 'utf8',
  }).trim();
const write = (file: string, text: string): void => {
  mkdirSync(path.dirname(path.join(repo, file)), { recursive: true });
  writeFileSync(path.join(repo, file), text);
};

mkdirSync(repo);
git('init', '-q', '-b', 'main');
write('apps/chat/server.js', '');
git('add', '-A');
git('commit', '-qm', 'base');
const baseSha = git('rev-parse', 'HEAD');

/** What shows that both sides are the same code when these scripts ran, in the server's folder as `at` names it. */
const shown = (at: string, scripts = ['apps/chat/server.js']): Promise<string | null> => {
  const ran = (folder: string) => ({
    node: ['v24.0.0'],
    nativeFiles: [],
    scripts: scripts.map((file) => ({
      url: pathToFileURL(path.join(folder, file)).href,
      hash: 'a',
      sourceMapUrl: '',
    })),
  });
  return sameCode(
    { baseline: ran(base), head: ran(repo) },
    {
      roots: { baseline: base, head: repo, baseSha },
      serverFolder: path.join(at, 'apps/chat'),
      sharedFiles: [path.join(at, 'apps/chat/tailgate.yml')],
      host,
    },
  );
};

test('a data file that changed is seen in a checkout behind a link too', async () => {
  const link = path.join(root, 'link');
  symlinkSync(repo, link);
  write('apps/chat/tailgate.yml', 'seed: 2\n');
  write('apps/web/page.html', 'new');
  for (const at of [repo, link]) assert.match((await shown(at)) ?? '', /^1 script; Node 24/, at);
  // Code from another folder ran, and may read what lies there.
  assert.equal(await shown(repo, ['apps/chat/server.js', 'apps/shared/rooms.js']), null);
  write('apps/chat/limits.json', '{}');
  for (const at of [repo, link]) assert.equal(await shown(at), null, at);
  rmSync(path.join(repo, 'apps/chat/limits.json'));
  write('limits.json', '{}');
  assert.equal(await shown(repo), null, 'what lies at the root is for all');
});

test('what only people and tools read is so by its place in the server, wherever that lies', () => {
  const whole = { folder: '', reachesOut: false };
  assert.ok(!couldBeRead('test/rooms.json', whole));
  assert.ok(couldBeRead('data/rooms.json', whole));
  const inTests = { folder: 'test/server', reachesOut: false };
  assert.ok(couldBeRead('test/server/rooms.json', inTests));
  assert.ok(!couldBeRead('test/server/docs/rooms.json', inTests));
  assert.ok(!couldBeRead('test/client/rooms.json', inTests));
  assert.ok(!couldBeRead('data/rooms.json', inTests));
  assert.ok(couldBeRead('data/rooms.json', { ...inTests, reachesOut: true }));
});

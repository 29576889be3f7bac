import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Places } from '../../src/explain/places.ts';
import type { Host } from '../../src/host/host.ts';
import { changeRoots, placeReader, readChanges, readDependencyChanges } from '../../src/run/read-change.ts';

const root = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'tailgate-roots-')));
after(() => rmSync(root, { recursive: true, force: true }));

const folder = (name: string): string => {
  const made = path.join(root, name);
  mkdirSync(made, { recursive: true });
  return made;
};
const host = { env: process.env, signal: new AbortController().signal } as unknown as Host;

test('the roots of both versions are those of the repository, so that places are where a pull request has them', async () => {
  const server = folder('repo/apps/server');
  execFileSync('git', ['init', '-q'], { cwd: path.join(root, 'repo') });
  const roots = (cwd: string, dir: string, sha: string | null = null) => changeRoots(cwd, { dir, sha }, host);
  const repo = path.join(root, 'repo');
  assert.deepEqual(await roots(server, folder('base/apps/server')), {
    baseline: path.join(root, 'base'),
    head: repo,
    baseSha: null,
  });
  const sha = 'a'.repeat(40);
  assert.deepEqual(await roots(server, folder('checkout/apps/server'), sha), {
    baseline: path.join(root, 'checkout'),
    head: repo,
    baseSha: sha,
  });
  const elsewhere = folder('old-server');
  assert.deepEqual(await roots(server, elsewhere), { baseline: elsewhere, head: server, baseSha: null });
  assert.deepEqual(await roots(repo, elsewhere), { baseline: elsewhere, head: repo, baseSha: null });
  // No repository at all: the two folders are all there is.
  const [before, after] = [folder('plain/before'), folder('plain/after')];
  assert.deepEqual(await roots(after, before), { baseline: before, head: after, baseSha: null });
});

test('packages are read from the lockfile of the server, wherever the run was started and whatever links lead there', () => {
  const roots = { baseline: folder('locked/base'), head: folder('locked/head'), baseSha: null };
  const lock = (version: string) =>
    JSON.stringify({ lockfileVersion: 3, packages: { 'node_modules/ws': { version } } });
  for (const [side, version] of [
    ['base', '8.1.0'],
    ['head', '8.2.0'],
  ] as const)
    writeFileSync(path.join(folder(`locked/${side}/apps/server`), 'package-lock.json'), lock(version));
  symlinkSync(roots.head, path.join(root, 'locked/link'));
  for (const at of [roots.head, path.join(root, 'locked/link')]) {
    const [change] = readDependencyChanges(roots, path.join(at, 'apps/server'), []);
    assert.deepEqual(change?.name, 'ws', at);
  }
  assert.deepEqual(readDependencyChanges(roots, root, []), []);
});

test('a change that git cannot read is told, and not taken for no change', async () => {
  const work = { baseline: { scripts: [] }, head: { scripts: [] } };
  const read = async (baseSha: string | null, { base = 'read/base', signal = host.signal } = {}) => {
    const roots = { baseline: folder(base), head: folder('read/head'), baseSha };
    const places = {
      baseline: placeReader(work.baseline, roots.baseline),
      head: placeReader(work.head, roots.head),
    };
    return readChanges(roots, work, places, { ...host, signal });
  };
  execFileSync('git', ['init', '-q'], { cwd: folder('read/head') });
  const unknown = await read('b'.repeat(40));
  assert.deepEqual(unknown.files, []);
  assert.match(unknown.unread ?? '', /^git diff ended with 128: .*bad object/);
  writeFileSync(path.join(folder('read/head'), 'package-lock.json'), '{}\n');
  const found = await read(null);
  assert.deepEqual([found.unread, found.files.map(({ after }) => after)], [null, ['package-lock.json']]);
  assert.equal((await read(null, { signal: AbortSignal.abort() })).unread, 'there was no time left for it');
});

test('the files that changed are named and their lines counted alike, whatever the settings of git say', async () => {
  const dir = folder('settings');
  const run = (...args: string[]) => execFileSync('git', args, { cwd: dir, encoding: 'utf8' }).trim();
  run('init', '-q');
  const names = ['a/plain.js', 'größe.js', 'my file.js'];
  folder('settings/a');
  const write = (second: string) => {
    for (const name of names) writeFileSync(path.join(dir, name), `one\n${second}\nthree\nfour\n${second}\n`);
  };
  write('two');
  run('add', '.');
  run('-c', 'user.name=t', '-c', 'user.email=t@t.test', 'commit', '-qm', 'base');
  const roots = { baseline: dir, head: dir, baseSha: run('rev-parse', 'HEAD') };
  write('2');
  const work = { baseline: { scripts: [] }, head: { scripts: [] } };
  const places = { baseline: placeReader(work.baseline, dir), head: placeReader(work.head, dir) };
  const settings: readonly (readonly [string, string])[] = [
    ['core.quotePath', 'true'],
    ['core.quotePath', 'false'],
    ['diff.mnemonicPrefix', 'true'],
    ['diff.noprefix', 'true'],
    ['diff.interHunkContext', '9'],
    ['diff.context', '9'],
    ['color.diff', 'always'],
    ['diff.external', 'false'],
  ];
  const read = async (env: Record<string, string>) => {
    const { files, unread } = await readChanges(roots, work, places, {
      ...host,
      env: { ...process.env, ...env },
    });
    assert.equal(unread, null);
    return files.map(({ before, after, hunks }) => [
      before,
      after,
      ...hunks.map(({ beforeStart, afterStart, added }) => [beforeStart, afterStart, ...added]),
    ]);
  };
  const found = names.map((name) => [name, name, [2, 2, '2'], [5, 5, '2']]);
  for (const [key, value] of settings) {
    const env = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: key, GIT_CONFIG_VALUE_0: value };
    assert.deepEqual(await read(env), found, `${key}=${value}`);
  }
  assert.deepEqual(await read({ GIT_DIFF_OPTS: '--unified=5', GIT_EXTERNAL_DIFF: 'false' }), found);
});

test('what webpack bundled stands where it was written, and is found among what changed', async () => {
  const [base, head] = [folder('bundled/base'), folder('bundled/head')];
  for (const side of ['base', 'head']) {
    for (const name of ['server/src', 'server/dist', 'shared']) folder(`bundled/${side}/apps/${name}`);
    writeFileSync(path.join(root, 'bundled', side, 'apps/server/src/server.js'), `serve('${side}');\n`);
    writeFileSync(path.join(root, 'bundled', side, 'apps/shared/token.js'), `check('${side}');\n`);
  }
  const placesOf = (map: { sources: string[]; sourceRoot?: string }) => {
    const script = path.join(head, 'apps/server/dist/main.js');
    const mappings = map.sources.map((_, index) => (index === 0 ? 'AAAA' : 'ACAA')).join(';');
    writeFileSync(`${script}.map`, JSON.stringify({ version: 3, names: [], mappings, ...map }));
    const url = pathToFileURL(script).href;
    const work = { scripts: [{ url, hash: '', sourceMapUrl: 'main.js.map' }] };
    const reader = placeReader(work, head);
    return {
      at: map.sources.map((_, index) => new Places(reader).at(url, index + 1, 0)),
      changed: async () => {
        const none = { scripts: [] };
        const places = { baseline: placeReader(none, base), head: reader };
        const roots = { baseline: base, head, baseSha: null };
        const { files } = await readChanges(roots, { baseline: none, head: work }, places, host);
        return files.map(({ after }) => after);
      },
    };
  };
  const own = { line: 1, column: 0, owner: { kind: 'own' } };
  const [server, token] = ['apps/server/src/server.js', 'apps/shared/token.js'];
  for (const name of ['chat', '@acme/chat', '']) {
    const { at, changed } = placesOf({
      sources: [
        `webpack://${name}/./src/server.js?1a2b`,
        `webpack://${name}/../shared/token.js`,
        `webpack://${name}/./node_modules/ms/index.js`,
        `webpack://${name}/webpack/bootstrap`,
      ],
    });
    assert.deepEqual(at.slice(0, 2), [
      { file: server, ...own },
      { file: token, ...own },
    ]);
    assert.deepEqual(
      at.slice(2).map(({ owner }) => owner),
      ['ms', 'webpack'].map((name) => ({ kind: 'package', name })),
    );
    assert.deepEqual(await changed(), [server, token]);
  }
  // A root without a slash at its end, as tsc writes it.
  const rooted = placesOf({ sources: ['server.js'], sourceRoot: '../src' });
  assert.deepEqual(rooted.at, [{ file: server, ...own }]);
  assert.deepEqual(await rooted.changed(), [server]);
});

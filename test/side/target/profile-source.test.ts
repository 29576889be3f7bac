import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { ReadStack } from '../../../src/explain/read-profile.ts';
import type { MeasureSettings } from '../../../src/settings/settings-schema.ts';
import { hasPerf, profileSource } from '../../../src/side/target/profile-source.ts';
import { startTarget } from '../../../src/side/target/start-target.ts';
import { cleanEnvironment, serverSettings, startOptions } from './fixtures/target-fixture.ts';

const servers = path.resolve(import.meta.dirname, '../../explain/servers');
const isInstalled = (program: string) => spawnSync('which', [program]).status === 0;
let folder: string;

before(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'profile-source-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const env = { ...cleanEnvironment(), PATH: process.env.PATH };
const noServer = { url: 'http://127.0.0.1:1', pid: process.pid, env: {}, cwd: null };

const profileOf = (
  profile: MeasureSettings['profile'],
  target: Parameters<typeof profileSource>[1]['target'] = noServer,
  forMs = 1_000,
) => profileSource(profile, { target, cwd: folder, env, secrets: ['hunter2'] })!.take(forMs);

test('a command gives the profile, and knows which server for how long', async () => {
  const command = `echo "main;port-{{ port }};pid-{{ pid }} {{ seconds }}"; echo "$TAILGATE_SECONDS;$PORT 1"`;
  const profile = (await profileOf({ command, timeoutMs: 5_000 }, noServer, 2_400)) as {
    stacks: ReadStack[];
  };
  assert.deepEqual(
    profile.stacks.map(({ frames, samples }) => [frames.map(({ name }) => name).join(), samples]),
    [
      [`main,port-1,pid-${process.pid}`, 2],
      ['2,1', 1],
    ],
  );
});

test('what gives no profile says why in one line', async () => {
  const failing = { command: 'echo "cannot attach: hunter2" >&2; exit 3', timeoutMs: 5_000 };
  await assert.rejects(
    profileOf(failing),
    /^Error: the source in `measure\.profile` gave no profile: it ended with exit code 3: cannot attach: \*\*\*$/,
  );
  await assert.rejects(profileOf({ command: 'true', timeoutMs: 5_000 }), /gave no profile: it is empty$/);
  await assert.rejects(
    profileOf({ command: 'sleep 9', timeoutMs: 100 }, noServer, 200),
    /no end after 300 ms/,
  );
  await assert.rejects(
    profileOf({ url: '/debug/pprof', timeoutMs: 500 }),
    /gave no profile: .*ECONNREFUSED|bad port/,
  );
  const page = createServer((_, response) => response.writeHead(404).end('no such page')).listen(
    0,
    '127.0.0.1',
  );
  await new Promise((resolve) => page.once('listening', resolve));
  const url = `http://127.0.0.1:${(page.address() as AddressInfo).port}/profile`;
  await assert.rejects(profileOf({ url, timeoutMs: 500 }), /it answered with HTTP 404 no such page$/);
  page.close();
});

const asks = (url: string, times: number) =>
  Array.from({ length: times }, () =>
    fetch(url).then(
      (answer) => answer.text(),
      () => '',
    ),
  );

test('a Go server is profiled by the URL that it has for it', {
  skip: isInstalled('go') ? false : 'Go is not installed',
}, async (t) => {
  execFileSync('go', ['build', '-o', path.join(folder, 'chat-go'), path.join(servers, 'chat.go')]);
  await using target = await startTarget(
    serverSettings('', { start: './chat-go' }),
    startOptions(t, { cwd: folder, env }),
  );
  const url = '/debug/pprof/profile?seconds={{ seconds }}';
  const work = setInterval(() => asks(`${target.url}/answer`, 20), 50);
  const profile = (await profileOf({ url, timeoutMs: 5_000 }, target)) as { stacks: ReadStack[] };
  clearInterval(work);
  const frame = profile.stacks.flatMap(({ frames }) => frames).find(({ name }) => name === 'main.checksum');
  assert.match(`${frame?.file}:${frame?.line}`, /servers\/chat\.go:2\d$/);
  assert.ok(profile.stacks.every(({ timeUs }) => timeUs !== null && timeUs > 0));
});

test('perf profiles a server without a word in its settings, with what was inlined, and leaves nothing behind', {
  skip: hasPerf(env) && isInstalled('gcc') ? false : 'perf or gcc is not installed',
}, async (t) => {
  const source = path.join(servers, 'chat.c');
  execFileSync('gcc', ['-D_GNU_SOURCE', '-O2', '-g', '-o', path.join(folder, 'chat-c'), source]);
  await using target = await startTarget(
    serverSettings('', { start: './chat-c' }),
    startOptions(t, { cwd: folder, env }),
  );
  const work = setInterval(() => asks(`${target.url}/answer`, 20), 50);
  const profile = (await profileOf('perf', target)) as { stacks: ReadStack[] };
  clearInterval(work);
  const chains = profile.stacks.map(({ frames }) =>
    frames.map(({ name, file, line }) => `${name}@${path.basename(file)}:${line}`).join(' '),
  );
  assert.ok(
    chains.some((chain) => /shake_hands@chat\.c:\d+ checksum@chat\.c:6\d$/.test(chain)),
    chains.slice(0, 5).join('\n'),
  );
});

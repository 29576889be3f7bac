// Runs beside one other: it needs a verdict on latencies, and leaves most of a machine idle.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { settings, shortScenario } from '../e2e/fixture.ts';

/** What npm would publish, as a user with Node alone gets it: packed, and installed into an empty folder offline. */

const root = path.resolve(import.meta.dirname, '../..');
let temp = '';
let app = '';
let tarball = '';

type Ended = { exitCode: number; stdout: string; stderr: string };
const run = async (command: string, args: string[], cwd: string): Promise<Ended> => {
  const env = { PATH: process.env.PATH, HOME: temp, npm_config_cache: path.join(temp, 'cache') };
  try {
    return { exitCode: 0, ...(await promisify(execFile)(command, args, { cwd, env, timeout: 120_000 })) };
  } catch (failure) {
    const { code, stdout, stderr } = failure as { code: number; stdout: string; stderr: string };
    return { exitCode: code, stdout, stderr };
  }
};

before(async () => {
  temp = await mkdtemp(path.join(os.tmpdir(), 'tailgate-package-'));
  app = path.join(temp, 'app');
  await mkdir(app);
  const packed = await run('npm', ['pack', '--silent', '--pack-destination', temp], root);
  tarball = path.join(temp, packed.stdout.trim());
  // The cache is empty: whatever is not in the tarball cannot be had.
  const installed = await run('npm', ['install', '--offline', '--no-fund', '--no-audit', tarball], app);
  assert.equal(installed.exitCode, 0, installed.stderr);
});
after(() => rm(temp, { recursive: true, force: true }));

test('is small, and one package: the bundle needs no other', async () => {
  assert.ok((await stat(tarball)).size <= 2_500_000);
  const entries = await readdir(path.join(app, 'node_modules'));
  assert.deepEqual(
    entries.filter((name) => !name.startsWith('.')),
    ['tailgate'],
  );
  const files = await readdir(path.join(app, 'node_modules/tailgate'), {
    recursive: true,
    withFileTypes: true,
  });
  assert.ok(files.filter((file) => file.isFile()).length <= 100);
  const top = new Set(await readdir(path.join(app, 'node_modules/tailgate')));
  for (const name of ['README.md', 'LICENSE', 'tailgate.schema.json', 'report.schema.json'])
    assert.ok(top.has(name), name);
  for (const name of ['src', 'test', 'bench', 'docs', 'node_modules', '.github'])
    assert.ok(!top.has(name), name);
});

test('the bundle knows its version, and nothing else of package.json', async () => {
  const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
  assert.equal((await run('npx', ['--offline', 'tailgate', '--version'], app)).stdout, `${version}\n`);
  const folder = path.join(app, 'node_modules/tailgate/dist');
  for (const name of (await readdir(folder)).filter((file) => file.endsWith('.js')))
    assert.doesNotMatch(await readFile(path.join(folder, name), 'utf8'), /empty-npm-package/, name);
});

test('the installed program runs the gate on the example server', async () => {
  const server = 'node node_modules/tailgate/dist/examples/chat-server.js';
  await writeFile(path.join(app, 'chat.yml'), shortScenario.replace('{{ token }}', '{{ $token }}'));
  await writeFile(
    path.join(app, 'tailgate.yml'),
    `${settings().replace(/start: .*/, `start: ${server}`)}thresholds: ['chat.ack.p95 < 60s', 'users.failed = 0']\n`,
  );
  const { exitCode, stdout, stderr } = await run(
    'node_modules/.bin/tailgate',
    ['run', '--json', 'report.json'],
    app,
  );
  assert.equal(exitCode, 0, stdout + stderr);
  const report = JSON.parse(await readFile(path.join(app, 'report.json'), 'utf8'));
  assert.equal(report.verdict, 'pass');
});

test('its demonstration measures both versions, whatever variables are set', async () => {
  const env = {
    PATH: process.env.PATH,
    JWT_SECRET: 'x',
    PORT: '1',
    CHAT_DELAY_MS: 'x',
    CREATE_ON_JOIN: 'true',
  };
  const child = spawn('node_modules/.bin/tailgate', ['demo'], { cwd: app, env });
  let log = '';
  let interrupted = false;
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text;
      // Something is measured: all that it needs works. The rest takes a minute.
      if (!interrupted && /chat\.delivery p95/.test(log)) interrupted = child.kill('SIGINT');
    });
  const exitCode = await new Promise((resolve) => child.on('close', resolve));
  assert.equal(exitCode, 130, log);
  assert.doesNotMatch(log, /ROOM_|TARGET_/);
  assert.match(log, /^Metric +Baseline.*^chat\.delivery p50 /ms, 'what was measured until then');
});

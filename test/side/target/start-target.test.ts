import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { TailgateError } from '../../../src/errors.ts';
import { targetSchema } from '../../../src/settings/settings-schema.ts';
import { freePort, isPortFree } from '../../../src/side/target/ports.ts';
import { startTarget } from '../../../src/side/target/start-target.ts';
import { isRunning, processesWith, serverSettings, startOptions } from './fixtures/target-fixture.ts';

const refused = async (start: Promise<unknown>, code: string): Promise<TailgateError> => {
  const error = await start.then(
    () => assert.fail(`started, though ${code} was expected`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof TailgateError, String(error));
  assert.equal(error.code, code, error.message);
  return error;
};

test('a server gets its port, is ready when it answers, and is gone after closing', async (t) => {
  const options = startOptions(t);
  let pid = 0;
  let port = 0;
  {
    await using target = await startTarget(serverSettings('plain', { ready: { type: 'http' } }), options);
    pid = target.pid ?? 0;
    port = target.port ?? 0;
    assert.equal(target.url, `http://127.0.0.1:${port}`);
    const answer = (await (await fetch(target.url)).json()) as { pid: number };
    assert.ok(isRunning(answer.pid));
    await target.assertAlive();
    assert.match(target.tail(), /listening on/);
  }
  assert.equal(isRunning(pid), false);
  assert.equal(await isPortFree(port), true);
  const log = readFileSync(options.logPath, 'utf8');
  assert.match(log, /^\[head\] .*server\.mjs/);
  assert.match(log, /listening on/);
});

test('"{{ port }}" is filled in in the command, the environment and the URL', async (t) => {
  const settings = serverSettings('plain', {
    start: `PORT={{port}} "${process.execPath}" "${serverSettings('plain').start?.split('"')[3]}"`,
    url: 'http://localhost:{{ port }}/',
    env: { MODE: 'plain', PUBLIC_URL: 'http://x:{{ port }}' },
  });
  await using target = await startTarget(settings, startOptions(t));
  assert.equal(target.url, `http://localhost:${target.port}`);
});

test('a fixed port is used as it is', async (t) => {
  const port = await freePort();
  await using target = await startTarget(serverSettings('plain', { port }), startOptions(t));
  assert.equal(target.url, `http://127.0.0.1:${port}`);
});

test('an exit before ready fails at once, with the last lines of the output and no secret in them', async (t) => {
  const options = startOptions(t, { secrets: ['hunter22'] });
  const startedAt = performance.now();
  const error = await refused(
    startTarget(serverSettings('exit', { ready: { timeoutMs: 60_000 } }), options),
    'TARGET_EXITED',
  );
  assert.ok(performance.now() - startedAt < 20_000, 'it waited for the timeout');
  assert.match(error.message, /exit code 3/);
  assert.match(error.message, /cannot find the database; password=\*\*\*/);
  assert.doesNotMatch(readFileSync(options.logPath, 'utf8'), /hunter22/);
});

test('a crash before ready names the signal', async (t) => {
  const error = await refused(startTarget(serverSettings('crash'), startOptions(t)), 'TARGET_EXITED');
  assert.match(error.message, /SIGSEGV|exit code 139/);
});

test('a command that does not exist says so', async (t) => {
  const settings = serverSettings('plain', { start: 'no-such-server --port {{ port }}' });
  const error = await refused(startTarget(settings, startOptions(t)), 'TARGET_EXITED');
  assert.match(error.message, /no-such-server.*not found/);
});

test('a server that never gets ready is stopped, and the last answer of the probe is named', async (t) => {
  const silent = serverSettings('silent', { ready: { type: 'tcp', timeoutMs: 700 } });
  // Under a name of its own: other tests start the same server beside this one.
  const failing = serverSettings('plain', {
    start: `${serverSettings('plain').start} of-the-test-of-readiness`,
    ready: { type: 'http', path: '/failing', timeoutMs: 2_000 },
  });
  const [error, status] = await Promise.all([
    refused(startTarget(silent, startOptions(t)), 'TARGET_NOT_READY'),
    refused(startTarget(failing, startOptions(t)), 'TARGET_NOT_READY'),
  ]);
  assert.match(error.message, /within 700 ms/);
  assert.match(error.message, /ECONNREFUSED/);
  assert.match(status.message, /HTTP 503/);
  assert.deepEqual(processesWith('of-the-test-of-readiness'), []);
});

test('a server that ignores PORT is told the port that it listens on', async (t) => {
  const start = `node -e "require('node:net').createServer().listen(0, '127.0.0.1')"`;
  const settings = serverSettings('plain', { start, ready: { type: 'tcp', timeoutMs: 1_500 } });
  const error = await refused(startTarget(settings, startOptions(t)), 'TARGET_NOT_READY');
  assert.match(error.message, /It listens on port \d+ instead of \d+, .*"target\.port: \d+"/);
});

test('a server of Socket.IO 2 is named as such, and not waited for', async (t) => {
  const answer = `97:0{\\"sid\\":\\"a\\",\\"upgrades\\":[]}2:40`;
  const start = `node -e "require('node:http').createServer((_, answer) => answer.end('${answer}')).listen(process.env.PORT, '127.0.0.1')"`;
  const settings = serverSettings('plain', { start, ready: { type: 'socketio', timeoutMs: 60_000 } });
  const error = await refused(startTarget(settings, startOptions(t)), 'TARGET_UNSUPPORTED');
  assert.match(error.message, /Socket\.IO 2 \(Engine\.IO 3\)/);
});

test('a server that answers only after a while is waited for', async (t) => {
  const settings = serverSettings('plain', { env: { MODE: 'plain', START_DELAY_MS: 800 } });
  await using target = await startTarget(settings, startOptions(t));
  assert.equal((await fetch(target.url)).status, 200);
});

test('readiness by a line of the output, and by nothing if that line never comes', async (t) => {
  await using target = await startTarget(
    serverSettings('plain', { ready: { type: 'log', pattern: '^listening on \\d+$' } }),
    startOptions(t),
  );
  assert.equal((await fetch(target.url)).status, 200);
  const never = serverSettings('plain', {
    ready: { type: 'log', pattern: 'up and running', timeoutMs: 1_500 },
  });
  const error = await refused(startTarget(never, startOptions(t)), 'TARGET_NOT_READY');
  assert.match(error.message, /up and running/);
  await refused(
    startTarget(serverSettings('plain', { ready: { type: 'log' } }), startOptions(t)),
    'SETTINGS_INVALID_VALUE',
  );
  const broken = serverSettings('plain', { ready: { type: 'log', pattern: '(' } });
  await refused(startTarget(broken, startOptions(t)), 'SETTINGS_INVALID_VALUE');
});

test('a port that somebody holds is an error that names the holder, before anything is started', async (t) => {
  const holder = createServer();
  const port = await freePort();
  await new Promise<void>((resolve) => holder.listen(port, '127.0.0.1', resolve));
  t.after(() => holder.close());
  const options = startOptions(t);
  const error = await refused(startTarget(serverSettings('plain', { port }), options), 'PORT_IN_USE');
  assert.match(error.message, new RegExp(`Port ${port} is already in use by process ${process.pid} `));
  assert.equal(existsSync(options.logPath), false);
});

test('the death of the server is told with its exit code and output', async (t) => {
  await using target = await startTarget(serverSettings('plain'), startOptions(t));
  await fetch(`${target.url}/exit`).catch(() => {});
  const error = await target.died;
  assert.equal(error.code, 'TARGET_DIED');
  assert.match(error.message, /exit code 7/);
  await assert.rejects(target.assertAlive(), { code: 'TARGET_DIED' });
});

test('closing is no death, and closing twice is once', async (t) => {
  const target = await startTarget(serverSettings('plain'), startOptions(t));
  await Promise.all([target[Symbol.asyncDispose](), target[Symbol.asyncDispose]()]);
  const outcome = await Promise.race([
    target.died,
    new Promise((resolve) => setTimeout(resolve, 300, 'quiet')),
  ]);
  assert.equal(outcome, 'quiet');
});

test('a cancelled start stops the server', async (t) => {
  const controller = new AbortController();
  const starting = startTarget(serverSettings('silent'), startOptions(t, { signal: controller.signal }));
  setTimeout(() => controller.abort('SIGINT'), 300);
  const error = await refused(starting, 'CANCELLED');
  assert.match(error.message, /SIGINT/);
});

test('what belongs to the action alone is withheld from the server', async (t) => {
  const options = startOptions(t);
  options.env = { ...options.env, 'INPUT_GITHUB-TOKEN': 'ghs_secret', GITHUB_ENV: '/nowhere' };
  await using target = await startTarget(serverSettings('plain'), options);
  const answer = (await (await fetch(target.url)).json()) as { inputs: string[] };
  assert.deepEqual(answer.inputs, []);
});

test('a server that another process runs is not sampled by the one that started it, and that is said', {
  skip: process.platform !== 'linux',
}, async (t) => {
  const port = await freePort();
  // As "docker compose up" has it done: by a service, a moment later, in processes that are not its own.
  const code = `setTimeout(() => require('node:http').createServer((_, answer) => answer.end()).listen(${port}, '127.0.0.1'), 600)`;
  const service = spawn(process.execPath, ['-e', code], { stdio: 'ignore' });
  try {
    const warnings: string[] = [];
    const settings = serverSettings('plain', {
      start: `"${process.execPath}" -e "setTimeout(() => {}, 60000)"`,
      port,
      ready: { type: 'http', timeoutMs: 20_000 },
    });
    const starting = startTarget(settings, startOptions(t, { warn: (message) => warnings.push(message) }));
    await using target = await starting;
    assert.equal(target.pid, null);
    assert.match(warnings.join(), /none of the processes that .* started: in a container.*target\.resources/);
  } finally {
    service.kill('SIGKILL');
  }
});

test('a server that runs already is used and never stopped', async (t) => {
  await using own = await startTarget(serverSettings('plain'), startOptions(t));
  const settings = targetSchema.parse({ url: own.url, pid: own.pid });
  const other = await startTarget(settings, startOptions(t));
  assert.equal(other.url, own.url);
  assert.equal(other.pid, own.pid);
  await other.assertAlive();
  await other[Symbol.asyncDispose]();
  assert.equal((await fetch(own.url)).status, 200);
});

test('the end of a server that runs already is noticed through its process id', async (t) => {
  const own = await startTarget(serverSettings('plain'), startOptions(t));
  const settings = targetSchema.parse({ url: own.url, pid: own.pid, ready: { type: 'http' } });
  await using other = await startTarget(settings, startOptions(t));
  await own[Symbol.asyncDispose]();
  assert.equal((await other.died).code, 'TARGET_DIED');
  await assert.rejects(other.assertAlive(), { code: 'TARGET_DIED' });
});

test('a URL at which nothing answers', async (t) => {
  const port = await freePort();
  const settings = targetSchema.parse({
    url: `http://127.0.0.1:${port}`,
    ready: { type: 'http', timeoutMs: 500 },
  });
  const error = await refused(startTarget(settings, startOptions(t)), 'TARGET_UNREACHABLE');
  assert.match(error.message, /ECONNREFUSED/);
});

test('addresses that cannot be', async (t) => {
  for (const settings of [
    {},
    { url: 'localhost:{{ port }}', start: 'x' },
    { url: '//', start: 'x' },
    { start: 'true', cwd: '/' },
  ]) {
    const options = startOptions(t, 'cwd' in settings ? { cwd: '/no/such/folder' } : {});
    await refused(startTarget(targetSchema.parse(settings), options), 'SETTINGS_INVALID_VALUE');
  }
});

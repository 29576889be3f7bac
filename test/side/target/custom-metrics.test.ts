import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { askCommand } from '../../../src/side/target/ask-source.ts';
import { readCustomMetrics } from '../../../src/side/target/custom-metrics.ts';
import { flattenNumbers, parseJsonOutput } from '../../../src/side/target/flatten-numbers.ts';
import { freePort } from '../../../src/side/target/ports.ts';
import { cleanEnvironment, processesWith } from './fixtures/target-fixture.ts';

const options = { url: 'http://127.0.0.1:3999', cwd: '/', env: cleanEnvironment() };
const ask = (settings: { command?: string; url?: string; timeoutMs?: number }, more = {}) =>
  readCustomMetrics({ timeoutMs: 10_000, ...settings }, { ...options, ...more });

const serve = async (t: TestContext, body: string, status = 200): Promise<string> => {
  const server = createServer((request, response) => {
    response.statusCode = status;
    if (request.url !== '/hang') response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

test('numbers by dotted name', () => {
  assert.deepEqual(flattenNumbers({ persisted: 468, db: { rows: 3, lag: [1.5, -2] } }), {
    persisted: 468,
    'db.rows': 3,
    'db.lag.0': 1.5,
    'db.lag.1': -2,
  });
  for (const [bad, message] of [
    [{ db: { rows: '3' } }, /"db\.rows" is "3", which is no number/],
    [{ rows: null }, /"rows" is null/],
    [{ rows: true }, /"rows" is true/],
    [{}, /no number/],
    [[1], /no object/],
    [3, /no object/],
    [null, /no object/],
  ] as const)
    assert.throws(() => flattenNumbers(bad), message);
});

test('what a tool prints before the JSON does not matter, but no JSON does', () => {
  assert.deepEqual(parseJsonOutput('\n> app@1.0.0 count\n> node count.js\n\n{"rows":1}\n'), { rows: 1 });
  assert.deepEqual(parseJsonOutput('{\n  "rows": 1\n}\n'), { rows: 1 });
  assert.throws(() => parseJsonOutput(' \n'), /printed nothing/);
  assert.throws(() => parseJsonOutput('rows: 1'), /printed no JSON: rows: 1/);
});

test('a command prints them', async () => {
  const command = `printf '{"sent": %s, "port": {{ port }}, "where": {"length": %s}}' "$(echo "$TAILGATE_COUNTERS" | grep -o '[0-9]\\+')" "$(printf %s "$TAILGATE_URL" | wc -c)"; echo noise >&2`;
  assert.deepEqual(await ask({ command }, { counters: { 'messages.sent': 1200 } }), {
    sent: 1200,
    port: 3999,
    'where.length': options.url.length,
  });
});

test('a command knows the environment and the folder of the server, and what was counted before', async () => {
  const print = `process.stdout.write(JSON.stringify({
    rows: Number(process.env.ROWS), port: Number(process.env.PORT), dir: process.env.TAILGATE_SERVER_DIR.length,
    ...JSON.parse(process.env.TAILGATE_WARM_UP_COUNTERS) }))`;
  const command = `node -e '${print}'`;
  const serverEnv = { ROWS: '12', PORT: '1' };
  const more = { serverEnv, serverCwd: '/srv/base', warmUpCounters: { 'messages.sent': 40 } };
  assert.deepEqual(await ask({ command }, more), { rows: 12, port: 3999, dir: 9, 'messages.sent': 40 });
  assert.deepEqual(await ask({ command }, { serverEnv }), { rows: 12, port: 3999, dir: 1 });
});

test('a URL answers them, also one relative to the server', async (t) => {
  const url = await serve(t, '{"persisted": 7}');
  assert.deepEqual(await ask({ url: `${url}/count` }), { persisted: 7 });
  assert.deepEqual(await ask({ url: '/count' }, { url }), { persisted: 7 });
  assert.deepEqual(await ask({ url: '/count' }, { url: url.replace('http', 'ws') }), { persisted: 7 });
  assert.deepEqual(
    await ask({ url: '{{ url }}/count', command: 'echo \'{"a":1,"persisted":1}\'' }, { url }),
    {
      a: 1,
      persisted: 7,
    },
  );
});

test('what goes wrong is said, without secrets', async (t) => {
  const failing = async (settings: Parameters<typeof ask>[0], message: RegExp, more = {}): Promise<void> => {
    await assert.rejects(ask(settings, more), { code: 'CUSTOM_METRICS_FAILED', message });
  };
  await failing({ command: 'echo no table >&2; exit 3' }, /exit code 3: no table/);
  await failing({ command: 'no-such-command' }, /exit code 127.*not found/s);
  await failing({ command: 'kill -9 $$' }, /signal SIGKILL/);
  await failing({ command: 'echo hello s3cret-value' }, /no JSON: hello \*\*\*/, {
    secrets: ['s3cret-value'],
  });
  await failing({ command: 'yes' }, /more than 1000000 bytes/);
  await failing({ url: await serve(t, 'gone', 410) }, /HTTP 410 gone/);
  await failing({ url: `http://127.0.0.1:${await freePort()}/` }, /ECONNREFUSED/);
  await failing({ url: `${await serve(t, '')}/hang`, timeoutMs: 300 }, /no answer within 300 ms/);
});

test('a command that is asked when all is over does not run on', async () => {
  const limits = { timeoutMs: 20_000, signal: AbortSignal.abort() };
  await assert.rejects(askCommand('sleep 20', { ...limits, cwd: '/', env: {} }), /^Error: it was stopped$/);
});

test('a command that does not end is stopped, with what it started', async () => {
  const command = 'setsid sleep 987.654 & sleep 987.654';
  await assert.rejects(ask({ command, timeoutMs: 300 }), /no end after 300 ms/);
  assert.deepEqual(processesWith('sleep 987.654'), []);
});

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startGithubDouble } from './double/github-double.ts';
import { withPullRequest } from './pull-request.ts';

const run = promisify(execFile);

test('an enterprise server is reached through the proxy of the runner, REST and GraphQL', async () => {
  await using double = await startGithubDouble();
  const repository = withPullRequest(double);
  const asked: string[] = [];
  const proxy = createServer();
  proxy.on('connect', (request, socket) => {
    asked.push(request.url ?? '');
    const target = connect(Number(new URL(double.url).port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      target.pipe(socket).pipe(target);
    });
    socket.on('error', () => target.destroy());
    target.on('error', () => socket.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  try {
    const { stdout } = await run(
      process.execPath,
      [path.join(import.meta.dirname, 'comment-through-proxy.ts')],
      {
        env: {
          PATH: process.env.PATH,
          GITHUB_API_URL: 'http://ghes.test/api/v3',
          http_proxy: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
        },
        timeout: 60_000,
      },
    );
    assert.equal(stdout.trim(), 'created unchanged');
  } finally {
    proxy.closeAllConnections();
    proxy.close();
  }
  assert.ok(asked.length > 0);
  for (const host of asked) assert.equal(host, 'ghes.test:80');
  assert.equal(repository.comments.length, 1);
  assert.ok(double.count('graphql') > 0);
  assert.deepEqual(double.violations, []);
});

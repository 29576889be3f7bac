import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { WsEngine } from '../../../src/engines/ws/ws-engine.ts';
import { runUsers } from '../run-users.ts';
import { startMessageServer } from './message-server.ts';

const names = (errors: { name: string }[]) => errors.map(({ name }) => name);

const certificate = () => {
  const folder = mkdtempSync(join(tmpdir(), 'ws-tls-'));
  try {
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'].concat([
        '-keyout',
        join(folder, 'key.pem'),
        '-out',
        join(folder, 'cert.pem'),
      ]),
      { stdio: 'ignore' },
    );
    return {
      key: readFileSync(join(folder, 'key.pem'), 'utf8'),
      cert: readFileSync(join(folder, 'cert.pem'), 'utf8'),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
};

test('connects over TLS with the options of config.tls', async () => {
  await using server = await startMessageServer({ tls: certificate() });
  const flow = [{ send: { type: 'echo' }, response: true }];
  const refused = await runUsers(WsEngine, { target: server.url }, flow);
  assert.deepEqual(names(refused.errors), ['connect error: DEPTH_ZERO_SELF_SIGNED_CERT']);
  const trusted = await runUsers(WsEngine, { target: server.url, tls: { rejectUnauthorized: false } }, flow);
  assert.deepEqual(names(trusted.errors), []);
  assert.equal(trusted.metrics['echo.response']?.count, 1);
});

test('connects through a proxy, with its credentials', async () => {
  await using server = await startMessageServer();
  const asked: { url: string | undefined; authorization: string | undefined }[] = [];
  const proxy = createServer();
  proxy.on('connect', (request, client, head) => {
    asked.push({ url: request.url, authorization: request.headers['proxy-authorization'] });
    const { hostname, port } = new URL(`http://${request.url}`);
    const target = connect(Number(port), hostname, () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      target.write(head);
      target.pipe(client).pipe(target);
    });
    target.on('error', () => client.destroy());
    client.on('error', () => target.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const { port } = proxy.address() as AddressInfo;
  const result = await runUsers(
    WsEngine,
    { target: server.url, ws: { proxy: { url: `http://user:p%40ss@127.0.0.1:${port}` } } },
    [{ send: { type: 'echo' }, response: true }],
  );
  proxy.closeAllConnections();
  proxy.close();
  assert.deepEqual(names(result.errors), []);
  assert.equal(result.metrics['echo.response']?.count, 1);
  assert.deepEqual(asked, [
    {
      url: new URL(server.url).host,
      authorization: `Basic ${Buffer.from('user:p@ss').toString('base64')}`,
    },
  ]);
});

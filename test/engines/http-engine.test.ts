import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { HttpEngine } from '../../src/engines/http/http-engine.ts';
import { MeasuredHttpEngine } from '../../src/engines/http/measured-http-engine.ts';
import { runUsers } from './run-users.ts';

test('names of requests are watched when they are sent, with what functions made of them, and so are answers', async () => {
  const urls: string[] = [];
  const server = createServer((request, response) => {
    urls.push(request.url!);
    response.setHeader('content-type', 'application/json');
    response.end('{"id":7}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.unref();
  const { port } = server.address() as { port: number };
  const processor = {
    sign: (request: { headers: object }, _context: unknown, _ee: unknown, done: () => void) => {
      request.headers = { 'x-key': '{{ key }}' };
      done();
    },
  };
  const result = await runUsers(
    MeasuredHttpEngine,
    {
      target: `http://127.0.0.1:${port}`,
      processor,
      http: { defaults: { headers: { 'x-a': '{{ header }}' } } },
    },
    [
      { log: 'hello {{ who }}' },
      { get: { url: '/{{ typo }}', capture: { json: '$.id', as: 'id' } } },
      { get: { url: '/sent/{{ id }}', ifTrue: 'id == 7' } },
      { get: { url: '/unsent/{{ never }}', ifTrue: 'id == 8' } },
      { get: { url: '/signed', headers: { 'x-key': '{{ replaced }}' }, beforeRequest: 'sign' } },
      { get: { url: '/wrong', match: { json: '$.id', value: 8 } } },
    ],
    [{ key: 'k' }],
  );
  server.close();
  assert.equal(urls.length, 4);
  const uses = Object.fromEntries(
    result.nameUses.map(({ name, step, empty, rendered }) => [
      `${name} in ${step}`,
      `${empty} of ${rendered}`,
    ]),
  );
  assert.equal(uses['who in log'], '1 of 1');
  assert.equal(uses['typo in get /{{ typo }}'], '1 of 1');
  assert.equal(uses['id in get /sent/{{ id }}'], '0 of 1');
  assert.equal(uses['key in get /signed'], '0 of 1');
  assert.equal(uses['header in get /signed'], '1 of 1');
  assert.deepEqual(
    Object.keys(uses).filter((use) => /never|replaced/.test(use)),
    [],
  );
  assert.deepEqual(
    result.answers.map(({ step, matched, missed, name }) => [step, matched, missed, name]),
    [
      ['get /{{ typo }}', 1, 0, ''],
      ['get /wrong', 0, 1, 'response mismatch: get /wrong'],
    ],
  );
});

test('a timeout with its unit is what Artillery takes: seconds', async () => {
  const config = { target: 'http://127.0.0.1:1', timeout: '200ms', http: { timeout: '1s' } };
  await new HttpEngine({ config, scenarios: [{ flow: [{ get: { url: '/' } }] }] }).init();
  assert.deepEqual([config.timeout, config.http.timeout], [0.2, 1]);
});

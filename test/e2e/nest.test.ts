// Runs beside one other: it needs a verdict on latencies, and leaves most of a machine idle.

import assert from 'node:assert/strict';
import { copyFileSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parseReport } from '../../src/report/parse-report.ts';
import { tokenFor } from '../examples/chat-client.ts';
import { checkout } from './fixture.ts';
import { root, runStep, type StepResult } from './runner.ts';

/**
 * The NestJS server with its guard and strategy, as teams write it, built and started by the action. Its build is
 * incremental, so the second test builds nothing anew.
 */
const target = `target:
  build: ${path.join(root, 'node_modules/.bin/tsc')} -p ${path.join(root, 'examples/nest-chat-server')}
  start: node ${path.join(root, 'examples/nest-chat-server/dist/main.js')}
  ready: { type: socketio }
`;

const suiteOf = (result: StepResult) => {
  const file = result.outputs['report-json'] ?? '';
  return parseReport(readFileSync(file, 'utf8'), file).suites[0];
};

const shortLoad = '{ phases: [{ duration: 3, arrivalRate: 6 }] }';

test('the NestJS chat server is gated: acknowledgements and deliveries to every member', async () => {
  const user = checkout();
  try {
    copyFileSync(path.join(root, 'scenarios/chat-room.yml'), path.join(user.dir, 'chat.yml'));
    user.write(
      'tailgate.yml',
      `${target}room:
  jwt: { secret: example-secret, claims: { sub: owner, name: Room owner } }
  auth: { accessToken: "Bearer {{ token }}" }
  create: { event: createRoom, data: { roomId: lobby } }
  capture: { roomId: roomId }
  delete: { event: deleteRoom, data: { roomId: "{{ roomId }}" } }
measure:
  jwt: { secret: example-secret, claims: { sub: virtual-user } }
suites: [{ name: nest, scenario: chat.yml, overrides: ${shortLoad} }]
baseline: { mode: none }
failOn: [fail]
thresholds: [lost = 0, errors = 0]
`,
    );
    const result = await runStep({ workspace: user.dir, timeoutMs: 120_000 });
    assert.equal(result.exitCode, 0, result.log);
    const suite = suiteOf(result);
    const metric = (id: string) => suite?.metrics.find((each) => each.id === id)?.head;
    const users = suite?.counters['users.created']?.head ?? 0;
    assert.ok(users >= 15, `${users} users`);
    assert.equal(suite?.counters['users.completed']?.head, users);
    assert.equal(metric('joinRoom.ack')?.count, users);
    assert.equal(metric('chat.ack')?.count, users * 5);
    const received = suite?.counters['deliveries.received']?.head ?? 0;
    assert.ok(received > users * 5, `${received} deliveries`);
    assert.equal(metric('chat.delivery')?.count, received);
    assert.equal(suite?.counters['deliveries.lost']?.head, 0);
  } finally {
    user.remove();
  }
});

test('a scenario file as teams have it today gives true numbers by settings alone', async () => {
  const user = checkout();
  try {
    copyFileSync(path.join(root, 'scenarios/chat-room-classic.yml'), path.join(user.dir, 'chat.yml'));
    user.write(
      'tailgate.yml',
      `${target}room:
  token: { env: ACCESS_TOKEN }
  headers: { accesstoken: "Bearer {{ token }}" }
  create: { event: createRoom, data: { roomId: lobby } }
  delete: { event: deleteRoom, data: { roomId: lobby } }
measure:
  acknowledgements: all
  deliveries:
    - { send: chat, sentPath: text, join: { event: joinRoom, roomPath: roomId }, leave: { event: leaveRoom } }
suites: [{ name: classic, scenario: chat.yml, overrides: ${shortLoad} }]
baseline: { mode: none }
failOn: [fail]
thresholds: [lost = 0, chat.delivery.p95 < 5s]
`,
    );
    const token = await tokenFor('owner');
    const result = await runStep({
      workspace: user.dir,
      env: { ACCESS_TOKEN: token, ROOM_ID: 'lobby' },
      timeoutMs: 120_000,
    });
    assert.equal(result.exitCode, 0, result.log);
    const suite = suiteOf(result);
    const chat = suite?.metrics.find(({ id }) => id === 'chat.ack')?.head;
    assert.ok(
      (chat?.count ?? 0) > 0 && (chat?.p50Ms ?? 0) > 0.1,
      'true latencies, not the time of a local call',
    );
    assert.ok((suite?.counters['deliveries.received']?.head ?? 0) > 0);
    assert.equal(suite?.counters['deliveries.lost']?.head, 0);
    assert.doesNotMatch(result.log.replace(/^::add-mask::.*$/gm, ''), new RegExp(token.slice(-20)));
  } finally {
    user.remove();
  }
});

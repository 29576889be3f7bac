import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countOf, runUsers, startServer } from './run-users.ts';

test('an acknowledged emit is measured once, and one that nothing answers never is', async () => {
  await using server = await startServer();
  server.io.on('connection', (socket) => {
    socket.on('ask', (data, ack) => setTimeout(() => ack({ ok: true, got: data }), 20));
    socket.on('tell', () => {});
  });
  const ran = await runUsers(server.url, {
    flow: [
      {
        emit: { channel: 'ask', data: { id: '{{ id }}' } },
        acknowledge: { match: { json: '$.0.ok', value: true } },
      },
      { emit: { channel: 'tell', data: 'x' } },
      { emit: { channel: 'tell', data: 'y' } },
    ],
    vars: () => ({ id: 7 }),
  });
  assert.equal(ran.users[0]!.error, null);
  assert.deepEqual(Object.keys(ran.measured.metrics).sort(), ['ask.ack', 'connect.handshake']);
  assert.equal(countOf(ran, 'ask.ack'), 1);
  assert.ok(ran.measured.metrics['ask.ack']!.minMs >= 19);
  assert.equal(ran.measured.counters['messages.sent'], 3);
  assert.equal(ran.measured.counters['messages.unanswered'], 2);
  assert.equal(
    ran.measured.unmeasured.reduce((sum, { count }) => sum + count, 0),
    2,
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSessions } from '../../../src/engines/core/open-sessions.ts';

test('every engine that waits for the last session learns of its end', { timeout: 5_000 }, async () => {
  await openSessions.closed();
  openSessions.begin();
  openSessions.begin();
  const ended: string[] = [];
  const waits = ['ws', 'stomp'].map(async (engine) => {
    await openSessions.closed();
    ended.push(engine);
  });
  openSessions.end();
  await Promise.resolve();
  assert.deepEqual(ended, []);
  openSessions.end();
  await Promise.all(waits);
  assert.deepEqual(ended, ['ws', 'stomp']);
});

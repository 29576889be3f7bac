import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byImportance, chooseMain, mainCandidates } from '../../src/metrics/main-metric.ts';

const counts = (entries: Record<string, number>) => new Map(Object.entries(entries));

test('the main latency has most values; handshakes and sessions are main only where nothing else was measured', () => {
  const chat = counts({
    'connect.handshake': 2000,
    'chat.ack': 1500,
    'join.ack': 200,
    'session.length': 2000,
  });
  assert.equal(chooseMain(chat), 'chat.ack');
  assert.deepEqual(byImportance(chat), ['chat.ack', 'join.ack', 'connect.handshake', 'session.length']);
  assert.equal(chooseMain(counts({ 'session.length': 9, 'connect.handshake': 3 })), 'connect.handshake');
  assert.equal(chooseMain(counts({ 'session.length': 9 })), 'session.length');
  assert.equal(chooseMain(counts({ b: 2, a: 2 })), 'a', 'the same run gives the same main one');
  assert.equal(chooseMain(counts({ 'http.2xx.response': 7, 'http.response': 7 })), 'http.response');
  assert.equal(chooseMain(counts({})), null);
});

test('of what may be measured, those that may be the main one', () => {
  assert.deepEqual(mainCandidates(['session.length', 'chat.ack', 'connect.handshake', 'x.response']), [
    'chat.ack',
    'x.response',
  ]);
  assert.deepEqual(mainCandidates(['session.length']), ['session.length']);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPhases } from '../../src/scenario/arrival-schedule.ts';
import { plannedPeak } from '../../src/scenario/planned-load.ts';
import type { ScenarioSpec } from '../../src/scenario/script.ts';
import { mainValues, sessionOutline } from '../../src/scenario/session-outline.ts';
import { measureSchema } from '../../src/settings/settings-schema.ts';

const outline = (scenarios: ScenarioSpec[], measure: object = {}, processorText: string | null = null) =>
  sessionOutline({ scenarios, config: { phases: [] }, processorText }, measureSchema.parse(measure));
const socketio = (flow: unknown[], weight?: number): ScenarioSpec => ({
  engine: 'socketio',
  flow,
  ...(weight === undefined ? {} : { weight }),
});
const join = { emit: { channel: 'join', data: {} }, acknowledge: {} };
const chat = { emit: { channel: 'chat', data: 'hello' }, acknowledge: {} };

test('a chat session: what it thinks, and how often it measures what', () => {
  const found = outline([
    socketio([join, { think: 2 }, { loop: [chat, { think: 1 }], count: 5 }, { emit: { channel: 'leave' } }]),
  ]);
  assert.equal(found.idleMs, 7_000);
  assert.deepEqual(Object.fromEntries(found.values), {
    'join.ack': 1,
    'chat.ack': 5,
    'session.length': 1,
    'connect.handshake': 1,
  });
  assert.equal(mainValues(found, null), 5);
  assert.equal(mainValues(found, 'join.ack'), 1);
  assert.equal(mainValues(found, 'typing.ack'), null);
});

test('loops in loops multiply, ranges leave out their end, and parallel steps last as long as the longest', () => {
  const found = outline([
    socketio([
      { loop: [{ loop: [chat, { think: '500ms' }], count: 3 }], count: '1-3' },
      { parallel: [{ think: 4 }, { loop: [chat, { think: 1 }], count: 2 }] },
    ]),
  ]);
  assert.equal(found.idleMs, 3_000 + 4_000);
  assert.equal(found.values.get('chat.ack'), 8);
  assert.equal(outline([socketio([{ loop: [chat], over: ['a', 'b', 'c'] }])]).values.get('chat.ack'), 3);
});

test('a step at a fixed rate sends as often as its rate and time say', () => {
  const found = outline([socketio([{ ...chat, rate: '120/min', duration: '10s' }, { think: 1 }])]);
  assert.equal(found.values.get('chat.ack'), 20);
  assert.equal(found.idleMs, 11_000);
  const short = outline([socketio([{ ...chat, rate: 10, duration: 2.5 }])]);
  assert.equal(short.values.get('chat.ack'), 25);
  assert.equal(short.idleMs, 2_500);
});

test('scenarios count by their weight', () => {
  const found = outline([socketio([chat, chat, { think: 10 }], 1), socketio([chat, { think: 2 }], 3)]);
  assert.equal(found.values.get('chat.ack'), (2 + 3) / 4);
  assert.equal(found.idleMs, (10_000 + 3 * 2_000) / 4);
});

test('what only the run can tell is not guessed', () => {
  for (const loop of [
    { count: '{{ rounds }}' },
    { over: 'names' },
    { whileTrue: 'more', count: 3 },
    { count: undefined },
  ]) {
    const found = outline([socketio([{ loop: [chat, { think: 1 }], ...loop }])]);
    assert.equal(found.values.get('chat.ack'), null);
    assert.equal(found.idleMs, null);
    assert.equal(mainValues(found, null), null);
  }
  assert.equal(outline([socketio([{ think: '{{ pause }}' }])]).idleMs, null);
  const delivered = outline([socketio([chat])], { deliveries: [{ send: 'chat', sentPath: 'text' }] });
  assert.equal(delivered.values.get('chat.delivery'), null, 'the receivers are known to the run alone');
  assert.equal(mainValues(delivered, null), null);
  assert.equal(mainValues(delivered, 'chat.ack'), 1);
  const named = outline([socketio([{ ...chat, delivery: { event: 'chat', expect: 4 } }])]);
  assert.equal(mainValues(named, null), 4);
  assert.equal(mainValues(outline([{ engine: 'stomp', flow: [{ send: {} }] }]), null), null);
  assert.equal(mainValues(outline([socketio([chat])], {}, 'emit("histogram")'), null), null);
});

test('acknowledgements that the settings observe count as well', () => {
  const plain = { emit: { channel: 'chat', data: 'x' } };
  assert.equal(mainValues(outline([socketio([plain])], { acknowledgements: ['chat'] }), null), 1);
  assert.equal(mainValues(outline([{ flow: [{ get: { url: '/' } }, { get: { url: '/a' } }] }]), null), 2);
});

test('the most users at a time follow from the phases and the length of a session', () => {
  const phases = readPhases([
    { duration: 10, arrivalRate: 1, rampTo: 10 },
    { duration: 20, arrivalRate: 10 },
  ]);
  assert.deepEqual(plannedPeak(phases, 7_000), { users: 70, perSecond: 10 });
  assert.deepEqual(plannedPeak(phases, 0), { users: 0, perSecond: 10 });
  assert.deepEqual(plannedPeak(phases, null), { users: 255, perSecond: 10 });
  const burst = readPhases([{ duration: 1, arrivalCount: 5_000 }]);
  assert.deepEqual(plannedPeak(burst, 60_000), { users: 5_000, perSecond: 5_000 });
  const limited = readPhases([{ duration: 10, arrivalRate: 10, maxVusers: 30 }]);
  assert.equal(plannedPeak(limited, null).users, 30);
});

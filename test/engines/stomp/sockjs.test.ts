import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { StompEngine } from '../../../src/engines/stomp/stomp-engine.ts';
import { runUsers } from '../run-users.ts';
import { type LocationServer, startLocationServer } from './location-server.ts';

let server: LocationServer;
before(async () => {
  server = await startLocationServer();
});
after(async () => await server[Symbol.asyncDispose]());

const overSockJs = () => ({ target: server.url, stomp: { sockjs: true, receipts: false, settle: '300ms' } });
const overWebSocket = () => ({
  target: `${server.url}/ws/websocket`,
  stomp: { receipts: false, settle: '300ms', subprotocols: [] },
});
const riders = (count: number) => Array.from({ length: count }, (_, index) => ({ rider: index % 2 }));
const location = { latitude: 52.5, longitude: 13.4, note: '{{ $tag }}' };
const errorsOf = (errors: { name: string; messages: string[] }[]) =>
  errors.map(({ name, messages }) => `${name}: ${messages.join(' / ')}`);

for (const [name, config] of [
  ['SockJS', overSockJs],
  ['a plain WebSocket', overWebSocket],
] as const) {
  test(`times deliveries over ${name} from a broker that sends no receipts`, async () => {
    const result = await runUsers(
      StompEngine,
      config(),
      [
        { subscribe: '/topic/location/{{ rider }}' },
        { think: '200ms' },
        {
          send: {
            destination: '/app/location/{{ rider }}',
            json: location,
            delivery: '/topic/location/{{ rider }}',
          },
        },
        { waitFor: { count: 3, capture: { json: '$.rider', as: 'seen' } } },
      ],
      riders(6),
    );
    assert.deepEqual(errorsOf(result.errors), []);
    assert.deepEqual(result.ends, Array(6).fill(null));
    assert.equal(result.metrics['connect.handshake']?.count, 6);
    assert.equal(result.metrics['location.delivery']?.count, 18);
    assert.equal(result.counters['deliveries.expected'], 18);
    assert.equal(result.counters['deliveries.received'], 18);
    assert.deepEqual(
      result.contexts.map(({ vars }) => vars.seen),
      ['0', '1', '0', '1', '0', '1'],
    );
  });
}

test('the answer to a SEND is timed as its response', async () => {
  const result = await runUsers(
    StompEngine,
    overSockJs(),
    [
      { subscribe: '/topic/location/7' },
      {
        send: {
          destination: '/app/location/7',
          body: { ...location, note: 'mine {{ $user }}' },
          response: {
            destination: '/topic/location/7',
            where: { note: 'mine {{ $user }}' },
            capture: { json: '$.note', as: 'note' },
          },
        },
      },
    ],
    [{}, {}, {}],
  );
  assert.deepEqual(errorsOf(result.errors), []);
  assert.equal(result.metrics['location.response']?.count, 3);
  assert.equal(result.counters['messages.acknowledged'], 3);
  assert.deepEqual(
    result.contexts.map(({ vars }) => vars.note),
    ['mine 0', 'mine 1', 'mine 2'],
  );
});

test('an ERROR frame over SockJS is told with its message, and the missing answer is counted', async () => {
  const result = await runUsers(StompEngine, overSockJs(), [
    { send: { destination: '/app/nowhere', body: 'x', response: {} } },
  ]);
  assert.deepEqual(errorsOf(result.errors), ['refused: nowhere: no handler for "/app/nowhere"']);
  assert.equal(result.counters['messages.unanswered'], 1);
  assert.equal(result.counters.disconnects, 1);
});

test('a receipt that never comes ends the step with a hint', async () => {
  const config = { target: server.url, stomp: { sockjs: true, timeout: '300ms' } };
  const result = await runUsers(StompEngine, config, [{ subscribe: '/topic/location/1' }]);
  assert.equal(result.errors[0]?.name, 'receipt timeout: subscribe');
  assert.match(result.errors[0]?.messages[0] ?? '', /within 300 ms for SUBSCRIBE.*"receipts: false"/);
});

test('a SEND that nothing times is counted as unmeasured and gives no latency', async () => {
  const result = await runUsers(StompEngine, overSockJs(), [
    { send: { destination: '/app/location/9', json: { latitude: 1, longitude: 2 } } },
  ]);
  assert.deepEqual(result.unmeasured, [{ event: 'location', step: 'test, step 1', count: 1 }]);
  assert.deepEqual(Object.keys(result.metrics), ['connect.handshake']);
  assert.equal(result.counters['messages.sent'], 1);
});

test('deliveries declared by the settings need no tag in the scenario', async () => {
  const rule = {
    send: 'location',
    receive: '/topic/location/{{ rider }}',
    sentPath: 'note',
    receivedPath: 'note',
    includesSender: true,
    join: null,
    leave: null,
  };
  const result = await runUsers(
    StompEngine,
    overSockJs(),
    [
      { subscribe: '/topic/location/{{ rider }}' },
      { send: { destination: '/app/location/{{ rider }}', json: { ...location, note: 'x' } } },
      { think: '200ms' },
    ],
    [{ rider: 'a' }],
    { deliveries: [rule] },
  );
  assert.deepEqual(errorsOf(result.errors), []);
  assert.equal(result.metrics['location.delivery']?.count, 1);
  assert.deepEqual(result.unmeasured, []);
});

test('sends at a fixed rate are timed from their intended instants', async () => {
  const started = performance.now();
  const result = await runUsers(
    StompEngine,
    overSockJs(),
    [
      { subscribe: '/topic/location/{{ rider }}' },
      {
        send: { destination: '/app/location/{{ rider }}', json: location },
        delivery: '/topic/location/{{ rider }}',
        metric: 'fixed',
        rate: 50,
        duration: '1s',
      },
    ],
    [{ rider: 'f1' }, { rider: 'f2' }],
  );
  assert.deepEqual(errorsOf(result.errors), []);
  assert.equal(result.counters['messages.sent'], 100);
  assert.equal(result.metrics['fixed.delivery']?.count, 100);
  assert.ok(performance.now() - started > 1_000);
});

test('a second connect is a new session without the subscriptions of the first', async () => {
  const result = await runUsers(StompEngine, overSockJs(), [
    { connect: true },
    { subscribe: '/topic/location/8' },
    { connect: { heartbeat: [1000, 1000] } },
    { unsubscribe: '/topic/location/8' },
  ]);
  assert.deepEqual(errorsOf(result.errors), ['not subscribed: no subscription to /topic/location/8']);
  assert.equal(result.metrics['connect.handshake']?.count, 2);
  assert.equal(result.counters.disconnects, 0);
});

test('bytes over SockJS are refused, for it carries text alone', async () => {
  const binary = { $binary: { hex: '00ff00fe' } };
  await assert.rejects(
    async () => await runUsers(StompEngine, overSockJs(), [{ send: { destination: '/a', body: binary } }]),
    /SockJS carries text alone/,
  );
  const result = await runUsers(
    StompEngine,
    overSockJs(),
    [{ send: { destination: '/app/x', body: '{{ bytes }}', measure: false } }],
    [{ bytes: Buffer.from('00ff00fe', 'hex') }],
  );
  assert.deepEqual(errorsOf(result.errors), [
    'bytes over SockJS: SockJS carries text alone, and the body is no text',
  ]);
});

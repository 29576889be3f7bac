import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client, Versions } from '@stomp/stompjs';
import { WebSocket } from 'ws';
import { type RabbitMqNode, startRabbitMqNode } from '../../../examples/rabbitmq-rooms/rabbitmq-node.js';
import { StompEngine } from '../../../src/engines/stomp/stomp-engine.ts';
import { runUsers } from '../run-users.ts';
import { needsRabbitMq, rabbitMqLogin } from './rabbitmq.ts';
import { openWebSocketTap, type TappedFrame } from './web-socket-tap.ts';

let node: RabbitMqNode;
before(async () => {
  if (needsRabbitMq.skip === false) node = await startRabbitMqNode();
});
after(async () => await node?.stop());

const config = (stomp: Record<string, unknown> = {}, url = node.url) => ({
  target: url,
  stomp: { ...rabbitMqLogin, ...stomp },
});
const members = (rooms: number, size: number) =>
  Array.from({ length: rooms * size }, (_, index) => ({ room: `r${index % rooms}-${process.pid}` }));
const errorNames = (errors: { name: string; count: number }[]) =>
  errors.map(({ name, count }) => `${name} x${count}`);

test('deliveries in rooms are exact, and receipts and handshakes are timed', needsRabbitMq, async () => {
  const result = await runUsers(
    StompEngine,
    config(),
    [
      { subscribe: '/topic/room.{{ room }}' },
      { think: '400ms' },
      {
        loop: [
          {
            send: {
              destination: '/topic/room.{{ room }}',
              json: { text: 'hello {{ $user }}', tag: '{{ $tag }}' },
              receipt: true,
              metric: 'chat',
            },
          },
        ],
        count: 2,
      },
      {
        waitFor: { destination: '/topic/room.{{ room }}', count: 8, capture: { json: '$.text', as: 'said' } },
      },
      { unsubscribe: '/topic/room.{{ room }}' },
    ],
    members(3, 4),
  );
  assert.deepEqual(errorNames(result.errors), []);
  assert.deepEqual(result.ends, Array(12).fill(null));
  assert.equal(result.metrics['connect.handshake']?.count, 12);
  assert.equal(result.metrics['subscribe.receipt']?.count, 12);
  assert.equal(result.metrics['chat.receipt']?.count, 24);
  assert.equal(result.metrics['chat.delivery']?.count, 96);
  assert.equal(result.counters['deliveries.expected'], 96);
  assert.equal(result.counters['deliveries.received'], 96);
  assert.equal(result.counters['deliveries.lost'], 0);
  assert.equal(result.counters['messages.sent'], 24);
  for (const { vars } of result.contexts) assert.match(String(vars.said), /^hello \d+$/);
});

test('messages that nobody reads are drained at the close and are no errors', needsRabbitMq, async () => {
  const result = await runUsers(
    StompEngine,
    config(),
    [
      { subscribe: '/topic/unread.{{ room }}' },
      { think: '400ms' },
      { loop: [{ send: { destination: '/topic/unread.{{ room }}', body: '{{ $tag }}' } }], count: 10 },
      { waitFor: { count: 1 } },
    ],
    members(1, 6),
  );
  assert.deepEqual(errorNames(result.errors), []);
  // A user that ends earlier gets fewer: at most 360 in all, of which each user reads one.
  const { counters } = result;
  assert.ok(counters['messages.received']! > 60, `${counters['messages.received']}`);
  assert.equal(counters['deliveries.received'], counters['deliveries.expected']);
  assert.equal(counters['deliveries.lost'], 0);
  assert.equal(counters['messages.unread'], counters['messages.received']! - 6);
  assert.equal(result.counters.disconnects, 0);
});

test('a message that is refused comes again, one that is acknowledged does not', needsRabbitMq, async () => {
  const queue = `/queue/acks-${process.pid}`;
  const result = await runUsers(StompEngine, config(), [
    { subscribe: { destination: queue, ack: 'client-individual' } },
    { send: { destination: queue, body: 'work', headers: { kind: 'a:b' } } },
    { waitFor: { match: { header: 'redelivered', value: 'false' } } },
    { nack: { receipt: true } },
    { waitFor: { match: { header: 'redelivered', value: 'true' }, capture: { header: 'kind', as: 'kind' } } },
    { ack: { receipt: true } },
    { unsubscribe: queue },
    { subscribe: { destination: queue, id: 'again', ack: 'client-individual' } },
    { waitFor: { timeout: '400ms' } },
  ]);
  assert.equal(result.metrics['nack.receipt']?.count, 1);
  assert.equal(result.metrics['ack.receipt']?.count, 1);
  assert.equal(result.contexts[0]?.vars.kind, 'a:b');
  assert.deepEqual(errorNames(result.errors), ['message timeout: message x1']);
  assert.equal(result.errors[0]?.messages[0], '0 of 1 messages within 400 ms');
});

test('an ERROR of the broker ends the user with its words', needsRabbitMq, async () => {
  const result = await runUsers(StompEngine, config(), [
    { send: { destination: '/nonsense/x', body: 'x', receipt: true } },
    { think: 5 },
  ]);
  assert.deepEqual(errorNames(result.errors), ['STOMP error x1']);
  assert.match(result.errors[0]!.messages[0]!, /Unknown destination/);
  assert.deepEqual(result.errors[0]!.steps, ['test, step 1']);
  assert.equal(result.counters.disconnects, 1);
  assert.equal(result.counters['messages.unanswered'], 1);
});

test('a wrong password and a wrong port are named', needsRabbitMq, async () => {
  const flow = [{ send: { destination: '/queue/x', body: 'x' } }];
  const refused = await runUsers(StompEngine, config({ passcode: 'wrong' }), flow);
  assert.deepEqual(errorNames(refused.errors), ['STOMP error x1']);
  assert.match(refused.errors[0]!.messages[0]!, /Bad CONNECT: Access refused/);
  assert.equal(refused.metrics['connect.handshake'], undefined);

  const closed = await runUsers(StompEngine, config({}, 'ws://127.0.0.1:9/ws'), flow);
  assert.deepEqual(errorNames(closed.errors), ['connect error: ECONNREFUSED x1']);
});

test('heart-beats keep a silent session', needsRabbitMq, async () => {
  const flow = [{ connect: true }, { think: '4s' }, { subscribe: '/topic/beats' }];
  const kept = await runUsers(StompEngine, config({ heartbeat: [1000, 1000] }), flow);
  assert.deepEqual(errorNames(kept.errors), []);
});

/** What is the same in two conversations: ids of the session are numbered in the order in which they appear. */
const normalised = (tapped: TappedFrame[]) => {
  const names = new Map<string, string>();
  const stable = (value: string) => {
    if (!names.has(value)) names.set(value, `id${names.size}`);
    return names.get(value)!;
  };
  const ids = new Set(['receipt', 'receipt-id', 'message-id', 'ack', 'session']);
  return tapped.map(({ from, frame }) => {
    const isAck = frame.command === 'ACK';
    const headers = Object.entries(frame.headers)
      .sort(([a], [b]) => a.localeCompare(b))
      // STOMP 1.2 names the message of an ACK by its id alone; the reference adds the subscription of STOMP 1.1.
      .filter(([name]) => !(isAck && name === 'subscription'))
      .map(([name, value]) => {
        // The kind of acknowledgement of a SUBSCRIBE, not the id of a message.
        if (name === 'ack' && frame.command === 'SUBSCRIBE') return [name, value];
        return [name, ids.has(name) || (isAck && name === 'id') ? stable(value) : value];
      });
    return {
      from,
      command: frame.command,
      headers: Object.fromEntries(headers),
      body: frame.body.toString(),
    };
  });
};

/** One side's frames in order, but for what the broker confirms: RECEIPTs of several queues come in any order. */
const bySide = (tapped: TappedFrame[]) => {
  const frames = normalised([...tapped].sort((a, b) => rank(a) - rank(b)));
  const server = frames.filter(({ from }) => from === 'server');
  const receiptId = ({ headers }: (typeof frames)[number]) => String(headers['receipt-id']);
  return {
    client: frames.filter(({ from }) => from === 'client'),
    server: server.filter(({ command }) => command !== 'RECEIPT'),
    receipts: server
      .filter(({ command }) => command === 'RECEIPT')
      .map(receiptId)
      .sort(),
  };
};
const rank = ({ frame }: TappedFrame) => (frame.command === 'MESSAGE' ? 1 : 0);

test('has the same conversation with the broker as the reference client', needsRabbitMq, async () => {
  const destination = `/queue/conversation-${process.pid}`;
  const body = '{"text":"Grüße \\u0000 🚦"}';
  const headers = { 'auto-delete': 'true' };

  await using ourTap = await openWebSocketTap(node.url);
  const ours = await runUsers(StompEngine, config({}, ourTap.url), [
    { connect: true },
    { subscribe: { destination, id: 'conversation', ack: 'client-individual', headers } },
    { send: { destination, body, headers: { ...headers, note: 'a:b\\c\nd' }, receipt: true } },
    { waitFor: {} },
    { ack: { receipt: true } },
    { unsubscribe: { id: 'conversation' } },
    { disconnect: true },
  ]);
  assert.deepEqual(errorNames(ours.errors), []);

  await using theirTap = await openWebSocketTap(node.url);
  const client = new Client({
    webSocketFactory: () => new WebSocket(theirTap.url, ['v12.stomp']),
    connectHeaders: { ...rabbitMqLogin, host: '/' },
    stompVersions: new Versions([Versions.V1_2]),
    heartbeatIncoming: 0,
    heartbeatOutgoing: 0,
    reconnectDelay: 0,
  });
  const receipt = (send: (id: string) => void, id: string) =>
    new Promise<void>((resolve) => {
      client.watchForReceipt(id, () => resolve());
      send(id);
    });
  await new Promise<void>((resolve) => {
    client.onConnect = () => resolve();
    client.activate();
  });
  let acknowledged: Promise<void> | null = null;
  const delivered = new Promise<void>((resolve) => {
    void receipt((id) => {
      client.subscribe(
        destination,
        (message) => {
          acknowledged = receipt((ackReceipt) => message.ack({ receipt: ackReceipt }), 'a');
          resolve();
        },
        { ...headers, id: 'conversation', ack: 'client-individual', receipt: id },
      );
    }, 's').then(() => {
      client.publish({ destination, body, headers: { ...headers, note: 'a:b\\c\nd', receipt: 'p' } });
    });
  });
  await delivered;
  await acknowledged;
  await receipt((id) => client.unsubscribe('conversation', { receipt: id }), 'u');
  await client.deactivate();

  assert.deepEqual(bySide(ourTap.frames), bySide(theirTap.frames));
});

// The next two end the broker, so they are the last.

/** Sends the broker a signal in the middle of a flow. */
const signalling = (signal: NodeJS.Signals) => ({
  signal: (_context: unknown, _events: unknown, done: () => void) => {
    process.kill(-node.pid, signal);
    done();
  },
});

test('a broker that hangs is noticed by its missing heart-beats', needsRabbitMq, async () => {
  const result = await runUsers(
    StompEngine,
    { ...config({ heartbeat: [1000, 1000] }), processor: signalling('SIGSTOP') },
    [
      { connect: true },
      { subscribe: '/topic/silence' },
      { function: 'signal' },
      { waitFor: { timeout: 20 } },
    ],
  );
  process.kill(-node.pid, 'SIGCONT');
  assert.deepEqual(errorNames(result.errors), ['heart-beat lost x1']);
  assert.equal(result.counters.disconnects, 1);
});

test('a broker that dies is a disconnect of everyone', needsRabbitMq, async () => {
  const result = await runUsers(
    StompEngine,
    { ...config(), processor: signalling('SIGKILL') },
    [
      { subscribe: '/topic/doom' },
      { think: '500ms' },
      { loop: [{ function: 'signal' }], count: '{{ kills }}' },
      { waitFor: { timeout: 20 } },
    ],
    [{ kills: 0 }, { kills: 1 }],
  );
  assert.deepEqual(errorNames(result.errors), ['disconnected x2']);
  assert.equal(result.counters.disconnects, 2);
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Server, Socket } from 'socket.io';
import { clients, countOf, type Ran, startServer } from './run-users.ts';

const websocket = { socketio: { transports: ['websocket'] } };
const join = {
  emit: { channel: 'join', data: { roomId: '{{ room }}' } },
  acknowledge: { match: { json: '$.0.ok', value: true } },
  joins: '{{ room }}',
};

/** A chat server: `join` acknowledges, `chat` goes to the room. */
const chat = (io: Server, onChat?: (socket: Socket, args: unknown[]) => void): void => {
  io.on('connection', (socket) => {
    socket.on('join', ({ roomId }, ack) => {
      socket.data.room = roomId;
      socket.join(roomId);
      ack({ ok: true });
    });
    socket.on('leave', (_data, ack) => {
      socket.leave(socket.data.room);
      ack?.();
    });
    socket.on('chat', (...args) => {
      if (onChat !== undefined) onChat(socket, args);
      else socket.to(socket.data.room).emit('chat', ...args);
    });
  });
};

const deliveries = ({ measured: { counters } }: Ran) => ({
  expected: counters['deliveries.expected'],
  received: counters['deliveries.received'],
  lost: counters['deliveries.lost'],
  duplicated: counters['deliveries.duplicated'],
  late: counters['deliveries.late'],
  unexpected: counters['deliveries.unexpected'] ?? 0,
});

const none = { expected: 0, received: 0, lost: 0, duplicated: 0, late: 0, unexpected: 0 };

for (const { client, runUsers } of clients)
  describe(client, () => {
    test('a message is timed at every other member of its room, and nothing is lost or counted twice', async () => {
      await using server = await startServer();
      chat(server.io);
      const ran = await runUsers(server.url, {
        users: 6,
        vars: (index) => ({ room: `r${index % 2}` }),
        config: websocket,
        flow: [
          join,
          { think: '300ms' },
          {
            loop: [
              {
                emit: { channel: 'chat', data: { text: 'hi', meta: { id: '{{ $tag }}' } } },
                delivery: 'chat',
              },
            ],
            count: 5,
          },
          { think: '100ms' },
        ],
      });
      assert.ok(ran.users.every(({ error }) => error === null));
      assert.deepEqual(deliveries(ran), { ...none, expected: 60, received: 60 });
      assert.equal(countOf(ran, 'chat.delivery'), 60);
      assert.equal(ran.measured.counters['messages.unanswered'], 0);
      assert.deepEqual(ran.measured.unmeasured, []);
      assert.deepEqual(ran.measured.warnings, []);
    });

    test('the tag may be an argument, a part of a text or inside binary data, and the sender may be included', async () => {
      await using server = await startServer();
      chat(server.io, (socket, args) =>
        server.io.to(socket.data.room).emit('said', { from: socket.id }, ...args),
      );
      const payloads = [
        ['chat', 'a', '{{ $tag }}'],
        ['chat', { deep: [{ text: 'before {{ $tag }} after' }] }],
        ['chat', { $binary: { utf8: 'bytes {{ $tag }}' } }],
        ['chat', { blob: { data: { $binary: { utf8: '{{ $tag }}' } } } }],
        ['chat', '{"json":"{{ $tag }}"}'],
      ];
      for (const emit of payloads) {
        const ran = await runUsers(server.url, {
          users: 3,
          vars: () => ({ room: 'r' }),
          config: websocket,
          flow: [
            join,
            { think: '200ms' },
            { emit, delivery: { event: 'said', includesSender: true, room: '{{ room }}' }, metric: 'said' },
            { think: '100ms' },
          ],
        });
        assert.deepEqual(deliveries(ran), { ...none, expected: 9, received: 9 }, JSON.stringify(emit));
        assert.equal(countOf(ran, 'said.delivery'), 9);
      }
    });

    test('lost, duplicated and late deliveries are counted exactly', async () => {
      await using server = await startServer();
      let sent = 0;
      chat(server.io, (socket, args) => {
        sent += 1;
        const others = [...(server.io.of('/').adapter.rooms.get('r') ?? [])].filter((id) => id !== socket.id);
        const [first, second] = others.map((id) => server.io.sockets.sockets.get(id)!);
        // Of every message: one receiver gets it twice, the other not at all; every third comes late to the first.
        if (sent % 3 === 0) setTimeout(() => first!.emit('chat', ...args), 450);
        else {
          first!.emit('chat', ...args);
          first!.emit('chat', ...args);
        }
        void second;
      });
      const ran = await runUsers(server.url, {
        users: 3,
        vars: (index) => ({ room: 'r', talks: index === 0 ? [1, 2, 3, 4, 5, 6] : [] }),
        config: websocket,
        settings: { drainMs: 300 },
        flow: [
          join,
          { think: '200ms' },
          { loop: [{ emit: { channel: 'chat', data: '{{ $tag }}' }, delivery: 'chat' }], over: 'talks' },
          { think: '900ms' },
        ],
      });
      assert.deepEqual(deliveries(ran), {
        expected: 12,
        received: 6,
        lost: 6,
        duplicated: 4,
        late: 2,
        unexpected: 0,
      });
      assert.equal(countOf(ran, 'chat.delivery'), 6);
    });

    test('only confirmed members are expected to get a message', async () => {
      await using server = await startServer();
      server.io.on('connection', (socket) => {
        socket.on('join', ({ roomId, refuse }, ack) => {
          if (refuse) {
            ack({ ok: false });
            return;
          }
          socket.join(roomId);
          ack({ ok: true });
        });
        socket.on('chat', (data) => socket.to('r').emit('chat', data));
      });
      const ran = await runUsers(server.url, {
        users: 4,
        vars: (index) => ({ room: 'r', refuse: index === 1, talks: index === 0 ? [1] : [] }),
        config: websocket,
        flow: [
          { ...join, emit: { channel: 'join', data: { roomId: '{{ room }}', refuse: '{{ refuse }}' } } },
          { think: '200ms' },
          { loop: [{ emit: { channel: 'chat', data: '{{ $tag }}' }, delivery: 'chat' }], over: 'talks' },
          { think: '100ms' },
        ],
      });
      assert.equal(ran.users.filter(({ error }) => error !== null).length, 1);
      assert.deepEqual(deliveries(ran), { ...none, expected: 2, received: 2 });
    });

    test('a join that the server refused is no membership, awaited or observed', async () => {
      await using server = await startServer();
      server.io.on('connection', (socket) => {
        socket.on('join', (_data, ack) => ack({ ok: false, reason: 'full' }));
        socket.on('chat', (data) => socket.broadcast.emit('chat', data));
      });
      const send = { emit: { channel: 'chat', data: '{{ $tag }}' }, delivery: { event: 'chat', room: 'r' } };
      const enter = { emit: { channel: 'join', data: { roomId: 'r' } }, joins: 'r' };
      const ran = await runUsers(server.url, {
        users: 3,
        config: websocket,
        flow: [enter, { think: '200ms' }, send, { think: '200ms' }],
      });
      assert.deepEqual(
        ran.measured.errors.map(({ name, count }) => [name, count]),
        [['refused: join', 3]],
      );
      assert.deepEqual(deliveries(ran), { ...none, unexpected: 6 });
    });

    test('a member that left is not expected, and one that was disconnected still is', async () => {
      await using server = await startServer();
      chat(server.io);
      server.io.on('connection', (socket) => socket.on('vanish', () => socket.conn.close()));
      const talk = { emit: { channel: 'chat', data: '{{ $tag }}' }, delivery: 'chat' };
      const role = (name: string, steps: unknown[]) => ({ loop: steps, over: name });
      const ran = await runUsers(server.url, {
        users: 4,
        vars: (index) => ({
          room: 'r',
          talker: index === 0 ? [1] : [],
          leaver: index === 1 ? [1] : [],
          vanisher: index === 2 ? [1] : [],
        }),
        config: { socketio: { transports: ['websocket'], reconnection: false } },
        flow: [
          join,
          { think: '200ms' },
          role('leaver', [{ emit: { channel: 'leave' }, acknowledge: {}, leaves: true }]),
          role('vanisher', [{ emit: { channel: 'vanish' } }]),
          { think: '200ms' },
          role('talker', [talk]),
          { think: '200ms' },
        ],
      });
      // The leaver, the vanished and the talker itself are not expected: one is left.
      assert.deepEqual(deliveries(ran), { ...none, expected: 1, received: 1 });
      assert.equal(ran.measured.counters.disconnects, 1);
    });

    test('a session that the server recovers keeps its rooms, and gets what was sent meanwhile', async () => {
      await using server = await startServer({ connectionStateRecovery: {} });
      chat(server.io);
      server.io.on('connection', (socket) =>
        socket.on('cut', (who) => {
          if (who !== 0) return;
          for (const [id, other] of server.io.sockets.sockets) if (id !== socket.id) other.conn.close();
        }),
      );
      const ran = await runUsers(server.url, {
        users: 3,
        vars: (index) => ({ room: 'r', who: index }),
        config: { socketio: { ...websocket.socketio, reconnectionDelay: 200, randomizationFactor: 0 } },
        flow: [
          join,
          { think: '200ms' },
          // What tells the server's session apart is the last message that the client got.
          { emit: { channel: 'chat', data: { id: '{{ $tag }}' } }, delivery: 'chat', metric: 'before' },
          { think: '100ms' },
          { emit: { channel: 'cut', data: '{{ who }}' }, measure: false },
          { think: '100ms' },
          // The first user sends while the others are away; they send as soon as they are back.
          { emit: { channel: 'chat', data: { id: '{{ $tag }}' } }, delivery: 'chat', metric: 'after' },
          { think: '400ms' },
        ],
        settings: { drainMs: 1_000 },
      });
      assert.deepEqual(ran.measured.errors, []);
      assert.equal(ran.measured.counters.disconnects, 2);
      assert.equal(countOf(ran, 'after.delivery'), 6);
      assert.deepEqual(deliveries(ran), { ...none, expected: 12, received: 12 });
    });

    test('messages under way when sessions end are waited for, not lost', async () => {
      await using server = await startServer();
      chat(server.io, (socket, args) => setTimeout(() => socket.to('r').emit('chat', ...args), 150));
      const ran = await runUsers(server.url, {
        users: 5,
        vars: () => ({ room: 'r' }),
        config: websocket,
        flow: [
          join,
          { think: '200ms' },
          { emit: { channel: 'chat', data: '{{ $tag }}' }, delivery: 'chat' },
          // The last is sent before the first session ends; nothing arrives until all have ended.
          { think: '60ms' },
        ],
      });
      assert.deepEqual(deliveries(ran), { ...none, expected: 20, received: 20 });
    });

    test('without a join in the scenario, everyone connected is a member', async () => {
      await using server = await startServer();
      server.io.on('connection', (socket) => socket.on('all', (data) => server.io.emit('all', data)));
      const ran = await runUsers(server.url, {
        users: 3,
        config: websocket,
        flow: [
          { think: '300ms' },
          {
            emit: { channel: 'all', data: { id: '{{ $tag }}' } },
            delivery: { event: 'all', includesSender: true },
          },
          { think: '100ms' },
        ],
      });
      assert.deepEqual(deliveries(ran), { ...none, expected: 9, received: 9 });
    });

    test('receivers that only the server knows: a number of them, or unknown', async () => {
      await using server = await startServer();
      server.io.on('connection', (socket) => {
        socket.on('push', (data) => {
          for (const other of [...server.io.sockets.sockets.values()]
            .filter((each) => each !== socket)
            .slice(0, 2))
            other.emit('pushed', data);
        });
      });
      const run = async (expect: unknown) =>
        await runUsers(server.url, {
          users: 4,
          vars: (index) => ({ talks: index === 0 ? [1, 2] : [] }),
          config: websocket,
          flow: [
            { think: '200ms' },
            {
              loop: [
                { emit: { channel: 'push', data: '{{ $tag }}' }, delivery: { event: 'pushed', expect } },
              ],
              over: 'talks',
            },
            { think: '150ms' },
          ],
        });
      assert.deepEqual(deliveries(await run(3)), { ...none, expected: 6, received: 4, lost: 2 });
      assert.deepEqual(deliveries(await run('unknown')), { ...none, expected: 4, received: 4 });
    });

    test('an unchanged scenario gives true numbers by settings alone', async () => {
      await using server = await startServer();
      chat(server.io, (socket, [message]) => {
        const { roomId, text } = message as { roomId: string; text: string };
        socket.to(roomId).emit('newChat', { from: socket.id, body: { text } });
      });
      const ran = await runUsers(server.url, {
        users: 4,
        vars: () => ({ room: 'r' }),
        config: websocket,
        settings: {
          observeAcknowledgements: ['joinRoom'],
          deliveries: [
            {
              send: 'chat',
              receive: 'newChat',
              sentPath: 'text',
              receivedPath: 'body.text',
              includesSender: false,
              join: { event: 'join', roomPath: 'roomId' },
              leave: { event: 'leave' },
            },
          ],
        },
        flow: [
          { emit: { channel: 'join', data: { roomId: '{{ room }}' } } },
          { think: '300ms' },
          { emit: { channel: 'chat', data: { roomId: '{{ room }}', text: 'hello' } } },
          { think: '200ms' },
          { emit: { channel: 'leave', data: {} } },
        ],
      });
      assert.ok(ran.users.every(({ error }) => error === null));
      assert.deepEqual(deliveries(ran), { ...none, expected: 12, received: 12 });
      assert.equal(countOf(ran, 'chat.delivery'), 12);
      assert.equal(countOf(ran, 'join.ack'), 4);
    });

    test('observed acknowledgements do not hold up the flow, and an event that is never acknowledged is named', async () => {
      await using server = await startServer();
      const mute = `mute ${client}`;
      let acknowledge = () => {};
      server.io.on('connection', (socket) => {
        socket.on('slow', (_data, ack) => {
          acknowledge = ack;
        });
        socket.on(mute, () => {});
        let count = 0;
        socket.on('some', (_data, ack) => {
          count += 1;
          if (count % 2 === 1) ack();
        });
      });
      const ran = await runUsers(server.url, {
        settings: { observeAcknowledgements: 'all', timeoutMs: 400, drainMs: 400 },
        config: {
          ...websocket,
          processor: {
            // The server answers only when the flow has come to its end.
            answer: (_context: unknown, _ee: unknown, done: () => void) => {
              setTimeout(() => acknowledge(), 100);
              done();
            },
          },
        },
        flow: [
          { emit: { channel: 'slow', data: 1 } },
          { emit: { channel: mute, data: 1 } },
          { emit: { channel: mute, data: 2 } },
          { emit: { channel: 'some', data: 1 } },
          { emit: { channel: 'some', data: 2 } },
          { emit: { channel: mute, data: 3 }, measure: false },
          { think: '20ms' },
          { function: 'answer' },
        ],
      });
      assert.equal(ran.users[0]!.error, null);
      assert.equal(countOf(ran, 'slow.ack'), 1);
      assert.ok(ran.measured.metrics['slow.ack']!.minMs >= 99);
      assert.equal(countOf(ran, 'some.ack'), 1);
      assert.equal(countOf(ran, `${mute}.ack`), 0);
      assert.deepEqual(
        ran.measured.unmeasured.map(({ event, count }) => [event, count]),
        [
          [mute, 1],
          [mute, 1],
        ],
      );
      assert.ok(
        ran.measured.warnings.some((warning) => warning.includes(`never acknowledged "${mute}" (2 sent)`)),
      );
      assert.deepEqual(
        ran.measured.errors.map(({ name, count }) => [name, count]),
        [['ack timeout: some', 1]],
      );
    });
  });

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Decoder, Encoder, PacketType } from 'socket.io-parser';
import { WebSocketServer } from 'ws';
import type { ClientSocket } from '../../../src/engines/socketio/client-socket.ts';
import { openClientConnection } from '../../../src/engines/socketio/open-client-connection.ts';
import { openWireConnection } from '../../../src/engines/socketio/wire/open-wire-connection.ts';
import {
  type AssembledPacket,
  BinaryAssembler,
  encodePacket,
  eventName,
  parseTextPacket,
} from '../../../src/engines/socketio/wire/packet.ts';
import { isForWire, sessionUrl } from '../../../src/engines/socketio/wire/wire-options.ts';
import type { WireSocket } from '../../../src/engines/socketio/wire/wire-socket.ts';
import { startServer, type TestServer } from './run-users.ts';

/** What a processor may do with a socket: both clients have it. */
type FullSocket = ClientSocket &
  Pick<WireSocket, 'once' | 'onAny' | 'emitWithAck' | 'id' | 'disconnected' | 'connect'>;

const websocket = { transports: ['websocket'], reconnectionDelay: 50, randomizationFactor: 0 };
const pause = async (ms: number) => await new Promise((resolve) => setTimeout(resolve, ms));

const until = async (isTrue: () => boolean): Promise<void> => {
  for (let wait = 0; wait < 200 && !isTrue(); wait += 1) await pause(20);
  assert.ok(isTrue());
};

/** Runs the same dialogue over both clients, and expects the same to be seen. */
const alike = (
  name: string,
  dialogue: (
    open: (namespace: string, options?: Record<string, unknown>) => FullSocket,
    server: TestServer,
    log: (...seen: unknown[]) => void,
  ) => Promise<void>,
  options: Parameters<typeof startServer>[0] = {},
): void => {
  test(name, async () => {
    const seen: unknown[][] = [];
    for (const openConnection of [openClientConnection, openWireConnection]) {
      await using server = await startServer(options);
      const events: unknown[] = [];
      const connections: { close(): void }[] = [];
      try {
        await dialogue(
          (namespace, own) => {
            const connection = openConnection(server.url, { ...websocket, ...own });
            connections.push(connection);
            return connection.socket(namespace) as FullSocket;
          },
          server,
          (...entry) => events.push(entry),
        );
      } finally {
        for (const connection of connections) connection.close();
      }
      seen.push(events);
    }
    assert.deepEqual(seen[1], seen[0]);
    assert.ok(seen[0]!.length > 0);
  });
};

describe('the wire client behaves like socket.io-client', () => {
  alike('events, acknowledgements and binary data in both directions', async (open, { io }, log) => {
    io.on('connection', (socket) => {
      socket.on('echo', (...args) => {
        const acknowledge = args.pop();
        acknowledge(...args, 'end');
      });
      socket.on('ask', async (_data, done) => {
        log('answer', await socket.emitWithAck('question', { n: 1 }, Buffer.from([1, 2])));
        socket.emit('plain', 1, null, { deep: [true] });
        socket.emit('"odd" \\ näme', 'x');
        done();
      });
    });
    const socket = open('/');
    socket.onAny((event, ...args) =>
      log(
        'any',
        event,
        args.filter((arg) => typeof arg !== 'function'),
      ),
    );
    socket.on('question', (data, bytes, acknowledge) => acknowledge({ data, bytes }));
    socket.once('plain', (...args) => log('plain', args));
    socket.on('"odd" \\ näme', (...args) => log('odd', args));
    // Emitted before the connection is made: kept until it is.
    log(await socket.emitWithAck('echo', 1));
    for (const args of [[{ a: 'ü' }], [Buffer.from('bytes')], [{ deep: [{ b: Buffer.from('x') }] }, 2], []])
      await new Promise<void>((resolve) => {
        socket.emit('echo', ...args, (...answer: unknown[]) => {
          log('echo', answer);
          resolve();
        });
      });
    await socket.emitWithAck('ask', null);
    assert.throws(() => socket.emit('connect'), /reserved/);
    log(socket.connected, socket.active, typeof socket.id);
  });

  alike('namespaces share a connection, and each is refused or left alone', async (open, { io }, log) => {
    const conns = new Set<unknown>();
    io.of('/a').on('connection', (socket) => {
      conns.add(socket.conn);
      socket.on('hi', (acknowledge) => acknowledge(socket.nsp.name, socket.handshake.auth));
    });
    io.of('/closed').use((_socket, next) => next(Object.assign(new Error('no'), { data: { why: 'x' } })));
    const socket = open('/a', { auth: { token: 't' }, query: { q: '1' }, extraHeaders: { 'x-h': 'h' } });
    await new Promise((resolve) => socket.emit('hi', (...args: unknown[]) => resolve(log(args))));
    const refused = open('/closed');
    const [error] = await new Promise<[Error & { data?: unknown }]>((resolve) =>
      refused.on('connect_error', (...args) => resolve(args as [Error])),
    );
    log(error.message, error.data, refused.active, refused.connected);
    const missing = open('/missing');
    const [unknown] = await new Promise<[Error]>((resolve) =>
      missing.on('connect_error', (...args) => resolve(args as [Error])),
    );
    log(unknown.message, conns.size);
  });

  alike('events that come with the connection are not lost', async (open, { io }, log) => {
    io.on('connection', (socket) => {
      socket.emit('first', 1);
      socket.emit('second', Buffer.from('x'));
    });
    const socket = open('/');
    socket.on('first', (...args) => log('first', args));
    const second = new Promise<void>((resolve) => {
      socket.on('second', (...args) => resolve(log('second', args)));
    });
    socket.on('connect', () => log('connect'));
    await second;
  });

  alike('a lost connection comes back, and what was sent meanwhile with it', async (open, { io }, log) => {
    let connections = 0;
    io.on('connection', (socket) => {
      connections += 1;
      socket.on('late', (n) => log('late', n, connections));
      socket.on('drop', () => socket.conn.close());
    });
    const socket = open('/');
    socket.on('connect', () => log('connect', socket.connected));
    socket.on('disconnect', (reason) => {
      log('disconnect', reason, socket.active, socket.connected);
      socket.emit('late', 7);
    });
    await until(() => socket.connected);
    socket.emit('drop', () => log('never'));
    await until(() => connections === 2 && socket.connected);
    await pause(50);
  });

  alike('a server that disconnects is not called again', async (open, { io }, log) => {
    io.on('connection', (socket) => socket.on('kick', () => socket.disconnect()));
    const socket = open('/');
    socket.on('disconnect', (reason) => log(reason, socket.active, socket.connected));
    await until(() => socket.connected);
    socket.emit('kick');
    await pause(200);
    log(socket.active, socket.disconnected);
    socket.connect();
    await until(() => socket.connected);
    log('again');
  });

  alike('a client that disconnects says so', async (open, { io }, log) => {
    const reasons: unknown[] = [];
    io.on('connection', (socket) => socket.on('disconnect', (reason) => reasons.push(reason)));
    const socket = open('/');
    socket.on('disconnect', (reason) => log(reason));
    await until(() => socket.connected);
    socket.disconnect();
    await until(() => reasons.length === 1);
    log(reasons, socket.active);
  });

  alike(
    'a server that stops pinging is given up',
    async (open, { io }, log) => {
      const socket = open('/', { reconnection: false });
      socket.on('disconnect', (reason) => log(reason));
      await until(() => socket.connected);
      const { clients } = io.engine as unknown as {
        clients: Record<string, { pingIntervalTimer: NodeJS.Timeout }>;
      };
      for (const { pingIntervalTimer } of Object.values(clients)) clearTimeout(pingIntervalTimer);
      await until(() => !socket.connected);
    },
    { pingInterval: 200, pingTimeout: 150 },
  );

  alike(
    'a session that the server can recover is recovered',
    async (open, { io }, log) => {
      let sockets = 0;
      io.on('connection', (socket) => {
        sockets += 1;
        log('recovered', socket.recovered);
        socket.on('drop', () => {
          socket.conn.close();
          setTimeout(() => io.emit('missed', 'while away'), 10);
        });
      });
      const socket = open('/');
      socket.on('missed', (...args) => log('missed', args[0]));
      await until(() => socket.connected);
      io.emit('missed', 'before');
      await pause(50);
      socket.emit('drop');
      await until(() => sockets === 2 && socket.connected);
      await pause(50);
    },
    { connectionStateRecovery: { maxDisconnectionDuration: 10_000 } },
  );

  type Raw = { send(data: string | Buffer): void; _socket: { write(bytes: Buffer): void } };
  const bad = Buffer.from([0x34, 0x32, 0x5b, 0x22, 0xff, 0xfe, 0x22, 0x5d]);
  const violations: Record<string, (raw: Raw) => void> = {
    'an unknown packet of Engine.IO': (raw) => raw.send('9'),
    'text that is no packet at all': (raw) => raw.send('hello'),
    'an empty text': (raw) => raw.send(''),
    'a packet that is no JSON': (raw) => raw.send('42{not json'),
    'binary data that no packet announced': (raw) => raw.send(Buffer.from([1, 2, 3])),
    'text where an attachment is due': (raw) => {
      raw.send('451-["x",{"_placeholder":true,"num":0}]');
      raw.send('42["y"]');
    },
    'text that is not UTF-8': (raw) =>
      raw._socket.write(Buffer.concat([Buffer.from([0x81, bad.length]), bad])),
    'a reserved opcode': (raw) => raw._socket.write(Buffer.from([0x8b, 0])),
    'nothing but a pong, an upgrade and a noop': (raw) => ['3', '5', '6'].map((text) => raw.send(text)),
  };
  for (const [name, violate] of Object.entries(violations))
    alike(`${name} does what it does to the reference`, async (open, { io }, log) => {
      io.on('connection', (socket) => {
        setTimeout(() => violate((socket.conn.transport as unknown as { socket: Raw }).socket), 20);
        setTimeout(() => socket.emit('after'), 40);
      });
      const socket = open('/', { reconnection: false });
      const first = await new Promise<string>((resolve) => {
        socket.on('disconnect', (reason) => resolve(String(reason)));
        socket.on('after', () => resolve('nothing'));
      });
      log(first);
    });

  test('a packet that opens and is malformed is an error of that connection alone', async () => {
    for (const text of ['0{"sid":', '0', '0null', '0{"sid":"a","pingInterval":"x"}']) {
      const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
      server.on('connection', (socket) => socket.send(text));
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const connection = openWireConnection(`http://127.0.0.1:${port}`, {
        ...websocket,
        reconnection: false,
      });
      const socket = connection.socket('/');
      const error = await new Promise<unknown>((resolve) => socket.on('connect_error', resolve));
      assert.match(String((error as { description?: unknown }).description), /parse error/, text);
      connection.close();
      server.close();
    }
  });

  test('text that is no packet ends the connection, and not the process', async () => {
    await using server = await startServer();
    server.io.on('connection', (socket) => {
      const { socket: raw } = socket.conn.transport as unknown as { socket: { send(text: string): void } };
      raw.send('42{not json');
    });
    const connection = openWireConnection(server.url, { ...websocket, reconnection: false });
    const socket = connection.socket('/');
    const [reason] = await new Promise<unknown[]>((resolve) =>
      socket.on('disconnect', (...args) => resolve(args)),
    );
    assert.equal(reason, 'parse error');
    connection.close();
  });
});

const namespace = fc.constantFrom('/', '/chat', '/a-b/c');
const data = fc.tuple(fc.string({ minLength: 1 }), fc.jsonValue());

test('packets are read as the reference parser reads them', () => {
  const encoder = new Encoder();
  fc.assert(
    fc.property(
      fc.constantFrom(PacketType.EVENT, PacketType.ACK),
      namespace,
      fc.option(fc.nat()),
      data,
      (type, nsp, id, payload) => {
        const [text] = encoder.encode({
          type,
          nsp,
          data: payload,
          ...(id === null ? {} : { id }),
        } as never) as [string];
        const packet = parseTextPacket(`4${text}`);
        assert.deepEqual(
          { ...packet, payload: JSON.parse(packet.payload) },
          { type, namespace: nsp, id, payload: JSON.parse(JSON.stringify(payload)) },
        );
        const name = eventName(packet.payload);
        assert.ok(name === null || name === payload[0]);
        if (/^[\w ]*$/.test(payload[0])) assert.equal(name, payload[0]);
        assert.deepEqual(encodePacket(type as PacketType.EVENT, nsp, id, payload), [`4${text}`]);
      },
    ),
  );
});

test('packets with binary data are put together as by the reference parser', () => {
  const bytes = fc.uint8Array({ maxLength: 5 }).map((each) => Buffer.from(each));
  const value = fc.record({ a: bytes, b: fc.array(fc.oneof(bytes, fc.string()), { maxLength: 3 }) });
  fc.assert(
    fc.property(namespace, fc.option(fc.nat()), value, (nsp, id, content) => {
      const frames = encodePacket(PacketType.EVENT, nsp, id, ['event', content]);
      const assembler = new BinaryAssembler();
      let assembled: AssembledPacket | null = null;
      for (const frame of frames) assembled = assembler.add(frame);
      const decoder = new Decoder();
      let expected: unknown;
      decoder.on('decoded', (packet) => {
        expected = packet;
      });
      for (const frame of frames) decoder.add(typeof frame === 'string' ? frame.slice(1) : frame);
      assert.deepEqual(assembled, expected);
    }),
  );
});

test('only what the wire client can do is given to it', () => {
  assert.equal(isForWire({ transports: ['websocket'], auth: { a: 1 }, extraHeaders: {}, timeout: 5 }), true);
  assert.equal(isForWire({}), false);
  assert.equal(isForWire({ transports: ['polling', 'websocket'] }), false);
  assert.equal(isForWire({ transports: ['websocket'], parser: {} }), false);
  assert.equal(isForWire({ transports: ['websocket'], auth: () => {} }), false);
  assert.equal(isForWire({ transports: ['websocket'], retries: 3 }), false);
  assert.equal(
    sessionUrl('https://host:1', { path: '/custom/', query: { a: 'b c' } }),
    'wss://host:1/custom/?a=b+c&EIO=4&transport=websocket',
  );
  assert.equal(
    sessionUrl('http://host', { path: '/x', addTrailingSlash: false }),
    'ws://host/x?EIO=4&transport=websocket',
  );
});

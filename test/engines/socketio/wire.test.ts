import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
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

  test('what breaks the protocol does to it what it does to the reference', async () => {
    const server = await startRawServer();
    try {
      const outcomes = await Promise.all(
        Object.keys(violations).map(
          async (name) =>
            await Promise.all([
              name,
              outcomeOf(openClientConnection, server.url, name),
              outcomeOf(openWireConnection, server.url, name),
            ]),
        ),
      );
      for (const [name, reference, ours] of outcomes) assert.deepEqual(ours, reference, String(name));
      // The table is none of servers that do nothing: what the reference does differs.
      const ends = new Set(outcomes.map(([, reference]) => JSON.stringify(reference)));
      assert.ok(ends.size >= 6, [...ends].join('\n'));
    } finally {
      server.close();
    }
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
});

const opens = '0{"sid":"s","upgrades":[],"pingInterval":10000,"pingTimeout":10000,"maxPayload":1000000}';
const connects = '40{"sid":"n"}';
/** A frame as wrong as wanted: `first` is its first byte. */
const rawFrame = (first: number, ...payload: number[]): Frame => ({
  raw: [first, payload.length, ...payload],
});
type Frame = string | Buffer | { raw: number[] };

/** What a server sends: from the beginning (with `opens` and `connects`), or once the namespace is connected. */
const violations: Record<string, Frame[] | { instead: Frame[] }> = {
  // Engine.IO
  'an unknown packet': ['9'],
  'text that is no packet at all': ['hello'],
  'an empty text': [''],
  'nothing but a pong, an upgrade and a noop': ['3', '5', '6'],
  'a ping with something in it': ['2probe'],
  'a packet that closes': ['1'],
  'a second packet that opens': [opens],
  'an open packet without a session id': {
    instead: ['0{"upgrades":[],"pingInterval":10000,"pingTimeout":10000}', connects],
  },
  'no ping in time': { instead: ['0{"sid":"s","upgrades":[],"pingInterval":60,"pingTimeout":60}', connects] },
  'no ping in time, before the namespace': {
    instead: ['0{"sid":"s","upgrades":[],"pingInterval":30,"pingTimeout":30}'],
  },
  'a ping before the packet that opens': { instead: ['2', opens, connects] },
  'a namespace before the packet that opens': { instead: [connects, '42["early"]'] },
  'base64 that no packet announced': ['bAQID'],
  // namespaces
  'a namespace without a session id': { instead: [opens, '40{}'] },
  'a namespace without data': { instead: [opens, '40'] },
  'a namespace that is connected with a list': { instead: [opens, '40[]'] },
  'a namespace that is connected twice': [connects],
  'a namespace that nobody asked for': ['40/other,{"sid":"x"}', '42/other,["x"]', '41/other,'],
  'a namespace that is closed with data': ['41{}'],
  'a namespace that is closed': ['41'],
  'a namespace that is closed before it is connected': { instead: [opens, '41'] },
  'a refusal': { instead: [opens, '44{"message":"no","data":1}'] },
  'a refusal that is a text': { instead: [opens, '44"no"'] },
  'a refusal that is a list': { instead: [opens, '44[1]'] },
  // packets
  'an empty packet': ['4'],
  'a packet of no type': ['4x'],
  'a packet of an unknown type': ['47["x"]'],
  'an event that is no JSON': ['42{not json'],
  'an event that is cut off': ['42["after"'],
  'an event that is no list': ['42{"a":1}'],
  'an event without a name': ['42[]'],
  'an event whose name is a number': ['42[7,1]'],
  'an event whose name is an object': ['42[{},1]'],
  'an event with a reserved name': ['42["connect"]'],
  'an event that wants an acknowledgement': ['429["x"]'],
  'an acknowledgement that nothing waits for': ['4399["x"]'],
  'an acknowledgement without an id': ['43["x"]'],
  'an acknowledgement without data': ['430'],
  'an acknowledgement that is no list': ['430{"a":1}'],
  'an acknowledgement that is no JSON': ['430[no]'],
  'an acknowledgement of nothing that is no list': ['4399{"a":1}'],
  'two acknowledgements': ['430["one"]', '430["two"]'],
  // binary data
  'binary data that no packet announced': [Buffer.from([1, 2, 3])],
  'text where an attachment is due': ['451-["x",{"_placeholder":true,"num":0}]', '42["y"]'],
  'an attachment': ['451-["after",{"_placeholder":true,"num":0}]', Buffer.from('x')],
  'an attachment too many': ['451-["y",{"_placeholder":true,"num":0}]', Buffer.from('x'), Buffer.from('y')],
  'an attachment too few': ['452-["x",{"_placeholder":true,"num":0}]', Buffer.from('x')],
  'an attachment that has no place': ['451-["x"]', Buffer.from('x')],
  'an attachment whose place is none': ['451-["x",{"_placeholder":true,"num":3}]', Buffer.from('x')],
  'a number of attachments that is none': ['45x-["x"]'],
  'no attachments': ['450-["x"]'],
  'a thousand attachments': ['451000-["x"]'],
  'an acknowledgement with an attachment': ['461-0[{"_placeholder":true,"num":0}]', Buffer.from('x')],
  // WebSocket
  'text that is not UTF-8': [rawFrame(0x81, 0x34, 0x32, 0x5b, 0x22, 0xff, 0xfe, 0x22, 0x5d)],
  'a reserved opcode': [rawFrame(0x8b)],
  'reserved bits': [rawFrame(0xf1, 0x32)],
  'a masked frame': [{ raw: [0x81, 0x81, 0, 0, 0, 0, 0x32] }],
  'a continuation of nothing': [rawFrame(0x80, 0x32)],
  'a message that is too large': [`42["x","${'x'.repeat(3_000)}"]`],
  'fragments that are too large together': [
    ...Array.from({ length: 40 }, (_, at) => rawFrame(at === 0 ? 0x01 : 0x00, ...Buffer.alloc(100, 0x32))),
  ],
  'more fragments than are taken': [
    { raw: [...Array.from({ length: 17_000 }, (_, at) => [at === 0 ? 0x01 : 0x00, 0])].flat() },
  ],
  'a close frame with a code that is none': [rawFrame(0x88, 0x00, 0x01)],
  'a close frame with a reason': [rawFrame(0x88, 0x0f, 0xa1, ...Buffer.from('go away'))],
  'a connection that is cut': [{ raw: [] }],
};

/** Sends what the query `case` names; `after` follows what comes once the namespace is connected. */
const startRawServer = async (): Promise<{ url: string; close(): void }> => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  server.on('connection', (socket, request) => {
    const spec = violations[new URL(request.url!, 'http://host').searchParams.get('case')!]!;
    const tcp = (socket as unknown as { _socket: Socket })._socket;
    const send = (frames: Frame[]) => {
      for (const frame of frames)
        if (typeof frame === 'string' || Buffer.isBuffer(frame)) socket.send(frame);
        else if (frame.raw.length === 0) socket.terminate();
        else tcp.write(Buffer.from(frame.raw));
    };
    socket.on('error', () => {});
    if (!Array.isArray(spec)) {
      send(spec.instead);
      setTimeout(() => socket.readyState === socket.OPEN && send(['42["after"]']), 60);
      return;
    }
    socket.send(opens);
    socket.on('message', (data) => {
      const text = String(data);
      if (text.startsWith('40')) send([connects]);
      else if (text === '3') send(['42["pong"]']);
      else if (text.startsWith('420')) send([...spec, '42["after"]']);
    });
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      for (const client of server.clients) client.terminate();
      server.close();
    },
  };
};

/** What a user of the client sees until nothing comes any more. */
const outcomeOf = async (open: typeof openWireConnection, url: string, name: string): Promise<unknown[]> => {
  const seen: unknown[] = [];
  const connection = open(url, {
    ...websocket,
    reconnection: false,
    maxPayload: 2_000,
    query: { case: name },
  });
  const socket = connection.socket('/') as FullSocket;
  const log = (...entry: unknown[]) => seen.push(entry);
  socket.on('connect', () => log('connect'));
  socket.on('connect_error', (error) => log('connect_error', error?.type ?? 'refused', error?.data));
  socket.on('disconnect', (reason, details) =>
    log('disconnect', reason, details?.context?.code, details?.context?.reason),
  );
  for (const event of ['after', 'pong', 'early', 'x'])
    socket.on(event, (...args) =>
      log(
        event,
        args.filter((arg) => typeof arg !== 'function'),
      ),
    );
  socket.emit('ask', (...args: unknown[]) => log('acknowledged', args));
  await pause(900);
  log(socket.connected, socket.active);
  connection.close();
  return seen;
};

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

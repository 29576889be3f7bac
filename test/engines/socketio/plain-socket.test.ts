import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { Agent } from 'node:http';
import net from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ClientOptions, WebSocketServer } from 'ws';
import {
  encodeFrame,
  FrameDecoder,
  FrameError,
  opcode,
} from '../../../src/engines/socketio/wire/frame-codec.ts';
import {
  type MessageSocket,
  type MessageSocketEvents,
  openPackageSocket,
} from '../../../src/engines/socketio/wire/message-socket.ts';
import { isForPlainSocket, openPlainSocket } from '../../../src/engines/socketio/wire/plain-socket.ts';

const pause = async (ms: number) => await new Promise((resolve) => setTimeout(resolve, ms));

/** A frame of a server: not masked. */
const serverFrame = (code: number, payload: Buffer, isFinal = true): Buffer => {
  const head =
    payload.length < 126
      ? Buffer.from([0, payload.length])
      : payload.length < 65_536
        ? Buffer.from([0, 126, payload.length >> 8, payload.length & 0xff])
        : Buffer.concat([Buffer.from([0, 127, 0, 0, 0, 0]), Buffer.alloc(4)]);
  if (payload.length >= 65_536) head.writeUInt32BE(payload.length, 6);
  head[0] = (isFinal ? 0x80 : 0) | code;
  return Buffer.concat([head, payload]);
};

test('frames are read whatever pieces they come in', () => {
  const payloads = fc.array(
    fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.integer({ min: 65_530, max: 65_540 }).map((length) => new Uint8Array(length).fill(length & 0xff)),
    ),
    { minLength: 1, maxLength: 5 },
  );
  fc.assert(
    fc.property(payloads, fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1 }), (all, cuts) => {
      const bytes = Buffer.concat(all.map((payload) => serverFrame(opcode.binary, Buffer.from(payload))));
      const got: Buffer[] = [];
      // What was given may be overwritten as soon as it was taken.
      const memory = Buffer.alloc(70_000);
      const decoder = new FrameDecoder(1e6, ({ payload }) => got.push(Buffer.from(payload)));
      for (let at = 0, cut = 0; at < bytes.length; cut += 1) {
        const length = Math.min(cuts[cut % cuts.length]!, bytes.length - at);
        bytes.copy(memory, 0, at, at + length);
        decoder.push(memory.subarray(0, length));
        memory.fill(0xff);
        at += length;
      }
      assert.deepEqual(
        got,
        all.map((payload) => Buffer.from(payload)),
      );
    }),
    { numRuns: 200 },
  );
});

test('what is no frame of a server is an error', () => {
  const decoder = () => new FrameDecoder(1_000, () => {});
  assert.throws(() => decoder().push(encodeFrame(opcode.text, 'masked')), FrameError);
  assert.throws(() => decoder().push(Buffer.from([0xc1, 0])), /RSV/);
  assert.throws(() => decoder().push(serverFrame(opcode.binary, Buffer.alloc(1_001))), /Max payload/);
});

type Seen = { messages: (string | Buffer)[]; errors: (Error | null)[] };

const listener = (): Seen & MessageSocketEvents => {
  const messages: (string | Buffer)[] = [];
  const errors: (Error | null)[] = [];
  return {
    messages,
    errors,
    message: (data, isBinary) => messages.push(isBinary ? Buffer.from(data) : data.toString()),
    closed: (error) => errors.push(error),
  };
};

const until = async (isTrue: () => boolean): Promise<void> => {
  for (let wait = 0; wait < 250 && !isTrue(); wait += 1) await pause(10);
  assert.ok(isTrue());
};

type Peer = AsyncDisposable & { server: WebSocketServer; url: string };

const startPeer = async (options: { perMessageDeflate?: boolean } = {}): Promise<Peer> => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    server,
    url: `ws://127.0.0.1:${(server.address() as net.AddressInfo).port}/path?q=1`,
    [Symbol.asyncDispose]: async () => {
      for (const client of server.clients) client.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

const options: ClientOptions & { closeTimeout: number } = {
  headers: { 'X-Own': 'ä', cookie: ['a=1', 'b=2'] as unknown as string },
  origin: 'http://origin',
  closeTimeout: 200,
};

test('messages of all sizes go both ways, pings are answered, fragments are put together', async () => {
  await using peer = await startPeer();
  const heads: unknown[] = [];
  const atServer: (string | Buffer)[] = [];
  let ponged = '';
  peer.server.on('connection', (socket, request) => {
    const { origin, cookie, 'x-own': own } = request.headers;
    heads.push([request.url, origin, cookie, own]);
    socket.on('pong', (data) => {
      ponged = data.toString();
    });
    socket.on('message', (data, isBinary) => {
      const message = data as Buffer;
      atServer.push(isBinary ? message : message.toString());
      const half = message.length >> 1;
      socket.send(message.subarray(0, half), { binary: isBinary, fin: false });
      socket.ping('in between');
      socket.send(message.subarray(half), { binary: isBinary, fin: true });
      socket.send(message, { binary: isBinary });
    });
    // Comes with the answer to the handshake.
    socket.send('welcome');
  });
  const seen = listener();
  const socket = openPlainSocket(peer.url, options, seen);
  await until(() => seen.messages.length === 1);
  const sent: (string | Buffer)[] = ['', 'text', 'ü'.repeat(63), 'x'.repeat(126), Buffer.from([1, 2, 3])];
  for (const length of [125, 65_535, 65_536, 300_000]) sent.push(Buffer.alloc(length, length & 0xff));
  for (const data of sent) socket.send(data);
  await until(() => seen.messages.length === 1 + 2 * sent.length);
  assert.deepEqual(atServer, sent);
  assert.deepEqual(seen.messages, ['welcome', ...sent.flatMap((data) => [data, data])]);
  await until(() => ponged === 'in between');
  const reference = listener();
  const other = openPackageSocket(peer.url, { ...options, perMessageDeflate: false }, reference);
  await until(() => reference.messages.length === 1);
  assert.deepEqual(heads[0], heads[1]);
  socket.close();
  other.terminate();
  await until(() => seen.errors.length === 1);
  assert.deepEqual(seen.errors, [null]);
});

test('each side may say farewell, and who does not answer it is left', async () => {
  await using peer = await startPeer();
  const codes: number[] = [];
  peer.server.on('connection', (socket) => {
    socket.on('close', (code) => codes.push(code));
    socket.on('message', () => socket.close(1001));
    socket.send('welcome');
  });
  const connect = async (): Promise<[MessageSocket, Seen]> => {
    const seen = listener();
    const socket = openPlainSocket(peer.url, options, seen);
    await until(() => seen.messages.length === 1);
    return [socket, seen];
  };
  const [closing, closed] = await connect();
  closing.close();
  closing.send('too late');
  await until(() => closed.errors.length === 1 && codes.length === 1);
  const [asking, left] = await connect();
  asking.send('go');
  await until(() => left.errors.length === 1 && codes.length === 2);
  const [breaking, broken] = await connect();
  breaking.terminate();
  await until(() => broken.errors.length === 1 && codes.length === 3);
  assert.deepEqual(codes, [1005, 1001, 1006]);
  assert.deepEqual([closed.errors, left.errors, broken.errors], [[null], [null], [null]]);

  const silent = net.createServer((socket) =>
    socket.once('data', (head) => {
      const key = /Sec-WebSocket-Key: (.*)\r\n/.exec(head.toString())![1]!;
      socket.write(
        `HTTP/1.1 101 Switching\r\nUpgrade: WebSocket\r\nSec-WebSocket-Accept: ${acceptOf(key)}\r\n\r\n`,
      );
      socket.write(serverFrame(opcode.text, Buffer.from('welcome')));
    }),
  );
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const seen = listener();
  const url = `ws://127.0.0.1:${(silent.address() as net.AddressInfo).port}/`;
  const socket = openPlainSocket(url, options, seen);
  await until(() => seen.messages.length === 1);
  socket.close();
  await until(() => seen.errors.length === 1);
  silent.close();
});

const acceptOf = (key: string): string =>
  hash('sha1', `${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`, 'base64');

test('a connection that is not made tells why, as the package does', async () => {
  const answers: Record<string, string | null> = {
    refused: 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n',
    redirected: 'HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n',
    'wrong accept':
      'HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n',
    'wrong upgrade': 'HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n',
    hangup: null,
  };
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (head) => {
      const name = decodeURIComponent(/^GET \/(\S*)/.exec(head.toString())![1]!);
      const answer = answers[name];
      if (answer === null || answer === undefined) socket.destroy();
      else socket.end(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  const failure = async (open: typeof openPlainSocket, url: string): Promise<unknown> => {
    const seen = listener();
    open(url, options, seen);
    await until(() => seen.errors.length > 0);
    const error = seen.errors[0] as NodeJS.ErrnoException;
    return [error.message, error.code];
  };
  for (const name of Object.keys(answers)) {
    const url = `ws://127.0.0.1:${port}/${encodeURIComponent(name)}`;
    assert.deepEqual(await failure(openPlainSocket, url), await failure(openPackageSocket, url), name);
  }
  server.close();
  const gone = `ws://127.0.0.1:${port}/`;
  await pause(20);
  assert.deepEqual(await failure(openPlainSocket, gone), await failure(openPackageSocket, gone));

  const other = net.createServer((socket) => socket.end('SSH-2.0-OpenSSH\r\n\r\n'));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const url = `ws://127.0.0.1:${(other.address() as net.AddressInfo).port}/`;
  const [message, code] = (await failure(openPlainSocket, url)) as [string, string];
  assert.match(message, /Parse Error/);
  assert.equal(code, 'HPE_INVALID_CONSTANT');
  other.close();
});

test('a header that cannot be sent is refused at once', () => {
  assert.throws(
    () => openPlainSocket('ws://127.0.0.1:1/', { headers: { 'X-A': 'a\r\nX-B: b' } }, listener()),
    {
      code: 'ERR_INVALID_CHAR',
    },
  );
});

test('a server that compresses is left to the package', async () => {
  await using peer = await startPeer({ perMessageDeflate: true });
  let compressed = 0;
  peer.server.on('connection', (socket) => {
    if (socket.extensions !== '') compressed += 1;
    socket.on('message', (data) => socket.send(data.toString()));
  });
  const seen = listener();
  assert.ok(isForPlainSocket(peer.url, options));
  const socket = openPlainSocket(peer.url, options, seen);
  await until(
    () => peer.server.clients.size === 1 && compressed >= 1 && !isForPlainSocket(peer.url, options),
  );
  await pause(50);
  const text = 'compress me '.repeat(1_000);
  socket.send(text);
  await until(() => seen.messages.length === 1);
  assert.equal(seen.messages[0], text);
  socket.close();
  await until(() => seen.errors.length === 1);
  assert.deepEqual(seen.errors, [null]);
});

test('a plain socket is for what it can do', () => {
  assert.ok(isForPlainSocket('ws://127.0.0.1:1/', {}));
  assert.ok(isForPlainSocket('ws://127.0.0.1:1/', { perMessageDeflate: { threshold: 1 } }));
  assert.ok(!isForPlainSocket('ws://127.0.0.1:1/', { perMessageDeflate: { serverNoContextTakeover: true } }));
  assert.ok(!isForPlainSocket('wss://127.0.0.1:1/', {}));
  assert.ok(!isForPlainSocket('ws://user:secret@127.0.0.1:1/', {}));
  assert.ok(!isForPlainSocket('ws://127.0.0.1:1/', { agent: new Agent() }));
});

test('a message in fragments has a limit, of its size and of their number', async () => {
  await using peer = await startPeer();
  for (const [bytes, isOver] of [
    [90, false],
    [400, true],
    [0, true],
  ] as const) {
    peer.server.once('connection', (socket) => {
      for (let part = 0; part < (isOver ? 40 : 4); part += 1)
        socket.send(Buffer.alloc(bytes), { binary: true, fin: false });
      socket.send(Buffer.alloc(bytes), { binary: true, fin: true });
    });
    const seen = listener();
    const socket = openPlainSocket(peer.url, { ...options, maxPayload: 1_000 }, seen);
    await until(() => seen.messages.length + seen.errors.length === 1);
    assert.equal(seen.errors[0]?.message, isOver ? 'Max payload size exceeded' : undefined, `${bytes} bytes`);
    socket.terminate();
  }
});

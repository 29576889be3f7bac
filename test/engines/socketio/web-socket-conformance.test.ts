import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import net from 'node:net';
import { test } from 'node:test';
import type { ClientOptions } from 'ws';
import {
  type Farewell,
  type MessageSocket,
  openPackageSocket,
} from '../../../src/engines/socketio/wire/message-socket.ts';
import { openPlainSocket } from '../../../src/engines/socketio/wire/plain-socket.ts';

/** A frame of the server, as wrong as wanted: `first` is its first byte. */
const frame = (first: number, payload: string | Buffer | readonly number[] = ''): Buffer => {
  const data = typeof payload === 'string' ? Buffer.from(payload) : Buffer.from(payload);
  const length = data.length < 126 ? [data.length] : [126, data.length >> 8, data.length & 0xff];
  return Buffer.concat([Buffer.from([first, ...length]), data]);
};

const text = (payload: string | Buffer | readonly number[]) => frame(0x81, payload);
const bytes = (payload: string) => frame(0x82, payload);
const ping = (payload = '') => frame(0x89, payload);
const close = (code: number, reason: string | readonly number[] = '') =>
  frame(0x88, Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason as string)]));
const fine = close(1000, 'bye');

/** What the user of the client saw, and which frames the server got: `ping payload` comes back as `pong payload`. */
type Outcome = { messages: string[]; pongs: string[]; error: string | null; farewell: Farewell | undefined };

const opened = { code: 1000, reason: 'bye' };
const ok = (messages: string[], pongs: string[] = []): Outcome => ({
  messages,
  pongs,
  error: null,
  farewell: opened,
});
/** The connection fails; what came before it counts. */
const fails = (error: string, messages: string[] = [], pongs: string[] = []): Outcome => ({
  messages,
  pongs,
  error,
  farewell: undefined,
});

const greek = Buffer.from('κόσμε');
const long = 'x'.repeat(125);

/** Section of the Autobahn suite, what the server sends in one piece (and, again, byte by byte), what comes of it. */
const cases: [string, string, Buffer[], Outcome][] = [
  ['1', 'empty messages', [text(''), bytes(''), fine], ok(['', '<>'])],
  [
    '1',
    'messages at the limits of the short length',
    [text(long), text(`${long}x`), fine],
    ok([long, `${long}x`]),
  ],
  ['1', 'bytes of 65,535', [bytes('y'.repeat(65_535)), fine], ok([`<${'y'.repeat(65_535)}>`])],
  [
    '2',
    'pings, empty and with a payload',
    [ping(), ping('Hello'), ping(long), fine],
    ok([], ['', 'Hello', long]),
  ],
  ['2', 'a ping that is too long', [frame(0x89, `${long}x`)], fails('payload|control')],
  ['2', 'pongs that nobody asked for', [frame(0x8a, 'x'), ping('a'), frame(0x8a), fine], ok([], ['a'])],
  [
    '2',
    'ten pings in a row',
    [...Array.from({ length: 10 }, (_, n) => ping(`${n}`)), fine],
    ok([], [...'0123456789']),
  ],
  ['3', 'a first reserved bit without an extension', [text('a'), frame(0xc1, 'b')], fails('RSV', ['a'])],
  ['3', 'a second reserved bit', [frame(0xa2, 'b')], fails('RSV')],
  ['3', 'a third one in a control frame', [frame(0x99)], fails('RSV')],
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((code): (typeof cases)[number] => [
    '4',
    `the reserved opcode ${code}`,
    [text('a'), frame(0x80 | code), text('b')],
    fails('opcode', ['a']),
  ]),
  ['4', 'a reserved opcode that begins a fragmented message', [frame(0x03, 'a')], fails('opcode')],
  ['5', 'a fragmented ping', [frame(0x09, 'a'), frame(0x80, 'b')], fails('control|FIN')],
  ['5', 'a fragmented pong', [frame(0x0a, 'a'), frame(0x80, 'b')], fails('control|FIN')],
  ['5', 'text in two fragments', [frame(0x01, 'a'), frame(0x80, 'b'), fine], ok(['ab'])],
  ['5', 'a ping between fragments', [frame(0x01, 'a'), ping('p'), frame(0x80, 'b'), fine], ok(['ab'], ['p'])],
  ['5', 'empty fragments', [frame(0x01), frame(0x00), frame(0x80), fine], ok([''])],
  ['5', 'fragments of bytes', [frame(0x02, 'a'), frame(0x00, 'b'), frame(0x80, 'c'), fine], ok(['<abc>'])],
  ['5', 'a continuation of nothing', [frame(0x80, 'a'), text('b')], fails('opcode')],
  ['5', 'an unfinished continuation of nothing', [frame(0x00, 'a'), text('b')], fails('opcode')],
  ['5', 'text within fragments', [frame(0x01, 'a'), text('b')], fails('opcode')],
  ['5', 'a second beginning within fragments', [frame(0x01, 'a'), frame(0x01, 'b')], fails('opcode')],
  ['6', 'characters of one to four bytes', [text('aκ\u2028😀\uFFFF'), fine], ok(['aκ\u2028😀\uFFFF'])],
  [
    '6',
    'a character that is cut by fragments',
    [...[...greek].map((byte, at) => frame(at === 0 ? 0x01 : 0x00, [byte])), frame(0x80), fine],
    ok(['κόσμε']),
  ],
  ...(
    [
      ['a lone continuation byte', [0x80]],
      ['an overlong slash', [0xc0, 0xaf]],
      ['a surrogate', [0xed, 0xa0, 0x80]],
      ['beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
      ['a cut character at the end', [...greek.subarray(0, 3)]],
      ['0xff', [0xff]],
    ] as const
  ).map(([what, sequence]): (typeof cases)[number] => [
    '6',
    `text that is no UTF-8: ${what}`,
    [text('a'), text(sequence)],
    fails('UTF-8', ['a']),
  ]),
  ['6', 'no UTF-8 over two fragments', [frame(0x01, [0xce]), frame(0x80, 'a')], fails('UTF-8')],
  ['6', 'no UTF-8 in bytes, which may be', [frame(0x82, [0xff]), fine], ok(['<\uFFFD>'])],
  ['7', 'what follows the close frame', [fine, text('late'), ping('late')], ok([])],
  ['7', 'an end amid fragments', [frame(0x01, 'a'), fine], ok([])],
  ['7', 'a close frame of one byte', [frame(0x88, [3])], fails('length')],
  ['7', 'a close frame that is too long', [close(1000, `${long}`)], fails('payload|length|control')],
  ['7', 'a reason that is no UTF-8', [close(1000, [0xce, 0x61])], fails('UTF-8')],
  [
    '7',
    'the longest reason',
    [close(1000, 'z'.repeat(123))],
    { ...ok([]), farewell: { code: 1000, reason: 'z'.repeat(123) } },
  ],
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999].map(
    (code): (typeof cases)[number] => [
      '7',
      `the code ${code}`,
      [close(code)],
      { ...ok([]), farewell: { code, reason: '' } },
    ],
  ),
  ...[0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535].map((code): (typeof cases)[number] => [
    '7',
    `the code ${code}, which none may send`,
    [close(code)],
    fails('code'),
  ]),
  [
    '9',
    'a length that is more than is taken',
    [Buffer.from([0x82, 127, 0, 0, 0, 0, 0, 16, 0, 1])],
    fails('[Pp]ayload'),
  ],
  [
    '9',
    'a length beyond all numbers',
    [Buffer.from([0x82, 127, ...Array<number>(8).fill(0xff)])],
    fails('length|size'),
  ],
  [
    '9',
    'fragments that are too much together',
    [frame(0x02, 'x'.repeat(40_000)), frame(0x80, 'x'.repeat(30_000))],
    fails('[Pp]ayload'),
  ],
  ['10', 'a masked frame', [Buffer.from([0x81, 0x81, 1, 2, 3, 4, 0x60])], fails('MASK')],
];

/** What a raw server that answers the handshake and then sends `sent` sees and causes. */
const outcomeOf = async (
  open: typeof openPlainSocket,
  sent: readonly Buffer[],
  chopped: boolean,
): Promise<Outcome> => {
  const pongs: string[] = [];
  const server = net.createServer({ noDelay: true }, (socket) => {
    let got = Buffer.alloc(0);
    let isUpgraded = false;
    socket.on('error', () => {});
    socket.on('data', (data) => {
      got = Buffer.concat([got, data]);
      if (!isUpgraded) {
        const end = got.indexOf('\r\n\r\n');
        if (end < 0) return;
        const key = /sec-websocket-key: (.*)/i.exec(got.toString('latin1'))![1]!.trim();
        const accept = createHash('sha1')
          .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
          .digest('base64');
        isUpgraded = true;
        got = got.subarray(end + 4);
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
        );
        void send(socket);
      }
      while (got.length >= 6 && got.length >= 6 + (got[1]! & 0x7f)) {
        const length = got[1]! & 0x7f;
        const mask = got.subarray(2, 6);
        const payload = got.subarray(6, 6 + length).map((byte, at) => byte ^ mask[at % 4]!);
        if ((got[0]! & 0x0f) === 10) pongs.push(Buffer.from(payload).toString());
        if ((got[0]! & 0x0f) === 8) socket.end();
        got = got.subarray(6 + length);
      }
    });
  });
  const send = async (socket: net.Socket) => {
    const all = Buffer.concat(sent);
    if (!chopped || all.length > 1_000) socket.write(all);
    else
      for (const byte of all) {
        socket.write(Buffer.from([byte]));
        await new Promise((resolve) => setImmediate(resolve));
      }
  };
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const messages: string[] = [];
  const options: ClientOptions & { closeTimeout: number } = {
    maxPayload: 65_536,
    perMessageDeflate: false,
    closeTimeout: 500,
  };
  const outcome = await new Promise<Outcome>((resolve) => {
    const socket: MessageSocket = open(
      `ws://127.0.0.1:${(server.address() as net.AddressInfo).port}/`,
      options,
      {
        message: (data, isBinary) => messages.push(isBinary ? `<${data}>` : data.toString()),
        closed: (error, farewell) => {
          socket.terminate();
          resolve({ messages, pongs, error: error?.message ?? null, farewell });
        },
      },
    );
  });
  server.close();
  return outcome;
};

for (const [name, open] of [
  ['our own WebSocket', openPlainSocket],
  ['that of the package, which is the reference', openPackageSocket],
] as const)
  test(`${name} does with each kind of frames what the protocol says`, async () => {
    await Promise.all(
      cases.flatMap(([section, what, sent, expected]) =>
        [false, true].map(async (chopped) => {
          const got = await outcomeOf(open, sent, chopped);
          const where = `${section}: ${what}${chopped ? ', byte by byte' : ''}`;
          assert.deepEqual(got.messages, expected.messages, where);
          assert.deepEqual(got.pongs, expected.pongs, where);
          if (expected.error === null) {
            assert.equal(got.error, null, where);
            assert.deepEqual(got.farewell, expected.farewell, where);
          } else assert.match(got.error ?? 'none', new RegExp(expected.error), where);
        }),
      ),
    );
  });

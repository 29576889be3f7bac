import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameImpl } from '../../../node_modules/@stomp/stompjs/esm6/frame-impl.js';
import { Parser } from '../../../node_modules/@stomp/stompjs/esm6/parser.js';
import { StompDecoder } from '../../../src/engines/stomp/stomp-decoder.ts';
import { encodeFrame, encodeHead } from '../../../src/engines/stomp/stomp-encoder.ts';
import type { StompFrame } from '../../../src/engines/stomp/stomp-frame.ts';
import { escapeHeader, StompProtocolError, unescapeHeader } from '../../../src/engines/stomp/stomp-frame.ts';
import { Random } from './random.ts';

const stompFrame = (command: string, headers: Record<string, string>, body: string | Buffer): StompFrame => ({
  command,
  headers,
  body: Buffer.from(body as Buffer),
});

const decode = (pieces: Buffer[]): { frames: StompFrame[]; heartbeats: number; incomplete: boolean } => {
  const frames: StompFrame[] = [];
  let heartbeats = 0;
  const decoder = new StompDecoder({
    onFrame: (frame) => frames.push(frame),
    onHeartbeat: () => {
      heartbeats += 1;
    },
  });
  for (const piece of pieces) decoder.push(piece);
  return { frames, heartbeats, incomplete: decoder.incomplete };
};

const decodeText = (text: string): StompFrame[] => decode([Buffer.from(text)]).frames;

const fragments = [
  'a',
  'room',
  '/topic/x',
  ':',
  '\\',
  '\n',
  '\r',
  'é',
  '中',
  '🚦',
  ' ',
  '\\n',
  '\\c',
  '=',
  '0',
];
const randomText = (random: Random, max: number, pool = fragments): string => {
  let text = '';
  for (let i = random.below(max); i > 0; i -= 1) text += random.pick(pool);
  return text;
};

const commands = ['SEND', 'MESSAGE', 'RECEIPT', 'ERROR', 'SUBSCRIBE', 'ACK', 'CONNECTED', 'CONNECT'];
/** CONNECT and CONNECTED carry headers unescaped, so neither line breaks nor (in a name) colons. */
const plainFragments = fragments.filter((fragment) => !/[\n\r:\\]/.test(fragment));

type Case = { frame: StompFrame; wire: Buffer };

const randomCase = (random: Random, names = fragments, values = fragments): Case => {
  const command = random.pick(commands);
  const allowed = (pool: string[]) =>
    command.startsWith('CONNECT') ? pool.filter((fragment) => plainFragments.includes(fragment)) : pool;
  const headers: Record<string, string> = {};
  for (let i = random.below(6); i > 0; i -= 1)
    headers[`h${randomText(random, 3, allowed(names))}`] = randomText(random, 8, allowed(values));
  let body: Buffer = Buffer.from(randomText(random, 40));
  if (random.chance(0.3)) body = Buffer.concat([body, Buffer.of(0, 10, 0, 255, 0), body]);
  const sized = body.includes(0) || random.chance(0.5);
  let wire = Buffer.from(encodeFrame(encodeHead(command, headers), body, sized));
  if (random.chance(0.3)) wire = withCrLf(wire, body.length);
  if (sized) headers['content-length'] = String(body.length);
  return { frame: { command, headers, body }, wire };
};

/** The same frame with its lines ending in CR LF. */
const withCrLf = (wire: Buffer, bodyBytes: number): Buffer<ArrayBuffer> => {
  const headEnd = wire.length - bodyBytes - 1;
  const head = wire.subarray(0, headEnd).toString().replaceAll('\n', '\r\n');
  return Buffer.concat([Buffer.from(head), wire.subarray(headEnd)]);
};

const cut = (random: Random, stream: Buffer): Buffer[] => {
  const pieces: Buffer[] = [];
  const longest = random.pick([1, 2, 5, 40, 400, stream.length + 1]);
  for (let at = 0; at < stream.length; ) {
    const end = Math.min(stream.length, at + 1 + random.below(longest));
    pieces.push(Buffer.from(stream.subarray(at, end)));
    at = end;
  }
  return pieces;
};

test('any frames, joined and cut anywhere, with heart-beats between, are read as they were written', () => {
  for (let seed = 1; seed <= 400; seed += 1) {
    const random = new Random(seed);
    const cases: Case[] = [];
    const stream: Buffer[] = [];
    let heartbeats = 0;
    for (let i = 1 + random.below(6); i > 0; i -= 1) {
      for (let beats = random.below(3); beats > 0; beats -= 1) {
        heartbeats += 1;
        stream.push(Buffer.from(random.chance(0.3) ? '\r\n' : '\n'));
      }
      const next = randomCase(random);
      cases.push(next);
      stream.push(next.wire);
    }
    const read = decode(cut(random, Buffer.concat(stream)));
    assert.deepEqual(
      read.frames,
      cases.map(({ frame }) => frame),
      `seed ${seed}`,
    );
    assert.equal(read.heartbeats, heartbeats, `seed ${seed}`);
    assert.equal(read.incomplete, false, `seed ${seed}`);
  }
});

test('the reference parser reads what we write, and we read what it writes', () => {
  // The reference leaves header names escaped, trims both, and takes an escaped backslash before "c", "n" or "r" for
  // the escape of that letter: such names and values are tested above against ourselves.
  const values = fragments.filter((fragment) => !/[\\ ]/.test(fragment));
  const names = values.filter((fragment) => plainFragments.includes(fragment));
  for (let seed = 1000; seed <= 1200; seed += 1) {
    const random = new Random(seed);
    const { frame, wire } = randomCase(random, names, values);
    const escaped = !frame.command.startsWith('CONNECT');

    const read: FrameImpl[] = [];
    const reference = new Parser(
      (raw) => read.push(FrameImpl.fromRawFrame(raw, escaped)),
      () => undefined,
    );
    for (const piece of cut(random, wire)) reference.parseChunk(new Uint8Array(piece).buffer as ArrayBuffer);
    assert.equal(read.length, 1, `seed ${seed}`);
    assert.deepEqual(
      stompFrame(read[0]!.command, { ...read[0]!.headers }, Buffer.from(read[0]!.binaryBody)),
      frame,
      `seed ${seed}`,
    );

    const written = new FrameImpl({
      command: frame.command,
      headers: { ...frame.headers },
      binaryBody: new Uint8Array(frame.body),
      escapeHeaderValues: escaped,
      skipContentLengthHeader: false,
    }).serialize();
    const ours = decode(cut(random, Buffer.from(written as ArrayBuffer))).frames;
    assert.deepEqual(ours, [
      stompFrame(frame.command, { ...frame.headers, 'content-length': `${frame.body.length}` }, frame.body),
    ]);
  }
});

test('escapes every special character of a header and nothing else', () => {
  assert.equal(escapeHeader('a:b\\c\nd\re'), 'a\\cb\\\\c\\nd\\re');
  assert.equal(unescapeHeader('a\\cb\\\\c\\nd\\re'), 'a:b\\c\nd\re');
  assert.equal(unescapeHeader('\\\\n'), '\\n');
  assert.equal(escapeHeader('plain value'), 'plain value');
});

test('an undefined escape sequence is a protocol error', () => {
  assert.throws(() => decodeText('MESSAGE\na:x\\ty\n\n\0'), StompProtocolError);
  assert.throws(() => decodeText('MESSAGE\na:x\\\n\n\0'), StompProtocolError);
});

test('CONNECTED headers are not unescaped, and CONNECT headers with a line break are refused', () => {
  assert.equal(decodeText('CONNECTED\nserver:a\\cb\n\n\0')[0]!.headers.server, 'a\\cb');
  assert.throws(() => encodeHead('CONNECT', { login: 'a\nadmin:true' }), StompProtocolError);
});

test('of a repeated header the first counts; values keep their spaces and colons', () => {
  const [frame] = decodeText('MESSAGE\nfoo:World\nfoo:Hello\nkey: a:b \n\nx\0');
  assert.deepEqual(frame, stompFrame('MESSAGE', { foo: 'World', key: ' a:b ' }, 'x'));
});

test('a body goes past NUL bytes up to its content-length', () => {
  const [first, second] = decodeText('MESSAGE\ncontent-length:5\n\na\0b\0c\0RECEIPT\nreceipt-id:1\n\n\0');
  assert.deepEqual(first!.body, Buffer.from('a\0b\0c'));
  assert.equal(second!.headers['receipt-id'], '1');
});

test('a body that does not end where its content-length says is a protocol error', () => {
  assert.throws(() => decodeText('MESSAGE\ncontent-length:3\n\nabcdef\0'), /does not end with NUL/);
  assert.throws(() => decodeText('MESSAGE\ncontent-length:x\n\nabc\0'), /not a number/);
  assert.throws(() => decodeText('MESSAGE\nno colon here\n\n\0'), /without a colon/);
});

test('oversized heads and bodies are refused before they fill the memory', () => {
  const small = (text: string) => () => {
    const decoder = new StompDecoder({ onFrame: () => undefined, maxHeadBytes: 100, maxBodyBytes: 100 });
    for (let at = 0; at < text.length; at += 30) decoder.push(Buffer.from(text.slice(at, at + 30)));
  };
  assert.throws(small(`MESSAGE\nname:${'x'.repeat(200)}`), /headers of a frame are longer/);
  assert.throws(small(`MESSAGE\n\n${'x'.repeat(200)}`), /body of a frame is longer/);
  assert.throws(small('MESSAGE\ncontent-length:101\n\n'), /body of a frame is longer/);
});

test('a frame that has only begun is known to be incomplete', () => {
  assert.equal(decode([Buffer.from('MESSAGE\nfoo')]).incomplete, true);
  assert.equal(decode([Buffer.from('MESSAGE\nfoo:1\n\nabc')]).incomplete, true);
  assert.equal(decode([Buffer.from('\n\n')]).incomplete, false);
});

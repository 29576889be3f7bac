// A Socket.IO, WebSocket or STOMP server that misbehaves as told: node misbehaving-server.mjs HABIT, with PORT and FAULT.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { WebSocketServer } from 'ws';

const habit = process.argv[2] ?? 'well-behaved';
const port = Number(process.env.PORT);
const fault = process.env.FAULT ?? '';
const is = (...names) => names.includes(habit);
/** What happens in the middle of the load, which begins with the first connection. */
let inTheMiddle = null;
const midLoadMs = 500;
const roomLostMs = 1_000;
const midLoad = (name, act) => {
  if (is(name)) inTheMiddle = act;
};
/** What hostile text tries: markup, runner commands, mentions, marks that reorder, terminal sequences. */
const hostile =
  '<img src=x onerror=alert(1)> ::error::x @everyone [a](javascript:b) \u202Eabc\u001B[31mred |x|<!-- tailgate -->';

const daemon = (before) =>
  spawn(
    '/bin/sh',
    [
      '-c',
      `(${before} "${process.execPath}" -e "process.on('SIGTERM',()=>{});setInterval(()=>{},1e3)" fault-${fault} >/dev/null 2>&1 &)`,
    ],
    { stdio: 'ignore', detached: true },
  ).unref();
if (is('daemon')) daemon('setsid');
if (is('daemon-twice')) daemon('setsid setsid');
if (is('daemon-clean')) daemon('setsid env -i');
if (is('daemon-late'))
  process.on('SIGTERM', () => {
    daemon('setsid env -i');
    setTimeout(() => process.exit(0), 30);
  });
if (is('ignores-signals')) for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(name, () => {});
if (is('exits-at-once')) {
  console.error('cannot read the configuration');
  process.exit(3);
}
midLoad('exits', () => process.exit(9));
midLoad('exits-well', () => process.exit(0));
midLoad('crashes', () => process.kill(process.pid, 'SIGSEGV'));
midLoad('is-killed', () => process.kill(process.pid, 'SIGKILL'));
midLoad('is-stopped', () => process.kill(process.pid, 'SIGSTOP'));
midLoad('stands-still', () => {
  for (const end = Date.now() + 10_000; Date.now() < end; );
});
midLoad('leaks', () => {
  const kept = [];
  for (;;) kept.push(Array.from({ length: 1e6 }, (_, index) => ({ index })));
});
if (is('floods-its-log')) setInterval(() => process.stdout.write(`${'x'.repeat(199)}\n`.repeat(5_000)), 5);
if (is('logs-without-lines')) setInterval(() => process.stdout.write('y'.repeat(1 << 20)), 20);
if (is('logs-commands'))
  setInterval(
    () => console.log(`::set-output name=verdict::pass\n::stop-commands::x\n##[error]x\n${hostile}`),
    200,
  );
process.on('uncaughtException', (error) => {
  console.error(error.message);
  if (error.code === 'EADDRINUSE') process.exit(12);
});

let connections = 0;
/** Bytes of a server frame, however wrong. */
const frame = (code, text, { fin = true, rsv = 0, masked = false, length } = {}) => {
  const payload = Buffer.from(text);
  const size = length ?? payload.length;
  const head = Buffer.alloc(size < 126 ? 2 : 10);
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | code;
  head[1] = (masked ? 0x80 : 0) | (size < 126 ? size : 127);
  if (size >= 126) head.writeBigUInt64BE(BigInt(size), 2);
  return Buffer.concat([head, masked ? Buffer.alloc(4) : Buffer.alloc(0), payload]);
};
const opens = {
  'open-half': '0{"sid":',
  'open-null': '0null',
  'open-types': '0{"sid":5,"pingInterval":"x","pingTimeout":null}',
  'open-zero-ping': '0{"sid":"a","upgrades":[],"pingInterval":0,"pingTimeout":0}',
  'open-huge-ping': '0{"sid":"a","upgrades":[],"pingInterval":1e308,"pingTimeout":1e308}',
  'open-proto':
    '0{"sid":"a","__proto__":{"polluted":1},"upgrades":[],"pingInterval":25000,"pingTimeout":20000}',
};
const openText = () =>
  opens[habit === 'open-half-sometimes' && connections % 5 === 0 ? 'open-half' : habit] ??
  `0${JSON.stringify({ sid: `s${connections}`, upgrades: [], pingInterval: 25_000, pingTimeout: 20_000, maxPayload: 1e6 })}`;
/** Sent once a user is connected. */
const onceConnected = {
  'unknown-packets': (send) => ['9', 'x', '-1'].map(send),
  'empty-text': (send) => send(''),
  'noise-packets': (send) => ['3', '5', '6'].map(send),
  'broken-packets': (send) => ['42[', '42{}', '4x', '45', '451-', '42[1,2]', '42[null]'].map(send),
  'reserved-event': (send) => send('42["disconnect"]'),
  'placeholder-out-of-range': (send) =>
    [`451-["chat",{"_placeholder":true,"num":99}]`, Buffer.from([1])].map(send),
  'endless-attachments': (send) => send('4599999999-["x",{"_placeholder":true,"num":0}]'),
  'unannounced-binary': (send) => send(Buffer.from([1, 2, 3])),
  'text-for-attachment': (send) => ['451-["x",{"_placeholder":true,"num":0}]', '42["y"]'].map(send),
  'deep-json': (send) => send(`42["chat",${'['.repeat(50_000)}${']'.repeat(50_000)}]`),
  'big-messages': (send) => [1, 2].map(() => send(`42["chat","${'a'.repeat(2 << 20)}"]`)),
  'not-utf8': (_, write) => write(frame(1, [0x34, 0x32, 0x5b, 0x22, 0xff, 0x22, 0x5d])),
  'reserved-bits': (_, write) => write(frame(1, '42["a"]', { rsv: 7 })),
  'masked-frames': (_, write) => write(frame(1, '42["a"]', { masked: true })),
  'bad-opcode': (_, write) => write(frame(11, 'x')),
  'big-control-frame': (_, write) => write(frame(9, 'x'.repeat(200))),
  'split-control-frame': (_, write) => write(frame(9, 'x', { fin: false })),
  'endless-length': (_, write) => write(frame(2, 'x', { length: Number.MAX_SAFE_INTEGER })),
  'continuation-first': (_, write) => write(frame(0, 'x')),
  'bad-close-code': (_, write) => write(frame(8, [0, 1])),
  'endless-fragments': (_, write) => {
    write(frame(1, 'a', { fin: false }));
    setInterval(() => write(frame(0, 'b'.repeat(1_000), { fin: false })), 1).unref();
  },
  'leaves-namespace': (send) => send('41'),
  'closes-session': (send) => send('1'),
  'ping-flood': (send) => setInterval(() => send('2'), 2).unref(),
  'exception-flood': (send) =>
    setInterval(
      () => send(`42${JSON.stringify(['exception', { message: hostile + Math.random() }])}`),
      10,
    ).unref(),
  'event-error': (send) => send('42["error",{"message":"x"}]'),
};
const answers = {
  never: () => {},
  'never-mostly': (ack) => connections % 10 === 0 && ack(),
  twice: (ack) => [ack, ack].map((again) => again()),
  late: (ack) => setTimeout(ack, 1_500),
  slow: (ack) => setTimeout(ack, 400),
  'wrong-id': (ack, id) => ack('[{"ok":true}]', Number(id) + 100_000),
  'early-ids': (ack) => [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((id) => ack('[{"ok":true}]', id)),
  'odd-types': (ack, id) => ack(['{"a":1}', 'null', '"x"', '5', '', '[', '[undefined]'][Number(id) % 7]),
  refusals: (ack) => ack(JSON.stringify([{ ok: false, error: hostile }])),
  huge: (ack) => ack(JSON.stringify([{ ok: true, text: 'q'.repeat(1 << 20) }])),
  'half-binary': (_, id, send) => send(`461-${id}[{"_placeholder":true,"num":0}]`),
  binary: (_, id, send) => [`461-${id}[{"_placeholder":true,"num":0}]`, Buffer.from([1])].map(send),
};
const refusals = {
  'refuses-all': () => ({ message: hostile, data: { a: 1 } }),
  'refuses-with-numbers': () => ({ message: `no seat for ticket ${connections} ${'z'.repeat(500)}` }),
  'refuses-some': () =>
    connections % 4 === 0 ? { message: `customer alice@example.com, ticket ${connections}` } : null,
  'refuses-proto': () => ({ message: '__proto__' }),
  'refuses-objects': () => ({ message: { a: [1] } }),
  'refuses-with-secrets': (said) => ({ message: `I was told ${said}` }),
};

const socketIo = (socket, raw, request) => {
  const send = (data) => socket.readyState === 1 && socket.send(data);
  const write = (bytes) => !raw.destroyed && raw.write(bytes);
  if (is('never-opens')) return;
  send(openText());
  if (is('opens-twice')) send(openText());
  socket.on('message', (data, isBinary) => {
    const text = String(data);
    if (isBinary || text === '3') return;
    if (text.startsWith('40')) {
      const said = `${text} ${request.url} ${JSON.stringify(request.headers)}`;
      if (is('repeats-secrets')) console.log(said, Buffer.from(text).toString('base64'));
      if (is('never-connects')) return;
      const refusal = refusals[habit]?.(said) ?? null;
      if (refusal !== null) return send(`44${JSON.stringify(refusal)}`);
      send(`40{"sid":"${connections}"}`);
      setTimeout(() => onceConnected[habit]?.(send, write), 20);
      return;
    }
    const [, id, body] = /^42(\d*)(\[.*)$/s.exec(text) ?? [];
    const [event] = JSON.parse(body ?? '[]');
    const ack = (args = '[{"ok":true,"roomId":"r"}]', to = id) => send(`43${to}${args}`);
    if (event === 'createRoom') {
      if (is('room-refused')) return ack(JSON.stringify([{ ok: false, error: hostile }]));
      if (is('room-repeats-secrets'))
        return ack(JSON.stringify([{ ok: false, error: JSON.stringify({ said: body }) }]));
      if (is('room-silent')) return;
      if (is('room-lost')) setTimeout(() => socket.terminate(), roomLostMs);
      if (is('room-left')) setTimeout(() => send('41'), roomLostMs);
      return ack();
    }
    if (event === 'deleteRoom')
      return is('room-stays') ? undefined : is('room-kept') ? ack('[{"ok":false}]') : ack();
    if (id !== '') (answers[habit.replace(/^answers-/, '')] ?? (() => ack()))(ack, id, send);
  });
};

const plain = (socket) => {
  const send = (data) => socket.readyState === 1 && socket.send(data);
  socket.on('message', (data) => {
    const text = String(data);
    const said = {
      'ws-silent': [],
      'ws-half-json': ['{"type":'],
      'ws-binary': [Buffer.from([0xff, 0xfe])],
      'ws-huge': ['a'.repeat(2 << 20)],
      'ws-deep': ['['.repeat(50_000)],
      'ws-null': ['null'],
      'ws-number': ['5'],
      'ws-twice': [text, text],
      'ws-proto': [`{"__proto__":{"polluted":1},${text.slice(1)}`],
    }[habit];
    if (is('ws-closes')) return socket.close(1002, 'x'.repeat(100));
    if (is('ws-drops')) return socket.terminate();
    if (is('ws-late')) return setTimeout(() => send(text), 1_500);
    for (const each of said ?? [text]) send(each);
  });
};

const nul = '\0';
const stompFrame = (head, body = '') => `${head}\n\n${body}${nul}`;
const stomp = (socket) => {
  const send = (data) => socket.readyState === 1 && socket.send(data);
  const welcome = {
    'stomp-silent': '',
    'stomp-error': stompFrame(`ERROR\nmessage:${hostile.replaceAll(':', '\\c')}`),
    'stomp-no-colon': stompFrame('CONNECTED\nversion'),
    'stomp-garbage': randomBytes(300).toString('latin1'),
    'stomp-huge-head': `CONNECTED\n${'a:b\n'.repeat(50_000)}\n${nul}`,
    'stomp-version': stompFrame('CONNECTED\nversion:9.9'),
    'stomp-heartbeat': stompFrame('CONNECTED\nversion:1.2\nheart-beat:abc,-5'),
    'stomp-receipt-first': stompFrame('RECEIPT\nreceipt-id:0') + stompFrame('CONNECTED\nversion:1.2'),
    'stomp-line-feeds': '\n'.repeat(50_000) + stompFrame('CONNECTED\nversion:1.2'),
  }[habit];
  const message = 'MESSAGE\ndestination:/topic/a\nmessage-id:1\nsubscription:0';
  const onSend = {
    'stomp-bad-length': stompFrame(`${message}\ncontent-length:3`, 'abcdef'),
    'stomp-huge-length': stompFrame(`${message}\ncontent-length:99999999999999`, 'abcdef'),
    'stomp-bad-escape': stompFrame('MESSAGE\ndestination:/to\\qpic\nmessage-id:1\nsubscription:0'),
    'stomp-endless': `${message}\n\n${'x'.repeat(100_000)}`,
    'stomp-unknown': stompFrame('FOO\nbar:baz'),
    'stomp-error-mid': stompFrame('ERROR\nmessage:no'),
    'stomp-no-subscription': stompFrame('MESSAGE\ndestination:/topic/a', 'x'),
  }[habit];
  socket.on('message', (data) => {
    const text = String(data);
    if (/^(CONNECT|STOMP)\n/.test(text))
      return send(welcome ?? stompFrame('CONNECTED\nversion:1.2\nheart-beat:0,0'));
    const receipt = /receipt:([^\n]*)/.exec(text)?.[1];
    if (text.startsWith('SEND') && onSend !== undefined) send(onSend);
    const isUnanswered =
      is('stomp-no-receipt') || (text.startsWith('SEND') && is('stomp-error-mid', 'stomp-endless'));
    if (receipt === undefined || isUnanswered) return;
    if (is('stomp-receipt-late'))
      return setTimeout(() => send(stompFrame(`RECEIPT\nreceipt-id:${receipt}`)), 1_500);
    if (is('stomp-receipt-wrong')) return send(stompFrame('RECEIPT\nreceipt-id:zzz'));
    if (is('stomp-receipt-none')) return send(stompFrame('RECEIPT'));
    send(stompFrame(`RECEIPT\nreceipt-id:${receipt}`));
    if (is('stomp-receipt-twice')) send(stompFrame(`RECEIPT\nreceipt-id:${receipt}`));
  });
};

const answerRequest = (request, response) => {
  if (is('http-silent')) return;
  if (is('http-redirects')) return response.writeHead(302, { location: request.url }).end();
  if (request.url === '/metrics') return response.end(process.env.METRICS ?? '{"persisted":1}');
  response.end('ok');
};

if (is('tcp-silent')) createTcpServer((socket) => socket.on('error', () => {})).listen(port);
else if (is('tcp-garbage'))
  createTcpServer((socket) =>
    socket.on('error', () => {}).on('data', () => socket.write(randomBytes(4_096))),
  ).listen(port);
else if (is('tcp-slow'))
  createTcpServer((socket) => {
    const timer = setInterval(() => socket.write('H'), 100);
    socket
      .on('error', () => {})
      .on('close', () => clearInterval(timer))
      .on('data', () => {});
  }).listen(port);
else if (is('tcp-endless-head'))
  createTcpServer((socket) => {
    const timer = setInterval(() => socket.write(`X-A: ${'a'.repeat(65_536)}\r\n`), 5);
    socket.on('error', () => {}).on('close', () => clearInterval(timer));
    socket.on('data', () => socket.write('HTTP/1.1 101 Switching Protocols\r\n'));
  }).listen(port);
else if (is('never-listens')) setInterval(() => {}, 1_000);
else {
  const server = createServer(answerRequest);
  const upgraded = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    handleProtocols: (protocols) => [...protocols][0] ?? false,
  });
  server.on('upgrade', (request, socket, head) => {
    connections += 1;
    if (connections === 1 && inTheMiddle !== null) setTimeout(inTheMiddle, midLoadMs);
    socket.on('error', () => {});
    const status = { 'http-401': '401 Unauthorized', 'http-302': '302 Found', 'http-503': '503 Unavailable' }[
      habit
    ];
    if (status !== undefined || (is('http-503-half') && connections % 2 === 0))
      return socket.end(`HTTP/1.1 ${status ?? '503 Unavailable'}\r\ncontent-length: 0\r\n\r\n`);
    if (is('http-silent')) return;
    if (is('drops-all')) return socket.destroy();
    if (is('dies-of-many') && connections >= 8) process.exit(11);
    if (is('dies-of-first')) setTimeout(() => process.exit(5), 300);
    upgraded.handleUpgrade(request, socket, head, (ws) => {
      ws.on('error', () => {});
      if (habit.startsWith('ws-')) plain(ws);
      else if (habit.startsWith('stomp-')) stomp(ws);
      else socketIo(ws, socket, request);
    });
  });
  server.listen(is('other-port') ? port + 1 : port, () => console.log('listening'));
  if (is('exits-soon')) setTimeout(() => process.exit(4), 300);
}

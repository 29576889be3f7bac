import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Server } from 'socket.io';
import { io } from 'socket.io-client';
import { parse } from 'yaml';
import { compareReplay } from '../../src/record/compare-replay.ts';
import { decodeSessions } from '../../src/record/decode-sessions.ts';
import { readHar } from '../../src/record/read-har.ts';
import type { Connection, Recording } from '../../src/record/recording.ts';
import { openRelay } from '../../src/record/relay.ts';
import { writeScenario } from '../../src/record/write-scenario.ts';
import { replayOnce } from '../../src/run/replay-once.ts';
import { quietHost } from '../host/quiet-host.ts';

type SockJsSocket = { on(event: 'data', listener: (text: string) => void): void; write(text: string): void };
/** It has no types. */
const sockjs = createRequire(import.meta.url)('sockjs') as {
  createServer(options: object): {
    on(event: 'connection', listener: (socket: SockJsSocket) => void): void;
    installHandlers(server: object): void;
  };
};

const startMs = Date.UTC(2027, 0, 1);
const socketIo = 'ws://127.0.0.1:3000/socket.io/?EIO=4&transport=websocket';

/** Frames as `> text` (sent) and `< text`, each with the milliseconds since the one before it. */
const connection = (
  url: string,
  lines: [ms: number, line: string | Buffer][],
  role = '',
  at = 0,
): Connection => {
  let atMs = startMs + at;
  const frames = lines.map(([ms, line]) => {
    atMs += ms;
    const sent = typeof line !== 'string' || line.startsWith('>');
    return { atMs, sent, data: typeof line === 'string' ? line.slice(2) : line };
  });
  return { role, url, headers: {}, openedAtMs: startMs + at, frames };
};
const recording = (...connections: Connection[]): Recording => ({ connections, requests: [] });
const write = (given: Recording) => {
  const sessions = decodeSessions(given);
  const written = writeScenario(sessions, given.requests, { name: 'chat' });
  type Flow = Record<string, unknown>[];
  const { config, scenarios } = parse(written.text) as {
    config: Record<string, unknown>;
    scenarios: { name: string; engine: string; flow: Flow }[];
  };
  return { written, config, scenarios, all: `${written.text}${Object.values(written.files).join('')}` };
};

const token = `eyJhbGciOiJIUzI1NiJ9.${Buffer.from('{"sub":"ada","iat":1}').toString('base64url')}.c2lnbmF0dXJl`;

test('two clients of Socket.IO: acknowledgements, deliveries, a loop, a shared room, and no token', () => {
  const chats = [1, 2, 3, 4].flatMap((number): [number, string][] => [
    [200, `> 42${number}["chat",{"roomId":"r-77ab","text":"hello you","number":${number}}]`],
    [5, `< 43${number}[{"ok":true}]`],
  ]);
  const guest = connection(
    socketIo,
    [
      [5, '< 0{"sid":"x1"}'],
      [1, `> 40{"token":"${token}"}`],
      [1, '< 40{"sid":"y1"}'],
      [500, '> 420["joinRoom",{"roomId":"r-77ab"}]'],
      [5, '< 430[{"ok":true,"members":2}]'],
      ...chats,
    ],
    '',
    300,
  );
  const host = connection(socketIo, [
    [5, '< 0{"sid":"x0"}'],
    [1, `> 40{"token":"${token}"}`],
    [20, '> 420["createRoom",{}]'],
    [5, '< 430[{"ok":true,"roomId":"r-77ab"}]'],
    [990, '< 42["chat",{"text":"hello you"}]'],
    [205, '< 42["chat",{"text":"hello you"}]'],
    [205, '< 42["chat",{"text":"hello you"}]'],
    [205, '< 42["chat",{"text":"hello you"}]'],
  ]);
  const { written, config, scenarios, all } = write(recording(host, guest));
  assert.deepEqual((config.socketio as { auth: unknown }).auth, { token: '{{ $token }}' });
  assert.ok(!all.includes(token) && !written.replay.text.includes(token));
  assert.ok(Object.values(written.replay.variables).includes(token));
  assert.deepEqual(written.jwtClaims, { sub: 'user-{{ $uuid }}' });
  const [guests, ...others] = scenarios;
  assert.equal(others.length, 0);
  assert.deepEqual(written.room, {
    jwt: { secret: { env: 'JWT_SECRET' }, claims: { sub: 'owner' } },
    auth: { token: '{{ token }}' },
    create: { event: 'createRoom', data: {}, expect: { ok: true } },
    capture: { roomId: 'roomId' },
  });
  // The replay has both as they were: one gives, and the other waits where it sends it.
  const replay = (parse(written.replay.text) as { scenarios: { flow: Record<string, unknown>[] }[] })
    .scenarios;
  assert.ok(replay[0]!.flow.some((step) => step.function === 'give_roomId'));
  assert.deepEqual(replay[1]!.flow.slice(0, 2), [{ think: '500ms' }, { function: 'take_roomId' }]);
  assert.deepEqual(
    [Object.keys(written.files), Object.keys(written.replay.files)],
    [[], ['chat-shared.cjs']],
  );
  const loop = guests!.flow.find((step) => 'loop' in step)!;
  assert.equal(loop.count, 4);
  assert.deepEqual(loop.loop, [
    {
      emit: {
        channel: 'chat',
        data: { roomId: '{{ roomId }}', text: 'hello you {{ $tag }}', number: '{{ $loopCount }}' },
      },
      acknowledge: { match: { json: '$[0].ok', value: true } },
      delivery: 'chat',
    },
    { think: '200ms' },
  ]);
});

test('binary data, namespaces, an event that answers, and polling that is upgraded', () => {
  const poll = (
    method: string,
    body: string | null,
    response: string,
    sid = '',
  ): Recording['requests'][number] => ({
    role: '',
    atMs: startMs,
    answeredAtMs: startMs + 2,
    method,
    url: `http://127.0.0.1:3000/socket.io/?EIO=4&transport=polling${sid}`,
    headers: {},
    body,
    status: 200,
    responseHeaders: {},
    response,
  });
  const upgraded = connection(
    `${socketIo}&sid=s1`,
    [
      [50, '> 2probe'],
      [1, '< 3probe'],
      [1, '> 5'],
      [100, '> 451-/files,["upload",{"_placeholder":true,"num":0}]'],
      [1, Buffer.from('hi')],
      [9, '< 42/files,["uploaded",1]'],
    ],
    '',
    10,
  );
  const { scenarios, config } = write({
    connections: [upgraded],
    requests: [
      poll('GET', null, '0{"sid":"s1","upgrades":["websocket"]}'),
      poll('POST', '40/files,', 'ok', '&sid=s1'),
      poll('GET', null, '40/files,{"sid":"n1"}', '&sid=s1'),
    ],
  });
  assert.deepEqual(config.socketio, { transports: ['polling', 'websocket'] });
  assert.deepEqual(
    scenarios[0]!.flow.find((step) => 'emit' in step),
    {
      emit: { channel: 'upload', data: { $binary: 'aGk=' } },
      namespace: '/files',
      response: { channel: 'uploaded' },
    },
  );
});

test('JSON over a WebSocket: ids and types tell the answer, what the server gave is captured', () => {
  const { config, scenarios, written, all } = write(
    recording(
      connection('ws://127.0.0.1:3000/live?apiKey=k-90210-secret', [
        [5, '< {"type":"welcome","clientId":"c-4f2a99"}'],
        [10, '> {"type":"hello","clientId":"c-4f2a99","nickname":"ada"}'],
        [5, '< {"type":"hello-ok"}'],
        [300, '> {"id":7,"method":"list"}'],
        [4, '< {"id":7,"result":[]}'],
      ]),
    ),
  );
  assert.equal(config.target, 'http://127.0.0.1:3000/live?apiKey={{ apiKey }}');
  assert.ok(!all.includes('k-90210-secret'));
  assert.match(written.notes.join(), /Fill in apiKey in chat-users\.csv/);
  const steps = scenarios[0]!.flow.filter((step) => !('think' in step));
  assert.deepEqual(steps, [
    { wait: { where: { type: 'welcome' }, capture: { json: '$.clientId', as: 'clientId' } } },
    {
      send: { type: 'hello', clientId: '{{ clientId }}', nickname: '{{ nickname }}' },
      response: { where: { type: 'hello-ok' } },
    },
    { send: { id: 7, method: 'list' }, response: { field: 'id' } },
  ]);
});

test('a delivery over a WebSocket is told apart by the field that its server has for that', () => {
  const { scenarios } = write(
    recording(
      connection('ws://127.0.0.1:3000/live', [[10, '> {"action":"say","text":"good day all"}']], '', 100),
      connection('ws://127.0.0.1:3000/live', [
        [5, '> {"action":"hello"}'],
        [150, '< {"event":"said","text":"good day all"}'],
        [400, '> {"action":"bye"}'],
      ]),
    ),
  );
  const sends = scenarios.flatMap(({ flow }) => flow).filter((step) => 'delivery' in step);
  assert.deepEqual(
    sends.map(({ delivery }) => delivery),
    [{ where: { event: 'said' } }],
  );
});

test('what a query names is no secret, and what comes back from another client is no value of the server', () => {
  const lines = (peer: string): [number, string][] => [
    [5, '< 40{"sid":"y1"}'],
    [50, `> 42["signal",{"to":"${peer}","n":1}]`],
    [50, `< 42["signal",{"to":"${peer}","n":1}]`],
    [50, `> 42["signal",{"to":"${peer}","n":2}]`],
  ];
  const { all, written } = write(
    recording(
      connection(`${socketIo}&event=signal&userid=anna1x`, lines('bert2y')),
      connection(`${socketIo}&event=signal&userid=bert2y`, lines('anna1x')),
    ),
  );
  assert.doesNotMatch(all, /\*\*\*|fill-in|take_/);
  assert.deepEqual(Object.keys(written.files), ['chat-users.csv']);
  assert.match(all, /userid: "\{\{ userid \}\}"/);
});

test('STOMP in SockJS frames: what is subscribed, sent and delivered, without the passcode', () => {
  const frame = (text: string): string => JSON.stringify([text]);
  const message =
    'MESSAGE\nsubscription:s0\ndestination:/topic/room.1\nmessage-id:1\n\n{"text":"good day"}\0';
  const { config, scenarios, all } = write(
    recording(
      connection('ws://127.0.0.1:3000/ws/123/abcd/websocket', [
        [5, '< o'],
        [1, `> ${frame('CONNECT\nlogin:ada\npasscode:hunter22\naccept-version:1.2\nheart-beat:0,0\n\n\0')}`],
        [2, `< a${frame('CONNECTED\nversion:1.2\n\n\0')}`],
        [2, `> ${frame('SUBSCRIBE\nid:s0\ndestination:/topic/room.1\n\n\0')}`],
        [200, `> ${frame('SEND\ndestination:/app/room.1\n\n{"text":"good day"}\0')}`],
        [5, `< a${frame(message)}`],
      ]),
    ),
  );
  assert.equal(config.target, 'http://127.0.0.1:3000/ws');
  assert.deepEqual(config.stomp, {
    sockjs: true,
    login: '{{ login }}',
    passcode: '{{ passcode }}',
    heartbeat: [0, 0],
    receipts: false,
  });
  assert.ok(!all.includes('hunter22'));
  assert.deepEqual(
    scenarios[0]!.flow.filter((step) => !('think' in step)),
    [
      { subscribe: '/topic/room.1' },
      {
        send: { destination: '/app/room.1', json: { text: 'good day {{ $tag }}' } },
        delivery: '/topic/room.1',
      },
    ],
  );
});

test('a HAR of Chrome or Playwright is read; one without messages says why it cannot be', () => {
  const har = (messages: unknown) =>
    JSON.stringify({
      log: {
        entries: [
          {
            startedDateTime: new Date(startMs).toISOString(),
            time: 1,
            request: { method: 'GET', url: socketIo, headers: [{ name: 'Authorization', value: 'x' }] },
            response: { status: 101, headers: [], content: {} },
            ...(messages === null ? {} : { _webSocketMessages: messages }),
          },
        ],
      },
    });
  const { connections } = readHar(
    har([
      { type: 'send', time: startMs / 1_000 + 1.5, opcode: 1, data: '2' },
      { type: 'receive', time: startMs + 1_600, opcode: 2, data: 'aGk=' },
    ]),
    'host',
    'host.har',
  );
  assert.deepEqual(connections[0]!.frames, [
    { atMs: startMs + 1_500, sent: true, data: '2' },
    { atMs: startMs + 1_600, sent: false, data: Buffer.from('hi') },
  ]);
  assert.deepEqual([connections[0]!.role, connections[0]!.headers], ['host', { authorization: 'x' }]);
  assert.throws(() => readHar(har(null), 'x', 'x.har'), {
    code: 'RECORDING_INVALID',
    what: /have no messages/,
  });
  assert.throws(() => readHar('{}', 'x', 'x.har'), { code: 'RECORDING_INVALID' });
});

test('a replay has so many clients and no more, which is said; who was there to the end stays for the others', () => {
  const client = (ms: number) => connection('ws://127.0.0.1:3000/live', [[ms, '> {"type":"hello"}']]);
  const { written } = write(recording(...Array.from({ length: 7 }, (_, index) => client(100 + index))));
  assert.equal(written.replay.sessions.length, 6);
  assert.match(written.notes.join(), /the first 6 of the 7 recorded clients/);
  const { scenarios } = parse(write(recording(client(100), client(600))).written.replay.text) as {
    scenarios: { flow: { think?: unknown }[] }[];
  };
  assert.deepEqual(
    scenarios.map(({ flow }) => flow.at(-1)!.think),
    [undefined, 1],
  );
});

test('clients of a replay take their turns as recorded, though a moment later', () => {
  const client = (...ms: number[]) =>
    connection(
      'ws://127.0.0.1:3000/live',
      ms.map((after) => [after, '> {"type":"hello"}']),
    );
  // One speaks after 10 and 40 ms, the other after 20, 30 and 500.
  const { text, seconds } = write(recording(client(10, 30), client(20, 10, 470))).written.replay;
  const { scenarios } = parse(text) as { scenarios: { flow: { think?: number | string }[] }[] };
  const saidMs = scenarios.map(({ flow }) => {
    let atMs = 0;
    return flow.flatMap((step) => {
      atMs += typeof step.think === 'string' ? Number.parseFloat(step.think) : 1_000 * (step.think ?? 0);
      return 'send' in step ? [Math.round(atMs)] : [];
    });
  });
  const [one, other] = saidMs as [number[], number[]];
  assert.ok(one[0]! < other[0]! - 150 && other[1]! < one[1]! - 150 && one[1]! < other[2]! - 150, `${saidMs}`);
  assert.ok(other[1]! - other[0]! < 50, `who speaks on is not held up: ${saidMs}`);
  assert.ok(seconds > 2 && seconds < 4, `${seconds}`);
});

test('a replay that sends less, or is answered otherwise, differs', () => {
  const one = decodeSessions(
    recording(
      connection(socketIo, [
        [1, '> 421["a"]'],
        [1, '< 431[{"ok":true}]'],
        [1, '> 42["b"]'],
      ]),
    ),
  );
  const other = decodeSessions(
    recording(
      connection(socketIo, [
        [1, '> 424["a"]'],
        [1, '< 434[{"ok":false}]'],
      ]),
    ),
  );
  assert.deepEqual(compareReplay(one, one), { recorded: 2, repeated: 2, differences: [] });
  assert.deepEqual(compareReplay(one, other), {
    recorded: 2,
    repeated: 1,
    differences: [
      '"b" was not sent.',
      '"a" was answered with [{ok: true}], and in the replay with [{ok: false}].',
    ],
  });
});

test('what goes through the relay is recorded, and the replay is the same', { timeout: 60_000 }, async () => {
  const http = createServer((_request, response) => response.end('page'));
  const server = new Server(http);
  server.use((socket, next) =>
    next(socket.handshake.auth.key === 'k-secret-1' ? undefined : new Error('no')),
  );
  server.on('connection', (socket) => {
    socket.on('enter', (answer) => answer({ ok: true, ticket: `t-${socket.id.slice(0, 8)}9` }));
    socket.on('say', ({ ticket, text }, answer) => {
      if (ticket !== `t-${socket.id.slice(0, 8)}9`) return answer({ ok: false });
      socket.broadcast.emit('said', { text });
      answer({ ok: true });
    });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const target = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const folder = await mkdtemp(path.join(tmpdir(), 'record-test-'));
  // Other tests replay at the same time, and what they have there is not ours.
  const { TMPDIR } = process.env;
  process.env.TMPDIR = folder;
  try {
    await using relay = await openRelay(target);
    assert.equal(await (await fetch(relay.url)).text(), 'page');
    const clients = [['polling', 'websocket'], ['websocket']].map((transports) =>
      io(relay.url, { transports, auth: { key: 'k-secret-1' }, forceNew: true }),
    );
    await Promise.all(
      clients.map((client) => new Promise((resolve) => client.once('connect', () => resolve(null)))),
    );
    await sleep(200);
    for (const client of clients) {
      const { ticket } = await client.emitWithAck('enter');
      await client.emitWithAck('say', { ticket, text: 'good day' });
    }
    await sleep(200);
    for (const client of clients) client.close();
    const sessions = decodeSessions(relay.recording);
    const written = writeScenario(sessions, relay.recording.requests, { target, name: 'x' });
    assert.match(written.text, /delivery: said/);
    assert.doesNotMatch(`${written.text}${Object.values(written.files)}`, /k-secret-1/);
    const host = quietHost(folder);
    assert.deepEqual(await replayOnce(written, target, host), { recorded: 4, repeated: 4, differences: [] });
    const left = (await readdir(folder)).filter((name) => name.startsWith('tailgate-replay-'));
    assert.deepEqual(left, []);
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
});

test('an event that only the first of two clients gets is no answer', () => {
  const joins = (answer: [number, string][]): [number, string][] => [
    [5, '< 40{"sid":"y"}'],
    [50, '> 42["join-room","r-1"]'],
    ...answer,
    [400, '> 42["say","r-1","hello there"]'],
  ];
  const { scenarios } = write(
    recording(
      connection(socketIo, joins([[5, '< 42["first-in-room"]']])),
      connection(socketIo, joins([]), '', 200),
    ),
  );
  assert.doesNotMatch(JSON.stringify(scenarios), /first-in-room/);
});

test('STOMP: what a client acknowledges, it waits for; what it refuses, too', () => {
  const message = (id: string): string =>
    `< MESSAGE\nsubscription:s0\ndestination:/queue/jobs\nmessage-id:m${id}\nack:a${id}\n\n{"job":${id}}\0`;
  const given = recording(
    connection('ws://127.0.0.1:3000/ws', [
      [1, '> CONNECT\naccept-version:1.2\n\n\0'],
      [2, '< CONNECTED\nversion:1.2\n\n\0'],
      [2, '> SUBSCRIBE\nid:s0\ndestination:/queue/jobs\nack:client-individual\n\n\0'],
      [5, message('1')],
      [5, '> ACK\nid:a1\n\n\0'],
      [5, message('2')],
      [5, '> NACK\nid:a2\n\n\0'],
    ]),
  );
  const { scenarios } = write(given);
  assert.deepEqual(
    scenarios[0]!.flow.filter((step) => !('think' in step)),
    [
      { subscribe: '/queue/jobs', ack: 'client-individual' },
      { waitFor: { destination: '/queue/jobs', ack: true } },
      { waitFor: '/queue/jobs' },
      { nack: {} },
    ],
  );
  const [session] = decodeSessions(given);
  assert.deepEqual(compareReplay([session!], [session!]), { recorded: 3, repeated: 3, differences: [] });
});

test('SockJS over requests is recorded by the relay, and sent again over its plain WebSocket', {
  timeout: 60_000,
}, async () => {
  const http = createServer((_request, response) => response.end('page'));
  const echo = sockjs.createServer({ prefix: '/echo', log: () => {} });
  echo.on('connection', (socket) => void socket.on('data', (text) => socket.write(`back: ${text}`)));
  echo.installHandlers(http);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const target = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  try {
    await using relay = await openRelay(target);
    const [polls, streams] = ['/echo/000/poll1', '/echo/000/flow1'].map((path) => `${relay.url}${path}`);
    const post = async (url: string, body?: string) =>
      (await fetch(url, { method: 'POST', ...(body === undefined ? {} : { body }) })).text();
    const stream = new AbortController();
    assert.equal(await post(`${polls}/xhr`), 'o\n');
    const open = await fetch(`${streams}/xhr_streaming`, { method: 'POST', signal: stream.signal });
    await open.body!.getReader().read();
    for (const text of ['good day', 'and again']) {
      await post(`${polls}/xhr_send`, JSON.stringify([text]));
      assert.equal(await post(`${polls}/xhr`), `a${JSON.stringify([`back: ${text}`])}\n`);
      await post(`${streams}/xhr_send`, JSON.stringify([text]));
    }
    await sleep(100);
    stream.abort();
    const sessions = decodeSessions(relay.recording);
    assert.deepEqual(
      sessions.map(({ messages }) => messages.map(({ sent, args }) => `${sent ? '>' : '<'} ${args[0]}`)),
      Array.from({ length: 2 }, () => ['> good day', '< back: good day', '> and again', '< back: and again']),
    );
    const written = writeScenario(sessions, relay.recording.requests, { target, name: 'x' });
    assert.match(written.text, /target: http:\/\/127\.0\.0\.1:\d+\/echo\/websocket/);
    assert.doesNotMatch(written.text, /xhr/);
    assert.match(written.notes.join(), /\/echo is SockJS without STOMP/);
    const plain = new WebSocket(`${target.replace('http', 'ws')}/echo/websocket`);
    const answer = new Promise((resolve) => plain.addEventListener('message', ({ data }) => resolve(data)));
    plain.addEventListener('open', () => plain.send('there'));
    assert.equal(await answer, 'back: there');
    plain.close();
  } finally {
    http.closeAllConnections();
    http.close();
  }
});

test('a client that connects elsewhere has a connect of its own, and what says for whom a message is takes no tag', () => {
  const client = (path: string, to: string, at: number) =>
    connection(
      `ws://127.0.0.1:3000/${path}`,
      [
        [5, '< {"type":"open"}'],
        [300, `> {"type":"offer","dst":"${to}","payload":{"sdp":"v=0 of ${path}"}}`],
        [10, `< {"type":"offer","src":"x","dst":"${path}","payload":{"sdp":"v=0 of ${to}"}}`],
        [400, `> {"type":"${path}-done"}`],
      ],
      path,
      at,
    );
  const { scenarios, all } = write(recording(client('ann', 'bob', 0), client('bob', 'ann', 1)));
  assert.deepEqual(scenarios[1]!.flow[0], { connect: { target: '/bob' } });
  assert.ok(!scenarios[0]!.flow.some((step) => 'connect' in step));
  assert.doesNotMatch(all, /dst: \S+ \{\{ \$tag/);
});

const asked = (method: string, url: string, more: Partial<Recording['requests'][number]> = {}, at = 0) => ({
  ...{ role: '', atMs: startMs + at, answeredAtMs: startMs + at + 5, method, url, headers: {}, body: null },
  ...{ status: 200, responseHeaders: {}, response: null, ...more },
});
const json = { 'content-type': 'application/json' };

test('other servers are asked only for what is sent later, which is said, and never by the replay', () => {
  const given: Recording = {
    connections: [
      connection(socketIo, [
        [100, '< 40{"sid":"y1"}'],
        [50, '> 420["enter",{"ticket":"tk-7f3a9c21"}]'],
        [5, '< 430[{"ok":true}]'],
      ]),
    ],
    requests: [
      asked('POST', 'https://stats.example.com/collect?v=1', { headers: json, body: '{"page":"/"}' }, 1),
      asked('POST', 'http://127.0.0.1:3000/orders', { headers: json, body: '{"item":"tea"}' }, 10),
      asked('POST', 'https://auth.example.com/ticket', { response: '{"ticket":"tk-7f3a9c21"}' }, 20),
    ],
  };
  const { written, scenarios } = write(given);
  const posts = scenarios[0]!.flow.flatMap(({ post }) =>
    post === undefined ? [] : [(post as { url: string }).url],
  );
  assert.deepEqual(posts, ['/orders', 'https://auth.example.com/ticket']);
  assert.ok(
    written.notes.includes('Requests to other servers are left out: POST https://stats.example.com/collect.'),
  );
  assert.ok(
    written.notes.some((note) =>
      note.startsWith('The scenario asks another server for what it sends later: POST https://auth'),
    ),
  );
  assert.doesNotMatch(written.replay.text, /example\.com/);
  assert.match(written.replay.text, /\/orders/);
  assert.ok(Object.values(written.replay.variables).includes('tk-7f3a9c21'));
});

test('no secret is written, wherever it stood: in parts of a form, in a query, in a number', () => {
  const parts = '--b\r\nContent-Disposition: form-data; name="password"\r\n\r\nhunter-2-hunter\r\n--b--\r\n';
  const { all, written, config } = write({
    connections: [
      connection('ws://127.0.0.1:3000/live?t=9f8e7d6c5b4a39281706', [
        [100, '> {"type":"unlock","pin":4711,"maxTokens":20}'],
        [5, '< {"type":"unlocked"}'],
      ]),
    ],
    requests: [
      asked(
        'POST',
        'http://127.0.0.1:3000/login',
        { headers: { 'content-type': 'multipart/form-data; boundary=b' }, body: parts },
        1,
      ),
      asked('POST', 'http://127.0.0.1:3000/rooms?access_token=at-55d1c0ffee&room=lobby', {}, 10),
    ],
  });
  for (const secret of ['hunter-2', 'at-55d1c0ffee', '4711', '9f8e7d6c5b4a39281706'])
    assert.ok(!all.includes(secret), secret);
  assert.match(String(config.target), /\?t=\{\{ \w+ \}\}$/);
  assert.match(all, /\/rooms\?access_token=\{\{ access_token \}\}&room=\{\{ room \}\}/);
  assert.match(all, /pin: "\{\{ pin \}\}"\n\s+maxTokens: 20/);
  assert.match(written.notes.join('\n'), /^The body of POST http:\/\/127\.0\.0\.1:3000\/login is left out/m);
});

test('two windows behind the relay: each client signs in once, with what is its own', () => {
  const login = (name: string, ticket: string, at: number) =>
    asked(
      'POST',
      'http://127.0.0.1:3000/login',
      { headers: json, body: `{"username":"${name}"}`, response: `{"ticket":"${ticket}"}` },
      at,
    );
  const client = (ticket: string, at: number) =>
    connection(
      socketIo,
      [
        [50, '< 40{"sid":"y1"}'],
        [50, `> 420["enter",{"ticket":"${ticket}"}]`],
        [5, '< 430[{"ok":true}]'],
      ],
      '',
      at,
    );
  const { scenarios, written } = write({
    connections: [client('tk-11aa22bb', 20), client('tk-33cc44dd', 60)],
    requests: [login('ada', 'tk-11aa22bb', 0), login('bob', 'tk-33cc44dd', 40)],
  });
  assert.equal(scenarios.length, 1);
  assert.equal(scenarios[0]!.flow.filter((step) => 'post' in step).length, 1);
  assert.match(written.files['chat-users.csv']!, /^username\n/);
  assert.equal(written.replay.text.match(/ post:/g)?.length, 2);
});

test('each room is a variable of its own', () => {
  const { config, all } = write(
    recording(
      connection(socketIo, [
        [5, '< 40{"sid":"y1"}'],
        [50, '> 420["joinRoom","general"]'],
        [5, '< 430[{"ok":true}]'],
        [50, '> 421["joinGame",{"room":"g-17"}]'],
        [5, '< 431[{"ok":true}]'],
      ]),
      connection(
        socketIo.replace('3000', '3000'),
        [
          [5, '< 40{"sid":"y2"}'],
          [50, '> 420["watchRoom",{"room":"arena"}]'],
          [5, '< 430[{"ok":true}]'],
        ],
        '',
        500,
      ),
    ),
  );
  const variables = config.variables as Record<string, string>;
  assert.deepEqual(Object.values(variables).sort(), ['arena', 'g-17', 'general']);
  for (const name of Object.keys(variables)) assert.match(all, new RegExp(`\\{\\{ ${name} \\}\\}`));
});

test('thousands of messages are held against each other in no more than a moment', () => {
  const moves = (count: number, odd: string): [number, string][] =>
    Array.from({ length: count }, (_, index) => [
      1,
      `> 42["${index === 9_000 ? odd : 'move'}",{"x":${index}}]`,
    ]);
  const sessionOf = (lines: [number, string][]) =>
    decodeSessions(recording(connection(socketIo, [[5, '< 40{"sid":"y1"}'], ...lines])));
  const one = compareReplay(sessionOf(moves(18_000, 'jump')), sessionOf(moves(18_000, 'hop')));
  assert.deepEqual(one, { recorded: 18_000, repeated: 17_999, differences: ['"jump" was not sent.'] });
  const lots = (name: string): [number, string][] => [
    ...moves(10, 'jump'),
    ...Array.from({ length: 9_000 }, (_, index): [number, string] => [
      1,
      `> 42["${name}${index % 2 === 0 ? 'A' : 'B'}"]`,
    ]),
  ];
  const { repeated, differences } = compareReplay(sessionOf(lots('one')), sessionOf(lots('other')));
  assert.equal(repeated, 10);
  assert.match(differences.join('\n'), /^5000 messages of a client were not compared/m);
});

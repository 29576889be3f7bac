import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { findEvents } from '../../src/init/find-events.ts';
import { findHandshake } from '../../src/init/find-handshake.ts';
import { readProject } from '../../src/init/read-project.ts';
import { initCommand } from '../../src/run/init-command.ts';
import { quietHost } from '../host/quiet-host.ts';

const eventsOf = (text: string) =>
  findEvents([{ path: 'server.js', text }]).events.map(({ name, args, acknowledged, does }) => ({
    name,
    args,
    acknowledged,
    does,
  }));

test('events are found as servers of each kind write them', () => {
  assert.deepEqual(
    eventsOf(`
      io.on('connection', (socket) => {
        socket.on('joinRoom', ({ roomId, username }, callback) => { socket.join(roomId); callback({ ok: true }); });
        socket.on("chat message", msg => io.emit("chat message", msg));
        socket.on('move', function (data) { socket.broadcast.emit('moved', { x: data.x, y: data.y }); });
        socket.on('disconnect', () => {});
      });`),
    [
      {
        name: 'joinRoom',
        args: [{ roomId: 'room-1', username: 'tailgate' }],
        acknowledged: true,
        does: 'join',
      },
      { name: 'chat message', args: ['hello from tailgate'], acknowledged: false, does: 'say' },
      { name: 'move', args: [{ x: 1, y: 1 }], acknowledged: false, does: 'say' },
    ],
  );
  assert.deepEqual(
    eventsOf(`
      import { WebSocketServer } from 'ws';
      ws.on('message', (raw) => { const msg = JSON.parse(raw);
        switch (msg.type) {
          case 'join': rooms.add(msg.room); break;
          case 'say': broadcast({ text: msg.text }); break; } });`).map(({ args }) => args),
    [[{ type: 'join', room: 'room-1' }], [{ type: 'say', text: 'hello from tailgate' }]],
  );
  const spring = findEvents([
    {
      path: 'src/main/java/Chat.java',
      text: `registry.addEndpoint("/live"); config.setApplicationDestinationPrefixes("/app");
        @MessageMapping("/chat") @SendTo("/topic/chat") public Message chat(Message m)`,
    },
  ]);
  assert.deepEqual(
    [spring.protocols, spring.paths, spring.topics, spring.events[0]!.name],
    [['stomp'], ['/live'], ['/topic/chat'], '/app/chat'],
  );
  assert.deepEqual(
    eventsOf(`
      const Events = { DRAW: 'draw' };
      socket.on(Events.DRAW, ({ x }) => {});
      onSocketEvent(socket, 'report', (who) => {});`).map(({ name }) => name),
    ['draw', 'report'],
  );
  const gateway = findEvents([
    {
      path: 'src/dto.ts',
      text: `export enum Kind { Direct = 'direct' }
        export class CreateRoom { @IsEnum(Kind) type: Kind; @IsArray() members: string[]; @IsOptional() topic?: string; }`,
    },
    {
      path: 'src/chat.gateway.ts',
      text: `import { SubscribeMessage } from '@nestjs/websockets';
        @SubscribeMessage('create')
        async create(@CurrentUser() user: User, @MessageBody(new Pipe()) dto: CreateRoom): Promise<void> {}
        @SubscribeMessage('say')
        say(socket: Socket, message: string) { this.server.emit('said', message); }`,
    },
  ]).events;
  assert.deepEqual(
    gateway.map(({ args }) => args),
    [[{ type: 'direct', members: [] }], ['hello from tailgate']],
  );
  const client = { path: 'public/client.js', text: "socket.on('news', (n) => {})" };
  assert.equal(findEvents([client]).events.length, 0);
});

const server = `import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
const jwt = {
  verify: (token, secret) => {
    const [head, body, signature] = token.split('.');
    if (createHmac('sha256', secret).update(head + '.' + body).digest('base64url') !== signature) throw new Error('invalid token');
  },
  sign: () => jwt.sign({ userId }, process.env.SIGNING_SECRET),
};
import { Server } from 'socket.io';
const http = createServer();
const io = new Server(http);
io.use((socket, next) => {
  try {
    jwt.verify(socket.handshake.auth.token, process.env.SIGNING_SECRET);
    next();
  } catch (error) {
    next(error);
  }
});
io.on('connection', (socket) => {
  socket.on('enter', ({ room, username }, callback) => { socket.join(room); callback({ ok: true }); });
  socket.on('say', ({ room, text }) => { socket.to(room).emit('said', { text }); });
  socket.on('forbidden', (what, callback) => callback({ ok: false }));
  socket.on('fatal', () => process.exit(1));
});
http.listen(process.env.CHAT_PORT || 3000);
`;

test('a message without fields has its type alone', () => {
  const found = eventsOf(`
    import { WebSocketServer } from 'ws';
    wss.on('connection', (socket) => socket.on('message', (data) => {
      const message = JSON.parse(data);
      switch (message.type) {
        case 'list': socket.send(JSON.stringify(rooms)); break;
        case 'join': rooms.add(message.room); break;
      }
    }));`);
  assert.deepEqual(
    found.map(({ args }) => args),
    [[{ type: 'list' }], [{ type: 'join', room: 'room-1' }]],
  );
});

test('a project becomes a gate: port, protocol, events, settings, workflow', {
  timeout: 90_000,
}, async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'init-test-'));
  const write = (name: string, text: string) => writeFile(path.join(folder, name), text);
  const read = (name: string) => readFile(path.join(folder, name), 'utf8');
  try {
    await symlink(path.resolve(import.meta.dirname, '../../node_modules'), path.join(folder, 'node_modules'));
    const scripts = { start: 'node server.js', build: 'tsc' };
    await write('package.json', JSON.stringify({ type: 'module', scripts }));
    await write('package-lock.json', '{}');
    await write('server.js', server);
    const project = readProject(folder);
    assert.deepEqual(
      [project.build, project.starts[0], project.code.portVariables, project.ci],
      ['npm ci && npm run build', 'node server.js', ['CHAT_PORT'], 'github'],
    );
    const host = quietHost(folder);
    const printed: string[] = [];
    const print = (text: string) => void printed.push(text);
    const flags = { yes: true, start: undefined, ci: undefined, run: false, force: false };
    assert.equal(await initCommand({ host, print, ...flags }), 0);
    const settings = parse(await read('tailgate.yml'));
    assert.deepEqual(settings.target, {
      build: 'npm ci && npm run build',
      start: 'node server.js',
      env: { CHAT_PORT: '{{ port }}', SIGNING_SECRET: 'tailgate-test-secret' },
      ready: { type: 'socketio' },
    });
    assert.deepEqual(settings.measure.jwt, {
      secret: 'tailgate-test-secret',
      claims: { userId: 'user-{{ $uuid }}' },
    });
    assert.deepEqual(settings.thresholds, ['p95 < 500ms', 'errors.rate < 1%', 'lost = 0']);
    const { config, scenarios } = parse(await read('load/first.yml'));
    assert.deepEqual(config.socketio.auth, { token: '{{ $token }}' });
    const { flow } = scenarios[0];
    const steps = flow.filter((step: object) => !('think' in step));
    assert.deepEqual([steps[0].emit.data.room, steps[0].joins], ['{{ room }}', '{{ room }}']);
    assert.deepEqual(steps[0].acknowledge, { match: { json: '$[0].ok', value: true } });
    assert.deepEqual([steps[1].count, steps[1].loop[0].delivery], [10, 'said']);
    assert.match(printed.join('\n'), /refused "forbidden"/);
    assert.match(printed.join('\n'), /refused "fatal"/);
    assert.match(await read('.gitignore'), /^\.tailgate\/$/m);
    assert.match(await read('.github/workflows/performance.yml'), /baseline: side-by-side/);
    await assert.rejects(initCommand({ host, print, ...flags }), { code: 'FILE_EXISTS' });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('what a server reads of a handshake is sent: the query that it chooses by, ids, and a token that it can verify', () => {
  const read = (text: string, environment = '') => findHandshake(text, environment);
  assert.deepEqual(
    read(`
      let kind = socket.handshake.query.kind;
      switch (kind) { case 'player': add(socket); break; }
      const label = socket.handshake.query.label;`),
    { auth: {}, query: { kind: 'player' }, headers: {}, jwt: null },
  );
  assert.deepEqual(
    read(
      "const { searchParams } = new URL(request.url, 'http://x'); const id = searchParams.get('id'), key = searchParams.get('key'); const options = { key: 'open' };",
    ).query,
    { id: '{{ $uuid }}', key: 'open' },
  );
  const verified = read(`
    import jwt from 'jsonwebtoken';
    io.use((socket, next) => {
      const { token } = socket.handshake.auth;
      socket.user = jwt.verify(token, process.env.ACCESS_SECRET);
    });
    app.post('/login', () => jwt.sign({ userId, role: 'x' }, process.env.ACCESS_SECRET));`);
  assert.deepEqual(verified.auth, { token: '{{ token }}' });
  assert.equal(verified.jwt?.env, 'ACCESS_SECRET');
  assert.deepEqual(Object.keys(verified.jwt!.claims), ['userId', 'role']);
  const guarded = read(
    "const [, token] = socket.handshake.headers.authorization.split(' '); this.jwtService.verify(token);",
    'REFRESH_TOKEN_SECRET=\nJWT_SECRET=change-me\n',
  );
  assert.deepEqual(guarded.headers, { authorization: 'Bearer {{ token }}' });
  assert.equal(guarded.jwt?.env, 'JWT_SECRET');
});

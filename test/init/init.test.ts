import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { createLiveLine, createTerminalHost } from '../../src/host/terminal-host.ts';
import { findEvents } from '../../src/init/find-events.ts';
import { readProject } from '../../src/init/read-project.ts';
import { initCommand } from '../../src/run/init-command.ts';

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
  const client = { path: 'public/client.js', text: "socket.on('news', (n) => {})" };
  assert.equal(findEvents([client]).events.length, 0);
});

const server = `import { createServer } from 'node:http';
import { Server } from 'socket.io';
const http = createServer();
const io = new Server(http);
io.on('connection', (socket) => {
  socket.on('enter', ({ room, username }, callback) => { socket.join(room); callback({ ok: true }); });
  socket.on('say', ({ room, text }) => { socket.to(room).emit('said', { text }); });
  socket.on('forbidden', (what, callback) => callback({ ok: false }));
});
http.listen(process.env.CHAT_PORT || 3000);
`;

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
    const host = createTerminalHost({
      env: process.env,
      cwd: folder,
      signal: new AbortController().signal,
      stderr: process.stderr,
      stdout: process.stdout,
      live: createLiveLine(process.stderr),
      quiet: true,
    });
    const printed: string[] = [];
    const print = (text: string) => void printed.push(text);
    const flags = { yes: true, start: undefined, ci: undefined, run: false, force: false };
    assert.equal(await initCommand({ host, print, ...flags }), 0);
    const settings = parse(await read('tailgate.yml'));
    assert.deepEqual(settings.target, {
      build: 'npm ci && npm run build',
      start: 'node server.js',
      env: { CHAT_PORT: '{{ port }}' },
      ready: { type: 'socketio' },
    });
    assert.deepEqual(settings.thresholds, ['p95 < 500ms', 'errors.rate < 1%', 'lost = 0']);
    const { flow } = parse(await read('load/first.yml')).scenarios[0];
    const steps = flow.filter((step: object) => !('think' in step));
    assert.deepEqual([steps[0].emit.data.room, steps[0].joins], ['{{ room }}', '{{ room }}']);
    assert.deepEqual(steps[0].acknowledge, { match: { json: '$[0].ok', value: true } });
    assert.deepEqual([steps[1].count, steps[1].loop[0].delivery], [10, 'said']);
    assert.match(printed.join('\n'), /refused "forbidden"/);
    assert.match(await read('.gitignore'), /^\.tailgate\/$/m);
    assert.match(await read('.github/workflows/performance.yml'), /baseline: side-by-side/);
    await assert.rejects(initCommand({ host, print, ...flags }), { code: 'FILE_EXISTS' });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

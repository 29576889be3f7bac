import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { Server } from 'socket.io';
import { parse } from 'yaml';
import { recordCommand } from '../../src/run/record-command.ts';
import { validateCommand } from '../../src/run/validate-command.ts';
import { browserMissing, startBrowser } from '../baseline/chromium.ts';
import { quietHost } from '../host/quiet-host.ts';

const page = `<script src="/socket.io/socket.io.js"></script>
<script>window.socket = io({ auth: { key: 'k-secret-77' } }); socket.on('connect', () => { document.title = 'ready'; });</script>`;

/** What the page's script gave, as far as the test runs it. */
type Page = { socket: { emitWithAck(event: string, ...args: unknown[]): Promise<Record<string, unknown>> } };

test('a room that one browser opens and another joins: two HARs are a role, and the room with its owner', {
  timeout: 90_000,
  skip: browserMissing,
}, async () => {
  const http = createServer((_request, response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end(page),
  );
  const server = new Server(http);
  let rooms = 0;
  server.on('connection', (socket) => {
    socket.on('createRoom', ({ title }, answer) => {
      rooms += 1;
      const roomId = `room-${title}-${rooms}a7`;
      socket.join(roomId);
      answer({ ok: true, roomId });
    });
    socket.on('joinRoom', ({ roomId }, answer) => {
      if (server.sockets.adapter.rooms.get(roomId) === undefined) return answer({ ok: false });
      socket.join(roomId);
      answer({ ok: true });
    });
    socket.on('say', ({ roomId, text }, answer) => {
      socket.to(roomId).emit('said', { text });
      answer({ ok: true });
    });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const target = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const folder = await mkdtemp(path.join(tmpdir(), 'har-test-'));
  try {
    {
      await using started = await startBrowser();
      const open = async (role: string) => {
        const context = await started.browser.newContext({
          recordHar: { path: path.join(folder, `${role}.har`) },
        });
        const tab = await context.newPage();
        await tab.goto(target);
        await tab.waitForFunction("document.title === 'ready'");
        const emit = (event: string, data: object) =>
          tab.evaluate(
            ([name, value]) => (globalThis as unknown as Page).socket.emitWithAck(name as string, value),
            [event, data] as const,
          );
        return { context, emit };
      };
      const host = await open('host');
      const guest = await open('guest');
      const { roomId } = await host.emit('createRoom', { title: 'lobby' });
      await guest.emit('joinRoom', { roomId });
      for (const text of ['good morning', 'what a day', 'see you'])
        for (const { emit } of [guest, host]) await emit('say', { roomId, text: `${text} all` });
      for (const { context } of [guest, host]) await context.close();
    }
    const printed: string[] = [];
    const terminal = quietHost(folder, { ...process.env, KEY: 'k-secret-77' });
    const code = await recordCommand({
      host: terminal,
      print: (text) => void printed.push(text),
      hars: ['host.har', 'guest.har'],
      target,
      out: 'chat.yml',
      port: 0,
      seconds: undefined,
      replay: true,
      force: false,
    });
    const said = printed.join('\n');
    assert.equal(code, 0);
    assert.match(said, /Replay: 8 of 8 messages were sent again, in order\.$/, said);
    const text = await readFile(path.join(folder, 'chat.yml'), 'utf8');
    const { scenarios } = parse(text) as { scenarios: { name: string; flow: Record<string, unknown>[] }[] };
    assert.deepEqual(
      scenarios.map(({ name, flow }) => [name, flow.find((step) => 'joins' in step)!.joins]),
      [['guest', '{{ roomId }}']],
    );
    assert.match(text, /delivery: said/);
    const settings = await readFile(path.join(folder, 'tailgate.yml'), 'utf8');
    assert.deepEqual(parse(settings).room, {
      transports: ['polling', 'websocket'],
      token: { env: 'KEY' },
      auth: { key: '{{ token }}' },
      create: { event: 'createRoom', data: { title: 'lobby' }, expect: { ok: true } },
      capture: { roomId: 'roomId' },
    });
    assert.doesNotMatch(`${text}${said}${settings}`, /k-secret-77|room-lobby-1a7/);
    const inputs = { source: 'cli' as const, values: {} };
    assert.equal(await validateCommand({ host: terminal, print: () => {}, inputs }), 0);
  } finally {
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
});

import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@stomp/stompjs';
import type { Page } from 'playwright-core';
import { io, type Socket } from 'socket.io-client';
import { WebSocket } from 'ws';
import { launchChromium } from '../../scripts/chromium.ts';

export type Application = {
  name: string;
  /** For the table. */
  title: string;
  speaks: string;
  source: { npm: string } | { github: string; commit: string; folder?: string };
  /** What its own documentation says to run after installing. */
  install?: string[];
  /** What it needs beside it. */
  service?: string[];
  /** How it is started where init does not find it. */
  start?: string;
  env?: Record<string, string>;
  /** Where its sockets are, if that is not the port of the settings. */
  port?: number;
  /** Who was recorded. */
  client: 'Chromium' | 'client';
  /** Does through the relay what users do; gives the secrets that were sent. */
  drive: (at: { relay: string; port: number }) => Promise<string[]>;
};

export const applications: Application[] = [
  {
    name: 'chat-example',
    title: 'socketio/chat-example',
    speaks: 'Socket.IO',
    source: { github: 'socketio/chat-example', commit: '3c7903c2d0aaaa660edaf5d0b07375fe00224011' },
    client: 'Chromium',
    drive: ({ relay }) =>
      browsed(relay, 2, async (pages) => {
        for (const text of ['good morning', 'and to you', 'what a day', 'see you soon'])
          for (const page of pages) {
            await page.fill('#input', text);
            await page.press('#input', 'Enter');
            await sleep(300);
          }
      }),
  },
  {
    name: 'chatcord',
    title: 'bradtraversy/chatcord',
    speaks: 'Socket.IO, Redis',
    source: { github: 'bradtraversy/chatcord', commit: '81d7cf9f59e33f73e63a13662b049e1b32e6911a' },
    service: ['redis-server', '--port', '6379', '--save', ''],
    client: 'Chromium',
    drive: ({ relay }) =>
      browsed(relay, 2, async (pages) => {
        for (const [index, page] of pages.entries()) {
          // The page takes this from a network of others.
          await page.addInitScript(() =>
            Object.assign(globalThis, {
              Qs: { parse: (text: string) => Object.fromEntries(new URLSearchParams(text)) },
            }),
          );
          await page.goto(`${relay}/chat.html?username=visitor${index}&room=JavaScript`, {
            waitUntil: 'commit',
          });
          await page.waitForSelector('#msg');
          await sleep(700);
        }
        for (const text of ['good morning', 'and to you', 'what a day'])
          for (const page of pages) {
            await page.fill('#msg', text);
            await page.press('#msg', 'Enter');
            await sleep(300);
          }
      }),
  },
  {
    name: 'excalidraw-room',
    title: 'excalidraw/excalidraw-room',
    speaks: 'Socket.IO, binary data',
    source: { github: 'excalidraw/excalidraw-room', commit: '03ff435860b508d7cd9e005cfc90f7977ae2a593' },
    install: ['npx tsc'],
    client: 'client',
    drive: async ({ relay }) => {
      const sockets = [1, 2, 3].map(() => io(relay, { transports: ['websocket'], forceNew: true }));
      for (const socket of sockets) {
        await connected(socket);
        socket.emit('join-room', 'b4f2c9d1e0aa');
        await sleep(300);
      }
      for (let count = 0; count < 5; count += 1) {
        sockets[0]!.emit(
          'server-broadcast',
          'b4f2c9d1e0aa',
          Buffer.from(`scene ${count}`),
          Buffer.from('iv'),
        );
        await sleep(200);
        sockets[1]!.emit(
          'server-volatile-broadcast',
          'b4f2c9d1e0aa',
          Buffer.from(`mouse ${count}`),
          Buffer.from('iv'),
        );
        await sleep(200);
      }
      for (const socket of sockets) socket.close();
      return [];
    },
  },
  {
    name: 'whitebophir',
    title: 'lovasoa/whitebophir',
    speaks: 'Socket.IO',
    source: { github: 'lovasoa/whitebophir', commit: 'ba5ce0821106d5ff792a840e2b53e2e32aa8f25e' },
    client: 'Chromium',
    drive: ({ relay }) =>
      browsed(`${relay}/boards/proof`, 2, async (pages) => {
        await sleep(2_500);
        for (const [index, page] of pages.entries())
          for (let line = 0; line < 3; line += 1) {
            await page.mouse.move(300 + 100 * line, 200 + 150 * index);
            await page.mouse.down();
            await page.mouse.move(380 + 100 * line, 260 + 150 * index, { steps: 5 });
            await page.mouse.up();
            await sleep(400);
          }
      }),
  },
  {
    name: 'agar.io-clone',
    title: 'owenashurst/agar.io-clone',
    speaks: 'Socket.IO',
    source: { github: 'owenashurst/agar.io-clone', commit: '310937609fbed84bb9397ee1cc82bb291a61aa55' },
    client: 'client',
    drive: async ({ relay }) => {
      const sockets = [0, 1].map(() =>
        io(relay, { transports: ['websocket'], forceNew: true, query: { type: 'player' } }),
      );
      for (const [index, socket] of sockets.entries()) {
        await connected(socket);
        const welcomed = until(socket, 'welcome');
        socket.emit('respawn');
        const [player] = [await welcomed] as [object];
        socket.emit('gotit', {
          ...player,
          name: `cell${index}`,
          screenWidth: 800,
          screenHeight: 600,
          target: { x: 0, y: 0 },
        });
        await sleep(400);
      }
      for (let count = 0; count < 5; count += 1)
        for (const [index, socket] of sockets.entries()) {
          socket.emit('pingcheck');
          await sleep(100);
          socket.emit('0', { x: 10 * count, y: 10 });
          await sleep(100);
          if (count < 3) socket.emit('playerChat', { sender: `cell${index}`, message: `well met ${count}` });
          await sleep(100);
        }
      for (const socket of sockets) socket.close();
      return [];
    },
  },
  {
    name: 'chat-room-nestjs',
    title: 'thisha-me/chat-room-nestjs-socket.io',
    speaks: 'Socket.IO, NestJS',
    source: {
      github: 'thisha-me/chat-room-nestjs-socket.io',
      commit: '1038aea828caa7c7bad223b828130d7ce5b3d73b',
    },
    install: ['npm run build'],
    port: 80,
    client: 'client',
    drive: async ({ relay }) => {
      const sockets = ['polling', 'websocket'].map((transport) =>
        io(relay, { transports: [transport, 'websocket'], forceNew: true }),
      );
      for (const socket of sockets) await connected(socket);
      for (const text of ['good morning', 'and to you', 'what a day'])
        for (const socket of sockets) {
          socket.emit('newMessage', text);
          await sleep(250);
        }
      for (const socket of sockets) socket.close();
      return [];
    },
  },
  {
    name: 'nestjs-socketio-chat',
    title: 'vontanne/nestjs-socketio-chat',
    speaks: 'Socket.IO, NestJS, tokens',
    source: { github: 'vontanne/nestjs-socketio-chat', commit: '709b6cc08e473c8c30f4e05dbf9cd5e33ac89447' },
    install: ['npm run build'],
    start: 'node dist/main',
    env: {
      ACCESS_TOKEN_SECRET: 'only-for-this-proof',
      REFRESH_TOKEN_SECRET: 'only-for-that-proof',
      SALT_LENGTH: '16',
    },
    port: 4800,
    client: 'client',
    drive: async ({ relay }) => {
      const password = 'correct-horse-7';
      const users = await Promise.all(
        ['ada', 'bert'].map(async (name) => {
          const email = `${name}${Date.now()}@example.com`;
          const headers = { 'content-type': 'application/json' };
          const body = JSON.stringify({
            firstName: name,
            lastName: 'Doe',
            email,
            password,
            confirmPassword: password,
          });
          const answer = await fetch('http://127.0.0.1:4400/auth/sign-up', { method: 'POST', headers, body });
          return (await answer.json()) as { id: string; accessToken: string };
        }),
      );
      const sockets = users.map(({ accessToken }) =>
        io(relay, {
          transports: ['websocket'],
          forceNew: true,
          extraHeaders: { authorization: `Bearer ${accessToken}` },
        }),
      );
      for (const socket of sockets) await connected(socket);
      await sleep(500);
      const created = until(sockets[1]!, 'roomCreated');
      sockets[0]!.emit('createRoom', { type: 'DIRECT', participants: [users[1]!.id] });
      const { id: roomId } = (await created) as { id: string };
      await sleep(300);
      for (const text of ['good morning', 'and to you', 'what a day'])
        for (const socket of sockets) {
          socket.emit('sendMessage', { roomId, text });
          await sleep(300);
        }
      for (const socket of sockets) socket.close();
      return [password, ...users.map(({ accessToken }) => accessToken)];
    },
  },
  {
    name: 'stomp-websocket-example',
    title: 'MGuillaumeF/stomp-websocket-example',
    speaks: 'STOMP',
    source: {
      github: 'MGuillaumeF/stomp-websocket-example',
      commit: '6ea45e86c0ee0eba9ee3f6b965f0b083128e4a55',
    },
    client: 'client',
    drive: async ({ relay }) => {
      Object.assign(globalThis, { WebSocket });
      const clients = [1, 2].map(
        () =>
          new Client({
            brokerURL: `${relay.replace('http', 'ws')}/my-websocket-channel`,
            reconnectDelay: 0,
            connectHeaders: { login: 'guest', passcode: 'stomp-pass-1' },
          }),
      );
      for (const client of clients) {
        await new Promise<void>((resolve) => {
          client.onConnect = () => resolve();
          client.activate();
        });
        client.subscribe('/my-topic', () => {});
        await sleep(200);
      }
      for (const text of ['good morning', 'and to you', 'what a day'])
        for (const client of clients) {
          client.publish({ destination: '/my-topic', body: JSON.stringify({ text }) });
          await sleep(250);
        }
      await Promise.all(clients.map((client) => client.deactivate()));
      return ['stomp-pass-1'];
    },
  },
  {
    name: 'sockjs-echo',
    title: 'sockjs/sockjs-node 0.3.24, examples/echo',
    speaks: 'SockJS',
    source: { github: 'sockjs/sockjs-node', commit: 'v0.3.24', folder: 'examples/echo' },
    client: 'client',
    drive: async ({ relay }) => {
      const sockets = [1, 2].map(
        (number) => new WebSocket(`${relay.replace('http', 'ws')}/echo/00${number}/abcd${number}/websocket`),
      );
      for (const socket of sockets) await opened(socket);
      for (const text of ['good morning', 'what a day', 'see you soon'])
        for (const [index, socket] of sockets.entries()) {
          socket.send(JSON.stringify([`${text} ${index}`]));
          await sleep(200);
        }
      for (const socket of sockets) socket.close();
      return [];
    },
  },
  {
    name: 'peer',
    title: 'peer 1.0.2 (npm)',
    speaks: 'WebSocket, JSON',
    source: { npm: 'peer@1.0.2' },
    client: 'client',
    drive: async ({ relay }) => {
      const ids = ['5f0c6a3e-1111-4222-8333-94d5a1b2c3d4', '6a1d7b4f-1111-4222-8333-94d5a1b2c3d5'];
      const tokens = ['tok-ab12cd34', 'tok-ef56gh78'];
      const sockets = ids.map(
        (id, index) =>
          new WebSocket(`${relay.replace('http', 'ws')}/peerjs?key=peerjs&id=${id}&token=${tokens[index]}`),
      );
      for (const socket of sockets) await opened(socket);
      await sleep(300);
      const send = (from: number, message: object): void => sockets[from]!.send(JSON.stringify(message));
      send(0, { type: 'OFFER', dst: ids[1], payload: { sdp: 'v=0 offer', type: 'data' } });
      await sleep(300);
      send(1, { type: 'ANSWER', dst: ids[0], payload: { sdp: 'v=0 answer', type: 'data' } });
      for (let count = 0; count < 4; count += 1) {
        await sleep(250);
        send(0, { type: 'CANDIDATE', dst: ids[1], payload: { candidate: `candidate ${count}` } });
        send(1, { type: 'HEARTBEAT' });
      }
      await sleep(300);
      for (const socket of sockets) socket.close();
      return tokens;
    },
  },
  {
    name: 'y-websocket',
    title: 'y-websocket 2.1.0 (npm)',
    speaks: 'WebSocket, binary data',
    source: { npm: 'y-websocket@2.1.0' },
    client: 'client',
    drive: async ({ relay }) => {
      const sockets = [1, 2].map(() => new WebSocket(`${relay.replace('http', 'ws')}/notes`));
      for (const socket of sockets) await opened(socket);
      // Of its protocol: the empty state of a document, and then that nothing was changed.
      for (const socket of sockets) socket.send(Buffer.from([0, 0, 1, 0]));
      await sleep(300);
      for (let count = 0; count < 4; count += 1)
        for (const socket of sockets) {
          socket.send(Buffer.from([0, 2, 2, 0, 0]));
          await sleep(150);
        }
      for (const socket of sockets) socket.close();
      return [];
    },
  },
  {
    name: 'rtcmulticonnection-server',
    title: 'rtcmulticonnection-server 1.3.3 (npm)',
    speaks: 'Socket.IO',
    source: { npm: 'rtcmulticonnection-server@1.3.3' },
    client: 'client',
    drive: async ({ relay }) => {
      const password = 'swordfish-42';
      const sockets = ['anna1x', 'bert2y'].map((userid) =>
        io(relay, {
          transports: ['websocket'],
          forceNew: true,
          query: { userid, sessionid: 'stand-7', msgEvent: 'signal' },
        }),
      );
      for (const socket of sockets) await connected(socket);
      await sockets[0]!.emitWithAck('open-room', { sessionid: 'stand-7', session: { data: true }, password });
      await sleep(300);
      await sockets[1]!.emitWithAck('join-room', { sessionid: 'stand-7', session: { data: true }, password });
      for (let count = 0; count < 3; count += 1) {
        sockets[0]!.emit('signal', {
          remoteUserId: 'bert2y',
          message: { text: `ice ${count}` },
          sender: 'anna1x',
        });
        await sleep(250);
      }
      for (const socket of sockets) socket.close();
      return [password];
    },
  },
  {
    name: 'livereload',
    title: 'livereload 0.10.3 (npm)',
    speaks: 'WebSocket, JSON',
    source: { npm: 'livereload@0.10.3' },
    client: 'client',
    drive: async ({ relay }) => {
      const sockets = [1, 2].map(() => new WebSocket(`${relay.replace('http', 'ws')}/livereload`));
      for (const socket of sockets) {
        await opened(socket);
        socket.send(
          JSON.stringify({ command: 'hello', protocols: ['http://livereload.com/protocols/official-7'] }),
        );
        await sleep(300);
        socket.send(JSON.stringify({ command: 'info', url: 'http://localhost/' }));
      }
      await sleep(500);
      for (const socket of sockets) socket.close();
      return [];
    },
  },
];

/** Pages of one browser, each with cookies of its own. */
async function browsed(
  url: string,
  count: number,
  work: (pages: Page[]) => Promise<void>,
): Promise<string[]> {
  const browser = await launchChromium();
  try {
    const pages: Page[] = [];
    for (let index = 0; index < count; index += 1) {
      const page = await (await browser.newContext()).newPage();
      page.setDefaultTimeout(15_000);
      await page.route(
        (address) => address.hostname !== '127.0.0.1',
        (route) => route.abort(),
      );
      await page.goto(url, { waitUntil: 'commit' });
      pages.push(page);
    }
    await sleep(1_000);
    await work(pages);
    await sleep(500);
    return [];
  } finally {
    await browser.close();
  }
}

const connected = (socket: Socket): Promise<unknown> =>
  socket.connected ? Promise.resolve() : until(socket, 'connect');

const opened = (socket: WebSocket): Promise<unknown> =>
  socket.readyState === WebSocket.OPEN ? Promise.resolve() : until(socket, 'open');

const until = (
  socket: { once(event: string, listener: (value?: unknown) => void): unknown },
  event: string,
): Promise<unknown> =>
  new Promise((resolve, reject) => {
    socket.once(event, resolve);
    setTimeout(() => reject(new Error(`no "${event}"`)), 8_000).unref();
  });

import { io, type Socket } from 'socket.io-client';
import { type EngineName, Users } from './users.ts';

/** Sends acknowledged messages, each user one after the other, and tells the CPU time of one. */
export type CpuRequest = {
  peer: EngineName | 'bare';
  url: string;
  users: number;
  messages: number;
  templated: boolean;
};

export type CpuResult = { cpuUsPerMessage: number; rssBytes: number };

const request = JSON.parse(process.argv[2]!) as CpuRequest;
const fixed = {
  user: 'Ann',
  n: 1,
  text: 'a message of the length that people write in a chat',
  tags: ['a', 'b'],
};
const templates = {
  user: '{{ name }}',
  n: '{{ $loopCount }}',
  text: '{{ name }} writes message {{ $loopCount }}',
};

const bareLoop = async (sockets: Socket[], messages: number): Promise<void> => {
  await Promise.all(
    sockets.map(async (socket, index) => {
      const name = `user ${index}`;
      await new Promise<void>((resolve) => {
        let n = 0;
        const next = () => {
          if (n === messages) {
            resolve();
            return;
          }
          n += 1;
          const payload = request.templated ? { user: name, n, text: `${name} writes message ${n}` } : fixed;
          socket.emit('echo', payload, next);
        };
        next();
      });
    }),
  );
};

const runBare = async (): Promise<(messages: number) => Promise<void>> => {
  const sockets = Array.from({ length: request.users }, () =>
    io(request.url, { forceNew: true, transports: ['websocket'] }),
  );
  await Promise.all(
    sockets.map(async (socket) => await new Promise((resolve) => socket.on('connect', () => resolve(null)))),
  );
  return async (messages) => await bareLoop(sockets, messages);
};

const runEngine = async (peer: EngineName): Promise<(messages: number) => Promise<void>> => {
  const users = await Users.create(peer, request.url);
  return async (messages) =>
    await users.run(
      [
        {
          loop: [{ emit: { channel: 'echo', data: request.templated ? templates : fixed }, acknowledge: {} }],
          count: messages,
        },
      ],
      request.users,
      (index) => ({ name: `user ${index}` }),
    );
};

const run = request.peer === 'bare' ? await runBare() : await runEngine(request.peer);
await run(Math.ceil(request.messages / 5));
const before = process.cpuUsage();
await run(request.messages);
const { user, system } = process.cpuUsage(before);
process.send!({
  cpuUsPerMessage: (user + system) / (request.users * request.messages),
  rssBytes: process.memoryUsage.rss(),
} satisfies CpuResult);
process.exit(0);

import { io } from 'socket.io-client';
import { Turns } from './turns.ts';
import { type EngineName, Users } from './users.ts';

/**
 * Users who send acknowledged messages one after the other, as fast as they are answered. Asked for a burst, each of
 * them sends `messages`, and the answer is the CPU time of one; between bursts they keep their connections.
 */
export type CpuRequest = {
  peer: EngineName | 'bare';
  url: string;
  users: number;
  messages: number;
  templated: boolean;
};

/** Answer to each question: CPU time of one message, microseconds. */
export type CpuAnswer = number;

const request = JSON.parse(process.argv[2]!) as CpuRequest;
const fixed = {
  user: 'Ann',
  n: 1,
  text: 'a message of the length that people write in a chat',
  tags: ['a', 'b'],
};
/** The same payload, with templates. */
const templates = {
  user: '{{ name }}',
  n: '{{ $loopCount }}',
  text: '{{ name }} writes message {{ $loopCount }}, of the length of a chat',
  tags: ['a', 'b'],
};

const turns = new Turns(request.users);

const startBare = (): void => {
  for (let index = 0; index < request.users; index += 1) {
    const socket = io(request.url, { forceNew: true, transports: ['websocket'] });
    const name = `user ${index}`;
    const burst = (): void => {
      let n = 0;
      const next = () => {
        if (n === request.messages) {
          turns.back(burst);
          return;
        }
        n += 1;
        const text = `${name} writes message ${n}, of the length of a chat`;
        const payload = request.templated ? { user: name, n, text, tags: ['a', 'b'] } : fixed;
        socket.emit('echo', payload, next);
      };
      next();
    };
    socket.on('connect', () => turns.back(burst));
  }
};

const startEngine = async (peer: EngineName): Promise<void> => {
  const processor = {
    untilNextBurst: (_context: unknown, _events: unknown, done: () => void) => turns.back(done),
  };
  const users = await Users.create(peer, request.url, { processor });
  const data = request.templated ? templates : fixed;
  const burst = { loop: [{ emit: { channel: 'echo', data }, acknowledge: {} }], count: request.messages };
  const flow = [{ loop: [{ function: 'untilNextBurst' }, burst] }];
  users
    .run(flow, request.users, (index) => ({ name: `user ${index}` }))
    .catch((error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    });
};

const runBurst = async (): Promise<CpuAnswer> => {
  const before = process.cpuUsage();
  await turns.take();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / (request.users * request.messages);
};

process.on('message', () => void runBurst().then((value) => process.send?.({ value })));
process.on('disconnect', () => process.exit(0));
if (request.peer === 'bare') startBare();
else await startEngine(request.peer);
await turns.allBack();
process.send?.({ value: null });

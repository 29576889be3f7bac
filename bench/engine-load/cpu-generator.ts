import { io } from 'socket.io-client';
import { type PayloadName, payloads } from './cpu-payloads.ts';
import { startFloor } from './floor-users.ts';
import { Turns } from './turns.ts';
import { type EngineName, Users } from './users.ts';

/**
 * Users who send acknowledged messages one after the other, as fast as they are answered. Asked for a burst, each of
 * them sends `messages`, and the answer is the CPU time of one; between bursts they keep their connections.
 */
export type CpuRequest = {
  peer: EngineName | 'bare' | 'floor';
  url: string;
  users: number;
  messages: number;
  payload: PayloadName;
};

/** Answer to each question: CPU time of one message, microseconds. */
export type CpuAnswer = number;

const request = JSON.parse(process.argv[2]!) as CpuRequest;
const payload = payloads[request.payload];
const turns = new Turns(request.users);

const startBare = (): void => {
  for (let index = 0; index < request.users; index += 1) {
    const socket = io(request.url, { forceNew: true, transports: ['websocket'] });
    const burst = (): void => {
      let n = 0;
      const next = () => {
        if (n === request.messages) {
          turns.back(burst);
          return;
        }
        n += 1;
        socket.emit('echo', payload.bare(index, n), next);
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
  const say = { emit: { channel: 'echo', data: payload.scenario }, acknowledge: {} };
  const burst = { loop: [say], count: request.messages };
  const flow = [{ loop: [{ function: 'untilNextBurst' }, burst] }];
  users.run(flow, request.users, payload.vars).catch((error: unknown) => {
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
else if (request.peer === 'floor') startFloor(request, payload.bare(0, 1), turns);
else await startEngine(request.peer);
await turns.allBack();
process.send?.({ value: null });

import { openWireConnection } from '../../src/engines/socketio/wire/open-wire-connection.ts';
import { Turns } from './turns.ts';

/**
 * Users of our Socket.IO wire client, over our own WebSocket or over that of the package `ws`. In a turn each of them sends
 * `messages`: acknowledged ones (`message`), or ones that all others get (`delivery`). The answer is the CPU time of one
 * message or delivery, microseconds; between turns the connections stay.
 */
export type WsClientRequest = {
  socket: 'own' | 'package';
  kind: 'message' | 'delivery';
  url: string;
  users: number;
  messages: number;
};

const request = JSON.parse(process.argv[2]!) as WsClientRequest;
const { users, messages, kind } = request;
const turns = new Turns(users);
const room = `${kind} ${request.socket}`;
const text = 'a message of the length that people write in a chat';
const perUser = kind === 'message' ? messages : messages * (users - 1);

for (let user = 0; user < users; user += 1) {
  const connection = openWireConnection(request.url, {
    transports: ['websocket'],
    // Whoever sets more than the threshold gets the package; this server compresses nothing either way.
    ...(request.socket === 'package'
      ? { perMessageDeflate: { threshold: 1_024, concurrencyLimit: 10 } }
      : {}),
  });
  const socket = connection.socket('/');
  let done = 0;
  const step = (): void => {
    done += 1;
    if (done === perUser) turns.back(burst);
    else if (kind === 'message') socket.emit('echo', { text }, step);
  };
  const burst = (): void => {
    done = 0;
    if (kind === 'message') socket.emit('echo', { text }, step);
    else for (let n = 0; n < messages; n += 1) socket.emit('chat', { room, text });
  };
  socket.on('chat', step);
  socket.on('connect', () => socket.emit('join', room, () => turns.back(burst)));
}

const runTurn = async (): Promise<number> => {
  const before = process.cpuUsage();
  await turns.take();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / (users * perUser);
};

process.on('message', () => void runTurn().then((value) => process.send?.({ value })));
process.on('disconnect', () => process.exit(0));
await turns.allBack();
process.send?.({ value: null });

/**
 * Rooms over RabbitMQ. Users are connected to the broker itself: they SEND to `/queue/room-messages` and SUBSCRIBE to
 * `/topic/room.NAME`. This server takes each message from the queue, persists it and hands it to the room.
 *
 * Environment:
 *   PORT          port of the broker's WebSockets (web-stomp)
 *   VARIANT       how a message is persisted:
 *                 inline     look up the room, write, then hand it on (default)
 *                 no-reads   write, then hand it on
 *                 queue      hand it on at once; a queue behind writes many messages in one commit
 *   QUEUE_LIMIT   messages that the queue holds; what comes beyond it is never persisted (default: no limit)
 *   BROKER_URL    a broker that runs already, instead of one started here
 *   DATABASE      file of the database; in the folder for temporary files if not given
 */
import { Client, Versions } from '@stomp/stompjs';
import WebSocket from 'ws';
import { databasePath, openStore } from './message-store.js';
import { startRabbitMqNode } from './rabbitmq-node.js';

const port = Number(process.env.PORT ?? 15674);
const variant = process.env.VARIANT ?? 'inline';
const queueLimit = Number(process.env.QUEUE_LIMIT ?? Number.POSITIVE_INFINITY);
const flushEveryMs = 50;
const prefetch = 200;

const node = process.env.BROKER_URL === undefined ? await startRabbitMqNode({ webStompPort: port }) : null;
const store = openStore(databasePath(port));
const client = new Client({
  webSocketFactory: () =>
    new WebSocket(process.env.BROKER_URL ?? node.url, ['v12.stomp'], { perMessageDeflate: false }),
  connectHeaders: { login: 'guest', passcode: 'guest', host: '/' },
  stompVersions: new Versions([Versions.V1_2]),
  reconnectDelay: 0,
});

const handOn = (room, body) => client.publish({ destination: `/topic/room.${room}`, body });

let waiting = [];
const flush = () => {
  if (waiting.length === 0) return;
  const batch = waiting;
  waiting = [];
  store.write(batch);
  for (const { message } of batch) message.ack();
};

const persist = {
  inline: (message, room, body) => {
    store.read(room);
    store.write([{ room, body }]);
    handOn(room, body);
    message.ack();
  },
  'no-reads': (message, room, body) => {
    store.write([{ room, body }]);
    handOn(room, body);
    message.ack();
  },
  queue: (message, room, body) => {
    handOn(room, body);
    if (waiting.length < queueLimit) waiting.push({ message, room, body });
    else message.ack();
  },
}[variant];
if (persist === undefined) throw new Error(`VARIANT is inline, no-reads or queue, not "${variant}"`);

client.onConnect = () => {
  client.subscribe(
    '/queue/room-messages',
    (message) => {
      const { room } = JSON.parse(message.body);
      persist(message, String(room), message.body);
    },
    { ack: 'client-individual', 'prefetch-count': String(prefetch), receipt: 'subscribed' },
  );
  client.watchForReceipt('subscribed', () => console.log(`ready: ${variant} on port ${port}`));
};
client.onStompError = ({ headers, body }) => {
  console.error(`the broker refused: ${headers.message} ${body}`);
  process.exit(1);
};
client.activate();
const timer = setInterval(flush, flushEveryMs);

const stop = async () => {
  clearInterval(timer);
  flush();
  client.forceDisconnect();
  await node?.stop();
  store.close();
  process.exit(0);
};
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, stop);

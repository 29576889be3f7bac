/**
 * An independent client, `node client.mjs NAME USERS MESSAGES` with its PORT in the environment: the users of the scenario of
 * that name, written with the packages that people use. Prints its latencies in milliseconds as JSON: `{ answers, deliveries }`.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from '@stomp/stompjs';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';

const [name, users, messages] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const base = `127.0.0.1:${process.env.PORT}`;
const latencies = { answers: [], deliveries: [] };
const hex = (text) => Buffer.from(text, 'hex');
const json = (value) => JSON.stringify(value);

/** A WebSocket, with one question at a time. `isAnswer` tells the answer from other messages. */
const webSocket = async (url, protocols) => {
  const socket = new WebSocket(url, protocols);
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return {
    ask: (message, isAnswer = () => true) =>
      new Promise((resolve) => {
        const sentMs = performance.now();
        const take = (data) => {
          const atMs = performance.now();
          if (!isAnswer(data)) return;
          socket.off('message', take);
          resolve(atMs - sentMs);
        };
        socket.on('message', take);
        socket.send(message);
      }),
    close: () => socket.close(),
  };
};

const has = (key, value) => (data) => JSON.parse(data)[key] === value;

/** What a user is: made once, asked for each message, closed at the end. */
const kinds = {
  'graphql-ws': async () => {
    const { ask, close } = await webSocket(`ws://${base}/`, ['graphql-transport-ws']);
    await ask(json({ type: 'connection_init' }));
    return {
      send: (id) =>
        ask(json({ id: `q${id}`, type: 'subscribe', payload: { query: '{ hello }' } }), (data) => {
          const message = JSON.parse(data);
          return message.id === `q${id}` && message.type === 'next';
        }),
      close,
    };
  },
  'rpc-websockets': async () => {
    const { ask, close } = await webSocket(`ws://${base}/`);
    const send = (id) => ask(json({ jsonrpc: '2.0', method: 'add', params: [1, 2], id }), has('id', id));
    return { send, close };
  },
  'ocpp-rpc': async (user) => {
    const { ask, close } = await webSocket(`ws://${base}/c${process.pid}-${user}`, ['ocpp1.6']);
    return { send: (id) => ask(json([2, `m${id}`, 'Heartbeat', {}]), has(1, `m${id}`)), close };
  },
  '@fastify/websocket': async () => {
    const { ask, close } = await webSocket(`ws://${base}/echo`);
    return { send: (id) => ask(json({ id, text: 'hello' }), has('id', id)), close };
  },
  sockjs: async () => {
    const { ask, close } = await webSocket(`ws://${base}/echo/websocket`);
    return { send: (id) => ask(json({ id, text: 'hello' }), has('id', id)), close };
  },
  'y-websocket': async (user) => {
    const { ask, close } = await webSocket(`ws://${base}/c${process.pid}-${user}`);
    await delay(200);
    return { send: () => ask(hex('00000100')), close };
  },
  '@hocuspocus/server': async () => {
    const { ask, close } = await webSocket(`ws://${base}/`);
    await ask(hex('0164020005746f6b656e'));
    await delay(200);
    return { send: () => ask(hex('016400000100')), close };
  },
  'socket.io with redis-streams': async () => {
    const socket = io(`http://${base}`, { transports: ['websocket'], forceNew: true });
    await new Promise((resolve) => socket.once('connect', resolve));
    await socket.emitWithAck('join', 'room');
    socket.on('chat', ({ sentMs }) => latencies.deliveries.push(performance.now() - sentMs));
    return {
      send: async () => {
        const sentMs = performance.now();
        let atMs = 0;
        await new Promise((resolve) => {
          socket.emit('chat', { sentMs }, () => {
            atMs = performance.now();
            resolve();
          });
        });
        return atMs - sentMs;
      },
      close: () => socket.close(),
    };
  },
  '@feathersjs/socketio': async () => {
    const socket = io(`http://${base}`, { transports: ['websocket'], forceNew: true });
    await new Promise((resolve) => socket.once('connect', resolve));
    return {
      send: () => {
        const sentMs = performance.now();
        return new Promise((resolve) => {
          socket.emit('create', 'messages', { text: 'hello' }, () => resolve(performance.now() - sentMs));
        });
      },
      close: () => socket.close(),
    };
  },
  RabbitMQ: async (user) => {
    const client = new Client({
      webSocketFactory: () => new WebSocket(`ws://${base}/ws`, ['v12.stomp']),
      connectHeaders: { login: 'guest', passcode: 'guest' },
      heartbeatIncoming: 0,
      heartbeatOutgoing: 0,
      reconnectDelay: 0,
    });
    await new Promise((resolve) => {
      client.onConnect = resolve;
      client.activate();
    });
    const receipt = (id, act) =>
      new Promise((resolve) => {
        client.watchForReceipt(id, () => resolve(performance.now()));
        act(id);
      });
    await receipt(`s${user}`, (id) =>
      client.subscribe(
        '/topic/room',
        ({ body }) => latencies.deliveries.push(performance.now() - JSON.parse(body).sentMs),
        { receipt: id },
      ),
    );
    return {
      send: async (number) => {
        const sentMs = performance.now();
        const body = json({ sentMs });
        const atMs = await receipt(`m${user}-${number}`, (id) =>
          client.publish({ destination: '/topic/room', body, headers: { receipt: id } }),
        );
        return atMs - sentMs;
      },
      close: () => client.deactivate(),
    };
  },
};

const runUser = async (user) => {
  await delay(user * 100);
  const { send, close } = await kinds[name](user);
  for (let number = 1; number <= messages; number += 1) {
    latencies.answers.push(await send(number));
    await delay(50);
  }
  await delay(300);
  close();
};

await Promise.all(Array.from({ length: users }, (_, user) => runUser(user)));
console.log(json(latencies));
process.exit();

/**
 * One public server, `node server.mjs NAME` with its PORT in the environment. Says "ready" to its parent, and answers each
 * message of it with what the server itself has counted. Runs where the packages are installed.
 */
import { createServer } from 'node:http';

const port = Number(process.env.PORT);
const counts = { connections: 0, messages: 0 };
const connected = () => {
  counts.connections += 1;
};
const got = () => {
  counts.messages += 1;
};

const servers = {
  'graphql-ws': async () => {
    const { buildSchema } = await import('graphql');
    const { useServer } = await import('graphql-ws/use/ws');
    const { WebSocketServer } = await import('ws');
    const roots = { query: { hello: () => 'hello' } };
    useServer(
      {
        schema: buildSchema('type Query { hello: String }'),
        roots,
        onConnect: connected,
        onSubscribe: got,
      },
      new WebSocketServer({ host: '127.0.0.1', port }),
    );
  },
  'rpc-websockets': async () => {
    const { Server } = await import('rpc-websockets');
    const server = new Server({ host: '127.0.0.1', port });
    server.on('connection', connected);
    server.register('add', ([a, b]) => {
      got();
      return a + b;
    });
  },
  'ocpp-rpc': async () => {
    const { RPCServer } = await import('ocpp-rpc');
    const server = new RPCServer({ protocols: ['ocpp1.6'] });
    server.auth((accept) => accept({}));
    server.on('client', (client) => {
      connected();
      client.handle('Heartbeat', () => {
        got();
        return { currentTime: new Date().toISOString() };
      });
    });
    await server.listen(port, '127.0.0.1');
  },
  '@fastify/websocket': async () => {
    const { fastify } = await import('fastify');
    const app = fastify();
    await app.register(import('@fastify/websocket'));
    app.get('/echo', { websocket: true }, (socket) => {
      connected();
      socket.on('message', (data) => {
        got();
        socket.send(data.toString());
      });
    });
    await app.listen({ host: '127.0.0.1', port });
  },
  sockjs: async () => {
    const { default: sockjs } = await import('sockjs');
    const echo = sockjs.createServer({ log: () => undefined });
    echo.on('connection', (connection) => {
      connected();
      connection.on('data', (data) => {
        got();
        connection.write(data);
      });
    });
    const server = createServer();
    echo.installHandlers(server, { prefix: '/echo' });
    server.listen(port, '127.0.0.1');
  },
  'y-websocket': async () => {
    const { default: utils } = await import('y-websocket/bin/utils');
    const { WebSocketServer } = await import('ws');
    new WebSocketServer({ host: '127.0.0.1', port }).on('connection', (socket, request) => {
      connected();
      socket.on('message', got);
      utils.setupWSConnection(socket, request);
    });
  },
  '@hocuspocus/server': async () => {
    const { Server } = await import('@hocuspocus/server');
    let handled = 0;
    await new Server({
      address: '127.0.0.1',
      port,
      quiet: true,
      onAuthenticate: async () => connected(),
      beforeHandleMessage: async () => {
        handled += 1;
        counts.messages = handled;
      },
    }).listen();
  },
  'socket.io with redis-streams': async () => {
    const { createClient } = await import('redis');
    const { createAdapter } = await import('@socket.io/redis-streams-adapter');
    const { Server } = await import('socket.io');
    const redis = createClient({ url: process.env.REDIS_URL });
    await redis.connect();
    const io = new Server({ adapter: createAdapter(redis) });
    io.on('connection', (socket) => {
      connected();
      socket.on('join', (room, done) => {
        socket.join(room);
        done();
      });
      socket.on('chat', (message, done) => {
        got();
        io.to('room').emit('chat', message);
        done();
      });
    });
    const server = createServer();
    io.attach(server);
    server.listen(port, '127.0.0.1');
  },
  '@feathersjs/socketio': async () => {
    const { feathers } = await import('@feathersjs/feathers');
    const { default: socketio } = await import('@feathersjs/socketio');
    const app = feathers();
    app.configure(socketio((io) => io.on('connection', connected)));
    app.use('messages', {
      create: async (data) => {
        got();
        return data;
      },
    });
    await app.listen(port, '127.0.0.1');
  },
};

await servers[process.argv[2]]();
process.on('message', () => process.send(counts));
process.on('disconnect', () => process.exit());
process.send('ready');

/**
 * The signalling of a broadcast server on mediasoup: what goes over Socket.IO before and beside the media itself.
 *
 *   getRouterRtpCapabilities {}                                    -> { ok, rtpCapabilities }
 *   createTransport  {}                                            -> { ok, transport: { id, iceParameters, iceCandidates,
 *                                                                       dtlsParameters } }
 *   connectTransport { transportId, dtlsParameters }               -> { ok }
 *   produce          { transportId, kind, rtpParameters }          -> { ok, producerId }; the others get
 *                                                                     "newProducer" { producerId, kind }
 *   consume          { transportId, producerId, rtpCapabilities }  -> { ok, consumerId, kind, rtpParameters }
 *
 * A failure is acknowledged as { ok: false, error }. A disconnect closes the transports of the user, and the others get
 * "producerClosed" { producerId } for what it produced.
 *
 * Environment:
 *   PORT              default 3000
 *   MEDIA             "mediasoup", "stand-in", or "auto" (default): mediasoup where it is installed
 *   MEDIA_LISTEN_IP   address on which mediasoup expects media, default 127.0.0.1
 *   MEDIA_WORK_MICROS CPU time that every event costs on top, to try out a slower version
 *   MAX_TRANSPORTS    transports of all users together, beyond which createTransport fails; no limit by default
 */
import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { openMedia } from './media.js';

const number = (name, fallback) => {
  const text = process.env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new Error(`${name} must be a number, not "${text}"`);
  return value;
};

const port = number('PORT', 3000);
const workMs = number('MEDIA_WORK_MICROS', 0) / 1000;
const maxTransports = number('MAX_TRANSPORTS', Number.POSITIVE_INFINITY);

const media = await openMedia(process.env.MEDIA || 'auto', process.env.MEDIA_LISTEN_IP || '127.0.0.1');
media.onDied(() => {
  console.error('the media worker died');
  process.exit(1);
});

let transportCount = 0;

const http = createServer((request, response) => {
  response.setHeader('content-type', 'application/json');
  response.statusCode = request.url === '/' || request.url === '/health' ? 200 : 404;
  const users = io.engine.clientsCount;
  response.end(
    JSON.stringify({ ok: response.statusCode === 200, media: media.name, users, transports: transportCount }),
  );
});
const io = new Server(http, { serveClient: false });

const work = (ms) => {
  const end = performance.now() + ms;
  while (performance.now() < end);
};

const transportOf = (user, id) => {
  const transport = user.transports.get(id);
  if (transport === undefined) throw new Error(`You have no transport "${id}"`);
  return transport;
};

const handlers = {
  getRouterRtpCapabilities: () => ({ rtpCapabilities: media.rtpCapabilities }),
  createTransport: async (user) => {
    if (transportCount >= maxTransports)
      throw new Error(`No transport is left: all ${maxTransports} are in use`);
    transportCount += 1;
    try {
      const transport = await media.createTransport();
      // The user may have left meanwhile.
      if (user.isGone) transport.close();
      else user.transports.set(transport.description.id, transport);
      return { transport: transport.description };
    } catch (error) {
      transportCount -= 1;
      throw error;
    }
  },
  connectTransport: async (user, { transportId, dtlsParameters }) => {
    await transportOf(user, transportId).connect(dtlsParameters);
    return {};
  },
  produce: async (user, { transportId, kind, rtpParameters }) => {
    const producerId = await transportOf(user, transportId).produce(kind, rtpParameters);
    user.producers.add(producerId);
    user.socket.broadcast.emit('newProducer', { producerId, kind });
    return { producerId };
  },
  consume: async (user, { transportId, producerId, rtpCapabilities }) =>
    await transportOf(user, transportId).consume(producerId, rtpCapabilities),
};

io.on('connection', (socket) => {
  const user = { socket, transports: new Map(), producers: new Set(), isGone: false };
  for (const [event, handle] of Object.entries(handlers)) {
    socket.on(event, async (...args) => {
      const acknowledge = typeof args.at(-1) === 'function' ? args.pop() : () => {};
      try {
        if (workMs > 0) work(workMs);
        acknowledge({ ok: true, ...(await handle(user, args[0] ?? {})) });
      } catch (error) {
        acknowledge({ ok: false, error: error.message });
      }
    });
  }
  socket.on('disconnect', () => {
    user.isGone = true;
    for (const transport of user.transports.values()) transport.close();
    transportCount -= user.transports.size;
    for (const producerId of user.producers) io.emit('producerClosed', { producerId });
  });
});

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    media.close();
    io.close(() => process.exit(0));
    setTimeout(() => process.exit(0), 1000).unref();
  });
}

http.listen(port, '127.0.0.1', () =>
  console.log(`signalling server listening on http://127.0.0.1:${port}, media: ${media.name}`),
);

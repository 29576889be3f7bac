/**
 * Riders report where they are, whoever follows a rider is told: STOMP over SockJS (and over a plain WebSocket), in
 * the shape of a Spring server.
 *
 *   SEND      /app/location/{rider}      { "latitude": 52.5, "longitude": 13.4, ... }
 *   SUBSCRIBE /topic/location/{rider}    the same body, with "rider" and "receivedAt"
 *
 * SockJS at /ws, a plain WebSocket at /ws/websocket, counters as JSON at /stats. Environment: PORT, and SERVICE_MS,
 * the milliseconds of work that one location costs (default 0).
 */
import { createServer } from 'node:http';
import sockjs from 'sockjs';
import { SimpleBroker } from './simple-broker.js';

const port = Number(process.env.PORT ?? 8080);
const serviceMs = Number(process.env.SERVICE_MS ?? 0);
const broker = new SimpleBroker();
const locations = new Map();

const work = (milliseconds) => {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
};

broker.onApp('/location/{rider}', ({ parameters: { rider }, body }) => {
  const location = JSON.parse(body);
  if (!isDegree(location.latitude, 90) || !isDegree(location.longitude, 180))
    throw new Error(`not a location: ${body.slice(0, 100)}`);
  if (serviceMs > 0) work(serviceMs);
  locations.set(rider, location);
  broker.publish(`/topic/location/${rider}`, JSON.stringify({ ...location, rider, receivedAt: Date.now() }));
});

const isDegree = (value, limit) => typeof value === 'number' && Math.abs(value) <= limit;

const http = createServer((request, response) => {
  if (request.url === '/stats') {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ ...broker.stats, sessions: broker.sessions, riders: locations.size }));
  } else if (!request.url.startsWith('/ws')) {
    response.statusCode = request.url === '/health' ? 200 : 404;
    response.end();
  }
});

const endpoint = sockjs.createServer({ prefix: '/ws', log: () => undefined });
endpoint.on('connection', (connection) => {
  if (connection === null) return;
  const session = broker.open(
    (text) => connection.write(text),
    () => connection.close(),
  );
  connection.on('data', (text) => session.receive(text));
  connection.on('close', () => session.closed());
});
endpoint.installHandlers(http);

// Bursts of thousands of connections wait in the backlog of the listening socket, as with any server.
http.listen({ port, host: '127.0.0.1', backlog: 4096 }, () => console.log(`listening on ${port}`));
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));

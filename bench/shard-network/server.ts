/**
 * A WebSocket server for very many connections: it answers every message, and tells how many connections it has, how many
 * it ever had at once, and how many it lost. Several processes share one port, since each may have so many open files.
 */
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const [host = '127.0.0.1', port = '0'] = process.argv.slice(2);
const counts = { open: 0, peak: 0, opened: 0, broken: 0 };
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
const http = createServer((_request, response) => response.end('ok'));
http.on('upgrade', (request, socket, head) =>
  sockets.handleUpgrade(request, socket, head, (client) => {
    counts.open += 1;
    counts.opened += 1;
    counts.peak = Math.max(counts.peak, counts.open);
    client.on('message', (message) => client.send(String(message)));
    client.on('error', () => {});
    client.on('close', (code) => {
      counts.open -= 1;
      // 1000 and 1005 are those who say good-bye.
      if (code !== 1_000 && code !== 1_005) counts.broken += 1;
    });
  }),
);
process.on('message', () => process.send?.(counts));
process.on('disconnect', () => process.exit());
http.listen({ host, port: Number(port), reusePort: true, backlog: 4_096 }, () => process.send?.('ready'));

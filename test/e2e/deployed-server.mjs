import { createServer } from 'node:http';
import { collectDefaultMetrics, register } from 'prometheus-client';
import { Server } from 'socket.io';

/** A chat server as it is deployed somewhere: it has an exporter, and names its commit. */

let commit = process.env.COMMIT;
let hasMetrics = true;
collectDefaultMetrics();
const http = createServer(async (request, response) => {
  const [, what, value] = request.url.split('/');
  if (what === 'version') response.end(JSON.stringify({ name: 'chat', commit, built: '2030-01-31' }));
  else if (what === 'metrics' && hasMetrics) response.end(await register.metrics());
  else if (what === 'deploy') {
    commit = value;
    response.end();
  } else if (what === 'silence') {
    hasMetrics = false;
    response.end();
  } else response.writeHead(404).end();
});
new Server(http).on('connection', (socket) => {
  socket.on('chat', (_message, done) => done({ ok: true }));
});
http.listen(Number(process.env.PORT), '127.0.0.1', () => process.send?.('ready'));

/**
 * A link that is slow and loses segments, where the kernel has no netem: what comes is passed on after a delay, in order,
 * and some of it only after the time in which TCP sends a lost segment again.
 */
import { createConnection, createServer, type Socket } from 'node:net';
import { seededRandom } from '../../src/metrics/seeded-random.ts';

const [port, host = '', hostPort, delayMs, lossPercent, seed] = process.argv.slice(2);
const random = seededRandom(Number(seed));
const retransmitMs = 200;

const pass = (from: Socket, to: Socket): void => {
  let dueMs = 0;
  const later = (action: () => void): void => {
    const lostMs = random() * 100 < Number(lossPercent) ? retransmitMs : 0;
    dueMs = Math.max(dueMs, performance.now() + Number(delayMs) + lostMs);
    setTimeout(action, dueMs - performance.now());
  };
  from.on('data', (part) => later(() => to.write(part)));
  from.on('end', () => later(() => to.end()));
  from.on('error', () => to.destroy());
};

createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  const server = createConnection({ host, port: Number(hostPort), allowHalfOpen: true, noDelay: true });
  pass(client, server);
  pass(server, client);
}).listen(Number(port), '127.0.0.1', () => process.send?.('ready'));
process.on('disconnect', () => process.exit());

/**
 * The chat server, scaled out: several instances behind a balancer, which share their rooms through Redis.
 *
 *   node cluster.js --instances 2
 *
 * With one instance there is no Redis, and rooms are kept in memory: the server as it was before. Speak WebSocket alone:
 * the requests of a polling client would reach different instances.
 *
 * Environment, beside that of the instances (see instance.js):
 *   PORT       of the balancer, default 3000
 *   REDIS_URL  a Redis to use, for example redis://127.0.0.1:6379; without it one is started and stopped with the rest
 */
import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startBalancer } from './balancer.js';
import { startRedis } from './redis-server.js';

const { values } = parseArgs({ options: { instances: { type: 'string', default: '2' } } });
const count = Number(values.instances);
if (!Number.isInteger(count) || count < 1) throw new Error('--instances takes a whole number, at least 1');

const ends = [];
let isEnding = false;
/** Ends everything. A part that died takes the rest along: half a cluster would be measured as if it were whole. */
const end = (exitCode) => {
  if (isEnding) return;
  isEnding = true;
  for (const stop of ends) stop();
  setTimeout(() => process.exit(exitCode), 1_200).unref();
  process.exitCode = exitCode;
};
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => end(0));

const died = (what) => {
  if (isEnding) return;
  console.error(`${what} died`);
  end(1);
};

const startInstance = (number, env) =>
  new Promise((resolve) => {
    const child = fork(path.join(import.meta.dirname, 'instance.js'), {
      env: { ...process.env, ...env, PORT: '0', INSTANCE: String(number) },
    });
    ends.push(() => child.kill('SIGTERM'));
    child.once('exit', () => died(`Instance ${number}`));
    child.once('message', ({ port }) => resolve(port));
  });

try {
  let env = {};
  if (count > 1) {
    let url = process.env.REDIS_URL;
    if (!url) {
      const redis = await startRedis(() => died('Redis'));
      ends.push(redis.stop);
      url = redis.url;
    }
    env = { REDIS_URL: url, REDIS_PREFIX: `chat-${randomUUID()}` };
  }
  const ports = await Promise.all(
    Array.from({ length: count }, (_, number) => startInstance(number + 1, env)),
  );
  const balancer = await startBalancer(Number(process.env.PORT || 3000), ports);
  ends.push(balancer.stop);
  console.log(
    `chat cluster listening on http://127.0.0.1:${balancer.port}, instances on ${ports.join(', ')}`,
  );
} catch (error) {
  console.error(error.message);
  end(1);
}

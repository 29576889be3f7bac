/** Starts a Redis of its own on a free port of 127.0.0.1, which writes nothing to disk. */
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { Redis } from 'ioredis';

const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

const startTimeoutMs = 10_000;

/** Gives `{ url, stop }`; `onDied` is called when it ends by itself after that. */
export const startRedis = async (onDied) => {
  const port = await freePort();
  const flags = [
    '--port',
    port,
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--loglevel',
    'warning',
  ];
  const child = spawn('redis-server', flags.map(String), { stdio: ['ignore', 'inherit', 'inherit'] });
  const url = `redis://127.0.0.1:${port}`;
  let isReady = false;
  const failed = new Promise((_, reject) => {
    child.once('error', (error) =>
      reject(
        error.code === 'ENOENT'
          ? new Error('redis-server is not installed. Install it, or give the URL of a Redis in REDIS_URL.')
          : error,
      ),
    );
    child.once('exit', (code, signal) => {
      if (isReady) onDied();
      else reject(new Error(`redis-server ended with ${signal ?? `code ${code}`}`));
    });
  });
  const client = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: null, retryStrategy: () => 50 });
  client.on('error', () => {});
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`Redis did not answer within ${startTimeoutMs} ms`)),
      startTimeoutMs,
    );
  });
  try {
    await Promise.race([client.ping(), failed, late]);
    isReady = true;
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    clearTimeout(timer);
    client.disconnect();
  }
  failed.catch(() => {});
  return { url, stop: () => child.kill('SIGTERM') };
};

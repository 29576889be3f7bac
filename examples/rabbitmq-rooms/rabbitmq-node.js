/**
 * A RabbitMQ node of its own for a load test: own name, ports and folders, bound to 127.0.0.1, with the web-stomp
 * plugin. It needs Debian's or RabbitMQ's package `rabbitmq-server` on the machine, and touches no other node.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import WebSocket from 'ws';

const serverScripts = ['/usr/lib/rabbitmq/bin/rabbitmq-server', '/opt/rabbitmq/sbin/rabbitmq-server'];

/** Path of the server's start script, or null where RabbitMQ is not installed. */
export const findRabbitMq = () => serverScripts.find((path) => existsSync(path)) ?? null;

/**
 * Starts a node and waits until a client can connect to it.
 * `webStompPort` is taken as it is; without it, a free port is used.
 */
export const startRabbitMqNode = async ({ webStompPort, readyTimeoutMs = 60_000 } = {}) => {
  const script = findRabbitMq();
  if (script === null)
    throw new Error(
      'RabbitMQ is not installed: "apt-get install rabbitmq-server" (Debian, Ubuntu) brings it.',
    );
  const folder = await mkdtemp(join(tmpdir(), 'rabbitmq-node-'));
  const [epmdPort, distributionPort, freePort] = await freePorts(3);
  const port = webStompPort ?? freePort;
  const env = {
    ...process.env,
    HOME: folder,
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: `load-${port}@localhost`,
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_GENERATED_CONFIG_DIR: join(folder, 'config'),
    RABBITMQ_SCHEMA_DIR: join(folder, 'schema'),
    RABBITMQ_PID_FILE: join(folder, 'node.pid'),
    RABBITMQ_CONF_ENV_FILE: join(folder, 'none.conf'),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
  };
  const configuration = [
    'listeners.tcp = none',
    'stomp.listeners.tcp = none',
    'web_stomp.tcp.ip = 127.0.0.1',
    `web_stomp.tcp.port = ${port}`,
    'log.console = true',
    'log.console.level = warning',
    'log.file = false',
  ];
  await mkdir(join(folder, 'log'));
  await writeFile(join(folder, 'rabbitmq.conf'), `${configuration.join('\n')}\n`);
  await writeFile(join(folder, 'plugins'), '[rabbitmq_web_stomp].\n');

  const logPath = join(folder, 'log', 'node.log');
  const log = await open(logPath, 'a');
  const stdio = ['ignore', log.fd, log.fd];
  const children = [];
  const start = (command, args) => {
    const child = spawn(command, args, { cwd: folder, env, stdio, detached: true });
    children.push(child);
    return child;
  };
  const stop = async () => {
    // The node first: it says goodbye to the port mapper.
    for (const child of children.reverse()) await stopGroup(child);
    await log.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  try {
    // In the foreground, so that it ends with us; the node would start one that outlives it.
    start('epmd', ['-address', '127.0.0.1', '-port', String(epmdPort)]);
    const node = start(script, []);
    const url = `ws://127.0.0.1:${port}/ws`;
    const deadline = performance.now() + readyTimeoutMs;
    while (!(await answers(url))) {
      if (node.exitCode !== null) throw new Error(`RabbitMQ ended with ${node.exitCode}`);
      if (performance.now() > deadline) throw new Error(`RabbitMQ was not ready within ${readyTimeoutMs} ms`);
      await delay(150);
    }
    return { url, port, pid: node.pid, logPath, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    error.message += `\n${await readFile(logPath, 'utf8').catch(() => '')}`;
    await stop();
    throw error;
  }
};

/** Whether a STOMP client is let in. */
const answers = (url) =>
  new Promise((resolve) => {
    const socket = new WebSocket(url, ['v12.stomp'], { handshakeTimeout: 2_000 });
    const end = (answer) => {
      clearTimeout(timer);
      resolve(answer);
      socket.terminate();
    };
    const timer = setTimeout(() => end(false), 2_000);
    socket.on('error', () => end(false));
    socket.on('open', () =>
      socket.send('CONNECT\naccept-version:1.2\nhost:/\nlogin:guest\npasscode:guest\n\n\0'),
    );
    socket.on('message', (data) => end(data.toString().startsWith('CONNECTED')));
  });

const freePorts = async (count) => {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise((resolve, reject) => {
          const server = createServer();
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
};

const stopGroup = async (child) => {
  if (child.pid === undefined) return;
  const gone = new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once('exit', resolve);
  });
  // All data is thrown away with the folder, so there is nothing to flush.
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    return;
  }
  await gone;
};

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { Server } from 'socket.io';
import { median } from '../src/metrics/averages.ts';
import { type Figure, figure } from './figure.ts';

export const about = 'start to first load and last user to results, against the installed artillery command';

const rounds = 5;
const root = path.resolve(import.meta.dirname, '..');

const script = (port: number): string => `config:
  target: http://127.0.0.1:${port}
  phases: [{ duration: 2, arrivalCount: 10 }]
  socketio: { transports: [websocket] }
scenarios:
  - engine: socketio
    flow:
      - emit: { channel: echo, data: hello }
        acknowledge: {}
      # The last user ends after the last phase, so that nothing but its end is waited for.
      - think: 500ms
`;

/**
 * One run of a command, milliseconds: from its start to the first connection, and from the end of the last connection to
 * the last line of results on stdout, and to its exit.
 */
type Times = { firstUserMs: number; resultsMs: number; deadMs: number };

const measure = async (
  command: string,
  args: string[],
  cwd: string,
  connections: { first: number; lastEnd: number },
): Promise<Times> => {
  connections.first = 0;
  connections.lastEnd = 0;
  const started = performance.now();
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let printed = 0;
  child.stdout.on('data', () => {
    printed = performance.now();
  });
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += chunk;
    });
  const [code] = await once(child, 'close');
  const ended = performance.now();
  if (code !== 0 || connections.first === 0)
    throw new Error(
      `${command} ${args.join(' ')} ended with ${code} and made ${connections.first === 0 ? 'no' : 'a'} connection:\n${output}`,
    );
  return {
    firstUserMs: connections.first - started,
    resultsMs: printed - connections.lastEnd,
    deadMs: ended - connections.lastEnd,
  };
};

/** Installs the peer as a user would, without the browser it offers to download. Gives how long it took. */
const installPeer = async (dir: string): Promise<number> => {
  writeFileSync(path.join(dir, 'package.json'), '{ "name": "peer", "private": true }\n');
  const started = performance.now();
  const child = spawn('npm', ['install', '--no-audit', '--no-fund', 'artillery@2.0.34'], {
    cwd: dir,
    env: { ...process.env, PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: '1', PUPPETEER_SKIP_DOWNLOAD: '1' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`npm install artillery ended with ${code}`);
  return performance.now() - started;
};

export const run = async (args: readonly string[]): Promise<Figure[]> => {
  const connections = { first: 0, lastEnd: 0 };
  const http = createServer();
  const io = new Server(http, { serveClient: false });
  io.on('connection', (socket) => {
    if (connections.first === 0) connections.first = performance.now();
    socket.on('echo', (data, acknowledge) => acknowledge?.(data));
    socket.on('disconnect', () => {
      connections.lastEnd = performance.now();
    });
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as { port: number };
  const dir = mkdtempSync(path.join(os.tmpdir(), 'tailgate-startup-'));
  // A folder in which the peer is installed already can be given, which leaves the installation unmeasured.
  const given = args[0];
  try {
    writeFileSync(path.join(dir, 'script.yml'), script(port));
    const installMs = given === undefined ? await installPeer(dir) : null;
    const artillery = path.join(given ?? dir, 'node_modules/artillery/bin/run');
    if (!existsSync(artillery)) throw new Error(`artillery is not installed in ${given ?? dir}`);
    const ours: Times[] = [];
    const theirs: Times[] = [];
    for (let round = 0; round < rounds; round += 1) {
      ours.push(
        await measure(
          process.execPath,
          [
            path.join(root, 'dist/cli.js'),
            'run',
            '--scenario',
            'script.yml',
            '--target',
            `http://127.0.0.1:${port}`,
            '--baseline',
            'none',
            '--quiet',
            // A busy machine changes the verdict, not the time to it.
            '--fail-on',
            'none',
          ],
          dir,
          connections,
        ),
      );
      theirs.push(await measure(process.execPath, [artillery, 'run', 'script.yml'], dir, connections));
    }
    const first = {
      ours: median(ours.map((each) => each.firstUserMs)),
      theirs: median(theirs.map((each) => each.firstUserMs)),
    };
    const peer = 'artillery run 2.0.34, installed';
    return [
      figure('first user: artillery over tailgate', first.theirs / first.ours, 'ratio', '>=', 4, peer),
      ...(installMs === null
        ? []
        : [
            figure(
              'first user with installation: artillery over tailgate',
              (installMs + first.theirs) / first.ours,
              'ratio',
              '>=',
              30,
              'npm install artillery, then artillery run',
            ),
          ]),
      figure('first user', first.ours / 1000, 's', '<=', 1, `${peer}: ${(first.theirs / 1000).toFixed(2)} s`),
      figure(
        'last user to results',
        median(ours.map((each) => each.resultsMs)) / 1000,
        's',
        '<=',
        0.3,
        `${peer}: ${(median(theirs.map((each) => each.resultsMs)) / 1000).toFixed(2)} s`,
      ),
      figure(
        'last user to exit, every report written',
        median(ours.map((each) => each.deadMs)) / 1000,
        's',
        '<=',
        0.3,
        `${peer}: ${(median(theirs.map((each) => each.deadMs)) / 1000).toFixed(2)} s`,
      ),
    ];
  } finally {
    io.close();
    http.closeAllConnections();
    rmSync(dir, { recursive: true, force: true });
  }
};

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before } from 'node:test';
import { type Socket, Server as SocketIoServer } from 'socket.io';
import { buildBundle } from '../../scripts/build.ts';
import type { EngineSettings } from '../../src/engines/core/engine-settings.ts';
import type { LoadRequest, LoadSession } from '../../src/generator/load-session.ts';
import { type LoadSessionOptions, startLoadSession } from '../../src/generator/start-load-session.ts';
import type { RoundMeasurement } from '../../src/metrics/round-measurement.ts';

/** What a test server saw. */
export type SeenRequest = { url: string; headers: IncomingMessage['headers']; body: string; atMs: number };

export type TestServer = AsyncDisposable & {
  url: string;
  requests: SeenRequest[];
  connections: number;
  open: number;
};

/**
 * A server of HTTP and Socket.IO: answers every request with its URL and headers as JSON (`/status/503` with that
 * status, `/slow/200` after that many milliseconds, `/page` with HTML, `/login` with a cookie), acknowledges `echo` with what it got and never acknowledges
 * `silent`.
 */
export const startServer = async (onSocket: (socket: Socket) => void = () => {}): Promise<TestServer> => {
  const requests: SeenRequest[] = [];
  const answer = (request: IncomingMessage, body: string, response: ServerResponse): void => {
    const { url = '', headers } = request;
    requests.push({ url, headers, body, atMs: performance.now() });
    const [, what, value] = url.split('/');
    const send = (): void => {
      const isPage = what === 'page';
      response.writeHead(what === 'status' ? Number(value) : 200, {
        'content-type': isPage ? 'text/html' : 'application/json',
        ...(what === 'login' ? { 'set-cookie': 'session=s1; Path=/' } : {}),
      });
      response.end(isPage ? '<a id="next" href="/found">next</a>' : JSON.stringify({ url, headers, body }));
    };
    if (what === 'slow') setTimeout(send, Number(value));
    else send();
  };
  const http: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (data) => {
      body += data;
    });
    request.on('end', () => answer(request, body, response));
  });
  const io = new SocketIoServer(http);
  const server = { connections: 0, open: 0 };
  io.on('connection', (socket) => {
    server.connections += 1;
    server.open += 1;
    socket.on('disconnect', () => {
      server.open -= 1;
    });
    socket.on('echo', (data, acknowledge) => acknowledge?.(data));
    socket.on('silent', () => {});
    onSocket(socket);
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    requests,
    get connections() {
      return server.connections;
    },
    get open() {
      return server.open;
    },
    async [Symbol.asyncDispose]() {
      http.closeAllConnections();
      await io.close();
    },
  };
};

let workerFolder = '';

/** Bundles the load worker once for a test file: the tests run what is shipped. */
export const useBundledWorker = (): void => {
  before(async () => {
    workerFolder = await mkdtemp(path.join(os.tmpdir(), 'tailgate-bundle-'));
    await buildBundle(workerFolder, ['load-worker']);
  });
  after(async () => {
    await rm(workerFolder, { recursive: true, force: true });
  });
};

export const workerPath = (): string => path.join(workerFolder, 'load-worker.js');

/** A folder with these files, for one test. */
export const folderWith = async (
  files: Record<string, string>,
): Promise<AsyncDisposable & { path: string }> => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tailgate-load-'));
  for (const [name, content] of Object.entries(files)) await writeFile(path.join(folder, name), content);
  return {
    path: folder,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
};

const engine: EngineSettings = {
  timeoutMs: 2_000,
  drainMs: 300,
  observeAcknowledgements: 'none',
  failureEvents: [],
  refusals: 'error',
  deliveries: [],
  jwt: null,
  seed: 1,
  shard: { index: 0, count: 1 },
};

export type LoadOptions = Partial<Omit<LoadRequest, 'engine'>> & {
  engine?: Partial<EngineSettings>;
  session?: Partial<LoadSessionOptions>;
};

/** Starts a session of `scenario.yml` in `folder`. */
export const openSession = async (
  folder: string,
  targetUrl: string,
  options: LoadOptions = {},
): Promise<LoadSession> => {
  const { session, engine: engineOptions, ...request } = options;
  return await startLoadSession(
    {
      scenarioPath: path.join(folder, 'scenario.yml'),
      environment: null,
      overrides: {},
      variables: {},
      targetUrl,
      rawPath: null,
      ...request,
      engine: { ...engine, ...engineOptions },
    },
    {
      logPath: path.join(folder, 'load.log'),
      cpus: null,
      env: process.env,
      workerPath: workerPath(),
      ...session,
    },
  );
};

export type LoadResult = { measurement: RoundMeasurement; log: string; raw: string };

/** Runs `scenario.yml` among these files to its end. */
export const runLoad = async (
  files: Record<string, string>,
  targetUrl: string,
  options: LoadOptions = {},
): Promise<LoadResult> => {
  await using folder = await folderWith(files);
  const rawPath = path.join(folder.path, 'raw.jsonl');
  await using session = await openSession(folder.path, targetUrl, { rawPath, ...options });
  await session.resume();
  await session.finished;
  const measurement = await session.collect();
  // The log is whole once the process has ended.
  await session[Symbol.asyncDispose]();
  return {
    measurement,
    log: await readFile(path.join(folder.path, 'load.log'), 'utf8'),
    raw: await readFile(rawPath, 'utf8'),
  };
};

/** Sum of the values of a latency over its count, milliseconds. */
export const meanMs = ({ metrics }: RoundMeasurement, id: string): number => {
  const sketch = metrics[id];
  return sketch === undefined ? Number.NaN : sketch.sumMs / sketch.count;
};

import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Server, type ServerOptions } from 'socket.io';
import {
  defaultEngineSettings,
  type EngineSettings,
  setEngineSettings,
} from '../../../src/engines/core/engine-settings.ts';
import type { VirtualUserContext } from '../../../src/engines/core/flow/step.ts';
import { loadActivity } from '../../../src/engines/core/load-activity.ts';
import { loadClock } from '../../../src/engines/core/load-clock.ts';
import { recorder } from '../../../src/engines/core/recorder.ts';
import { openClientConnection } from '../../../src/engines/socketio/open-client-connection.ts';
import { SocketIoEngine } from '../../../src/engines/socketio/socketio-engine.ts';

/** A Socket.IO server on a free port of the loopback interface. */
export type TestServer = AsyncDisposable & { io: Server; http: HttpServer; url: string };

export const startServer = async (options: Partial<ServerOptions> = {}): Promise<TestServer> => {
  const http = createServer();
  const sockets = new Set<Socket>();
  http.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const io = new Server(http, options);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  return {
    io,
    http,
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      // Users that just ended are still saying goodbye; cut off in an upgrade, both sides would wait for half a minute.
      for (let wait = 0; wait < 50 && io.engine.clientsCount > 0; wait += 1)
        await new Promise((resolve) => setTimeout(resolve, 20));
      io.disconnectSockets(true);
      await io.close();
      for (const socket of sockets) socket.destroy();
    },
  };
};

export const settings = (overrides: Partial<EngineSettings> = {}): EngineSettings => ({
  ...defaultEngineSettings,
  timeoutMs: 1_000,
  drainMs: 500,
  ...overrides,
});

export type UserResult = { error: Error | null; context: VirtualUserContext };

export type RunOptions = {
  flow: unknown[];
  config?: Record<string, unknown>;
  scenario?: Record<string, unknown>;
  settings?: Partial<EngineSettings>;
  users?: number;
  /** Variables of the user with this index. */
  vars?: (index: number) => Record<string, unknown>;
  /** Milliseconds between two arrivals. */
  everyMs?: number;
  events?: EventEmitter;
  /** `SocketIoEngine` if not given. */
  engine?: new (
    script: unknown,
  ) => Pick<SocketIoEngine, 'init' | 'createScenario'>;
};

export type Ran = { users: UserResult[]; measured: ReturnType<typeof recorder.snapshot> };

const contextOf = (vars: Record<string, unknown>): VirtualUserContext => {
  const _uid = randomUUID();
  return {
    vars: { $uuid: _uid, ...vars },
    funcs: { $randomNumber: (min: number, max: number) => min + Math.floor(Math.random() * (max - min + 1)) },
    _uid,
  };
};

/** Runs virtual users of one scenario through the engine, as Artillery's runner does, and gives what was measured. */
export const runUsers = async (url: string, options: RunOptions): Promise<Ran> => {
  const engineSettings = settings(options.settings);
  setEngineSettings(engineSettings);
  recorder.reset();
  const known = new Set(recorder.snapshot().warnings);
  loadActivity.resetSends();
  loadClock.resume();
  const spec = { name: 'test', engine: 'socketio', flow: options.flow, ...options.scenario };
  const script = { config: { target: url, ...options.config }, scenarios: [spec] };
  const engine = new (options.engine ?? SocketIoEngine)(script);
  await engine.init();
  const events = options.events ?? new EventEmitter();
  const run = engine.createScenario(spec, events);
  const users: Promise<UserResult>[] = [];
  for (let index = 0; index < (options.users ?? 1); index += 1) {
    if (index > 0 && options.everyMs !== undefined)
      await new Promise((resolve) => setTimeout(resolve, options.everyMs));
    users.push(
      new Promise((resolve) => {
        const context = contextOf(options.vars?.(index) ?? {});
        run(context, (error, given) =>
          resolve({ error: (error as Error | null) ?? null, context: given ?? context }),
        );
      }),
    );
  }
  const results = await Promise.all(users);
  await loadActivity.end(engineSettings.drainMs + engineSettings.timeoutMs);
  const measured = recorder.snapshot();
  const warnings = measured.warnings.filter((warning) => !known.has(warning));
  return { users: results, measured: { ...measured, warnings } };
};

class ReferenceEngine extends SocketIoEngine {
  protected override readonly openConnection = openClientConnection;
}

/** The same over `socket.io-client` and over our own client, which must behave alike. WebSocket only. */
export const clients = [
  { client: 'socket.io-client', engine: ReferenceEngine },
  { client: 'wire', engine: SocketIoEngine },
].map(({ client, engine }) => ({
  client,
  runUsers: async (url: string, options: RunOptions): Promise<Ran> =>
    await runUsers(url, {
      ...options,
      engine,
      config: {
        ...options.config,
        socketio: { transports: ['websocket'], ...(options.config?.socketio as object | undefined) },
      },
    }),
}));

/** Number of values in a latency distribution. */
export const countOf = ({ measured }: Ran, metric: string): number => measured.metrics[metric]?.count ?? 0;

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { io, type Socket } from 'socket.io-client';
import { targetSchema } from '../../src/settings/settings-schema.ts';
import type { RunningTarget } from '../../src/side/target/running-target.ts';
import { startTarget } from '../../src/side/target/start-target.ts';
import { cleanEnvironment } from '../side/target/fixtures/target-fixture.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Starts an example server by its script, relative to the root of the repository, and removes its log afterwards. */
export const startExample = async (
  script: string,
  env: Record<string, string> = {},
  after: (end: () => void) => void = () => {},
): Promise<RunningTarget> => {
  const folder = mkdtempSync(join(tmpdir(), 'example-test-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return await startTarget(
    targetSchema.parse({
      start: `"${process.execPath}" ${script}`,
      ready: { type: 'http', path: '/health', timeoutMs: 60_000, intervalMs: 50 },
      env,
    }),
    { cwd: root, logPath: join(folder, 'server.log'), label: script, env: cleanEnvironment() },
  );
};

/** Connects over WebSocket alone, as the scenarios do. */
export const connect = async (url: string, options: Record<string, unknown> = {}): Promise<Socket> => {
  const socket = io(url, { transports: ['websocket'], forceNew: true, reconnection: false, ...options });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
  });
  return socket;
};

/** Emits, and gives the acknowledgement. */
export const ask = async (
  socket: Socket,
  event: string,
  data: unknown = {},
): Promise<Record<string, unknown>> =>
  (await socket.timeout(5_000).emitWithAck(event, data)) as Record<string, unknown>;

/** The next `event` that the socket gets. */
export const next = (socket: Socket, event: string): Promise<Record<string, unknown>> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no "${event}" came`)), 5_000);
    socket.once(event, (data) => {
      clearTimeout(timer);
      resolve(data);
    });
  });

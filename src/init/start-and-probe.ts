import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { encodeFrame, encodeHead } from '../engines/stomp/stomp-encoder.ts';
import { childEnvironment } from '../host/processes/child-environment.ts';
import { descendantsOf, readProcesses } from '../host/processes/process-table.ts';
import { type ShellProcess, startShell } from '../host/processes/shell-process.ts';
import { jsonOf } from '../record/recording.ts';
import type { ReadySettings } from '../settings/settings-schema.ts';
import { portsOf } from '../side/target/port-holder.ts';
import { freePort } from '../side/target/ports.ts';
import { probeOnce } from '../side/target/readiness-probe.ts';
import type { Project } from './read-project.ts';

/** A server that was started and found: how, where, and what it speaks. */
export type FoundServer = {
  start: string;
  /** Variables beside PORT through which it takes its port. */
  env: Record<string, string>;
  port: number;
  /** It listens there whatever it is told. */
  fixedPort: boolean;
  protocol: 'socketio' | 'ws' | 'stomp';
  /** Of the endpoint, where it is not the usual one. */
  path: string;
  sockjs: boolean;
  /** From its start until it answered. */
  readyMs: number;
  /** Starts it again where a message ended it. Gives whether it was dead. */
  revive: () => Promise<boolean>;
  stop: () => Promise<void>;
};

/** Signs the tokens of a server that is started here and holds no data: nobody's secret. */
export const madeUpSecret = 'tailgate-test-secret';

/** A start script may build first. */
const listensWithinMs = 60_000;
const answersWithinMs = 4_000;
const probeMs = 1_500;

/**
 * Starts the server with each command in turn, tells it a free port in every variable that its code reads, looks where
 * it really listens, and tries every protocol there. Gives why each command did not lead to a server when none did.
 */
export const startAndProbe = async (
  project: Project,
  folder: string,
  logPath: string,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<FoundServer | { failures: string[] }> => {
  const failures: string[] = [];
  for (const start of project.starts) {
    const port = await freePort();
    const own = Object.fromEntries(
      project.code.portVariables.filter((name) => name !== 'PORT').map((name) => [name, String(port)]),
    );
    const { jwt } = project.handshake;
    const secret = jwt === null || jwt.env === null ? {} : { [jwt.env]: madeUpSecret };
    const open = (): Promise<ShellProcess> =>
      startShell({
        command: start,
        cwd: folder,
        env: childEnvironment(env, { PORT: port, ...own, ...secret }),
        logPath,
        label: 'init',
        maskSecrets: (text) => text,
        cpus: null,
        openFiles: null,
      });
    const startMs = performance.now();
    let shell = await open();
    const stop = async (): Promise<void> => void (await shell.stop('SIGTERM', 1_500));
    const found = await findEndpoint(shell, port, project, signal);
    if (typeof found !== 'string') {
      const used = Object.fromEntries(Object.keys(own).map((name) => [name, '{{ port }}']));
      const revive = async (): Promise<boolean> => {
        if (await isReady({ type: 'tcp' }, `http://127.0.0.1:${found.port}`)) return false;
        await stop();
        shell = await open();
        await findEndpoint(shell, port, project, signal);
        return true;
      };
      return {
        start,
        env: { ...used, ...secret },
        ...found,
        fixedPort: found.port !== port,
        readyMs: performance.now() - startMs,
        revive,
        stop,
      };
    }
    failures.push(`"${start}" ${found}`);
    await stop();
    if (signal.aborted) break;
  }
  return { failures };
};

type Endpoint = Pick<FoundServer, 'port' | 'protocol' | 'path' | 'sockjs'>;

async function findEndpoint(
  shell: ShellProcess,
  told: number,
  project: Project,
  signal: AbortSignal,
): Promise<Endpoint | string> {
  let exit: string | null = null;
  void shell.exited.then(({ description }) => {
    exit = description;
  });
  const untilMs = performance.now() + listensWithinMs;
  let listenedAtMs: number | null = null;
  while (performance.now() < untilMs && !signal.aborted) {
    const listening = portsOf([
      shell.pid,
      ...descendantsOf(shell.pid, readProcesses()).map(({ pid }) => pid),
    ]);
    const ports = [...new Set([...listening.filter((port) => port === told), ...listening])];
    if (ports.length > 0) listenedAtMs ??= performance.now();
    for (const port of ports) {
      const endpoint = await endpointAt(port, project);
      if (endpoint !== null) return endpoint;
    }
    if (listenedAtMs !== null && performance.now() - listenedAtMs > answersWithinMs)
      return `listens on port ${ports.join(', ')}, and speaks neither Socket.IO nor WebSocket nor STOMP there`;
    if (exit !== null) return `ended with ${exit}:\n${shell.log.tail().split('\n').slice(-5).join('\n')}`;
    await sleep(150);
  }
  return `does not listen after ${listensWithinMs / 1_000} s`;
}

async function endpointAt(port: number, project: Project): Promise<Endpoint | null> {
  const url = `http://127.0.0.1:${port}`;
  const { paths, protocols } = project.code;
  for (const path of ['/socket.io/', ...paths.map((each) => `${each.replace(/\/$/, '')}/`)]) {
    if (await isReady({ type: 'socketio', path }, url))
      return { port, protocol: 'socketio', path: path === '/socket.io/' ? '' : path, sockjs: false };
  }
  const stomp = protocols.includes('stomp');
  for (const path of [...new Set(['', ...paths, '/ws', '/websocket', '/socket'])]) {
    const sockjs = await hasSockJs(`${url}${path}`);
    // Behind it, SockJS speaks WebSocket without frames of its own.
    const plain = sockjs ? `${path}/websocket` : path;
    if (await (stomp ? answersConnect(`${url}${plain}`) : isReady({ type: 'websocket', path: plain }, url)))
      return stomp
        ? { port, protocol: 'stomp', path, sockjs }
        : { port, protocol: 'ws', path: plain, sockjs };
  }
  return null;
}

const isReady = async (probe: Pick<ReadySettings, 'type' | 'path'>, url: string): Promise<boolean> =>
  (await probeOnce({ ...probe, timeoutMs: probeMs, intervalMs: probeMs }, url, probeMs)).ready;

/** Every version of STOMP, the newest first. */
export const stompVersions = {
  subprotocols: ['v12.stomp', 'v11.stomp', 'v10.stomp'],
  header: '1.0,1.1,1.2',
};

/** Whether a WebSocket opens there, and CONNECT is answered. */
const answersConnect = (url: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = new WebSocket(url.replace(/^http/, 'ws'), stompVersions.subprotocols);
    const end = (result: boolean): void => {
      clearTimeout(timer);
      socket.terminate();
      resolve(result);
    };
    const timer = setTimeout(() => end(false), probeMs);
    const headers = {
      'accept-version': stompVersions.header,
      host: '/',
      login: 'guest',
      passcode: 'guest',
    };
    socket.on('error', () => end(false));
    socket.on('open', () => socket.send(encodeFrame(encodeHead('CONNECT', headers))));
    socket.on('message', (data) => end(/^(CONNECTED|ERROR)/.test(String(data))));
  });

const hasSockJs = (url: string): Promise<boolean> =>
  new Promise((resolve) => {
    const request = get(`${url}/info`, { agent: false, timeout: 1_000 }, (response) => {
      let text = '';
      response.on('data', (piece) => {
        text += piece;
      });
      response.on('end', () =>
        resolve((jsonOf(text) as { websocket?: boolean } | undefined)?.websocket === true),
      );
    });
    request.on('timeout', () => request.destroy()).on('error', () => resolve(false));
  });

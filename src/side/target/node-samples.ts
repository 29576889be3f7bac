import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, constants, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What the preload of one Node process hands over, twice a second, about the time since its last sample. */
export type NodeSample = {
  pid: number;
  loopDelayP99Ms: number;
  loopDelayMaxMs: number;
  heapUsedBytes: number;
  /** Since the process started. */
  gcPauseMs: number;
  /** Memory allocated on its heap, and collections of it, since the process started; null before Node 18.15. */
  allocatedBytes: number | null;
  collections: number | null;
};

/** The samples of the Node processes of one server. */
export type NodeSamples = {
  /** The last sample of each process. */
  latest(): NodeSample[];
  /** Calls `listener` for every sample from now on. Returns the function that ends it. */
  onSample(listener: (sample: NodeSample) => void): () => void;
};

/** The pipe that the preload writes to, and the environment that makes Node processes load it. */
export type NodeSamplePipe = { samples: NodeSamples; env: Record<string, string>; close(): void };

const maxLine = 1_000;

/** Far more than any server has; what is written to the pipe must not fill our memory. */
const maxProcesses = 1_000;

/** One line from the pipe; null if it is none of ours: any process of the server could write there. */
export const parseNodeSample = (line: string): NodeSample | null => {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return null;
  }
  if (value === null || typeof value !== 'object') return null;
  const at = (name: keyof NodeSample): number => {
    const number = value[name];
    return typeof number === 'number' && Number.isFinite(number) && number >= 0 ? number : Number.NaN;
  };
  const orNull = (number: number): number | null => (Number.isNaN(number) ? null : number);
  const sample = {
    pid: at('pid'),
    loopDelayP99Ms: at('loopDelayP99Ms'),
    loopDelayMaxMs: at('loopDelayMaxMs'),
    heapUsedBytes: at('heapUsedBytes'),
    gcPauseMs: at('gcPauseMs'),
  };
  if (Object.values(sample).some(Number.isNaN)) return null;
  return {
    ...sample,
    allocatedBytes: orNull(at('allocatedBytes')),
    collections: orNull(at('collections')),
  };
};

/**
 * The file of a preload: beside this module in the sources, and beside the bundle or above its chunks when shipped. Null
 * where it is missing.
 */
export const preloadPath = (name: string): string | null =>
  [`./${name}`, `../${name}`]
    .map((place) => fileURLToPath(new URL(place, import.meta.url)))
    .find((path) => existsSync(path)) ?? null;

/** Adds `--require FILE` to NODE_OPTIONS, in which a path is quoted and its backslashes and quotes are escaped. */
export const withRequire = (nodeOptions: string | undefined, path: string): string => {
  const quoted = `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  return [nodeOptions, `--require=${quoted}`].filter((part) => part !== undefined && part !== '').join(' ');
};

/** How often the loop is looked at where its delay is limited; elsewhere as seldom as the preload finds right. */
const limitedResolutionMs = 20;

/**
 * Opens the pipe for one server. `env` is the environment that the server is going to have. With `limitsLoopDelay` its
 * processes look at their event loops more often, which costs them 4 ms of CPU a second where they idle.
 * Null where named pipes do not exist: the server is then sampled from outside alone.
 */
export const openNodeSamplePipe = (
  env: Readonly<Record<string, string | undefined>>,
  { limitsLoopDelay = false }: { limitsLoopDelay?: boolean | undefined } = {},
): NodeSamplePipe | null => {
  const preload = preloadPath('node-preload.cjs');
  if (process.platform !== 'linux' || preload === null) return null;
  let folder: string;
  try {
    folder = mkdtempSync(join(tmpdir(), 'tailgate-'));
  } catch {
    return null;
  }
  const path = join(folder, 'samples');
  let descriptor: number;
  try {
    execFileSync('mkfifo', [path], { stdio: 'ignore' });
    // The server may run as another user.
    chmodSync(folder, 0o711);
    chmodSync(path, 0o622);
    // Open for writing too, so that the pipe does not end when a process of the server does.
    descriptor = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  } catch {
    rmSync(folder, { recursive: true, force: true });
    return null;
  }
  const listeners = new Set<(sample: NodeSample) => void>();
  const latest = new Map<number, NodeSample>();
  let reader: Socket;
  try {
    reader = new Socket({ fd: descriptor, readable: true, writable: false });
  } catch {
    closeSync(descriptor);
    rmSync(folder, { recursive: true, force: true });
    return null;
  }
  reader.unref();
  reader.setEncoding('utf8');
  reader.on('error', () => {});
  let rest = '';
  reader.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = (lines.pop() ?? '').slice(0, maxLine);
    for (const line of lines) {
      const sample = parseNodeSample(line);
      if (sample === null) continue;
      if (latest.has(sample.pid) || latest.size < maxProcesses) latest.set(sample.pid, sample);
      for (const listener of listeners) listener(sample);
    }
  });
  return {
    samples: {
      latest: () => [...latest.values()],
      onSample: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    env: {
      TAILGATE_NODE_SAMPLES: path,
      ...(limitsLoopDelay ? { TAILGATE_LOOP_RESOLUTION_MS: String(limitedResolutionMs) } : {}),
      NODE_OPTIONS: withRequire(env.NODE_OPTIONS, preload),
    },
    close: () => {
      reader.destroy();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

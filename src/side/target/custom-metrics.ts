import { spawn } from 'node:child_process';
import { tailgateError } from '../../errors.ts';
import { childEnvironment } from '../../host/processes/child-environment.ts';
import { outputMask } from '../../host/processes/output-mask.ts';
import { markedCommand, markerVariable, stopFamily } from '../../host/processes/process-family.ts';
import {
  announceProcess,
  registerProcess,
  unregisterProcess,
} from '../../host/processes/process-registry.ts';
import type { MeasureSettings } from '../../settings/settings-schema.ts';
import { flattenNumbers, parseJsonOutput } from './flatten-numbers.ts';

export type CustomMetricsOptions = {
  /** Base URL of the server, for `{{ url }}` and as TAILGATE_URL; a custom URL may be relative to it. */
  url: string;
  /** Absolute path of the folder that the command runs in. */
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  /** Counters of the round, which the command gets as JSON in TAILGATE_COUNTERS: what was sent, for example. */
  counters?: Readonly<Record<string, number>> | undefined;
  /** Counters of the load before the measurement, in TAILGATE_WARM_UP_COUNTERS: the server got these messages too. */
  warmUpCounters?: Readonly<Record<string, number>> | undefined;
  /** Environment of the server, which the command gets as well: the address of its database, for example. */
  serverEnv?: Readonly<Record<string, string>> | undefined;
  /** Folder that the server runs in, as TAILGATE_SERVER_DIR; the one of the command if not known. */
  serverCwd?: string | null | undefined;
  secrets?: Iterable<string> | undefined;
};

const maxOutputBytes = 1_000_000;
const killTimeoutMs = 300;

const portOf = (url: string): string => {
  const { port, protocol } = new URL(url);
  return port !== '' ? port : protocol === 'https:' || protocol === 'wss:' ? '443' : '80';
};

const fill = (text: string, url: string): string =>
  text.replace(/\{\{\s*url\s*\}\}/g, url).replace(/\{\{\s*port\s*\}\}/g, portOf(url));

const readBody = async (response: Response): Promise<string> => {
  let text = '';
  for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += part;
    if (text.length > maxOutputBytes) throw new Error(`it answered with more than ${maxOutputBytes} bytes`);
  }
  return text;
};

/** `fetch` takes no userinfo in a URL: it is what the header says. */
const authorized = (url: string, signal: AbortSignal): [URL, RequestInit] => {
  const plain = new URL(url);
  const { username, password } = plain;
  if (username === '' && password === '') return [plain, { signal }];
  plain.username = '';
  plain.password = '';
  const userinfo = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const authorization = `Basic ${Buffer.from(userinfo).toString('base64')}`;
  return [plain, { signal, headers: { authorization } }];
};

const fromUrl = async (url: string, timeoutMs: number): Promise<string> => {
  try {
    const response = await fetch(...authorized(url, AbortSignal.timeout(timeoutMs)));
    const text = await readBody(response);
    if (!response.ok)
      throw new Error(`it answered with HTTP ${response.status} ${text.trim().slice(0, 120)}`);
    return text;
  } catch (error) {
    const { name, message, cause } = error as Error;
    if (name === 'TimeoutError') throw new Error(`no answer within ${timeoutMs} ms`);
    throw new Error(
      cause instanceof Error ? cause.message || String((cause as NodeJS.ErrnoException).code) : message,
    );
  }
};

const fromCommand = async (
  command: string,
  timeoutMs: number,
  cwd: string,
  env: Record<string, string>,
): Promise<string> => {
  const marker = announceProcess();
  const isWindows = process.platform === 'win32';
  const [program, args] = isWindows ? [command, []] : markedCommand(marker, ['/bin/sh', '-c', command]);
  const child = spawn(program, args, {
    shell: isWindows,
    cwd,
    env: { ...env, [markerVariable]: marker },
    detached: !isWindows,
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  const family = registerProcess(child.pid!, marker);
  let output = '';
  let complaints = '';
  let timer: NodeJS.Timeout | undefined;
  try {
    const end = await new Promise<string | number>((resolve) => {
      timer = setTimeout(() => resolve(`no end after ${timeoutMs} ms`), timeoutMs);
      child.stdout.setEncoding('utf8').on('data', (part: string) => {
        output += part;
        if (output.length > maxOutputBytes) resolve(`it printed more than ${maxOutputBytes} bytes`);
      });
      child.stderr.setEncoding('utf8').on('data', (part: string) => {
        complaints = (complaints + part).slice(-1_000);
      });
      child.once('close', (code, signal) => resolve(code ?? `it ended with signal ${signal}`));
    });
    if (end === 0) return output;
    const said = complaints.trim();
    throw new Error(
      `${typeof end === 'number' ? `it ended with exit code ${end}` : end}${said === '' ? '' : `: ${said}`}`,
    );
  } finally {
    clearTimeout(timer);
    const left = await stopFamily(family, 'SIGTERM', killTimeoutMs);
    if (left.length === 0) unregisterProcess(family);
    child.stdout.destroy();
    child.stderr.destroy();
  }
};

/**
 * Asks the command or the URL of `settings` for numbers, once. Nested ones get dotted names. With both, the numbers
 * of both, where the URL's win. Throws CUSTOM_METRICS_FAILED.
 */
export const readCustomMetrics = async (
  settings: NonNullable<MeasureSettings['custom']>,
  options: CustomMetricsOptions,
): Promise<Record<string, number>> => {
  const mask = outputMask(options.secrets ?? []);
  const numbersOf = async (source: string, read: () => Promise<string>): Promise<Record<string, number>> => {
    try {
      return flattenNumbers(parseJsonOutput(await read()));
    } catch (error) {
      const reason = mask((error as Error).message);
      throw tailgateError('CUSTOM_METRICS_FAILED', { source: mask(source), reason }, {}, error);
    }
  };
  const { command, url, timeoutMs } = settings;
  const found: Record<string, number> = {};
  if (command !== undefined) {
    const filled = fill(command, options.url);
    const env = childEnvironment(options.env, {
      ...options.serverEnv,
      TAILGATE_SERVER_DIR: options.serverCwd ?? options.cwd,
      TAILGATE_URL: options.url,
      PORT: portOf(options.url),
      TAILGATE_COUNTERS: JSON.stringify(options.counters ?? {}),
      TAILGATE_WARM_UP_COUNTERS: JSON.stringify(options.warmUpCounters ?? {}),
    });
    Object.assign(found, await numbersOf(filled, () => fromCommand(filled, timeoutMs, options.cwd, env)));
  }
  if (url !== undefined) {
    const filled = new URL(fill(url, options.url), options.url).href;
    Object.assign(found, await numbersOf(filled, () => fromUrl(filled, timeoutMs)));
  }
  return found;
};

import { spawn } from 'node:child_process';
import { markedCommand, markerVariable, stopFamily } from '../../host/processes/process-family.ts';
import {
  announceProcess,
  registerProcess,
  unregisterProcess,
} from '../../host/processes/process-registry.ts';
import { untilAborted } from '../../host/until-aborted.ts';

/** How the user's own commands and URLs are asked, for numbers and for what tells which version runs. */

const usualBytes = 1_000_000;

const killTimeoutMs = 300;

export type AskOptions = {
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  /** A million if not given. */
  maxBytes?: number | undefined;
};

type UrlOptions = AskOptions & { headers?: Readonly<Record<string, string>> };

type CommandOptions = AskOptions & { cwd: string; env: Record<string, string> };

/** A command that runs: its end, and how it is stopped with everything that it started. */
export type AskedCommand = {
  /** Its exit code, or how else it ended. */
  ended: Promise<string | number>;
  /** The last that it said on standard error. */
  complaints(): string;
  stop(): Promise<void>;
};

/** The port of a URL, or that of its protocol. */
export const portOf = (url: string): string => {
  const { port, protocol } = new URL(url);
  return port !== '' ? port : protocol === 'https:' || protocol === 'wss:' ? '443' : '80';
};

/** Fills `{{ url }}` and `{{ port }}` of the server, and what else is given by its name. */
export const fillAddress = (text: string, url: string, more: Readonly<Record<string, string>> = {}): string =>
  text.replace(
    /\{\{\s*(\w+)\s*\}\}/g,
    (whole, name: string) => ({ ...more, url, port: portOf(url) })[name] ?? whole,
  );

/** A URL of the user's, filled, and relative to the server; one that speaks WebSocket is asked by HTTP. */
export const fillUrl = (url: string, serverUrl: string, more?: Readonly<Record<string, string>>): string =>
  new URL(fillAddress(url, serverUrl, more), serverUrl).href.replace(/^ws/, 'http');

/** The text at a URL. Throws an Error, a clause, for anything but an answer that is fine. */
export const askUrl = async (url: string, options: UrlOptions): Promise<string> =>
  (await askUrlBytes(url, options)).toString('utf8');

/** `askUrl` of what may be no text. */
export const askUrlBytes = async (
  url: string,
  { timeoutMs, signal, maxBytes = usualBytes, headers = {} }: UrlOptions,
): Promise<Buffer> => {
  const limits = [AbortSignal.timeout(timeoutMs), ...(signal === undefined ? [] : [signal])];
  const [plain, init] = authorized(url, headers);
  try {
    const response = await fetch(plain, { ...init, signal: AbortSignal.any(limits) });
    const body = await readBody(response, maxBytes);
    if (!response.ok) {
      const said = body.toString('utf8').trim().slice(0, 120);
      throw new Error(`it answered with HTTP ${response.status} ${said}`.trim());
    }
    return body;
  } catch (error) {
    const { name, message, cause } = error as Error;
    if (name === 'TimeoutError') throw new Error(`no answer within ${timeoutMs} ms`);
    throw new Error(
      cause instanceof Error ? cause.message || String((cause as NodeJS.ErrnoException).code) : message,
    );
  }
};

/** Starts a command through a shell; `onOutput` is told what it prints. */
export const startCommand = async (
  command: string,
  options: {
    cwd: string;
    env: Record<string, string>;
    onOutput: (part: string) => void;
    /** `latin1` keeps bytes as they are. */
    encoding?: 'utf8' | 'latin1';
  },
): Promise<AskedCommand> => {
  const marker = announceProcess();
  const isWindows = process.platform === 'win32';
  const [program, args] = isWindows ? [command, []] : markedCommand(marker, ['/bin/sh', '-c', command]);
  const child = spawn(program, args, {
    shell: isWindows,
    cwd: options.cwd,
    env: { ...options.env, [markerVariable]: marker },
    detached: !isWindows,
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  const family = registerProcess(child.pid!, marker);
  let complaints = '';
  child.stdout.setEncoding(options.encoding ?? 'utf8').on('data', options.onOutput);
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    complaints = (complaints + part).slice(-1_000);
  });
  return {
    ended: new Promise((resolve) =>
      child.once('close', (code, signal) => resolve(code ?? `it ended with signal ${signal}`)),
    ),
    complaints: () => complaints.trim(),
    stop: async () => {
      const left = await stopFamily(family, 'SIGTERM', killTimeoutMs);
      if (left.length === 0) unregisterProcess(family);
      child.stdout.destroy();
      child.stderr.destroy();
    },
  };
};

/** How a command ended, a clause, with what it said. */
export const endOf = (end: string | number, said: string): string =>
  `${typeof end === 'number' ? `it ended with exit code ${end}` : end}${said === '' ? '' : `: ${said}`}`;

/** What a command prints. Throws an Error, a clause, where it fails, prints too much or does not end. */
export const askCommand = async (command: string, options: CommandOptions): Promise<string> =>
  (await askCommandBytes(command, options)).toString('utf8');

/** `askCommand` of what may be no text. */
export const askCommandBytes = async (
  command: string,
  { timeoutMs, signal, maxBytes = usualBytes, cwd, env }: CommandOptions,
): Promise<Buffer> => {
  const output: Buffer[] = [];
  let bytes = 0;
  let tooMuch = (): void => {};
  const printedTooMuch = new Promise<string>((resolve) => {
    tooMuch = () => resolve(`it printed more than ${maxBytes} bytes`);
  });
  const running = await startCommand(command, {
    cwd,
    env,
    encoding: 'latin1',
    onOutput: (part) => {
      output.push(Buffer.from(part, 'latin1'));
      bytes += part.length;
      if (bytes > maxBytes) tooMuch();
    },
  });
  let timer: NodeJS.Timeout | undefined;
  const outOfTime = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no end after ${timeoutMs} ms`), timeoutMs);
  });
  const { aborted, forget } = untilAborted(signal);
  try {
    const stopped = aborted.then(() => 'it was stopped');
    const end = await Promise.race([running.ended, printedTooMuch, outOfTime, stopped]);
    if (end === 0) return Buffer.concat(output);
    throw new Error(endOf(end, running.complaints()));
  } finally {
    clearTimeout(timer);
    forget();
    await running.stop();
  }
};

/** `fetch` takes no userinfo in a URL: it is what the header says. */
function authorized(
  url: string,
  headers: Readonly<Record<string, string>>,
): [URL, { headers: Record<string, string> }] {
  const plain = new URL(url);
  const { username, password } = plain;
  if (username === '' && password === '') return [plain, { headers: { ...headers } }];
  plain.username = '';
  plain.password = '';
  const userinfo = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const authorization = `Basic ${Buffer.from(userinfo).toString('base64')}`;
  return [plain, { headers: { authorization, ...headers } }];
}

async function readBody(response: Response, maxBytes: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    parts.push(part);
    bytes += part.length;
    if (bytes > maxBytes) throw new Error(`it answered with more than ${maxBytes} bytes`);
  }
  return Buffer.concat(parts);
}

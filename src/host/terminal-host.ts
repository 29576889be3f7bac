import { createColors } from 'picocolors';
import { formatPlace } from '../errors.ts';
import { visibleText } from '../visible-text.ts';
import type { Host, MessagePlace } from './host.ts';
import { SecretMask } from './secret-mask.ts';

const progressEveryMs = 5_000;

type Env = Readonly<Record<string, string | undefined>>;

type Stream = NodeJS.WriteStream;

/**
 * The line of a terminal that says where a run is, at most as wide as the terminal. It is cleared before anything else is
 * written there.
 */
export type LiveLine = { show(line: string): void; clear(): void };

export function createLiveLine(stream: Stream): LiveLine {
  let shown = false;
  const clear = (): void => {
    if (shown) stream.write('\r\u001B[2K');
    shown = false;
  };
  return {
    show: (line) => {
      clear();
      stream.write(line);
      shown = true;
    },
    clear,
  };
}

/**
 * Whether a stream is given colours: a terminal is, unless NO_COLOR says otherwise; FORCE_COLOR says it of everything, and
 * goes first. Each stream is asked for itself, since one may be a file.
 */
export function wantsColor(stream: Stream, env: Env): boolean {
  const { FORCE_COLOR: force, NO_COLOR: no, TERM: term } = env;
  if (force !== undefined && force !== '') return force !== '0' && force !== 'false';
  if (no !== undefined && no !== '') return false;
  return stream.isTTY === true && term !== 'dumb';
}

/** Whether lines and bars can be drawn: not on a console without them, and not in a locale that names another encoding. */
export function canDraw({ LC_ALL, LC_CTYPE, LANG, TERM }: Env): boolean {
  if (TERM === 'linux' || TERM === 'dumb') return false;
  const locale = [LC_ALL, LC_CTYPE, LANG].find((value) => value !== undefined && value !== '');
  return locale === undefined || /utf-?8/i.test(locale);
}

/** A person's terminal, or another CI system's log. Messages go to stderr, so that stdout stays for results. */
export const createTerminalHost = (options: {
  env: Env;
  cwd: string;
  signal: AbortSignal;
  stderr: Stream;
  stdout: Stream;
  live: LiveLine;
  quiet?: boolean;
}): Host => {
  const { env, stderr, stdout, live } = options;
  const colors = createColors(wantsColor(stderr, env));
  const secrets = new SecretMask();
  const interactive = stderr.isTTY === true && env.CI === undefined && env.TERM !== 'dumb';
  let lastProgressAt = Number.NEGATIVE_INFINITY;
  const print = (text: string, label = ''): void => {
    live.clear();
    stderr.write(`${label}${visibleText(secrets.mask(text))}\n`);
  };
  const place = (where: MessagePlace = {}): string => {
    const shown = formatPlace(where);
    return shown === '' ? '' : `${shown}: `;
  };
  return {
    kind: 'terminal',
    env,
    cwd: options.cwd,
    // A line that fills the terminal would break.
    columns: columnsOf(stderr) - 1,
    interactive,
    result: { columns: columnsOf(stdout), color: wantsColor(stdout, env), unicode: canDraw(env) },
    info: (message) => {
      if (options.quiet !== true) print(message);
    },
    warn: (message, where) => print(`${place(where)}${message}`, `${colors.yellow('Warning:')} `),
    error: (message, where) => print(`${place(where)}${message}`, `${colors.red('Error:')} `),
    // A terminal has no place for what only a debugged job shows.
    debug: () => {},
    progress: (line) => {
      if (options.quiet === true) return;
      if (interactive) {
        live.show(visibleText(secrets.mask(line)));
        return;
      }
      const now = performance.now();
      if (now - lastProgressAt < progressEveryMs) return;
      lastProgressAt = now;
      print(line);
    },
    group: (title) => {
      if (options.quiet !== true) print(title);
      return () => {};
    },
    secret: (value) => secrets.add(value),
    secrets,
    mask: (text) => secrets.mask(text),
    output: () => {},
    summary: async () => {},
    saveState: () => {},
    signal: options.signal,
  };
};

function columnsOf(stream: Stream): number {
  return stream.columns ?? 100;
}

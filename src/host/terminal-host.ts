import { formatPlace } from '../errors.ts';
import { visibleText } from '../visible-text.ts';
import type { Host, MessagePlace } from './host.ts';
import { SecretMask } from './secret-mask.ts';

const progressEveryMs = 5_000;

/** A person's terminal, or another CI system's log. Messages go to stderr, so that stdout stays for results. */
export const createTerminalHost = (options: {
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  signal: AbortSignal;
  stderr: NodeJS.WriteStream;
  quiet?: boolean;
}): Host => {
  const { env, stderr } = options;
  const secrets = new SecretMask();
  const interactive = stderr.isTTY === true && env.CI === undefined && env.TERM !== 'dumb';
  let progressShown = false;
  let lastProgressAt = Number.NEGATIVE_INFINITY;
  const clearProgress = (): void => {
    if (progressShown) stderr.write('\r\u001b[2K');
    progressShown = false;
  };
  const print = (text: string): void => {
    clearProgress();
    stderr.write(`${visibleText(secrets.mask(text))}\n`);
  };
  const place = (where: MessagePlace = {}): string => {
    const shown = formatPlace(where);
    return shown === '' ? '' : `${shown}: `;
  };
  return {
    kind: 'terminal',
    env,
    cwd: options.cwd,
    columns: stderr.columns ?? 100,
    interactive,
    info: (message) => {
      if (options.quiet !== true) print(message);
    },
    warn: (message, where) => print(`Warning: ${place(where)}${message}`),
    error: (message, where) => print(`Error: ${place(where)}${message}`),
    // A terminal has no place for what only a debugged job shows.
    debug: () => {},
    progress: (line) => {
      if (options.quiet === true) return;
      if (interactive) {
        stderr.write(`\r\u001b[2K${visibleText(secrets.mask(line)).slice(0, (stderr.columns ?? 100) - 1)}`);
        progressShown = true;
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

/**
 * What differs between a GitHub Actions runner and a terminal. Everything that prints, reads the environment or
 * listens for signals goes through it.
 */
export type Host = {
  readonly kind: 'actions' | 'terminal';
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Terminal width in columns, and whether colours and rewriting a line are welcome. */
  readonly columns: number;
  readonly interactive: boolean;
  info(message: string): void;
  warn(message: string, place?: { file?: string | undefined; line?: number | undefined }): void;
  error(message: string, place?: { file?: string | undefined; line?: number | undefined }): void;
  debug(message: string): void;
  /** A line that replaces the one before it on a terminal; printed rarely elsewhere. */
  progress(line: string): void;
  /** Lines printed until the returned function is called belong together. */
  group(title: string): () => void;
  /** From now on `value` is never printed. */
  secret(value: string): void;
  /** Text that came from a child process or a server: printed so that no runner command in it takes effect. */
  foreign(text: string): void;
  /** Aborted by SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
};

/**
 * What differs between a GitHub Actions runner and a terminal. Everything that prints, reads the environment or
 * listens for signals goes through it.
 */
export type Host = {
  readonly kind: 'actions' | 'terminal';
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Width in columns of where messages go, and whether a line may be rewritten there. */
  readonly columns: number;
  readonly interactive: boolean;
  /** Width, colours and characters of where results go, which may be a file while messages go to a terminal. */
  readonly result: { readonly columns: number; readonly color: boolean; readonly unicode: boolean };
  info(message: string): void;
  warn(message: string, place?: MessagePlace): void;
  error(message: string, place?: MessagePlace): void;
  debug(message: string): void;
  /** A line that replaces the one before it on a terminal; printed rarely elsewhere. */
  progress(line: string): void;
  /** Lines printed until the returned function is called belong together. */
  group(title: string): () => void;
  /** From now on `value` is never printed, by this host or by what is masked with `mask`. */
  secret(value: string): void;
  /** Every secret known so far; those that are added later are seen by whoever iterates again. */
  readonly secrets: Iterable<string>;
  /** `text` with every secret replaced by `***`. */
  mask(text: string): string;
  /** An output of the step; nothing on a terminal. */
  output(name: string, value: string): void;
  /** Markdown for the job summary; nothing on a terminal. */
  summary(markdown: string): Promise<void>;
  /** Kept for the post step; nothing on a terminal. */
  saveState(name: string, value: string): void;
  /** Aborted by SIGINT or SIGTERM; the reason is the signal's name. */
  readonly signal: AbortSignal;
};

/** Where in what the user wrote a message belongs: lines and columns count from 1; `key` names a setting or an input. */
export type MessagePlace = {
  file?: string | undefined;
  line?: number | undefined;
  column?: number | undefined;
  key?: string | undefined;
};

import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { StringDecoder } from 'node:string_decoder';

const tailLines = 40;
const maxLineLength = 2_000;
/** Kept back of a line that is too long: a secret of which only the beginning has come cannot be told yet. */
const keptLength = 1_000;
/** A server that logs every message would otherwise fill the disk of the runner. */
const maxFileBytes = 64 * 1024 * 1024;

/**
 * Takes the output of a child process line by line: writes it to a new file, keeps the last lines in memory, and tells
 * listeners. Secrets are masked before anything else sees the text.
 */
export class OutputLog {
  readonly path: string;
  #file: ReturnType<typeof createWriteStream>;
  #writtenBytes = 0;
  #mask: (text: string) => string;
  #tail: string[] = [];
  #listeners = new Set<(line: string) => void>();
  #flushers: (() => void)[] = [];

  constructor(path: string, mask: (text: string) => string) {
    mkdirSync(dirname(path), { recursive: true });
    this.path = path;
    this.#mask = mask;
    this.#file = createWriteStream(path);
    // A full disk must not end the run: the tail in memory goes on.
    this.#file.on('error', () => {
      this.#writtenBytes = Number.POSITIVE_INFINITY;
    });
  }

  /** Reads `stream` to its end. */
  attach(stream: NodeJS.ReadableStream): void {
    const decoder = new StringDecoder('utf8');
    let rest = '';
    stream.on('data', (chunk: Buffer) => {
      const lines = (rest + decoder.write(chunk)).split(/\r?\n/);
      rest = lines.pop() ?? '';
      for (const line of lines) this.line(line);
      if (rest.length > maxLineLength + keptLength) {
        rest = this.#mask(rest);
        this.line(rest.slice(0, -keptLength));
        rest = rest.slice(-keptLength);
      }
    });
    const flush = (): void => {
      rest += decoder.end();
      if (rest !== '') this.line(rest);
      rest = '';
    };
    this.#flushers.push(flush);
    stream.on('end', flush);
    stream.on('error', flush);
  }

  /** Adds one line of the child. */
  line(text: string): void {
    const masked = this.#mask(text);
    this.#write(masked);
    this.#tail.push(masked.length > maxLineLength ? `${masked.slice(0, maxLineLength)}…` : masked);
    if (this.#tail.length > tailLines) this.#tail.shift();
    for (const listener of this.#listeners) listener(masked);
  }

  /** Adds a line of our own, which is in the file alone. */
  heading(text: string): void {
    this.#write(this.#mask(text));
  }

  #write(masked: string): void {
    const bytes = Buffer.byteLength(masked) + 1;
    if (this.#writtenBytes + bytes <= maxFileBytes) {
      this.#file.write(`${masked}\n`);
    } else if (this.#writtenBytes <= maxFileBytes) {
      this.#file.write(`(the log is cut here: it reached ${maxFileBytes} bytes)\n`);
    }
    this.#writtenBytes += bytes;
  }

  /** Calls `listener` for every line from now on. Returns the function that ends it. */
  onLine(listener: (line: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The last lines, oldest first. */
  tail(): string {
    return this.#tail.join('\n');
  }

  /** Ends the file. What a descendant that holds the pipe writes afterwards is not read. */
  async close(): Promise<void> {
    for (const flush of this.#flushers) flush();
    if (this.#file.closed || this.#file.destroyed) return;
    await new Promise<void>((resolve) => {
      this.#file.on('close', resolve);
      this.#file.on('error', () => resolve());
      this.#file.end();
    });
  }
}

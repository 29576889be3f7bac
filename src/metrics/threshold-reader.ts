import { type SourcePosition, tailgateError } from '../errors.ts';

/** Reads one threshold from left to right; columns count from 1. */
export class ThresholdReader {
  readonly #source: string;
  readonly #where: SourcePosition;
  #at = 0;

  constructor(source: string, where: SourcePosition) {
    this.#source = source;
    this.#where = where;
  }

  get column(): number {
    return this.#at + 1;
  }

  get done(): boolean {
    return this.#at >= this.#source.length;
  }

  skipSpaces(): void {
    while (/\s/.test(this.#source[this.#at] ?? '')) this.#at += 1;
  }

  peek(): string {
    return this.#source[this.#at] ?? '';
  }

  take(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#source)?.[0] ?? null;
    if (found !== null) this.#at += found.length;
    return found;
  }

  /** Whether `pattern` (sticky) matches here. */
  sees(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    return pattern.test(this.#source);
  }

  takeText(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  quoted(): string {
    const start = this.column;
    const quote = this.peek();
    let text = '';
    for (this.#at += 1; this.peek() !== quote; this.#at += 1) {
      if (this.peek() === '\\') this.#at += 1;
      if (this.done) this.fail(start, 'the quotation mark is never closed', `Close it with ${quote}.`);
      text += this.peek();
    }
    this.#at += 1;
    return text;
  }

  /** What stands at the reader, for messages. */
  here(): string {
    if (this.done) return 'the end';
    return `"${/^\S+/.exec(this.#source.slice(this.#at))?.[0] ?? this.peek()}"`;
  }

  fail(column: number, problem: string, expected: string): never {
    const { column: first, line } = this.#where;
    const where = {
      ...this.#where,
      column: line === undefined || first === undefined ? undefined : first + column - 1,
    };
    throw tailgateError(
      'THRESHOLD_SYNTAX',
      { source: this.#source.trim(), column, problem, expected },
      where,
    );
  }
}

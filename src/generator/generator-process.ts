import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { TailgateError, tailgateError } from '../errors.ts';
import { atMost } from '../host/at-most.ts';
import { pinProcess } from '../host/processes/core-pinning.ts';
import { OutputLog } from '../host/processes/output-log.ts';
import { outputMask } from '../host/processes/output-mask.ts';
import { killFamily, type ProcessFamily, stopFamily } from '../host/processes/process-family.ts';
import { unregisterProcess } from '../host/processes/process-registry.ts';
import type { RoundMeasurement } from '../metrics/round-measurement.ts';
import type { LoadMember } from './load-member.ts';
import type { LoadEvent, LoadOrder, LoadReply, PlainError } from './load-protocol.ts';
import type { LoadProgress } from './load-session.ts';
import { forkGenerator, generatorProgram, takeSpareGenerator } from './spare-generator.ts';

const stopTimeoutMs = 1_000;
/** Time for an answer that needs no work, milliseconds. */
export const answerMs = 10_000;
/** Once the run is cancelled nobody waits for longer than this: everything has to be gone within 3 s. */
const cancelledAnswerMs = 500;
/** A generator that says nothing for so many seconds, while it should tell its progress twice in each, hangs. */
const silentSeconds = 15;
/** Its last words may still be in its pipes, which a process that it started can hold for ever. */
const outputGraceMs = 300;

type Waiting = { resolve: (value: unknown) => void; reject: (error: unknown) => void };

/** An error that came from another process. */
export const fromPlain = (error: PlainError): TailgateError =>
  new TailgateError(error.code, error.what, error.fix, error.exit, error.where);

const folders = (process.env.PATH ?? '').split(path.delimiter);
const shownLines = 10;
export type GeneratorProcessOptions = {
  /** Where the output of the process goes, the scenario's own `console.log` included: never to our output. */
  logPath: string;
  /** Cores it may use; null for all. On a machine without `taskset` it is not pinned. */
  cpus: readonly number[] | null;
  env: Readonly<Record<string, string | undefined>>;
  workerPath?: string | undefined;
  /** When it fires, every answer is waited for half a second at most. */
  signal?: AbortSignal | undefined;
};

/** A generator process and the commands it is given. */
export class GeneratorProcess implements LoadMember {
  readonly #child: ChildProcess;
  readonly #family: ProcessFamily;
  readonly #key = randomUUID();
  readonly #signal: AbortSignal | undefined;
  #silentFor = 0;
  #watch: NodeJS.Timeout | null = null;
  readonly #log: OutputLog;
  #mask: (line: string) => string = outputMask([]);
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #closing = false;
  /** Why the process is gone, if it is and was not told to go. */
  #failure: TailgateError | null = null;
  #checkpoint: RoundMeasurement | null = null;
  #finish!: () => void;
  #fail!: (error: TailgateError) => void;
  #progress: (progress: LoadProgress) => void = () => {};
  readonly #exited: Promise<void>;

  /** Resolves when every arrival was made and every virtual user ended; rejects with LOAD_FAILED. */
  readonly finished: Promise<void>;
  /** Whether its cores have been settled: false when they could not be. */
  readonly #pinned: Promise<boolean>;
  #pinnedTo: string | null;

  constructor(options: GeneratorProcessOptions) {
    this.#log = new OutputLog(options.logPath, (line) => this.#mask(line));
    const pin = options.cpus === null ? undefined : taskset();
    const cores = options.cpus?.join(',') ?? '';
    this.#pinnedTo = pin === undefined ? null : cores;
    this.finished = new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    });
    this.finished.catch(() => {});
    const spare =
      options.workerPath === undefined && options.env === process.env ? takeSpareGenerator() : null;
    // taskset becomes node, so that every thread of it is pinned from its start.
    const before = pin === undefined ? [] : [pin, '-c', cores];
    const owned = spare ?? forkGenerator(options.workerPath ?? generatorProgram(), options.env, before);
    this.#child = owned.child;
    this.#family = owned.family;
    this.#signal = options.signal;
    this.#pinned =
      spare === null || pin === undefined ? Promise.resolve(true) : pinProcess(this.pid, options.cpus ?? []);
    for (const stream of [this.#child.stdout, this.#child.stderr])
      if (stream !== null) this.#log.attach(stream);
    this.#exited = new Promise((resolve) => {
      const closed = new Promise((settle) => this.#child.once('close', settle));
      this.#child.once('exit', async (code, signal) => {
        await atMost(closed, outputGraceMs);
        if (!this.#closing)
          this.#failed(
            `its process ended with ${signal ?? `code ${code}`}; see ${options.logPath}\n${lastLines(this.#log.tail())}`.trimEnd(),
          );
        this.#rejectWaiting(tailgateError('LOAD_FAILED', { reason: 'its process was told to end' }));
        resolve();
      });
      this.#child.once('error', (error) => {
        this.#failed(`its process did not start (${error.message})`);
        resolve();
      });
    });
    this.#child.on('message', (message: { key?: unknown } | null) => {
      this.#silentFor = 0;
      // Anything else is from the scenario's own code.
      if (message?.key === this.#key) this.#receive(message as unknown as LoadReply | LoadEvent);
    });
  }

  /** Cores it is pinned to; null when it is not. Settled with the first answer. */
  get pinnedTo(): string | null {
    return this.#pinnedTo;
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  onProgress(listener: (progress: LoadProgress) => void): void {
    this.#progress = listener;
  }

  /** Keeps text out of the log from now on. */
  keepSecret(secrets: Iterable<string>): void {
    this.#mask = outputMask(secrets);
  }

  /**
   * Sends a command; resolves with its answer. Rejects with the error it answered, or LOAD_FAILED if it died or did not
   * answer within `limitMs`: then it is killed, for nobody knows what it does.
   */
  async ask<T>(command: LoadOrder, limitMs = answerMs): Promise<T> {
    if (!(await this.#pinned)) this.#pinnedTo = null;
    if (!this.#child.connected)
      throw this.#failure ?? tailgateError('LOAD_FAILED', { reason: 'its process is gone' });
    const id = this.#nextId++;
    const signal = this.#signal;
    let timer: NodeJS.Timeout | undefined;
    const within = (timeMs: number): void => {
      clearTimeout(timer);
      timer = setTimeout(() => this.#kill(`it did not answer "${command.type}" within ${timeMs} ms`), timeMs);
    };
    const hurry = (): void => within(cancelledAnswerMs);
    // A timer cannot hold more.
    within(Math.min(signal?.aborted === true ? cancelledAnswerMs : limitMs, 2 ** 31 - 1));
    // A slice ends by itself, and sooner when the load is collected.
    if (command.type !== 'slice') signal?.addEventListener('abort', hurry, { once: true });
    try {
      return await new Promise<T>((resolve, reject) => {
        this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
        const keyed =
          command.type === 'prepare' || command.type === 'check'
            ? { ...command, id, key: this.#key }
            : { ...command, id };
        this.#child.send(keyed, (error) => {
          if (error === null) return;
          this.#waiting.delete(id);
          reject(this.#failure ?? tailgateError('LOAD_FAILED', { reason: error.message }, {}, error));
        });
      });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', hurry);
    }
  }

  /** From now on it is expected to tell its progress. */
  watch(): void {
    this.#silentFor = 0;
    this.#watch = setInterval(() => {
      // Counted in ticks of ours: when the whole machine stood still, nothing is said about the generator.
      this.#silentFor += 1;
      if (this.#silentFor >= silentSeconds)
        this.#kill(`nothing was heard of it for ${silentSeconds} s: something in the scenario blocks it`);
    }, 1_000).unref();
  }

  /** Ends the load and gives what was measured; what a process that died had told before, with a warning. */
  async collect(limitMs: number, hurry: boolean): Promise<RoundMeasurement[]> {
    try {
      return [await this.ask<RoundMeasurement>({ type: 'collect', hurry }, limitMs)];
    } catch (error) {
      const known = this.#checkpoint;
      if (this.#failure === null || known === null) throw error;
      const warning = `The load generator ended early; what it measured after ${Math.round(known.activeMs)} ms of load is lost.`;
      return [{ ...known, warnings: [...known.warnings, warning] }];
    }
  }

  get failure(): TailgateError | null {
    return this.#failure;
  }

  async close(): Promise<void> {
    this.#closing = true;
    if (this.#watch !== null) clearInterval(this.#watch);
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      if (this.#child.connected) this.#child.disconnect();
      const timer = setTimeout(() => killFamily(this.#family), this.#failure === null ? stopTimeoutMs : 0);
      await this.#exited;
      clearTimeout(timer);
    }
    // What the scenario's own code started goes with it.
    const left = await stopFamily(this.#family, 'SIGKILL', 0);
    if (left.length === 0) unregisterProcess(this.#family);
    await this.#log.close();
  }

  #kill(reason: string): void {
    if (this.#closing) return;
    this.#failed(reason);
    killFamily(this.#family);
  }

  #receive(message: LoadReply | LoadEvent): void {
    switch (message.type) {
      case 'progress':
        this.#progress(message.progress);
        return;
      case 'finished':
        this.#finish();
        return;
      case 'checkpoint':
        this.#checkpoint = message.measurement;
        return;
      case 'failed':
        this.#fail(fromPlain(message.error));
        return;
      case 'reply': {
        const waiting = this.#waiting.get(message.id);
        this.#waiting.delete(message.id);
        if (message.error === undefined) waiting?.resolve(message.value);
        else waiting?.reject(fromPlain(message.error));
      }
    }
  }

  #failed(reason: string): void {
    this.#failure ??= tailgateError('LOAD_FAILED', { reason });
    this.#fail(this.#failure);
    this.#rejectWaiting(this.#failure);
  }

  #rejectWaiting(reason: TailgateError): void {
    for (const waiting of this.#waiting.values()) waiting.reject(reason);
    this.#waiting.clear();
  }
}

function lastLines(text: string): string {
  return text.split('\n').slice(-shownLines).join('\n');
}

function taskset(): string | undefined {
  return process.platform === 'linux'
    ? folders.map((folder) => path.join(folder, 'taskset')).find((file) => existsSync(file))
    : undefined;
}

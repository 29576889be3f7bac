import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { TailgateError, tailgateError } from '../errors.ts';
import { pinProcess } from '../host/processes/core-pinning.ts';
import { OutputLog } from '../host/processes/output-log.ts';
import { outputMask } from '../host/processes/output-mask.ts';
import type { RoundMeasurement } from '../metrics/round-measurement.ts';
import type { LoadCommand, LoadEvent, LoadReply, PlainError } from './load-protocol.ts';
import type { LoadProgress } from './load-session.ts';
import { generatorForkOptions, generatorProgram, takeSpareGenerator } from './spare-generator.ts';

const stopTimeoutMs = 1_000;

type Command = LoadCommand extends infer C ? (C extends LoadCommand ? Omit<C, 'id'> : never) : never;
type Waiting = { resolve: (value: unknown) => void; reject: (error: unknown) => void };

const fromPlain = (error: PlainError): TailgateError =>
  new TailgateError(error.code, error.what, error.fix, error.exit, error.where);

const folders = (process.env.PATH ?? '').split(path.delimiter);
const taskset = (): string | undefined =>
  process.platform === 'linux'
    ? folders.map((folder) => path.join(folder, 'taskset')).find((file) => existsSync(file))
    : undefined;

const shownLines = 10;
const lastLines = (text: string): string => text.split('\n').slice(-shownLines).join('\n');

export type GeneratorProcessOptions = {
  /** Where the output of the process goes, the scenario's own `console.log` included: never to our output. */
  logPath: string;
  /** Cores it may use; null for all. On a machine without `taskset` it is not pinned. */
  cpus: readonly number[] | null;
  env: Readonly<Record<string, string | undefined>>;
  workerPath?: string | undefined;
};

/** A generator process and the commands it is given. */
export class GeneratorProcess {
  readonly #child: ChildProcess;
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
    this.#child =
      spare ??
      fork(options.workerPath ?? generatorProgram(), [], {
        ...generatorForkOptions,
        // taskset becomes node, so that every thread of it is pinned from its start.
        ...(pin === undefined ? {} : { execPath: pin, execArgv: ['-c', cores, process.execPath] }),
        env: options.env as NodeJS.ProcessEnv,
      });
    this.#pinned =
      spare === null || pin === undefined
        ? Promise.resolve(true)
        : pinProcess(spare.pid ?? -1, options.cpus ?? []);
    for (const stream of [this.#child.stdout, this.#child.stderr])
      if (stream !== null) this.#log.attach(stream);
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
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
    this.#child.on('message', (message) => this.#receive(message as LoadReply | LoadEvent));
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

  /** Sends a command; resolves with its answer. Rejects with the error it answered, or LOAD_FAILED if it died. */
  async ask<T>(command: Command): Promise<T> {
    if (!(await this.#pinned)) this.#pinnedTo = null;
    if (!this.#child.connected)
      throw this.#failure ?? tailgateError('LOAD_FAILED', { reason: 'its process is gone' });
    const id = this.#nextId++;
    return await new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#child.send({ ...command, id }, (error) => {
        if (error === null) return;
        this.#waiting.delete(id);
        reject(this.#failure ?? tailgateError('LOAD_FAILED', { reason: error.message }, {}, error));
      });
    });
  }

  /** Ends the load and gives what was measured; what a process that died had told before, with a warning. */
  async collect(): Promise<RoundMeasurement> {
    try {
      return await this.ask<RoundMeasurement>({ type: 'collect' });
    } catch (error) {
      const known = this.#checkpoint;
      if (this.#failure === null || known === null) throw error;
      const warning = `The load generator ended early; what it measured after ${Math.round(known.activeMs)} ms of load is lost.`;
      return { ...known, warnings: [...known.warnings, warning] };
    }
  }

  get isGone(): boolean {
    return this.#failure !== null;
  }

  async close(): Promise<void> {
    this.#closing = true;
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      if (this.#child.connected) this.#child.disconnect();
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), stopTimeoutMs);
      await this.#exited;
      clearTimeout(timer);
    }
    await this.#log.close();
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

import type { ClientRequest, IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import ArtilleryHttpEngine, {
  type EngineEvents,
  type Scenario,
  type Step,
  type VirtualUser,
} from '../../../node_modules/artillery/dist/lib/core/engine_http.js';
import { nameWatch } from '../core/flow/watch-names.ts';
import { loadActivity } from '../core/load-activity.ts';
import { loadClock } from '../core/load-clock.ts';
import { sourceAddress } from '../core/local-address.ts';
import { recorder } from '../core/recorder.ts';
import { httpMethods } from './http-methods.ts';

/** What of a request is rendered for each user. */
const rendered = [
  ...['url', 'uri', 'name', 'json', 'body', 'form', 'formData', 'qs'],
  ...['headers', 'cookie', 'auth', 'capture', 'match'],
] as const;

/** What a step sends, and what it is called in messages: `get /users`. */
type Sending = { method: string; request: Record<string, unknown>; label: string };

type HttpTimings = { phases: { firstByte?: number | undefined } };

/** Artillery's error of a `capture` or `match`. */
const failedCheck = 'Failed capture or match';

/**
 * Artillery's HTTP engine with what the load session needs: requests wait while the load is paused and count as in
 * flight, and an error ends as a record with its name, message and step.
 */
export class MeasuredHttpEngine extends ArtilleryHttpEngine {
  #steps = new WeakMap<object, string>();
  #watchers = 0;

  override async init(): Promise<void> {
    await super.init();
    this.config.processor = { ...this.config.processor };
    const request = this.request;
    this.request = (options) => request(options).on('request', timeFirstByte);
  }

  override step(spec: Record<string, unknown>, ee: EngineEvents, options?: Record<string, unknown>): Step {
    const sending = requestOf(spec);
    if (sending === null) return this.#plainStep(spec, ee, options);
    const { request, label } = sending;
    const run = super.step(this.#watched(spec, sending, options), ee, options);
    const isChecked = 'capture' in request || 'match' in request;
    return (context, callback) => {
      loadClock.whenRunning(() => {
        let ended = false;
        loadActivity.sent();
        // Artillery calls back twice when a capture and the response both fail.
        const end = (error: unknown, next?: VirtualUser) => {
          if (ended) return;
          ended = true;
          loadActivity.settled();
          if (typeof error === 'object' && error !== null) this.#steps.set(error, label);
          if (isChecked) recorder.answer(label, mismatchOf(error, label));
          callback(error, next);
        };
        try {
          run(context, end);
        } catch (error) {
          end(error, context);
        }
      });
    };
  }

  /**
   * The step with a function behind those of the scenario: it sees what is sent, if it is sent, and counts the names that
   * have no value.
   */
  #watched(
    spec: Record<string, unknown>,
    { method, request, label }: Sending,
    options: Record<string, unknown> | undefined,
  ): Record<string, unknown> {
    const headers = this.config.http?.defaults?.headers;
    const watchOf = (sent: Record<string, unknown>) =>
      nameWatch([headers, ...rendered.map((key) => sent[key])], label);
    const isChanged = [options?.beforeRequest ?? [], request.beforeRequest ?? []].flat().length > 0;
    const written = isChanged ? null : watchOf(request);
    const name = `$names ${this.#watchers}`;
    this.#watchers += 1;
    this.config.processor![name] = (
      sent: Record<string, unknown>,
      { vars }: VirtualUser,
      ...rest: unknown[]
    ) => {
      (isChanged ? watchOf(sent) : written)?.(vars);
      (rest.at(-1) as () => void)();
    };
    return { ...spec, [method]: { ...request, beforeRequest: [request.beforeRequest ?? [], name].flat() } };
  }

  /** A step that sends nothing: what it logs, or waits for, is watched as what is sent. */
  #plainStep(spec: Record<string, unknown>, ee: EngineEvents, options?: Record<string, unknown>): Step {
    const { loop: _loop, parallel: _parallel, ...own } = spec;
    const run = super.step(spec, ee, options);
    const watch = nameWatch(own, Object.keys(spec)[0] ?? '');
    if (watch === null) return run;
    return (context, callback) => {
      watch(context.vars);
      run(context, callback);
    };
  }

  override setInitialContext(initial: VirtualUser): VirtualUser {
    const context = super.setInitialContext(initial);
    // What an agent was made with goes into each connection that it opens.
    for (const agent of [context._httpAgent, context._httpsAgent] as { options?: object }[])
      Object.assign(agent?.options ?? {}, sourceAddress(String(this.config.target ?? '')));
    return context;
  }

  override compile(tasks: Step[], _spec: Record<string, unknown>, ee: EngineEvents): Scenario {
    return async (initialContext, callback) => {
      let context = this.setInitialContext(initialContext);
      ee.emit('started');
      for (const task of tasks) {
        try {
          context = (await promisify(task)(context)) as VirtualUser;
        } catch (error) {
          const step = typeof error === 'object' && error !== null ? this.#steps.get(error) : undefined;
          recorder.error(nameOf(error), error instanceof Error ? error.message : '', step ?? '');
          callback(error, context);
          return;
        }
      }
      callback(null, context);
    };
  }
}

/**
 * Times a request from its last sent byte to its first received one with the clock of `performance`. Artillery reads
 * the same two instants from `Date.now()`, in whole milliseconds, which on a fast server is all that there is to see.
 */
function timeFirstByte(request: ClientRequest): void {
  let sentMs = performance.now();
  request.once('finish', () => {
    sentMs = performance.now();
  });
  request.once('response', (response: IncomingMessage & { timings?: HttpTimings }) => {
    if (response.timings !== undefined) response.timings.phases.firstByte = performance.now() - sentMs;
  });
}

function nameOf(error: unknown): string {
  if (error instanceof Error) return (error as NodeJS.ErrnoException).code ?? error.message;
  return String(error);
}

/** The failure of an answer that is not what `capture` and `match` say; what else went wrong as it is. */
function mismatchOf(error: unknown, label: string): { name: string; message: string } | null {
  if (!error) return null;
  const name = nameOf(error);
  return name === failedCheck
    ? { name: `response mismatch: ${label}`, message: name }
    : { name, message: '' };
}

/** The request that a step makes; null for steps that send nothing. */
function requestOf(spec: Record<string, unknown>): Sending | null {
  const method = Object.keys(spec).find(
    (key) =>
      (httpMethods as readonly string[]).includes(key) && spec[key] !== undefined && spec[key] !== null,
  );
  if (method === undefined) return null;
  const said = spec[method];
  const request = typeof said === 'object' ? (said as Record<string, unknown>) : {};
  const { name, url, uri } = request as { name?: string; url?: string; uri?: string };
  return { method, request, label: name ?? `${method} ${url ?? uri ?? ''}` };
}

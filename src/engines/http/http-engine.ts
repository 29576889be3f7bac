import type {
  EngineEvents,
  Scenario,
  Step,
} from '../../../node_modules/artillery/dist/lib/core/engine_http.js';
import { timeoutMs } from '../core/flow/timeout.ts';
import { hasHttpStep } from './http-methods.ts';
import type { MeasuredHttpEngine } from './measured-http-engine.ts';

type ScenarioSpec = { engine?: string; flow?: unknown };
type Script = {
  config: { engine?: string; timeout?: unknown; http?: { timeout?: unknown } };
  scenarios?: ScenarioSpec[];
  before?: ScenarioSpec;
  after?: ScenarioSpec;
};

/** Whether a script needs the HTTP engine at all: a scenario of that engine, or an HTTP step inside another's flow. */
const usesHttp = (script: Script): boolean => {
  const scenarios = script.scenarios ?? [];
  const hooks = [script.before, script.after].filter((hook) => hook !== undefined);
  return (
    scenarios.some((spec) => (spec.engine ?? script.config.engine ?? 'http') === 'http') ||
    hooks.some((spec) => (spec.engine ?? 'http') === 'http') ||
    [...scenarios, ...hooks].some((spec) => hasHttpStep(spec.flow))
  );
};

/**
 * Artillery's HTTP engine, on the load clock and with errors that keep their message and step. Its code (and that of
 * the HTTP client) is loaded by `init`, and only for scripts that make HTTP requests: it is a third of the start-up.
 */
export class HttpEngine {
  readonly #script: Script;
  #inner: MeasuredHttpEngine | null = null;

  constructor(script: unknown) {
    this.#script = script as Script;
  }

  async init(): Promise<void> {
    if (!usesHttp(this.#script)) return;
    // Artillery takes only seconds, without a unit.
    for (const settings of [this.#script.config, this.#script.config.http ?? {}]) {
      const found = timeoutMs(settings.timeout);
      if (found !== null) settings.timeout = found / 1_000;
    }
    const { MeasuredHttpEngine } = await import('./measured-http-engine.ts');
    this.#inner = new MeasuredHttpEngine(this.#script);
    await this.#inner.init();
  }

  createScenario(spec: Record<string, unknown>, ee: EngineEvents): Scenario {
    return this.#loaded.createScenario(spec, ee);
  }

  /** One HTTP step for a flow of another engine; its virtual user must have passed `setInitialContext`. */
  step(spec: Record<string, unknown>, ee: EngineEvents, options?: Record<string, unknown>): Step {
    return this.#loaded.step(spec, ee, options);
  }

  /** Gives a virtual user its cookie jar and connection pool. */
  setInitialContext: MeasuredHttpEngine['setInitialContext'] = (context) =>
    this.#inner === null ? context : this.#inner.setInitialContext(context);

  get #loaded(): MeasuredHttpEngine {
    if (this.#inner === null) throw new Error('The HTTP engine was used before it was initialised.');
    return this.#inner;
  }
}

import { tailgateError } from '../../../errors.ts';
import type { EngineSettings } from '../engine-settings.ts';
import type { StepSpec } from '../flow/step.ts';
import { noTime, timeoutMs } from '../flow/timeout.ts';

/** What the steps of one flow share while they are compiled. */
export abstract class MessageScope {
  readonly #path: string;
  /** What the settings of the suite say. */
  readonly engine: EngineSettings;
  /** Latencies that the steps compiled so far can record. */
  readonly latencies = new Set<string>();
  /** What is sent by steps that nothing times. */
  readonly unmeasured = new Set<string>();
  /** What the steps compiled so far need of their virtual user. */
  abstract readonly needs: { keepsMessages: boolean };

  /** `path` is that of the scenario, for errors. */
  constructor(path: string, engine: EngineSettings) {
    this.#path = path;
    this.engine = engine;
  }

  /** The timeout of every wait that has none of its own. */
  abstract get timeoutMs(): number;

  invalid(place: string, problem: string): Error {
    return tailgateError('SCENARIO_INVALID', { path: this.#path, problem: `${place}: ${problem}` });
  }

  /** A time of a step in milliseconds. Throws SCENARIO_INVALID when it is none. */
  time(value: unknown, otherwise: number, place: string): number {
    if (value === undefined) return otherwise;
    const found = timeoutMs(value);
    if (found === null) throw this.invalid(place, noTime(String(value)));
    return found;
  }

  /** Throws SCENARIO_INVALID for a key that is not known. */
  check(given: object, known: readonly string[], what: string, place: string): void {
    for (const key of Object.keys(given))
      if (!known.includes(key))
        throw this.invalid(place, `unknown key "${key}" in "${what}"; there are ${known.join(', ')}`);
  }

  /**
   * What a step says: the value of its key and the keys beside it. `true` as the value is one without keys, and a text
   * is the value of `main`. Throws SCENARIO_INVALID for a key that is not known.
   */
  keysOf(
    step: StepSpec,
    key: string,
    main: string | null,
    known: readonly string[],
    place: string,
  ): Record<string, unknown> {
    const { [key]: value, name, ...beside } = step;
    const said = { ...this.#asKeys(value, key, main, place), ...beside };
    this.check(said, known, key, place);
    return said;
  }

  #asKeys(value: unknown, key: string, main: string | null, place: string): Record<string, unknown> {
    if (typeof value === 'string' && main !== null) return { [main]: value };
    if (value === true || value === null) return {};
    if (typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
    throw this.invalid(place, `"${key}: ${JSON.stringify(value)}" is not a mapping`);
  }
}

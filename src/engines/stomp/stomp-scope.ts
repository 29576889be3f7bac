import { tailgateError } from '../../errors.ts';
import type { EngineSettings } from '../core/engine-settings.ts';
import {
  recordFailure,
  type StepCallback,
  type StepSpec,
  type VirtualUserContext,
} from '../core/flow/step.ts';
import { timeoutMs } from '../core/flow/timeout.ts';
import { StepFailure } from '../core/step-failure.ts';
import type { StompClient } from './stomp-client.ts';
import { type StompConfig, type StompSettings, StompSettingsError, stompSettings } from './stomp-settings.ts';
import { type StompUserNeeds, userOf } from './stomp-user.ts';

/** What the steps of one flow share while they are compiled. */
export class StompScope {
  readonly #path: string;
  readonly #config: StompConfig;
  /** Settings that hold for every step. */
  readonly settings: StompSettings;
  /** What the steps compiled so far need of their virtual user. */
  readonly needs: StompUserNeeds = { keepsMessages: false, tagsHeaders: false };

  /** What the settings of the suite say. */
  readonly engine: EngineSettings;
  /** Latencies that the steps compiled so far can record. */
  readonly latencies = new Set<string>();
  /** What is sent by steps that nothing times. */
  readonly unmeasured = new Set<string>();

  /** `path` is that of the scenario, for errors. Throws SCENARIO_INVALID. */
  constructor(config: StompConfig, path: string, engine: EngineSettings) {
    this.#config = config;
    this.#path = path;
    this.engine = engine;
    this.settings = this.settingsOf({}, 'config.stomp');
  }

  settingsOf(step: Record<string, unknown>, place: string): StompSettings {
    try {
      return stompSettings(this.#config, step, this.engine);
    } catch (error) {
      if (error instanceof StompSettingsError) throw this.invalid(place, error.message);
      throw error;
    }
  }

  invalid(place: string, problem: string): Error {
    return tailgateError('SCENARIO_INVALID', { path: this.#path, problem: `${place}: ${problem}` });
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
    for (const given of Object.keys(said))
      if (!known.includes(given))
        throw this.invalid(place, `unknown key "${given}" in "${key}"; there are ${known.join(', ')}`);
    return said;
  }

  #asKeys(value: unknown, key: string, main: string | null, place: string): Record<string, unknown> {
    if (typeof value === 'string' && main !== null) return { [main]: value };
    if (value === true || value === null) return {};
    if (typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
    throw this.invalid(place, `"${key}: ${JSON.stringify(value)}" is not a mapping`);
  }

  /** A time of a step in milliseconds. */
  time(value: unknown, otherwise: number, place: string): number {
    if (value === undefined) return otherwise;
    const found = timeoutMs(value);
    if (found === null)
      throw this.invalid(place, `"${String(value)}" is no time; write seconds (5) or "500ms"`);
    return found;
  }
}

/** Rendered header values as text. */
export const texts = (values: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));

/** The open session of a virtual user, or null after the step failed for want of one. */
export const openClient = (
  context: VirtualUserContext,
  place: string,
  callback: StepCallback,
): StompClient | null => {
  const user = userOf(context);
  user.place = place;
  if (user.client?.connected === true) return user.client;
  failStep(
    user.lost ?? new StepFailure('not connected', 'the step needs a connection; put "connect" before it'),
    context,
    place,
    callback,
  );
  return null;
};

/** Ends a step as failed. The loss of the connection was recorded when it happened. */
export const failStep = (
  failure: unknown,
  context: VirtualUserContext,
  place: string,
  callback: StepCallback,
): void => {
  callback(failure === userOf(context).lost ? failure : recordFailure(failure, place), context);
};

/**
 * The name of the metrics of a destination: its last part that is not a template. `/app/location.{{ rider }}` and
 * `/app/location/{{ rider }}` are both `location`.
 */
export const destinationName = (destination: string): string => {
  const parts = destination
    .replace(/\{\{.*?\}\}/g, '')
    .split(/[/.]/)
    .map((part) => part.replace(/[^\w-]/g, ''))
    .filter((part) => /[a-z]/i.test(part));
  return parts.at(-1) ?? 'message';
};

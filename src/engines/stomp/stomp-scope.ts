import type { EngineSettings } from '../core/engine-settings.ts';
import type { StepCallback, VirtualUserContext } from '../core/flow/step.ts';
import { type NameWatch, nameWatch } from '../core/flow/watch-names.ts';
import { MessageScope } from '../core/message/message-scope.ts';
import { connectedUser } from '../core/message/message-user.ts';
import type { StompClient } from './stomp-client.ts';
import { type StompConfig, type StompSettings, StompSettingsError, stompSettings } from './stomp-settings.ts';
import { type StompUserNeeds, userOf } from './stomp-user.ts';

/** What the steps of one STOMP flow share while they are compiled. */
export class StompScope extends MessageScope {
  readonly #config: StompConfig;
  /** Settings that hold for every step. */
  readonly settings: StompSettings;
  /** Counts names of `config.stomp` that had no value. */
  readonly watch: NameWatch | null;
  readonly needs: StompUserNeeds = { keepsMessages: false, tagsHeaders: false };

  /** `path` is that of the scenario, for errors. Throws SCENARIO_INVALID. */
  constructor(config: StompConfig, path: string, engine: EngineSettings) {
    super(path, engine);
    this.#config = config;
    this.watch = nameWatch(config.stomp, 'config.stomp');
    this.settings = this.settingsOf({}, 'config.stomp');
  }

  get timeoutMs(): number {
    return this.settings.timeoutMs;
  }

  settingsOf(step: Record<string, unknown>, place: string): StompSettings {
    try {
      return stompSettings(this.#config, step, this.engine);
    } catch (error) {
      if (error instanceof StompSettingsError) throw this.invalid(place, error.message);
      throw error;
    }
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
): StompClient | null => (connectedUser(context, place, callback) === null ? null : userOf(context).client);

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

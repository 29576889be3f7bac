import { type EngineSettings, engineSettings } from './engine-settings.ts';
import type { StepSpec } from './flow/step.ts';
import type { MessageScope } from './message/message-scope.ts';
import type { MessageSteps } from './message/message-steps.ts';

/** What everybody but its own folder knows of an engine. */
export type EngineDescription = {
  /** As scenarios name it. */
  name: string;
  /** What it speaks, for readers, and the page of docs/ about it. */
  protocol: string;
  page: string;
  /** Whose steps and settings its scenarios are written in. */
  language: 'socketio' | 'ws' | 'stomp' | 'http';
  /** Its class, and the file of that from the root of the repository. */
  engine: { file: string; name: string };
  /**
   * Artillery's own engine whose place it takes, a module beside its runner; null for one that the runner loads as a
   * package, from a file of the bundle.
   */
  replaces: string | null;
  /** Modules that its packages ask for and that do not exist, with what takes their place, from the root. */
  aliases?: Readonly<Record<string, string>>;
  /** What its steps begin with, beside the steps that every engine has. */
  stepKeys: readonly string[];
  /** Latencies that each of its scenarios has. */
  latencies: readonly string[];
  /** Counters of its own: each starts at 0 in a scenario that uses the engine. */
  counters: readonly string[];
  /** What its steps do: emit events, send messages that it outlines itself, or make requests. */
  steps:
    | { kind: 'emits' }
    | {
        kind: 'messages';
        outline: OutlineStep;
        /** What to add to a message that nothing times, in short and at length. */
        advice: string;
        measuring: readonly string[];
      }
    | { kind: 'requests' };
};

/** What one step measures, told without running it. */
export type StepOutline = {
  /** Ids of the latencies that it can record. */
  latencies: string[];
  /** What it sends that nothing times. */
  unmeasured: string[];
};

type OutlineStep = (
  spec: StepSpec,
  given: {
    config: Record<string, unknown>;
    /** Its scenario, and the path of the file, for errors. */
    place: string;
    path: string;
    settings: Pick<EngineSettings, 'timeoutMs' | 'deliveries'>;
  },
) => StepOutline | null;

/**
 * Outlines steps (without those nested in them) of an engine for messages, under the suite's settings; null for a step
 * that is none of the engine's own. Throws SCENARIO_INVALID when the engine would refuse it.
 */
export const outlineMessages =
  <S extends MessageScope>(
    steps: MessageSteps<S>,
    scopeOf: (config: Record<string, unknown>, path: string, settings: EngineSettings) => S,
  ): OutlineStep =>
  (spec, { config, place, path, settings }) => {
    const scope = scopeOf(config, path, { ...engineSettings(), ...settings });
    if (steps.compile(spec, scope, place) === null) return null;
    return { latencies: [...scope.latencies], unmeasured: [...scope.unmeasured] };
  };

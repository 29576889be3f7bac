import { outlineStep, type StepOutline } from '../engines/core/step-outline.ts';
import { stompSteps } from '../engines/stomp/stomp-steps.ts';
import { wsSteps } from '../engines/ws/ws-steps.ts';
import { TailgateError } from '../errors.ts';
import type { MeasureSettings } from '../settings/settings-schema.ts';
import type { ReadScenario } from './read-scenario.ts';
import { emitDefaultsOf, type PlacedStep, scenarioSteps } from './scenario-steps.ts';
import { unknownStep } from './unknown-step.ts';

/** A step of a `ws` or `stomp` scenario, as its engine will read it under these settings. */
export type MessageStep = {
  step: PlacedStep;
  /** Null when the step is not valid; `problem` then says why. */
  outline: StepOutline | null;
  problem: string | null;
};

const isMessageEngine = (engine: string): engine is 'ws' | 'stomp' => engine === 'ws' || engine === 'stomp';

const ownKeys = { ws: wsSteps.keys, stomp: stompSteps.keys };

/** The engine's own steps of the `ws` and `stomp` scenarios. */
export const messageStepsOf = (
  scenario: Pick<ReadScenario, 'scenarios' | 'config' | 'path'>,
  measure: MeasureSettings,
): MessageStep[] => {
  const settings = { timeoutMs: measure.timeoutMs, deliveries: [...emitDefaultsOf(measure).rules] };
  const found: MessageStep[] = [];
  const refuse = (step: PlacedStep, problem: string) => {
    // A mistake in `config` is met at every step.
    if (!found.some((other) => other.problem === problem)) found.push({ step, outline: null, problem });
  };
  for (const step of scenarioSteps(scenario)) {
    const { engine, spec } = step;
    if (!isMessageEngine(engine)) continue;
    try {
      const outline = outlineStep(engine, spec, scenario.config, step.scenario, scenario.path, settings);
      if (outline !== null) found.push({ step, outline, problem: null });
      else {
        const unknown = unknownStep(step, ownKeys[engine]);
        if (unknown !== null) refuse(step, unknown);
      }
    } catch (error) {
      if (!(error instanceof TailgateError)) throw error;
      refuse(step, problemOf(error, scenario.path));
    }
  }
  return found;
};

/** The problem alone: the file is named by the error that is made of it. */
const problemOf = (error: TailgateError, path: string): string =>
  error.what.replace(`The scenario "${path}" is not valid: `, '');

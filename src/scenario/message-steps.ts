import type { StepOutline } from '../engines/core/engine-description.ts';
import { engineNamed } from '../engines/engine-registry.ts';
import { TailgateError } from '../errors.ts';
import type { MeasureSettings } from '../settings/settings-schema.ts';
import type { ReadScenario } from './read-scenario.ts';
import { deliveryRulesOf, type PlacedStep, scenarioSteps } from './scenario-steps.ts';
import { unknownStep } from './unknown-step.ts';

/** A step of a scenario that sends messages (`ws`, `stomp`), as its engine will read it under these settings. */
export type MessageStep = {
  step: PlacedStep;
  /** Null when the step is not valid; `problem` then says why. */
  outline: StepOutline | null;
  problem: string | null;
  /** What to add when nothing times it. */
  advice: string;
};

/** The engine's own steps of scenarios that send messages. */
export const messageStepsOf = (
  scenario: Pick<ReadScenario, 'scenarios' | 'config' | 'path'>,
  measure: MeasureSettings,
): MessageStep[] => {
  const settings = { timeoutMs: measure.timeoutMs, deliveries: deliveryRulesOf(measure) };
  const found: MessageStep[] = [];
  const refuse = (step: PlacedStep, problem: string) => {
    // A mistake in `config` is met at every step.
    if (!found.some((other) => other.problem === problem))
      found.push({ step, outline: null, problem, advice: '' });
  };
  for (const step of scenarioSteps(scenario)) {
    const engine = engineNamed(step.engine);
    if (engine?.steps.kind !== 'messages') continue;
    const { outline: outlineOf, advice } = engine.steps;
    try {
      const outline = outlineOf(step.spec, {
        config: scenario.config,
        place: step.scenario,
        path: scenario.path,
        settings,
      });
      if (outline !== null) found.push({ step, outline, problem: null, advice });
      else {
        const unknown = unknownStep(step, engine.stepKeys);
        if (unknown !== null) refuse(step, unknown.problem);
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

import { tailgateError } from '../../errors.ts';
import { engineSettings } from '../core/engine-settings.ts';
import { FlowEngine, type FlowScenario } from '../core/flow/flow-engine.ts';
import type { Step, StepSpec } from '../core/flow/step.ts';
import { DeliveryPlan } from './delivery-plan.ts';
import type { EmittingUserPlan } from './emitting-user.ts';

/** What the engines for Socket.IO have in common: their users emit events, and may get those of others. */
export abstract class EmittingEngine<Config, Scenario extends FlowScenario = FlowScenario> extends FlowEngine<
  Config,
  Scenario
> {
  protected readonly deliveries = new DeliveryPlan();

  /** What all virtual users of this script have in common. */
  protected get plan(): EmittingUserPlan {
    const { failureEvents } = engineSettings();
    return { timeoutMs: this.timeoutMs, failureEvents, deliveries: this.deliveries };
  }

  /** Makes what is wrong with a step SCENARIO_INVALID. */
  protected checked(
    compile: (spec: StepSpec, place: string) => Step | null,
  ): (spec: StepSpec, place: string) => Step | null {
    return (spec, place) => {
      try {
        return compile(spec, place);
      } catch (error) {
        const problem = `${place}: ${error instanceof Error ? error.message : String(error)}`;
        throw tailgateError('SCENARIO_INVALID', { path: this.script._scriptPath ?? '', problem }, {}, error);
      }
    };
  }
}

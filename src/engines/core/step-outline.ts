import { StompScope } from '../stomp/stomp-scope.ts';
import type { StompConfig } from '../stomp/stomp-settings.ts';
import { stompSteps } from '../stomp/stomp-steps.ts';
import { type WsConfig, WsScope } from '../ws/ws-scope.ts';
import { wsSteps } from '../ws/ws-steps.ts';
import type { EngineSettings } from './engine-settings.ts';
import { engineSettings } from './engine-settings.ts';
import type { StepSpec } from './flow/step.ts';

/** What one step of a `ws` or `stomp` scenario measures, told without running it. */
export type StepOutline = {
  /** Ids of the latencies that it can record. */
  latencies: string[];
  /** What it sends that nothing times. */
  unmeasured: string[];
};

/**
 * Outlines a step (without those nested in it) of the engine `ws` or `stomp`, under the suite's settings; null when the
 * step is none of that engine's own. Throws SCENARIO_INVALID when the engine would refuse it.
 */
export const outlineStep = (
  engine: 'ws' | 'stomp',
  spec: StepSpec,
  config: Record<string, unknown>,
  place: string,
  path: string,
  settings: Pick<EngineSettings, 'timeoutMs' | 'deliveries'>,
): StepOutline | null => {
  const given = { ...engineSettings(), ...settings };
  if (engine === 'ws') {
    const scope = new WsScope(config as WsConfig, path, true, given);
    return wsSteps.compile(spec, scope, place) === null ? null : outlined(scope);
  }
  const scope = new StompScope(config as StompConfig, path, given);
  return stompSteps.compile(spec, scope, place) === null ? null : outlined(scope);
};

const outlined = (scope: { latencies: Set<string>; unmeasured: Set<string> }): StepOutline => ({
  latencies: [...scope.latencies],
  unmeasured: [...scope.unmeasured],
});

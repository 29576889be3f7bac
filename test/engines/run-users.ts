import { EventEmitter } from 'node:events';
import {
  type EngineSettings,
  engineSettings,
  setEngineSettings,
} from '../../src/engines/core/engine-settings.ts';
import type { EngineEvents, VirtualUserContext } from '../../src/engines/core/flow/step.ts';
import { loadActivity } from '../../src/engines/core/load-activity.ts';
import { loadClock } from '../../src/engines/core/load-clock.ts';
import { recorder } from '../../src/engines/core/recorder.ts';
import { LatencySketch, type LatencySummary } from '../../src/metrics/latency-sketch.ts';
import type { AnswerUse, ErrorRecord, NameUse, UnheardEvent } from '../../src/metrics/round-measurement.ts';

type Engine = {
  init(): Promise<void>;
  createScenario(
    spec: Record<string, unknown>,
    ee: EngineEvents,
  ): (
    context: VirtualUserContext,
    callback: (error: unknown, context?: VirtualUserContext) => void,
  ) => unknown;
};

export type UsersResult = {
  /** What each virtual user ended with, in the order of their numbers; null for those that completed. */
  ends: unknown[];
  contexts: VirtualUserContext[];
  metrics: Record<string, LatencySummary>;
  counters: Record<string, number>;
  errors: ErrorRecord[];
  unmeasured: { event: string; step: string; count: number }[];
  warnings: string[];
  answers: AnswerUse[];
  unheard: UnheardEvent[];
  nameUses: NameUse[];
};

/**
 * Runs virtual users through a flow with an engine as it is, without Artillery's runner, and gives what was measured.
 * `vars` are the variables of each virtual user, `scenario` what stands beside the flow.
 */
export const runUsers = async (
  Engine: new (script: unknown) => Engine,
  config: Record<string, unknown>,
  flow: unknown[],
  vars: Record<string, unknown>[] = [{}],
  settings: Partial<EngineSettings> = {},
  scenario: Record<string, unknown> = {},
): Promise<UsersResult> => {
  recorder.reset();
  setEngineSettings({ ...engineSettings(), deliveries: [], jwt: null, ...settings });
  loadClock.resume();
  const engine = new Engine({ config, _scriptPath: '/scenarios/test.yml' });
  await engine.init();
  const run = engine.createScenario({ name: 'test', ...scenario, flow }, new EventEmitter());
  const contexts: VirtualUserContext[] = [];
  const ends = await Promise.all(
    vars.map(
      (own, index) =>
        new Promise<unknown>((resolve) => {
          contexts[index] = { vars: { target: config.target, $user: index, ...own }, funcs: {} };
          run(contexts[index], (error) => resolve(error ?? null));
        }),
    ),
  );
  await loadActivity.end(10_000);
  // Lets go of the timer of waits that were given up, which would hold the process.
  loadClock.pause();
  const { metrics, counters, errors, unmeasured, warnings, answers, unheard, nameUses } = recorder.snapshot();
  return {
    ends,
    contexts,
    metrics: Object.fromEntries(
      Object.entries(metrics).map(([id, sketch]) => [id, LatencySketch.fromJSON(sketch).summary()]),
    ),
    counters,
    errors,
    unmeasured,
    warnings,
    answers: answers ?? [],
    unheard: unheard ?? [],
    nameUses: nameUses ?? [],
  };
};

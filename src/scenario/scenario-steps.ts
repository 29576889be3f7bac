import type { EngineSettings } from '../engines/core/engine-settings.ts';
import { isEmitting } from '../engines/engine-registry.ts';
import { type EmitDefaults, type EmitSpec, parseEmit } from '../engines/socketio/emit-spec.ts';
import { checkPackageStep } from '../engines/socketio-v3/socketio-v3-description.ts';
import type { MeasureSettings } from '../settings/settings-schema.ts';
import type { ReadScenario } from './read-scenario.ts';
import type { ScenarioPath } from './scenario-positions.ts';
import { isMapping, type ScenarioSpec } from './script.ts';

/** One step of a flow, wherever it is nested. */
export type PlacedStep = {
  spec: Record<string, unknown>;
  place: ScenarioPath;
  engine: string;
  /** Name of its scenario, or its number; `before` and `after` for the hooks. */
  scenario: string;
};

/** Every step of the scenarios, without the hooks, in the order of the file. */
export function* scenarioSteps(scenario: Pick<ReadScenario, 'scenarios' | 'config'>): Generator<PlacedStep> {
  const fallback = (scenario.config.engine as string | undefined) ?? 'http';
  for (const [index, spec] of scenario.scenarios.entries())
    yield* stepsIn(
      spec.flow,
      ['scenarios', index, 'flow'],
      spec.engine ?? fallback,
      spec.name ?? `scenario ${index + 1}`,
    );
}

/** Every step of the script, the hooks included. */
export function* allSteps(
  scenario: Pick<ReadScenario, 'scenarios' | 'config' | 'script'>,
): Generator<PlacedStep> {
  yield* scenarioSteps(scenario);
  for (const hook of ['before', 'after'] as const) {
    const spec: ScenarioSpec | undefined = scenario.script[hook];
    if (spec !== undefined) yield* stepsIn(spec.flow, [hook, 'flow'], spec.engine ?? 'http', hook);
  }
}

/** An `emit` step of a Socket.IO scenario, as its engine will read it under these settings. */
export type Emit = {
  step: PlacedStep;
  /** Null when the step is not valid; `problem` then says why. */
  spec: EmitSpec | null;
  problem: string | null;
  /** Event; null when it is a template, so that only the run can tell. */
  event: string | null;
  /** Ids of the latencies that it can have. */
  latencies: string[];
};

/** Reads an `emit` step. */
export const readEmit = (step: PlacedStep, defaults: EmitDefaults): Emit => {
  let spec: EmitSpec;
  try {
    if (step.engine === 'socketio-v3') checkPackageStep(step.spec);
    spec = parseEmit(step.spec, defaults);
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { step, spec: null, problem, event: null, latencies: [] };
  }
  const latencies = [
    ...(spec.acknowledge !== null || spec.isObserved ? [spec.ackMetric] : []),
    ...(spec.response !== null ? [spec.responseMetric] : []),
    ...(spec.delivery !== null ? [spec.deliveryMetric] : []),
  ];
  return {
    step,
    spec,
    problem: null,
    event: spec.event.includes('{{') ? null : spec.event,
    latencies: spec.isMeasured ? latencies : [],
  };
};

/** What the settings say of the emits of a suite. */
export const emitDefaultsOf = (measure: MeasureSettings): EmitDefaults => ({
  observe: measure.acknowledgements,
  refusals: measure.refusals,
  rules: deliveryRulesOf(measure),
});

/** The deliveries of a suite, each with what its settings leave out. */
export const deliveryRulesOf = ({ deliveries }: MeasureSettings): EngineSettings['deliveries'] =>
  deliveries.map((delivery) => ({
    send: delivery.send,
    receive: delivery.receive ?? delivery.send,
    sentPath: delivery.sentPath,
    receivedPath: delivery.receivedPath ?? delivery.sentPath,
    includesSender: delivery.includesSender,
    join: delivery.join ?? null,
    leave: delivery.leave ?? null,
  }));

/** The `emit` steps of the Socket.IO scenarios. */
export const emitsOf = (
  scenario: Pick<ReadScenario, 'scenarios' | 'config'>,
  measure: MeasureSettings,
): Emit[] => {
  const defaults = emitDefaultsOf(measure);
  return [...scenarioSteps(scenario)]
    .filter(({ spec, engine }) => isEmitting(engine) && spec.emit !== undefined && spec.emit !== null)
    .map((step) => readEmit(step, defaults));
};

function* stepsIn(
  flow: unknown,
  place: ScenarioPath,
  engine: string,
  scenario: string,
): Generator<PlacedStep> {
  if (!Array.isArray(flow)) return;
  for (const [index, spec] of flow.entries()) {
    const at = [...place, index];
    // YAML anchors of several steps make nested lists.
    if (Array.isArray(spec)) yield* stepsIn(spec, at, engine, scenario);
    if (!isMapping(spec)) continue;
    yield { spec, place: at, engine, scenario };
    for (const nested of ['loop', 'parallel'])
      yield* stepsIn(spec[nested], [...at, nested], engine, scenario);
  }
}

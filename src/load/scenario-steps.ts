import type { ReadScenario, ScenarioSpec } from './read-scenario.ts';
import type { ScenarioPath } from './scenario-source.ts';

/** One step of a flow, wherever it is nested. */
export type PlacedStep = {
  spec: Record<string, unknown>;
  place: ScenarioPath;
  engine: string;
  /** Name of its scenario, or its number; `before` and `after` for the hooks. */
  scenario: string;
};

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

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

/** What an `emit` step sends and what its author waits for. */
export type Emit = {
  /** Event; null when it is a template, so that only the run can tell. */
  event: string | null;
  /** Waits for an acknowledgement. */
  acknowledged: boolean;
  /** Event that answers it at the same user. */
  response: string | null;
  /** Carries `{{ $tag }}`, so that its deliveries are measured. */
  tagged: boolean;
  step: PlacedStep;
};

const eventOf = (emit: unknown): string | null => {
  const event = Array.isArray(emit) ? emit[0] : isMapping(emit) ? (emit.channel ?? emit.event) : emit;
  return typeof event === 'string' && !event.includes('{{') ? event : null;
};

/** The `emit` steps of Socket.IO scenarios. */
export const emitsOf = (scenario: Pick<ReadScenario, 'scenarios' | 'config'>): Emit[] =>
  [...scenarioSteps(scenario)].flatMap((step) => {
    const { emit } = step.spec;
    if (emit === undefined || emit === null || !step.engine.startsWith('socketio')) return [];
    const inner = isMapping(emit) ? emit : {};
    const response = step.spec.response ?? inner.response;
    const channel = isMapping(response) ? (response.channel ?? response.on) : response;
    return [
      {
        event: eventOf(emit),
        acknowledged: (step.spec.acknowledge ?? inner.acknowledge) !== undefined,
        response: response === undefined ? null : typeof channel === 'string' ? channel : '',
        tagged: /\{\{\s*\$tag\s*\}\}/.test(JSON.stringify(emit) ?? ''),
        step,
      },
    ];
  });

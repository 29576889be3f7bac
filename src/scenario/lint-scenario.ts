import { engineNamed, isEmitting } from '../engines/engine-registry.ts';
import { isHttpStep } from '../engines/http/http-methods.ts';
import { emitKeys, unknownKeys } from '../engines/socketio/emit-spec.ts';
import { type TailgateError, tailgateError } from '../errors.ts';
import { nearestName } from '../metrics/nearest-name.ts';
import type { MeasureSettings } from '../settings/settings-schema.ts';
import { type MessageStep, messageStepsOf } from './message-steps.ts';
import type { ReadScenario } from './read-scenario.ts';
import type { ScenarioPath } from './scenario-positions.ts';
import { positionsIn } from './scenario-positions.ts';
import { allSteps, type Emit, emitsOf, scenarioSteps } from './scenario-steps.ts';
import { unknownStep } from './unknown-step.ts';

/** Something that runs, but not as its author will have meant. */
export type ScenarioWarning = { message: string; file: string; line?: number | undefined };

export type LintResult = {
  /** What makes the scenario not worth running. */
  problems: TailgateError[];
  warnings: ScenarioWarning[];
};

/** Whether a time is a fraction without a unit, which Artillery takes for milliseconds. */
const isFraction = (value: unknown): boolean =>
  (typeof value === 'number' || (typeof value === 'string' && value.trim() !== '')) &&
  Number.isFinite(Number(value)) &&
  !Number.isInteger(Number(value));

/** Whether the scenario's own code reports metrics, which nothing but running it could list. */
const reportsItself = (scenario: ReadScenario): boolean =>
  /emit\(\s*['"`](histogram|summary|customStat)/.test(scenario.processorText ?? '');

/** Settings that would measure these events, as they stand in tailgate.yml: emits are acknowledged, messages arrive. */
const linesFor = (emitted: readonly string[], sent: readonly string[]): string =>
  [
    'measure:',
    ...(sent.length > 0 && emitted.length === 0
      ? []
      : [`  acknowledgements: ${emitted.length > 0 ? `[${emitted.join(', ')}]` : 'all'}`]),
    ...(sent.length > 0 ? ['  deliveries:'] : []),
    ...sent.map((name) => `    - { send: ${name}, receive: ${name}, sentPath: text }`),
  ].join('\n');

const thinkWarnings = (scenario: ReadScenario): { place: ScenarioPath; message: string }[] =>
  [...allSteps(scenario)]
    .filter(({ spec }) => isFraction(spec.think))
    .map(({ spec, place }) => {
      const think = String(spec.think);
      const wanted = Math.round(Number(think) * 1_000);
      return {
        place: [...place, 'think'],
        message: `"think: ${think}" lasts ${think} milliseconds: Artillery reads a fraction without a unit so. Write "${wanted}ms" for ${think} seconds.`,
      };
    });

/** Artillery merges the phases of an environment into those of `config` one by one, so the longer list shows through. */
const phaseWarnings = (scenario: ReadScenario): { place: ScenarioPath; message: string }[] => {
  const { environment } = scenario;
  const config = scenario.content.config as
    | { phases?: unknown; environments?: Record<string, { phases?: unknown } | undefined> }
    | undefined;
  if (environment === null || !Array.isArray(config?.phases)) return [];
  const own = config.environments?.[environment]?.phases;
  if (!Array.isArray(own) || own.length >= config.phases.length) return [];
  return [
    {
      place: ['config', 'environments', environment, 'phases'],
      message: `The environment "${environment}" has ${own.length} phase(s) and "config.phases" has ${config.phases.length}: Artillery merges them one by one, so phase ${own.length + 1} and later still run. Keep the phases in environments only.`,
    },
  ];
};

const unmeasuredWarnings = (emits: readonly Emit[]): { place: ScenarioPath; message: string }[] => {
  const seen = new Set<string | null>();
  return emits
    .filter((emit) => emit.latencies.length === 0 && emit.spec?.isMeasured === true)
    .filter((emit) => {
      if (seen.has(emit.event)) return false;
      seen.add(emit.event);
      return true;
    })
    .map((emit) => ({
      place: emit.step.place,
      message: `Nothing answers this emit${emit.event === null ? '' : ` of "${emit.event}"`}, so it is counted and has no latency. If the server acknowledges it, add "${emit.event ?? '<event>'}" to "measure.acknowledgements".`,
    }));
};

const suggestion = (key: string): string => {
  const meant = nearestName(key, emitKeys);
  return meant === undefined ? '' : ` Did you mean "${meant}"?`;
};

/** Keys of an emit that its engine does not know, and tags that no receiver is watched for. */
const emitWarnings = (emits: readonly Emit[]): { place: ScenarioPath; message: string }[] =>
  emits.flatMap(({ spec, step }) => {
    if (spec === null) return [];
    const unknown = unknownKeys(step.spec).map((key) => ({
      place: [...step.place, key],
      message: `"${key}" means nothing in a step that emits.${suggestion(key)}`,
    }));
    const isTagged = spec.outgoing.names.has('$tag');
    if (!isTagged || spec.delivery !== null) return unknown;
    const message = `The payload has {{ $tag }}, but nothing says which event its receivers get. Add "delivery: ${spec.event}" (the event that arrives) to the step.`;
    return [...unknown, { place: step.place, message }];
  });

/** Messages of `ws` and `stomp` scenarios that nothing times, with what would time them. */
const messageWarnings = (steps: readonly MessageStep[]): { place: ScenarioPath; message: string }[] =>
  steps.flatMap(({ step, outline, advice }) =>
    (outline?.unmeasured ?? []).map((name) => ({
      place: step.place,
      message: `Nothing answers this message ("${name}"), so it is counted and has no latency. ${advice}`,
    })),
  );

/** Whether messages of `ws` and `stomp` scenarios are timed; how long connecting takes is not what they are for. */
const timesMessages = (steps: readonly MessageStep[]): boolean =>
  steps.some(({ outline }) => (outline?.latencies ?? []).some((id) => !/^connect\.|subscribe\./.test(id)));

/** Whether anything but emits and messages gives a latency: HTTP requests, or engines of others. */
const measuresOtherwise = (scenario: ReadScenario): boolean =>
  [...scenarioSteps(scenario)].some(
    ({ spec, engine }) => isHttpStep(spec) || (engineNamed(engine)?.steps.kind ?? 'requests') === 'requests',
  );

/**
 * Finds what will run but not as meant, and whether the scenario measures anything at all. Pure: reads what
 * `readScenario` gave and nothing else. Problems are SCENARIO_INVALID for steps that
 * their engine would refuse, and SCENARIO_MEASURES_NOTHING, with the lines to add.
 */
export const lintScenario = (scenario: ReadScenario, measure: MeasureSettings): LintResult => {
  const positionOf =
    scenario.text === '' ? () => ({ file: scenario.path }) : positionsIn(scenario.path, scenario.text);
  const emits = emitsOf(scenario, measure);
  const messages = messageStepsOf(scenario, measure);
  const unknown = [...scenarioSteps(scenario)]
    .filter(({ engine }) => isEmitting(engine))
    .map((step) => ({ step, problem: unknownStep(step, engineNamed(step.engine)!.stepKeys) }));
  const problems = [...emits, ...messages, ...unknown].flatMap(({ problem, step }) =>
    problem === null
      ? []
      : [tailgateError('SCENARIO_INVALID', { path: scenario.path, problem }, positionOf(step.place))],
  );
  const untimed = messages.filter(({ outline }) => (outline?.unmeasured.length ?? 0) > 0);
  const measuresNothing =
    problems.length === 0 &&
    emits.length + untimed.length > 0 &&
    !emits.some((emit) => emit.latencies.length > 0) &&
    !timesMessages(messages) &&
    !measuresOtherwise(scenario) &&
    !reportsItself(scenario);
  if (measuresNothing) {
    const emitted = [...new Set(emits.flatMap(({ event }) => event ?? []))];
    const sent = [...new Set(untimed.flatMap(({ outline }) => outline!.unmeasured))];
    problems.push(
      tailgateError(
        'SCENARIO_MEASURES_NOTHING',
        { path: scenario.path, events: [...emitted, ...sent], lines: linesFor(emitted, sent) },
        positionOf((emits[0] ?? untimed[0]!).step.place),
      ),
    );
  }
  const found = [
    ...thinkWarnings(scenario),
    ...phaseWarnings(scenario),
    ...emitWarnings(emits),
    ...(measuresNothing ? [] : [...unmeasuredWarnings(emits), ...messageWarnings(messages)]),
  ];
  const warnings = found.map(({ place, message }) => {
    const { file, line } = positionOf(place) as { file?: string; line?: number };
    return { message, file: file ?? scenario.path, line };
  });
  return { problems, warnings };
};

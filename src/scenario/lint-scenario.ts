import { noTime, timeoutMs } from '../engines/core/flow/timeout.ts';
import { engineNamed, isEmitting } from '../engines/engine-registry.ts';
import { httpMethods, isHttpStep } from '../engines/http/http-methods.ts';
import { type SourcePosition, type TailgateError, tailgateError } from '../errors.ts';
import type { MeasureSettings } from '../settings/settings-schema.ts';
import { checkLanguage, isWithin } from './check-language.ts';
import { checkTemplates, type TemplateNames, unbracedCalls, unquotedTemplates } from './check-templates.ts';
import { type MessageStep, messageStepsOf } from './message-steps.ts';
import { packageWarnings } from './package-warnings.ts';
import type { ReadScenario } from './read-scenario.ts';
import { type ScenarioPath, type ScenarioPositions, scenarioPositions } from './scenario-positions.ts';
import { allSteps, type Emit, emitsOf, type PlacedStep, scenarioSteps } from './scenario-steps.ts';
import { isMapping } from './script.ts';
import { unknownStep } from './unknown-step.ts';

/** What is to be said of a part of the file. */
type Finding = { place: ScenarioPath; message: string };

/** Something that runs, but not as its author will have meant. */
export type ScenarioWarning = { message: string; file: string; line?: number | undefined };

export type LintResult = {
  /** What makes the scenario not worth running. */
  problems: TailgateError[];
  warnings: ScenarioWarning[];
};

/** What the settings and the machine know of a scenario, beside its file. */
export type LintContext = TemplateNames & {
  /** Metrics that the limits name, and the main one if it is set. */
  wanted: readonly string[];
};

const noContext: LintContext = { variables: [], hasToken: true, env: process.env, wanted: [] };

/** Keys by which a step waits for something; one that stands at the wrong place is why nothing is measured. */
const measuringKeys = new Set(['acknowledge', 'response', 'delivery', 'receipt']);

/** A scenario written as code has no positions. */
const noPositions: ScenarioPositions = { positionOf: () => ({}), holdsAnchor: () => false };

/**
 * Finds keys and templates that do nothing, what will run but not as meant, and whether the scenario measures anything
 * at all. Pure: reads what `readScenario` gave and `context`. Problems are SCENARIO_INVALID for keys that nothing reads
 * and steps that their engine would refuse, SCENARIO_TEMPLATE_EMPTY, and SCENARIO_MEASURES_NOTHING, with what to add.
 */
export const lintScenario = (
  scenario: ReadScenario,
  measure: MeasureSettings,
  context: LintContext = noContext,
): LintResult => {
  const { path, text } = scenario;
  const positions = text === '' ? noPositions : scenarioPositions(path, text);
  const positionOf = (place: ScenarioPath): SourcePosition & { file: string } => ({
    ...positions.positionOf(place),
    file: path,
  });
  const invalid = (place: ScenarioPath, problem: string): TailgateError =>
    tailgateError('SCENARIO_INVALID', { path, problem }, positionOf(place));
  /** The same mistake at several places is told once, with its lines. */
  const onceEach = (found: readonly Finding[]): Finding[] =>
    found.flatMap((first) => {
      const { place, message } = first;
      const all = found.filter((one) => one.message === message);
      if (all[0] !== first) return [];
      const [own, ...lines] = new Set(all.map((one) => positionOf(one.place).line));
      if (own === undefined || lines.length === 0) return first;
      return {
        place,
        message: `${message}${/[.?]$/.test(message) ? '' : '.'} Also in ${named(lines)}.`,
      };
    });

  const language = checkLanguage(scenario.content, positions.holdsAnchor);
  const refused = language.filter(({ level }) => level === 'error');
  const unquoted = [...unquotedTemplates(scenario.content)].map((place) => {
    const template = unquotedAt(text, positionOf(place));
    return invalid(
      place,
      `${template} has no quotes, so YAML reads a mapping. Write it in quotes: "${template}".`,
    );
  });
  const templatePosition = (place: ScenarioPath): SourcePosition =>
    place[0] === 'overrides' ? scenario.overridePlace(place.slice(1)) : positionOf(place);
  const templates = checkTemplates(scenario, context).map(({ place, alsoAt, problem, fix }) => {
    const where = templatePosition(place);
    const lines = [...new Set(alsoAt.map((other) => templatePosition(other).line))].filter(
      (line) => line !== undefined && line !== where.line,
    );
    const also = lines.length === 0 ? '' : `, also in ${named(lines)}`;
    return tailgateError('SCENARIO_TEMPLATE_EMPTY', { path, problem: `${problem}${also}`, fix }, where);
  });

  const emits = emitsOf(scenario, measure);
  const messages = messageStepsOf(scenario, measure);
  const unknown = unknownSteps(scenario);
  const untimely = timeoutProblems(scenario);
  const problems = [
    ...onceEach(refused).map(({ place, message }) => invalid(place, message)),
    ...unquoted,
    // A step that is not understood may have been meant to set the name.
    ...(unknown.length > 0 || messages.some(({ problem }) => problem !== null) ? [] : templates),
    ...onceEach(
      [...emits, ...messages, ...unknown, ...untimely].flatMap(({ problem, step }) =>
        // What is wrong with a key of the step is told above, with its line.
        problem === null ||
        refused.some(
          ({ place }) => isWithin(place, step.place) || problem.includes(`unknown key "${place.at(-1)}"`),
        )
          ? []
          : [{ place: step.place, message: text === '' ? placed(step, problem) : problem }],
      ),
    ).map(({ place, message }) => invalid(place, message)),
  ];
  const untimed = messages.filter(({ outline }) => (outline?.unmeasured.length ?? 0) > 0);
  const measuresNothing =
    problems.length === 0 &&
    emits.length + untimed.length > 0 &&
    !emits.some((emit) => emit.latencies.length > 0) &&
    !timesMessages(messages) &&
    !measuresOtherwise(scenario) &&
    !reportsItself(scenario) &&
    !context.wanted.some((metric) => /^(connect\.|session\.length$)/.test(metric));
  // What keeps everything from being measured is the mistake, and told once.
  const promoted = measuresNothing
    ? language.filter(({ place }) => measuringKeys.has(String(place.at(-1))))
    : [];
  if (measuresNothing) {
    if (promoted.length > 0)
      problems.push(...onceEach(promoted).map(({ place, message }) => invalid(place, message)));
    else
      problems.push(
        tailgateError(
          'SCENARIO_MEASURES_NOTHING',
          {
            path,
            events: [
              ...new Set([
                ...emits.flatMap(({ event }) => event ?? []),
                ...untimed.flatMap(({ outline }) => outline!.unmeasured.filter(isName)),
              ]),
            ],
            what: emits.length > 0 ? 'emit' : 'message',
            advice: measuringAdvice(emits, untimed),
          },
          positionOf((emits[0] ?? untimed[0]!).step.place),
        ),
      );
  }
  const found = [
    ...thinkWarnings(scenario),
    ...timeoutWarnings(scenario),
    ...phaseWarnings(scenario),
    ...payloadWarnings(scenario),
    ...settingsWarnings(scenario),
    ...pluginWarnings(scenario),
    ...addressWarnings(scenario),
    ...packageWarnings(scenario),
    ...[...unbracedCalls(scenario.content)].map(({ place, call }) => ({
      place,
      message: `"${call}" is no template, so it is used as it stands. Write "{{ ${call} }}".`,
    })),
    ...tagWarnings(emits),
    ...language.filter((one) => one.level === 'warning' && !promoted.includes(one)),
    ...(measuresNothing ? [] : [...unmeasuredWarnings(emits), ...messageWarnings(messages)]),
  ];
  const warnings = onceEach(found).map(({ place, message }) => {
    const { file, line } = positionOf(place);
    return { message, file, line };
  });
  return { problems, warnings };
};

const named = (lines: readonly (number | undefined)[]): string =>
  `${lines.length === 1 ? 'line' : 'lines'} ${lines.join(', ')}`;

/** A scenario written as code has no lines: its name says where. */
const placed = ({ scenario }: PlacedStep, problem: string): string =>
  problem.startsWith(`${scenario}: `) ? problem : `${scenario}: ${problem}`;

/** The template at a place, as it was written. */
const unquotedAt = (text: string, { line = 1, column = 1 }: SourcePosition): string => {
  const written = text.split('\n')[line - 1] ?? '';
  return (/\{\{.*?\}\}/.exec(written.slice(column - 1)) ?? /\{\{.*?\}\}/.exec(written))?.[0] ?? 'A template';
};

/** Steps that no engine knows. Those of a scenario that does not name its engine are so for one reason: the first is told. */
function unknownSteps(scenario: ReadScenario): { step: PlacedStep; problem: string }[] {
  const steps = [...allSteps(scenario)];
  const scenarioOf = ({ place }: PlacedStep) => place.slice(0, place.indexOf('flow')).join('.');
  const found = steps.flatMap((step) => {
    if (step.engine !== 'http' && !isEmitting(step.engine)) return [];
    const flow = steps.filter((other) => scenarioOf(other) === scenarioOf(step));
    const unknown = unknownStep(step, engineNamed(step.engine)?.stepKeys ?? [], flow);
    return unknown === null ? [] : [{ step, ...unknown }];
  });
  return found.filter(
    ({ step, lacksEngine }, index) =>
      !lacksEngine ||
      found.findIndex((other) => other.lacksEngine && scenarioOf(other.step) === scenarioOf(step)) === index,
  );
}

/** Timeouts that are none: of steps over Socket.IO that nothing else reads before the run, and of all their waits. */
function timeoutProblems(scenario: ReadScenario): { step: PlacedStep; problem: string }[] {
  const steps = [...allSteps(scenario)].filter(({ engine }) => isEmitting(engine));
  const { timeout } = scenario.config;
  const general = { spec: { timeout }, place: ['config', 'timeout'], engine: '', scenario: 'config' };
  const waiting = steps.filter(
    ({ spec }) =>
      spec.emit === undefined && ['response', 'connect', 'reconnect'].some((key) => spec[key] !== undefined),
  );
  return (steps.length > 0 ? [general, ...waiting] : []).flatMap((step) =>
    step.spec.timeout === undefined || timeoutMs(step.spec.timeout) !== null
      ? []
      : [{ step, problem: noTime(`timeout: ${String(step.spec.timeout)}`) }],
  );
}

/** Whether anything but emits and messages gives a latency: HTTP requests, or engines of others. */
function measuresOtherwise(scenario: ReadScenario): boolean {
  return [...scenarioSteps(scenario)].some(
    ({ spec, engine }) => isHttpStep(spec) || (engineNamed(engine)?.steps.kind ?? 'requests') === 'requests',
  );
}

/** Whether messages of `ws` and `stomp` scenarios are timed; how long connecting takes is not what they are for. */
function timesMessages(steps: readonly MessageStep[]): boolean {
  return steps.some(({ outline }) =>
    (outline?.latencies ?? []).some((id) => !/^connect\.|subscribe\./.test(id)),
  );
}

/** Whether a message has a name of its own in the metrics: a type, a destination. */
function isName(name: string): boolean {
  return name !== 'message';
}

/** Messages of `ws` and `stomp` scenarios that nothing times, with what would time them. */
function messageWarnings(steps: readonly MessageStep[]): Finding[] {
  return steps.flatMap(({ step, outline, advice }) =>
    (outline?.unmeasured ?? []).map((name) => ({
      place: step.place,
      message: `Nothing answers this message${isName(name) ? ` ("${name}")` : ''}, so it is counted and has no latency. ${advice}`,
    })),
  );
}

/**
 * `send: { payload }` is Artillery's form for a message with a capture; without one the mapping itself is sent. Nor does
 * a mapping with one field that is JSON in text mean that text.
 */
function payloadWarnings(scenario: ReadScenario): Finding[] {
  return [...allSteps(scenario)].flatMap(({ spec: { send }, engine, place }) => {
    if (engine !== 'ws' || !isMapping(send)) return [];
    const [[key, value] = ['', null], ...others] = Object.entries(send);
    const isText = typeof value === 'string' && /^\s*[[{]/.test(value) && !value.startsWith('{{');
    const isJson = key === 'json' && typeof value === 'object';
    if (others.length > 0 || (key !== 'payload' && !isText && !isJson)) return [];
    const reason =
      key === 'payload'
        ? 'without "capture" or "match", "payload" is a field like any other'
        : isJson
          ? '"json" is a field like any other'
          : `its one field holds JSON as text`;
    return [
      {
        place: [...place, 'send'],
        message: `The message is sent as {"${key}": ...}: ${reason}. Write the message itself after "send:".`,
      },
    ];
  });
}

/** Settings of `config` for what no scenario of the file does. */
function settingsWarnings(scenario: ReadScenario): Finding[] {
  const { config } = scenario.content;
  const used = scenario.engines.map(engineNamed);
  // An engine or a plugin of others may read any of them.
  if (!isMapping(config) || used.includes(undefined)) return [];
  const languages = used.map((engine) => engine!.language);
  // Connections of STOMP are WebSockets, with the headers and options of those.
  const readBy = { socketio: ['socketio'], ws: ['ws', 'stomp'], stomp: ['stomp'] } as const;
  const unused = (['socketio', 'ws', 'stomp'] as const)
    .filter(
      (language) =>
        config[language] !== undefined && !readBy[language].some((reader) => languages.includes(reader)),
    )
    .map((language) => ({
      place: ['config', language],
      message: `"config.${language}" is for scenarios with "engine: ${language}", and there is none.`,
    }));
  const makesRequests = [...allSteps(scenario)].some(({ spec }) => isHttpStep(spec));
  const headersOf = languages.includes('socketio') ? 'config.socketio.extraHeaders' : 'config.ws.headers';
  const headers = [
    ['config', 'defaults', 'headers'],
    ['config', 'http', 'defaults', 'headers'],
  ]
    .filter((place) => !makesRequests && valueAt(scenario.content, place) !== undefined)
    .map((place) => ({
      place,
      message: `"${place.join('.')}" is for HTTP requests, and there are none. Headers of connections are "${headersOf}".`,
    }));
  return [...unused, ...headers];
}

/**
 * Steps that name a server themselves: a connection to any other, and requests to the address of the target, which is where
 * the author's own server was.
 */
function addressWarnings(scenario: ReadScenario): Finding[] {
  const { config } = scenario.content;
  const own = isMapping(config) ? addressOf(config.target)?.host : undefined;
  return [...allSteps(scenario)].flatMap(({ spec, engine, place }) => {
    const isMessages = engineNamed(engine)?.steps.kind === 'messages';
    const connect = isMapping(spec.connect) ? (spec.connect.target ?? spec.connect.url) : spec.connect;
    const requests = httpMethods.flatMap((method) => {
      const request = spec[method];
      const url = isMapping(request) ? addressOf(request.url ?? request.uri) : null;
      return url !== null && url.host === own ? [{ key: method, url }] : [];
    });
    const url = isMessages ? addressOf(connect) : null;
    return [...(url === null ? [] : [{ key: 'connect', url }]), ...requests].map(
      ({ key, url: { host, path } }) => ({
        place: [...place, key],
        message: `This goes to "${host}", whatever server is under test. For that one, write the path alone: "${path}".`,
      }),
    );
  });
}

/** Host and path of an address that names its server; null for a path, and for one that a template begins. */
function addressOf(value: unknown): { host: string; path: string } | null {
  const written = typeof value === 'string' ? value : '';
  // What follows may be a credential, and is not repeated.
  const [, host, path, query] =
    /^(?:ws|http)s?:\/\/(?:[^/@]*@)?([^/?#{}]+)(\/[^?]*)?(\?.*)?$/is.exec(written) ?? [];
  if (host === undefined) return null;
  return { host: host.toLowerCase(), path: `${path ?? '/'}${query === undefined ? '' : '?...'}` };
}

/** What is written for a plugin that the file does not load, so that nothing reads it. */
function pluginWarnings(scenario: ReadScenario): Finding[] {
  const isLoaded = (name: string) => !!scenario.config.plugins?.[name];
  const inConfig = pluginSettings
    .filter((name) => scenario.script.config[name] !== undefined && !isLoaded(name))
    .map((name) => ({ place: ['config', name], what: `"config.${name}"`, name }));
  const expectations = [...allSteps(scenario)].flatMap(({ spec, place }) =>
    httpMethods.flatMap((method) => {
      const request = spec[method];
      return isMapping(request) && request.expect !== undefined && !isLoaded('expect')
        ? [{ place: [...place, method, 'expect'], what: '"expect"', name: 'expect' }]
        : [];
    }),
  );
  return [...inConfig, ...expectations].map(({ place, what, name }) => ({
    place,
    message: `${what} is for the plugin "${name}", which this file does not load, so it does nothing. Add "plugins: { ${name}: {} }" to "config".`,
  }));
}

/** Plugins of Artillery's that check something, and may have their settings in `config` itself. */
const pluginSettings = ['ensure', 'expect', 'apdex'] as const;

function valueAt(content: unknown, place: ScenarioPath): unknown {
  return place.reduce((value, key) => (isMapping(value) ? value[key] : undefined), content);
}

/** Tags that no receiver is watched for. */
function tagWarnings(emits: readonly Emit[]): Finding[] {
  return emits.flatMap(({ spec, step }) =>
    spec === null || !spec.outgoing.names.has('$tag') || spec.delivery !== null
      ? []
      : [
          {
            place: step.place,
            message: `The payload has {{ $tag }}, but nothing says which event its receivers get. Add "delivery: ${spec.event}" (the event that arrives) to the step.`,
          },
        ],
  );
}

function unmeasuredWarnings(emits: readonly Emit[]): Finding[] {
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
}

/** Artillery merges the phases of an environment into those of `config` one by one, so the longer list shows through. */
function phaseWarnings(scenario: ReadScenario): Finding[] {
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
}

function thinkWarnings(scenario: ReadScenario): Finding[] {
  return [...allSteps(scenario)]
    .filter(({ spec }) => isFraction(spec.think))
    .map(({ spec, place }) => {
      const think = String(spec.think);
      const wanted = Math.round(Number(think) * 1_000);
      return {
        place: [...place, 'think'],
        message: `"think: ${think}" lasts ${think} milliseconds: Artillery reads a fraction without a unit so. Write "${wanted}ms" for ${think} seconds.`,
      };
    });
}

/** Timeouts of steps are seconds, as those of Artillery; other tools have milliseconds, and a wait of an hour ends nothing. */
function timeoutWarnings(scenario: ReadScenario): Finding[] {
  return [...allSteps(scenario)].flatMap(({ spec, place }) =>
    Number(spec.timeout) >= 1_000
      ? [
          {
            place: [...place, 'timeout'],
            message: `"timeout: ${spec.timeout}" is ${spec.timeout} seconds. Write "${spec.timeout}ms" for milliseconds.`,
          },
        ]
      : [],
  );
}

/** How to measure what is only sent. */
function measuringAdvice(emits: readonly Emit[], untimed: readonly MessageStep[]): string {
  const events = [...new Set(emits.flatMap(({ event }) => event ?? []))];
  const engines = new Set(untimed.map(({ step }) => step.engine));
  return [
    ...(emits.length > 0
      ? [
          `If the server acknowledges its events, add to tailgate.yml:\nmeasure:\n  acknowledgements: ${events.length > 0 ? `[${events.join(', ')}]` : 'all'}`,
          'If another event answers, add "response: { channel: <event> }" to the step; if others get the message, "{{ $tag }}" to its data and "delivery: <event>".',
        ]
      : []),
    ...[...engines].flatMap((name) => {
      const steps = engineNamed(name)?.steps;
      return steps?.kind === 'messages' ? steps.measuring : [];
    }),
    'If only connecting matters, set a limit on it: "connect.handshake.p95 < 200ms".',
  ].join('\n');
}

/** Whether the scenario's own code reports metrics, which nothing but running it could list. */
function reportsItself(scenario: ReadScenario): boolean {
  return /emit\(\s*['"`](histogram|summary|customStat)/.test(scenario.processorText ?? '');
}

/** Whether a time is a fraction without a unit, which Artillery takes for milliseconds. */
function isFraction(value: unknown): boolean {
  return (
    (typeof value === 'number' || (typeof value === 'string' && value.trim() !== '')) &&
    Number.isFinite(Number(value)) &&
    !Number.isInteger(Number(value))
  );
}

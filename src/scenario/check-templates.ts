import { nearestName } from '../metrics/nearest-name.ts';
import { bundledEngines } from './engine-packages.ts';
import { bundledPlugins } from './plugin-packages.ts';
import type { ReadScenario } from './read-scenario.ts';
import type { ScenarioPath } from './scenario-positions.ts';
import { isMapping, type Json } from './script.ts';

/** A template that stands for nothing. */
export type TemplateFinding = {
  place: ScenarioPath;
  /** Where the same is missing as well. */
  alsoAt: ScenarioPath[];
  /** What is missing, as a clause, and what to do about it. */
  problem: string;
  fix: string;
};

/** What is known of the names that templates may use, beside what the scenario file says. */
export type TemplateNames = {
  /** Variables of the suite, of its overrides and of the room. */
  variables: readonly string[];
  /** Whether users get a minted `{{ $token }}`. */
  hasToken: boolean;
  /** Environment variables of this run. */
  env: Readonly<Record<string, string | undefined>>;
};

/** Names that Artillery and the engines give every virtual user. */
const givenNames = [
  ...[
    '$uuid',
    '$testId',
    '$environment',
    '$scenarioFile',
    '$dirname',
    '$processEnvironment',
    '$env',
    '$template',
  ],
  ...['$', 'target', '$message'],
];

/** Names that only a step of their kind gives. */
const givenBy = { loop: ['$loopCount', '$loopElement'], rate: ['$sendCount'] } as const;

const isOfStep = (name: string): boolean =>
  name === '$tag' ||
  Object.values(givenBy)
    .flat()
    .includes(name as never);

/** Mappings of the variables of the environment. */
const environmentNames = ['$env', '$processEnvironment'];

const functionNames = ['$randomNumber', '$randomString', '$template'];

/** What people write for what is there, or could be. */
const meant: Readonly<Record<string, string>> = {
  $randomNumber: 'Write "{{ $randomNumber(1, 1000) }}".',
  $randomString: 'Write "{{ $randomString() }}".',
  $randomInt: 'Write "{{ $randomNumber(1, 1000) }}".',
  $randUuid: 'Write "{{ $uuid }}".',
  $randomUUID: 'Write "{{ $uuid }}".',
  $guid: 'Write "{{ $uuid }}".',
  $vu: 'Write "{{ $uuid }}", which is different for every user.',
  $loopCount: 'It counts the rounds of a "loop", and there is none.',
  $loopElement: 'It is what a "loop" with "over" is at, and there is none.',
  $sendCount: 'It counts the messages of a step with "rate" and "duration", and there is none.',
  $tag: 'It marks a message whose delivery is watched: write it into what a step of Socket.IO, ws or STOMP sends.',
};

/** One template in a text. */
type Template = { name: string; path: string; isCall: boolean; text: string };

type Placed = Template & { place: ScenarioPath };

/**
 * Finds templates that stand for nothing: names that nothing defines, functions that do not exist, environment variables
 * that are not set, `{{ $token }}` without a minted token. A name that only a function of the processor can set is left
 * to the run, which watches it. Each name is told once, at its first place. Pure.
 */
export const checkTemplates = (
  scenario: Pick<ReadScenario, 'content' | 'config' | 'environment' | 'overrides' | 'processorText'>,
  { variables, hasToken, env }: TemplateNames,
): TemplateFinding[] => {
  const { content, environment } = scenario;
  const config = isMapping(content.config) ? content.config : {};
  const { environments, target: _target, ...ownConfig } = config;
  const chosen =
    environment !== null && isMapping(environments) && isMapping(environments[environment])
      ? (environments[environment] as Json)
      : null;
  const everywhere = new Set([
    ...givenNames,
    ...(hasToken ? ['$token'] : []),
    ...variables,
    ...namesOfConfig(scenario.config as Json),
    ...namesOfConfig(config),
    ...(chosen === null ? [] : namesOfConfig(chosen)),
  ]);
  namesSetBy(content.before, everywhere);
  const { processorText } = scenario;
  const isOpen = processorText !== null || setsMore(scenario);

  const told = new Map<string, TemplateFinding>();
  const check = (template: Placed, known: ReadonlySet<string>): TemplateFinding[] => {
    const found = problemOf(template, known, { env, isOpen, processorText });
    if (found === null) return [];
    const key = environmentNames.includes(template.name) ? template.path : template.name;
    const before = told.get(key);
    before?.alsoAt.push(template.place);
    if (before !== undefined) return [];
    const finding = { place: template.place, alsoAt: [], ...found };
    told.set(key, finding);
    return [finding];
  };
  const inConfig = [
    ...templatesOf(ownConfig, ['config']),
    ...(chosen === null ? [] : templatesOf(chosen, ['config', 'environments', environment!])),
    ...templatesOf(scenario.overrides, ['overrides']),
  ].filter(({ place }) => place.at(-1) !== 'target');
  const scenarios = Array.isArray(content.scenarios) ? content.scenarios : [];
  // What a scenario's steps set may be read in `config` as well: options of connections are rendered for each user.
  const anywhere = new Set([...everywhere, '$tag']);
  namesSetBy(scenarios, anywhere);
  const fallback = config.engine ?? 'http';
  return [
    ...inConfig.flatMap((template) => check(template, anywhere)),
    ...(['before', 'after'] as const).flatMap((hook) => {
      const known = new Set(everywhere);
      namesSetBy(content[hook], known);
      return [...templatesOf(content[hook], [hook])].flatMap((template) => check(template, known));
    }),
    ...scenarios.flatMap((spec, index) => {
      if (!isMapping(spec) || !(bundledEngines as readonly unknown[]).includes(spec.engine ?? fallback))
        return [];
      const known = new Set(everywhere);
      namesSetBy(spec, known);
      if ((spec.engine ?? fallback) !== 'http') known.add('$tag');
      return [...templatesOf(spec, ['scenarios', index])].flatMap((template) => check(template, known));
    }),
  ];
};

/** Places of templates without quotes, which YAML read as mappings. */
export function* unquotedTemplates(value: unknown, place: ScenarioPath = []): Generator<ScenarioPath> {
  if (Array.isArray(value))
    for (const [index, item] of value.entries()) yield* unquotedTemplates(item, [...place, index]);
  if (!isMapping(value)) return;
  for (const [key, item] of Object.entries(value)) {
    if (key === '[object Object]') yield place;
    else yield* unquotedTemplates(item, [...place, key]);
  }
}

/** Places of calls without braces, which are sent as they stand. */
export function* unbracedCalls(
  value: unknown,
  place: ScenarioPath = [],
): Generator<{ place: ScenarioPath; call: string }> {
  if (typeof value === 'string' && /^\$random(Number|String)\([^()]*\)$/.test(value))
    yield { place, call: value };
  else if (Array.isArray(value))
    for (const [index, item] of value.entries()) yield* unbracedCalls(item, [...place, index]);
  else if (isMapping(value))
    for (const [key, item] of Object.entries(value)) yield* unbracedCalls(item, [...place, key]);
}

/** Variables and payload fields that `config` (or an environment) gives to every user. */
function namesOfConfig(config: Json): string[] {
  return [
    ...(isMapping(config.variables) ? Object.keys(config.variables) : []),
    ...[config.payload].flat().flatMap((payload) => {
      if (!isMapping(payload)) return [];
      const fields = Array.isArray(payload.fields) ? payload.fields.map(String) : [];
      return typeof payload.name === 'string' ? [payload.name, ...fields] : fields;
    }),
  ];
}

/** Names that steps set: what they capture, and the variables of loops. */
function namesSetBy(value: unknown, names: Set<string>): void {
  if (Array.isArray(value)) for (const item of value) namesSetBy(item, names);
  if (!isMapping(value)) return;
  for (const [key, item] of Object.entries(value)) {
    for (const name of givenBy[key as keyof typeof givenBy] ?? []) names.add(name);
    if (typeof item === 'string' && ['as', 'loopValue', 'loopElement'].includes(key))
      names.add(item.split(/[.[]/, 1)[0]!);
    else namesSetBy(item, names);
  }
}

/** Whether something that is not read here may set variables: functions, plugins and engines of others. */
function setsMore(scenario: Pick<ReadScenario, 'config'>): boolean {
  return Object.keys(scenario.config.plugins ?? {}).some(
    (name) => !(bundledPlugins as readonly string[]).includes(name),
  );
}

function problemOf(
  { name, path, isCall, text }: Template,
  known: ReadonlySet<string>,
  {
    env,
    isOpen,
    processorText,
  }: { env: TemplateNames['env']; isOpen: boolean; processorText: string | null },
): { problem: string; fix: string } | null {
  if (name === '') return null;
  if (isCall) {
    if (name === '$randomNumber' && !/,/.test(path))
      return {
        problem: `$randomNumber has no range in ${text}, so it is no number`,
        fix: meant.$randomNumber!,
      };
    if (functionNames.includes(name)) return null;
    // Functions of a plugin, or of a processor that adds its own to `context.funcs`.
    if (isOpen && (processorText === null || processorText.includes(name))) return null;
    const near = nearestName(name, functionNames);
    return {
      problem: `there is no function "${name}" for ${text}`,
      fix:
        meant[name] ??
        (near === undefined
          ? 'There are $randomNumber(from, to) and $randomString(length). Set anything else with a function of the processor: "context.vars.name = ...", then "{{ name }}".'
          : `Did you mean "${near}"?`),
    };
  }
  if (environmentNames.includes(name)) {
    const variable = /^\$\w+(?:\.(\w+)|\[['"]?(\w+)['"]?\])/.exec(path);
    const wanted = variable?.[1] ?? variable?.[2];
    if (wanted === undefined || env[wanted] !== undefined) return null;
    return {
      problem: `${text} takes its value from the environment variable ${wanted}, which is not set`,
      fix: `Set ${wanted} for this run, or write the value into the scenario.`,
    };
  }
  if (known.has(name) || known.has(path)) return null;
  if (name === '$token')
    return {
      problem:
        '{{ $token }} is the token that "measure.jwt" mints for each user, and the settings have no "measure.jwt"',
      fix: 'Add to tailgate.yml:\nmeasure:\n  jwt: { secret: { env: JWT_SECRET }, claims: { sub: "{{ $uuid }}" } }',
    };
  // Processors may set any name: the run tells when one stayed empty.
  if (isOpen && (!name.startsWith('$') || processorText === null || processorText.includes(name)))
    return null;
  const isBuiltIn = name.startsWith('$');
  const near = nearestName(
    name,
    [...known].filter((each) => each.startsWith('$') === isBuiltIn),
  );
  return {
    problem: isOfStep(name)
      ? `nothing gives "${name}" a value for ${text}`
      : isBuiltIn
        ? `there is no built-in variable "${name}" for ${text}`
        : `nothing defines "${name}" for ${text}: no variable, payload field, capture or loop`,
    fix:
      meant[name] ??
      (near !== undefined
        ? `Did you mean "{{ ${near} }}"?`
        : isBuiltIn
          ? 'Set it with a function of the processor: "context.vars.name = ...", then "{{ name }}".'
          : `Define it in "config.variables", name a column of "config.payload" so, or capture it: "capture: { json: ..., as: ${name} }". What differs from run to run can stand in "variables" of the settings.`),
  };
}

function* templatesOf(value: unknown, place: ScenarioPath): Generator<Placed> {
  if (typeof value === 'string') for (const template of templatesIn(value)) yield { ...template, place };
  else if (Array.isArray(value))
    for (const [index, item] of value.entries()) yield* templatesOf(item, [...place, index]);
  else if (isMapping(value))
    for (const [key, item] of Object.entries(value)) {
      for (const template of templatesIn(key)) yield { ...template, place: [...place, key] };
      // A loop may name its list without braces.
      if (key === 'over' && 'loop' in value && typeof item === 'string' && !item.includes('{{'))
        for (const template of templatesIn(`{{ ${item} }}`)) yield { ...template, place: [...place, key] };
      yield* templatesOf(item, [...place, key]);
    }
}

function templatesIn(text: string): Template[] {
  return [...text.matchAll(/\{\{\{?\s*([^{}]*?)\s*\}?\}\}/g)].map((match) => {
    const inside = match[1]!;
    const call = /^([$\w]+)\s*\(/.exec(inside);
    const name = call?.[1] ?? inside.split(/[.[\s]/, 1)[0]!;
    return { name, path: inside, isCall: call !== null, text: match[0] };
  });
}

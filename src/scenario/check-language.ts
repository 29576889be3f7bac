import * as z from 'zod';
import { httpMethods } from '../engines/http/http-methods.ts';
import { nearestName } from '../metrics/nearest-name.ts';
import { bareType, expectedValue } from './expected-value.ts';
import {
  keysOf,
  languageLevels,
  scenarioFile,
  scenarioOfEngine,
  socketIoConnection,
  stepsOfEngine,
} from './scenario-language.ts';
import type { ScenarioPath } from './scenario-positions.ts';
import { isMapping, type Json } from './script.ts';

/** A key that does nothing or has a value that it cannot have, and what to write instead. */
export type LanguageFinding = {
  place: ScenarioPath;
  message: string;
  /** A warning where plain Artillery ignores the key as well. */
  level: 'error' | 'warning';
};

/** Where a key was found: the groups around it, the innermost last, with the keys that lead from one to the next. */
type Around = readonly { level: z.ZodObject; key: string }[];

type Check = {
  findings: LanguageFinding[];
  /** Whether a part of the file is only there to be repeated elsewhere (YAML anchors). */
  isAnchor: (place: ScenarioPath) => boolean;
  /** Whether Artillery refuses steps with more than one key, as it does in flows over HTTP. */
  hasStrictSteps?: boolean;
  /** Names that may be keys of `config` because an engine or a plugin has them. */
  extensions: ReadonlySet<string>;
};

/**
 * Finds every key of a scenario file that does nothing, that is missing, or whose value is of a wrong kind, at every
 * depth. `content` is the parsed file; scenarios of engines that are not ours are left to their engine. Pure.
 */
export const checkLanguage = (
  content: Json,
  isAnchor: (place: ScenarioPath) => boolean = () => false,
): LanguageFinding[] => {
  const config = isMapping(content.config) ? content.config : {};
  const fallback = engineOf(config);
  const engines = isMapping(config.engines) ? config.engines : {};
  const check: Check = { findings: [], isAnchor, extensions: extensionsOf(content) };
  const { scenarios: _, before: __, after: ___, ...rest } = content;
  checkGroup(scenarioFile, rest, [], [], check);
  for (const [name, options] of Object.entries(engines))
    if (stepsOfEngine(name) !== undefined) checkEngineOptions(name, options, check);
  for (const [key, given] of Object.entries({
    scenarios: content.scenarios,
    before: content.before,
    after: content.after,
  })) {
    const level = innerGroup(scenarioFile.shape[key] as z.ZodType, {});
    if (level === null) continue;
    for (const [index, spec] of [given].flat().entries()) {
      if (!isMapping(spec)) continue;
      const place = Array.isArray(given) ? [key, index] : [key];
      const engine = typeof spec.engine === 'string' ? spec.engine : key === 'scenarios' ? fallback : 'http';
      const steps = stepsOfEngine(engine);
      if (steps === undefined) {
        const known = Object.entries(spec).filter(([name]) => Object.hasOwn(level.shape, name));
        checkGroup(level, Object.fromEntries(known), place, [], check);
        continue;
      }
      checkGroup(key === 'scenarios' ? scenarioOfEngine(engine) : level, spec, place, [], check);
      checkFlow(spec.flow, [...place, 'flow'], steps, { ...check, hasStrictSteps: engine === 'http' });
    }
  }
  return check.findings;
};

const configLevel = innerGroup(scenarioFile.shape.config as z.ZodType, {})!;

/**
 * Finds what is wrong with `overrides`, which are merged over `config` of `content`, by the same description. Places are those
 * inside of the overrides. Pure.
 */
export const checkOverrides = (overrides: Json, content: Json): LanguageFinding[] => {
  const check: Check = {
    findings: [],
    isAnchor: () => false,
    extensions: extensionsOf(content, overrides),
  };
  checkGroup(configLevel, overrides, ['config'], [], check);
  return check.findings.map((finding) => ({ ...finding, place: finding.place.slice(1) }));
};

/** The engine of scenarios that name none. */
const engineOf = (config: Json): string => (typeof config.engine === 'string' ? config.engine : 'http');

/** Plugins, and engines that are not ours, of a file and of what is merged over its `config`. */
const extensionsOf = (content: Json, overrides: Json = {}): ReadonlySet<string> => {
  const config = isMapping(content.config) ? content.config : {};
  const names = (key: 'engines' | 'plugins') =>
    [config[key], overrides[key]].flatMap((group) => (isMapping(group) ? Object.keys(group) : []));
  const scenarios = [content.scenarios, content.before, content.after].flat().filter(isMapping);
  const used = scenarios.map(({ engine }) => String(engine ?? engineOf(config)));
  const foreign = [...names('engines'), ...used].filter((name) => stepsOfEngine(name) === undefined);
  return new Set([...names('plugins'), ...foreign]);
};

const checkFlow = (flow: unknown, place: ScenarioPath, steps: readonly z.ZodObject[], check: Check): void => {
  if (!Array.isArray(flow)) return;
  for (const [index, spec] of flow.entries()) {
    const at = [...place, index];
    if (Array.isArray(spec)) checkFlow(spec, at, steps, check);
    if (!isMapping(spec)) continue;
    const level = steps.find((step) =>
      languageLevels.get(step)?.steps?.some((key) => spec[key] !== undefined),
    );
    if (level === undefined) continue;
    checkGroup(level, spec, at, [], check, steps);
    if (
      spec.loop !== undefined &&
      ['count', 'over', 'whileTrue'].every((key) => spec[key] === undefined) &&
      !check.findings.some(({ place: found }) => found.length === at.length + 1 && isWithin(found, at))
    )
      check.findings.push({
        place: [...at, 'loop'],
        level: 'warning',
        message: 'This loop never ends: it has none of "count", "over" and "whileTrue".',
      });
    const rules = ['whileTrue', 'over', 'count'].filter((key) => spec[key] !== undefined);
    if (spec.loop !== undefined && rules.length > 1)
      check.findings.push({
        place: [...at, rules.at(-1)!],
        level: 'warning',
        message: `"${rules.at(-1)}" means nothing beside "${rules[0]}", which alone says how often this loop runs.`,
      });
    for (const nested of ['loop', 'parallel']) checkFlow(spec[nested], [...at, nested], steps, check);
  }
};

/** Whether a place is another, or inside of it. */
export const isWithin = (place: ScenarioPath, outer: ScenarioPath): boolean =>
  outer.every((part, index) => place[index] === part);

/** Checks the keys of a mapping, and of the groups inside of it. */
const checkGroup = (
  level: z.ZodObject,
  given: Json,
  place: ScenarioPath,
  around: Around,
  check: Check,
  steps: readonly z.ZodObject[] = [],
): void => {
  const required = languageLevels.get(level)?.required ?? [];
  // A key that was meant to be one that is missing is the mistake.
  const isMeant = (key: string, missing: string): boolean =>
    !Object.hasOwn(level.shape, key) &&
    (nearestName(key, [missing]) !== undefined || synonymOf(key, level, given) === missing);
  for (const key of required)
    if (given[key] === undefined && !Object.keys(given).some((other) => isMeant(other, key)))
      check.findings.push({
        place,
        level: 'error',
        message: `${languageLevels.get(level)!.subject} needs "${key}": write it.`,
      });
  for (const [key, value] of Object.entries(given)) {
    const at = [...place, key];
    const inner = level.shape[key] as z.ZodType | undefined;
    if (inner !== undefined) {
      const expected = value === undefined ? null : expectedValue(inner, value);
      if (expected !== null) {
        check.findings.push({ place: at, level: 'error', message: wrongValue(key, value, expected) });
        continue;
      }
      checkValue(inner, value, at, [...around, { level, key }], check, steps);
      continue;
    }
    // A template without quotes has a message of its own.
    if (key === '[object Object]' || /^x-/.test(key) || check.isAnchor(at)) continue;
    if (place[0] === 'config' && place.length !== 2 && check.extensions.has(key)) continue;
    const { subject, unknown, steps: kind } = languageLevels.get(level)!;
    check.findings.push({
      place: at,
      level:
        synonymOf(key, level, given) === 'channel' ||
        required.some((missing) => given[missing] === undefined && isMeant(key, missing)) ||
        (check.hasStrictSteps && kind !== undefined && !kind.includes('loop'))
          ? 'error'
          : unknown,
      message: `"${key}" means nothing ${place.length === 0 ? 'at the top of the file' : `in ${subjectAt(subject, place)}`}${advice(key, level, given, around, steps)}`,
    });
  }
};

const wrongValue = (key: string, value: unknown, expected: string): string => {
  if (value === null || value === '')
    return `"${key}" has no value. It must be ${expected}; or take the key out.`;
  const given = JSON.stringify(value);
  return `"${key}" must be ${expected}${given.length > 60 ? '' : `, not ${given}`}.`;
};

/** The options of a connection are called by the key that they stand below. */
const subjectAt = (subject: string, place: ScenarioPath): string =>
  subject === 'the options of a connection' || subject === '"config.ws"'
    ? `"${place
        .filter((part) => typeof part === 'string')
        .slice(place[0] === 'config' ? -2 : -1)
        .join('.')}"`
    : subject;

const checkValue = (
  type: z.ZodType,
  value: unknown,
  place: ScenarioPath,
  around: Around,
  check: Check,
  steps: readonly z.ZodObject[],
): void => {
  if (Array.isArray(value)) {
    const items = itemsOf(type);
    if (items === null) return;
    for (const [index, item] of value.entries())
      if (isMapping(item)) checkValue(items, item, [...place, index], around, check, steps);
    return;
  }
  if (!isMapping(value)) return;
  const group = innerGroup(type, value);
  if (group !== null) {
    checkGroup(group, value, place, around, check, steps);
    return;
  }
  const values = recordValue(type);
  if (values === null) return;
  for (const [key, item] of Object.entries(value)) {
    const at = [...place, key];
    const expected = expectedValue(values, item);
    if (expected === null) checkValue(values, item, at, around, check, steps);
    // Artillery reads such an entry only when it is chosen.
    else check.findings.push({ place: at, level: 'warning', message: wrongValue(key, item, expected) });
  }
};

/** The group that a mapping of this type is; null when it may have any keys. */
function innerGroup(type: z.ZodType, value: Json): z.ZodObject | null {
  const known = bareType(type);
  if (known instanceof z.ZodObject) return languageLevels.get(known) === undefined ? null : known;
  if (known instanceof z.ZodArray) return innerGroup(known.element as z.ZodType, value);
  if (known instanceof z.ZodUnion) {
    for (const option of known.options) {
      const found = innerGroup(option as z.ZodType, value);
      if (found !== null) return found;
    }
  }
  return null;
}

/** What the items of a list of this type are; null where a list is nothing that has items of ours. */
const itemsOf = (type: z.ZodType): z.ZodType | null => {
  const known = bareType(type);
  if (known instanceof z.ZodArray) return known.element as z.ZodType;
  if (!(known instanceof z.ZodUnion)) return null;
  return known.options.map((option) => itemsOf(option as z.ZodType)).find((items) => items !== null) ?? null;
};

const recordValue = (type: z.ZodType): z.ZodType | null => {
  const known = bareType(type);
  return known instanceof z.ZodRecord ? (known.valueType as z.ZodType) : null;
};

/** Where people put keys that they know from elsewhere. */
const hints: Readonly<Record<string, string>> = {
  headers:
    '; headers of a connection are "extraHeaders" in "config.socketio", or "headers" in "config.ws"; those of requests "config.http.defaults.headers"',
  socketioOpts: '; write "socketio"',
  socketio: '; options of connections are "config.socketio"',
  refusals: '; what a refusal is, the settings say: "measure.refusals"',
  onError: '; it is for scenarios over HTTP',
  afterResponse: '; it is for HTTP requests and steps that emit',
  'socketio-v3': '; its package reads "config.socketio" and "config.engines.socketio-v3"',
  beforeRequest: '; call the function in a step before: "- function: ..."',
  url: '; where to connect is "config.target", or "--target" for the server under test',
};

/** What people call what a group has, by its key here. */
const synonyms: readonly (readonly [key: string, others: readonly string[]])[] = [
  ['channel', ['chanel', 'channel', 'event', 'eventname', 'name', 'type', 'topic', 'on']],
  ['as', ['name', 'var', 'variable']],
  ['data', ['payload', 'message', 'body', 'content', 'arguments']],
  ['extraHeaders', ['headers']],
  ['subprotocols', ['sec-websocket-protocol', 'protocol', 'protocols']],
];

/** The key that was meant; without an event, which nothing else names, a step cannot run. */
const synonymOf = (key: string, level: z.ZodObject, given: Json): string | undefined =>
  synonyms.find(
    ([name, others]) =>
      Object.hasOwn(level.shape, name) &&
      given[name] === undefined &&
      (name !== 'channel' || given.on === undefined) &&
      others.includes(key.toLowerCase()),
  )?.[0];

/** A header of HTTP that stands among options. */
const isHeader = (key: string): boolean => /^(authorization|cookie|origin|host)$|^[a-z]+-[a-z-]+$/i.test(key);

/** What the key was probably meant to be, and what to write. */
const advice = (
  key: string,
  level: z.ZodObject,
  given: Json,
  around: Around,
  steps: readonly z.ZodObject[],
): string => {
  const synonym = synonymOf(key, level, given);
  if (synonym !== undefined) return `: write "${synonym}".`;
  const outer = [...around].reverse().find((each) => Object.hasOwn(each.level.shape, key));
  if (outer !== undefined) return `: write it beside "${outer.key}", not inside of it.`;
  const own = keysOf(level);
  const headers = ['extraHeaders', 'headers'].find((name) => Object.hasOwn(level.shape, name));
  if (headers !== undefined && isHeader(key)) return `: write it inside of "${headers}".`;
  if (key === 'socketio-v3' || key === 'beforeRequest') return `${hints[key]}.`;
  const meant = nearestName(key, own);
  if (meant !== undefined)
    return given[meant] === undefined
      ? `. Did you mean "${meant}"?`
      : `. Take it out: "${meant}" is there already.`;
  const inside = own.find((name) => {
    const inner = innerGroup(level.shape[name] as z.ZodType, {});
    return inner !== null && Object.hasOwn(inner.shape, key);
  });
  if (key === 'options' && around.at(-1)?.key === 'connect')
    return isMapping(given.options) && 'namespace' in given.options
      ? ': write "namespace" beside "connect", and its other keys directly in "connect".'
      : ': write its keys directly in "connect".';
  const isStep = languageLevels.get(level)?.steps !== undefined;
  if (hints[key] !== undefined && !(isStep && inside !== undefined)) return `${hints[key]}.`;
  if (inside !== undefined) return `: write it inside of "${inside}".`;
  const alone = steps.find((step) => languageLevels.get(step)?.steps?.includes(key));
  if (alone !== undefined && (isStep || !(httpMethods as readonly string[]).includes(key)))
    return `: it is a step of its own, so write "- ${key}:" on a line of its own.`;
  const other = steps.find((step) => Object.hasOwn(step.shape, key));
  if (other !== undefined) return `: it is a key of ${languageLevels.get(other)!.subject}.`;
  return own.length > 14 ? '.' : `; it has ${own.map((name) => `"${name}"`).join(', ')}.`;
};

/** `config.engines.socketio` only says that the engine is there: its options stand elsewhere. */
const checkEngineOptions = (engine: string, options: unknown, check: Check): void => {
  if (!isMapping(options)) return;
  // Its package reads them there, as well as in `config.socketio`.
  if (engine === 'socketio-v3') {
    checkGroup(socketIoConnection, options, ['config', 'engines', engine], [], check);
    return;
  }
  const own = innerGroup((configLevel.shape[engine] as z.ZodType | undefined) ?? z.unknown(), {});
  for (const key of Object.keys(options)) {
    const isKnown = own === null || Object.hasOwn(own.shape, key);
    check.findings.push({
      place: ['config', 'engines', engine, key],
      level: 'warning',
      message: `"${key}" means nothing in "config.engines.${engine}"${isKnown ? `: write it in "config.${engine}".` : own === null ? '.' : advice(key, own, {}, [], [])}`,
    });
  }
};

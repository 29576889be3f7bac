import { type SourcePosition, type TailgateError, tailgateError, throwProblems } from '../errors.ts';
import { metricOf } from '../metrics/metric.ts';
import type { Threshold } from '../metrics/threshold.ts';
import { parseThreshold } from '../metrics/threshold-grammar.ts';
import { mergeThresholds } from '../metrics/threshold-sets.ts';
import type { RunPlan, SuitePlan } from './run-plan.ts';
import { formatPath, mergeTrees, type SettingPath, type Tree } from './setting-path.ts';
import type { Settings, SuiteSettings } from './settings-schema.ts';

/** What a plan needs beside the settings; what `loadSettings` gives is one. */
export type PlanContext = {
  /** Suites to run, `suite` or `suite/level`; none for all. */
  selected: readonly string[];
  selectedPlace: SourcePosition;
  placeOf(path: SettingPath): SourcePosition;
};

/** Parses lists of thresholds and keeps what is wrong with them. */
class ThresholdParser {
  readonly problems: TailgateError[] = [];
  readonly #placeOf: PlanContext['placeOf'];

  constructor(placeOf: PlanContext['placeOf']) {
    this.#placeOf = placeOf;
  }

  parse(sources: readonly string[] | undefined, path: SettingPath): Threshold[] {
    return (sources ?? []).flatMap((source, index) => {
      try {
        return [parseThreshold(source, this.#placeOf([...path, index]))];
      } catch (error) {
        this.problems.push(error as TailgateError);
        return [];
      }
    });
  }
}

/** Both versions together; a leak of a list entry a session is found in it. */
const defaultMinutes = 2;

const portTemplate = /\{\{\s*port\s*\}\}/;

/**
 * What will run and how it will be judged, from complete settings. Throws THRESHOLD_SYNTAX, SUITE_UNKNOWN or
 * SETTINGS_INVALID_VALUE, all that are found.
 */
export const makePlan = (settings: Settings, context: PlanContext): RunPlan => {
  const thresholds = new ThresholdParser(context.placeOf);
  const shared = thresholds.parse(settings.thresholds, ['thresholds']);
  thresholds.problems.push(...shared.flatMap((one) => heldByNobody(one, settings) ?? []));
  const all = settings.suites.flatMap((suite, index) =>
    planSuite(suite, ['suites', index], settings, shared, thresholds, context.placeOf),
  );
  thresholds.problems.push(
    ...settings.suites.flatMap((suite, index) =>
      suite.minutes === undefined || suite.kind === 'endurance'
        ? []
        : tailgateError(
            'SETTINGS_INVALID_VALUE',
            {
              key: 'minutes',
              problem: `suite "${suite.name}" is of kind "load", which ends with its scenario`,
              expected: 'Remove it, or set "kind: endurance".',
            },
            context.placeOf(['suites', index, 'minutes']),
          ),
    ),
  );
  throwProblems(thresholds.problems);
  const suites = select(all, context);
  if (settings.baseline.mode === 'side-by-side') throwProblems(sideBySideProblem(suites, settings, context));
  return {
    suites,
    baseline: settings.baseline,
    verdict: settings.verdict,
    rounds: settings.rounds,
    maxMinutes: settings.maxMinutes,
    explain: settings.explain,
    sameCode: settings.sameCode,
    seed: settings.seed,
    reportDir: settings.reportDir,
  };
};

function planSuite(
  suite: SuiteSettings,
  path: SettingPath,
  settings: Settings,
  shared: readonly Threshold[],
  thresholds: ThresholdParser,
  placeOf: PlanContext['placeOf'],
): SuitePlan[] {
  const room = suite.room ?? settings.room;
  const isEndurance = suite.kind === 'endurance';
  const ofSuite = (sources: readonly string[] | undefined, at: SettingPath): Threshold[] => {
    const parsed = thresholds.parse(sources, at);
    if (isEndurance) thresholds.problems.push(...parsed.flatMap((one) => unfitForWaves(one) ?? []));
    return parsed;
  };
  const common = shared.filter((one) => holdsFor(one, suite, settings));
  const own = mergeThresholds(common, ofSuite(suite.thresholds, [...path, 'thresholds']));
  const plan: SuitePlan = {
    name: suite.name,
    level: null,
    scenarioPath: suite.scenario,
    environment: suite.environment ?? null,
    overrides: suite.overrides,
    ...overridePlacesOf(suite.overrides, [...path, 'overrides'], placeOf),
    variables: suite.variables,
    target: suite.target ?? settings.target,
    room: room === undefined || room === false ? null : room,
    measure: suite.measure ?? settings.measure,
    thresholds: own,
    ...(isEndurance ? { endurance: { minutes: suite.minutes ?? defaultMinutes } } : {}),
  };
  if (suite.levels.length === 0) return [plan];
  return suite.levels.map((level, index) => ({
    ...plan,
    name: `${suite.name}/${level.name}`,
    level: { suite: suite.name, name: level.name },
    overrides: mergeTrees(suite.overrides, level.overrides) as Tree,
    ...overridePlacesOf(
      level.overrides,
      [...path, 'levels', index, 'overrides'],
      placeOf,
      plan.overridePlaces,
    ),
    variables: mergeTrees(suite.variables, level.variables) as Tree,
    thresholds: mergeThresholds(own, ofSuite(level.thresholds, [...path, 'levels', index, 'thresholds'])),
  }));
}

/**
 * A limit of the top level holds for the suites that can measure it: what stays in memory is a matter of those of kind
 * `endurance`. With none of these it stays, and is refused as what no suite measures.
 */
function holdsFor(threshold: Threshold, { kind }: SuiteSettings, { suites }: Settings): boolean {
  return kind === 'endurance'
    ? unfitForWaves(threshold) === null
    : !isOfEndurance(threshold) || !suites.some((suite) => suite.kind === 'endurance');
}

/** Why a limit of the top level would vanish, since it holds for none of the suites; null when it holds for one. */
function heldByNobody(threshold: Threshold, settings: Settings): TailgateError | null {
  const { suites } = settings;
  return suites.length === 0 || suites.some((suite) => holdsFor(threshold, suite, settings))
    ? null
    : unfitForWaves(threshold);
}

/** Why a limit cannot be judged in waves of users; null when it can. */
function unfitForWaves(threshold: Threshold): TailgateError | null {
  const { bound, metric, operator, source, where } = threshold;
  if (isOfEndurance(threshold))
    return operator !== '=' || metricOf(metric).unit !== 'bytes'
      ? null
      : tailgateError(
          'THRESHOLD_SYNTAX',
          {
            source,
            column: 1,
            problem: `"${metric}" is known within an interval, which is never exactly one value`,
            expected: `Write "${metric} < 100B".`,
          },
          where,
        );
  const isCount = metricOf(metric).failure !== null;
  if (bound.kind === 'absolute' || isCount) return null;
  return tailgateError(
    'THRESHOLD_SYNTAX',
    {
      source,
      column: 1,
      problem: 'a suite of kind "endurance" compares what stays in the server, and not how fast it is',
      expected: 'Move this limit to a suite of kind "load", or write it as an absolute one.',
    },
    where,
  );
}

function isOfEndurance({ metric }: Threshold): boolean {
  return metricOf(metric).kind === 'endurance';
}

/** Places of all parts of `overrides`, which stand at `at`, before those of what they are merged over. */
function overridePlacesOf(
  overrides: Tree,
  at: SettingPath,
  placeOf: PlanContext['placeOf'],
  under: SuitePlan['overridePlaces'] = [],
): Pick<SuitePlan, 'overridePlaces'> {
  const placesIn = (value: unknown, path: SettingPath): NonNullable<SuitePlan['overridePlaces']> =>
    typeof value !== 'object' || value === null
      ? []
      : Object.entries(value).flatMap(([key, inner]) => {
          const own = [...path, Array.isArray(value) ? Number(key) : key];
          const written = [...at, ...own];
          return [
            { path: own, where: { key: formatPath(written), ...placeOf(written) } },
            ...placesIn(inner, own),
          ];
        });
  const overridePlaces = [...placesIn(overrides, []), ...under];
  return overridePlaces.length === 0 ? {} : { overridePlaces };
}

function select(suites: readonly SuitePlan[], context: PlanContext): SuitePlan[] {
  const known = [...new Set(suites.map((suite) => suite.level?.suite ?? suite.name))];
  throwProblems(
    context.selected
      .filter((name) => !suites.some((suite) => isSelected(suite, name)))
      .map((name) => tailgateError('SUITE_UNKNOWN', { name, known }, context.selectedPlace)),
  );
  if (context.selected.length === 0) return [...suites];
  return suites.filter((suite) => context.selected.some((name) => isSelected(suite, name)));
}

function isSelected(suite: SuitePlan, name: string): boolean {
  return suite.name === name || suite.level?.suite === name;
}

/** Side by side needs two servers that run at the same time: both started here, each on a port of its own. */
function sideBySideProblem(
  suites: readonly SuitePlan[],
  settings: Settings,
  context: PlanContext,
): TailgateError[] {
  const { url: baseUrl } = settings.baseline;
  if (baseUrl !== undefined) return deployedProblem(suites, baseUrl, settings, context);
  const suite = suites.find(
    ({ target }) => target.start === undefined || target.port !== undefined || !portTemplate.test(target.url),
  );
  if (suite === undefined) return [];
  const { target } = suite;
  if (target.start === undefined) {
    const problem = `"side-by-side" starts two versions of the server, and no command starts that of suite "${suite.name}"`;
    const expected =
      'Set "target.start", or "baseline.url" for a base version that runs already, or choose another "baseline.mode".';
    const params = { key: 'baseline.mode', problem, expected };
    return [tailgateError('SETTINGS_INVALID_VALUE', params, context.placeOf(['baseline', 'mode']))];
  }
  const index = settings.suites.findIndex(({ name }) => name === (suite.level?.suite ?? suite.name));
  const setting = target.port === undefined ? 'url' : 'port';
  const params = {
    key: `target.${setting}`,
    problem: 'side by side, two servers run at once and cannot share a port',
    expected:
      'Leave "port" out and write "{{ port }}" in "target.url"; the server finds its port in the variable PORT, or as "{{ port }}" in "target.start".',
  };
  const place = context.placeOf(['suites', index, 'target', setting]);
  return [tailgateError('SETTINGS_INVALID_VALUE', params, place)];
}

/** Of two versions that run already, neither is started, and they are two. */
function deployedProblem(
  suites: readonly SuitePlan[],
  baseUrl: string,
  settings: Settings,
  context: PlanContext,
): TailgateError[] {
  const plain = (url: string): string => url.trim().replace(/\/+$/, '');
  for (const { name, level, target } of suites) {
    const index = settings.suites.findIndex((suite) => suite.name === (level?.suite ?? name));
    const setting = (['start', 'build'] as const).find((key) => target[key] !== undefined);
    const problem =
      setting !== undefined
        ? `the base version runs already ("baseline.url"), and "target.${setting}" is for a version that is started here`
        : target.pid !== undefined
          ? 'it is one process, and two versions run ("baseline.url"): that of the base would be sampled nowhere'
          : plain(target.url) === plain(baseUrl)
            ? 'it is that of the base version too ("baseline.url"), so there is nothing to compare'
            : plain(target.url) !== plain(suites[0]!.target.url)
              ? 'suites of other servers cannot share one base version ("baseline.url")'
              : null;
    if (problem === null) continue;
    const key = setting ?? (target.pid === undefined ? 'url' : 'pid');
    const expected =
      key === 'pid'
        ? 'Leave "target.pid" out, and name a source that tells of each side in "target.resources".'
        : setting === undefined
          ? 'Give "target.url" the URL of the head.'
          : `Leave "target.${setting}" out and give "target.url" the URL of the head, or leave "baseline.url" out.`;
    const params = { key: `target.${key}`, problem, expected };
    return [
      tailgateError('SETTINGS_INVALID_VALUE', params, context.placeOf(['suites', index, 'target', key])),
    ];
  }
  return [];
}

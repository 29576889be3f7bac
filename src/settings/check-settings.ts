import { type SourcePosition, type TailgateError, tailgateError } from '../errors.ts';
import { parseSelector } from '../metrics/server-reading.ts';
import { formatPath, type SettingPath } from './setting-path.ts';
import type { MeasureSettings, RoomSettings, Settings, TargetSettings } from './settings-schema.ts';

type Report = (path: SettingPath, problem: string, expected: string) => void;

/**
 * What the schema cannot say: settings that contradict or need one another. Returns the problems, each with its place.
 */
export const checkSettings = (
  settings: Settings,
  placeOf: (path: SettingPath) => SourcePosition,
): TailgateError[] => {
  const problems: TailgateError[] = [];
  const report: Report = (path, problem, expected) => {
    const params = { key: formatPath(path), problem, expected };
    problems.push(tailgateError('SETTINGS_INVALID_VALUE', params, placeOf(path)));
  };
  const checkNames = (named: readonly { name: string }[], path: SettingPath): void => {
    named.forEach(({ name }, index) => {
      const where = [...path, index, 'name'];
      if (/[/,\r\n]/.test(name))
        report(
          where,
          `the name "${name}" contains a slash, a comma or a line break`,
          'Those separate suites and levels; use other characters.',
        );
      if (named.findIndex((other) => other.name === name) < index)
        report(where, `the name "${name}" is used twice`, 'Give each its own name.');
    });
  };

  checkTarget(settings.target, ['target'], report);
  if (settings.room) checkRoom(settings.room, ['room'], report);
  checkMeasure(settings.measure, ['measure'], report);
  if (settings.verdict.minPairs > settings.verdict.maxPairs)
    report(
      ['verdict', 'minPairs'],
      'it is more than "maxPairs"',
      `Write at most ${settings.verdict.maxPairs}.`,
    );

  checkBaseline(settings.baseline, settings.target, report);
  const { confirmFrom, mode } = settings.baseline;
  if (confirmFrom !== undefined && mode !== 'branch' && mode !== 'file')
    report(
      ['baseline', 'confirmFrom'],
      `with "baseline.mode: ${mode}" nothing is compared with stored runs, so there is nothing to confirm`,
      'Set the "baseline" of the run that is to be confirmed: a branch or a file.',
    );

  const { capacity } = settings;
  if (capacity.from > capacity.to)
    report(['capacity', 'from'], 'it is more than "to"', `Write at most ${capacity.to}.`);
  if (capacity.atLeast !== undefined && capacity.atLeast > capacity.to)
    report(
      ['capacity', 'atLeast'],
      `the search ends at ${capacity.to} users a second ("to")`,
      'Raise "capacity.to".',
    );

  checkNames(settings.suites, ['suites']);
  settings.suites.forEach((suite, index) => {
    const path = ['suites', index];
    checkNames(suite.levels, [...path, 'levels']);
    if (suite.target !== undefined) checkTarget(suite.target, [...path, 'target'], report);
    if (suite.room) checkRoom(suite.room, [...path, 'room'], report);
    if (suite.measure !== undefined) checkMeasure(suite.measure, [...path, 'measure'], report);
  });
  return problems;
};

function checkTarget(target: TargetSettings, path: SettingPath, report: Report): void {
  const { ready } = target;
  const readyPath = [...path, 'ready'];
  if (ready.type === 'log') {
    if (ready.pattern === undefined)
      report(readyPath, 'a probe of type "log" needs "pattern"', 'Add for example "pattern: listening".');
    if (target.start === undefined && ready.pattern !== undefined)
      report(
        readyPath,
        'the output of a server that Tailgate does not start cannot be read',
        'Set "target.start", or use another probe.',
      );
    try {
      new RegExp(ready.pattern ?? '');
    } catch (error) {
      report(
        [...readyPath, 'pattern'],
        `it is not a regular expression (${(error as Error).message})`,
        'Write a JavaScript regular expression without slashes around it.',
      );
    }
  } else if (ready.pattern !== undefined)
    report(
      [...readyPath, 'pattern'],
      `a probe of type "${ready.type}" has no pattern`,
      'Set "type: log", or leave "pattern" out.',
    );
  if (ready.status !== undefined && ready.type !== 'http')
    report(
      [...readyPath, 'status'],
      `a probe of type "${ready.type}" has no status`,
      'Set "type: http", or leave "status" out.',
    );
  if (ready.path !== undefined && (ready.type === 'tcp' || ready.type === 'log'))
    report(
      [...readyPath, 'path'],
      `a probe of type "${ready.type}" has no path`,
      'Set "type: http", or leave "path" out.',
    );
  if (target.pid !== undefined && target.start !== undefined)
    report(
      [...path, 'pid'],
      'it is for a server that Tailgate does not start',
      'Leave out "pid" or "start".',
    );
  const { version } = target;
  if (version !== undefined && (version.url === undefined) === (version.command === undefined))
    report([...path, 'version'], 'it needs a "url" or a "command", and not both', 'Keep one of the two.');
  if (version !== undefined && target.start !== undefined)
    report(
      [...path, 'version'],
      'it is for a server that Tailgate does not start: git tells which commit is started',
      'Leave out "version" or "start".',
    );
  checkResources(target.resources, [...path, 'resources'], report);
}

function checkResources(resources: TargetSettings['resources'], path: SettingPath, report: Report): void {
  if (resources === undefined) return;
  const { url, command, agent, headers, metrics } = resources;
  if ([url, command, agent].filter((source) => source !== undefined).length !== 1)
    report(path, 'it needs one of "url", "command" and "agent"', 'Keep one of the three.');
  if (url === undefined && Object.keys(headers).length > 0)
    report([...path, 'headers'], 'there is no "url" to send them to', 'Leave "headers" out.');
  for (const [field, selector] of Object.entries(metrics))
    if (parseSelector(selector) === null)
      report(
        [...path, 'metrics', field],
        `"${selector}" is no name of a metric`,
        'Write a name, with labels where several have it: process_open_fds{job="chat"}.',
      );
}

function checkRoom(room: RoomSettings, path: SettingPath, report: Report): void {
  if (room.token !== undefined && room.jwt !== undefined)
    report([...path, 'jwt'], 'a token is given as well', 'Keep "token" or "jwt", not both.');
  for (const name of ['create', 'delete'] as const) {
    const emit = room[name];
    if (emit?.data !== undefined && emit.args !== undefined)
      report(
        [...path, name, 'args'],
        '"data" is given as well',
        'Keep "data" (one argument) or "args" (all of them).',
      );
  }
  if (room.create === undefined && Object.keys(room.capture).length > 0)
    report(
      [...path, 'capture'],
      'there is no answer to capture from',
      'Set "create" to the event that makes the room.',
    );
}

function checkMeasure(measure: MeasureSettings, path: SettingPath, report: Report): void {
  const { custom, profile } = measure;
  for (const [name, source] of Object.entries({ custom, profile }))
    if (typeof source === 'object' && (source.command === undefined) === (source.url === undefined))
      report([...path, name], 'it needs a "command" or a "url", and not both', 'Keep one of the two.');
}

function checkBaseline(
  { url, mode, dir, start, ref }: Settings['baseline'],
  target: TargetSettings,
  report: Report,
): void {
  if (url === undefined) return;
  const wrong = (problem: string, expected: string): void => report(['baseline', 'url'], problem, expected);
  if (mode !== 'side-by-side')
    wrong(
      `with "baseline.mode: ${mode}" no base version is driven`,
      'Set "baseline.mode: side-by-side", or leave "url" out.',
    );
  for (const [name, value] of Object.entries({ dir, start }))
    if (value !== undefined)
      wrong(`"baseline.${name}" is for a base version that is started here`, `Keep "url" or "${name}".`);
  if (ref !== undefined && target.version === undefined)
    report(
      ['baseline', 'ref'],
      'nothing tells which commit runs at "baseline.url"',
      'Say with "target.version" where the server tells it, or leave "ref" out.',
    );
}

import path from 'node:path';
import { type TailgateError, tailgateError, throwProblems } from '../errors.ts';
import type { ReportActionInputs } from './report-action.ts';

type Env = Readonly<Record<string, string | undefined>>;

const verdicts = ['fail', 'inconclusive', 'invalid'] as const;

/**
 * Reads the inputs of `report/action.yml` from the environment of the step. Throws SETTINGS_INVALID_VALUE for each
 * that cannot be read, all at once.
 */
export const readReportInputs = (env: Env, cwd: string): ReportActionInputs => {
  const problems: TailgateError[] = [];
  const text = (name: string): string => (env[`INPUT_${name.toUpperCase()}`] ?? '').trim();
  const wrong = (name: string, problem: string, expected: string): void => {
    problems.push(
      tailgateError('SETTINGS_INVALID_VALUE', { key: name, problem, expected }, { key: `input "${name}"` }),
    );
  };
  const oneOf = <T extends string>(name: string, allowed: readonly T[], fallback: T): T => {
    const given = text(name) || fallback;
    const found = allowed.find((value) => value === given);
    if (found === undefined) wrong(name, `got "${given}"`, `Write one of: ${allowed.join(', ')}.`);
    return found ?? fallback;
  };
  const given = text('path');
  if (given === '') wrong('path', 'it is empty', 'Name the folder into which the artifacts were downloaded.');
  const words = (text('fail-on') || 'fail, invalid').split(/[,\s]+/).filter((word) => word !== '');
  const isNone = words.length === 1 && words[0] === 'none';
  const failOn = verdicts.filter((verdict) => words.includes(verdict));
  const unknown = isNone ? [] : words.filter((word) => !verdicts.some((verdict) => verdict === word));
  if (unknown.length > 0)
    wrong(
      'fail-on',
      `got "${unknown.join(', ')}"`,
      `Write some of: ${verdicts.join(', ')}; or "none" alone.`,
    );
  const expected = text('expected');
  if (expected !== '' && !/^[1-9]\d*$/.test(expected))
    wrong('expected', `got "${expected}"`, 'Write a whole number.');
  const inputs: ReportActionInputs = {
    mode: oneOf('mode', ['merge', 'publish'], 'merge'),
    path: path.resolve(cwd, given),
    comment: oneOf('comment', ['always', 'on-change', 'on-fail', 'never'], 'always'),
    check: {
      kind: oneOf('check', ['none', 'check-run', 'commit-status'], 'none'),
      name: text('check-name') || 'tailgate',
    },
    failOn,
    expected: expected === '' ? null : Number(expected),
    result: text('result') || null,
    suite: text('suite') || null,
    reportDir: path.resolve(cwd, text('report-dir') || '.tailgate-report'),
  };
  if (inputs.mode === 'publish') {
    const mergeOnly = { check: inputs.check.kind !== 'none', result: inputs.result !== null };
    for (const [name, isGiven] of Object.entries({ ...mergeOnly, suite: inputs.suite !== null }))
      if (isGiven) wrong(name, 'it is for "mode: merge"', 'Take it out.');
  }
  throwProblems(problems);
  return inputs;
};

import type * as z from 'zod';
import { type TailgateError, tailgateError } from '../errors.ts';
import { nearestName } from '../metrics/nearest-name.ts';
import { knownKeys, settingNamed } from './schema-index.ts';
import { formatPath, type SettingPath, valueAt } from './setting-path.ts';
import type { SettingPlaces } from './setting-places.ts';

type Issue = z.core.$ZodIssue;

const expectedTypes: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a group of settings',
  record: 'a group of values',
};

/**
 * The problems that the schema found in `raw`, as errors of the catalogue, each with its place. A misspelt key is named
 * once, not also as a missing one.
 */
export const schemaProblems = (
  issues: readonly Issue[],
  raw: unknown,
  places: SettingPlaces,
): TailgateError[] => {
  const misspelt = new Set<string>();

  const invalid = (path: SettingPath, problem: string, expected: string): TailgateError[] => {
    const params = { key: formatPath(path), problem, expected };
    return [tailgateError('SETTINGS_INVALID_VALUE', params, places.value(path))];
  };

  const unknownKeys = (path: SettingPath, keys: readonly string[]): TailgateError[] => {
    const known = knownKeys(path);
    return keys.map((key) => {
      const near = nearestName(key, known);
      if (near !== undefined) misspelt.add(formatPath([...path, near]));
      const suggestion = near === undefined ? settingNamed(key) : formatPath([...path, near]);
      const params = { key: formatPath([...path, key]), suggestion, known };
      return tailgateError('SETTINGS_UNKNOWN_KEY', params, places.key([...path, key]));
    });
  };

  const wrongType = (path: SettingPath, expected: string, given: unknown): TailgateError[] => {
    const type = expectedTypes[expected] ?? expected;
    if (given !== undefined)
      return invalid(path, `expected ${type}, got ${shown(given)}`, typeFix(expected, given));
    return misspelt.has(formatPath(path)) ? [] : invalid(path, 'it is missing', `Add it: ${type}.`);
  };

  const explain = (issue: Issue, base: SettingPath): TailgateError[] => {
    const path = [...base, ...(issue.path as (string | number)[])];
    const given = valueAt(raw, path);
    switch (issue.code) {
      case 'unrecognized_keys':
        return unknownKeys(path, issue.keys);
      case 'invalid_type':
        return wrongType(path, issue.expected, given);
      case 'invalid_value':
        return invalid(path, `got ${shown(given)}`, oneOf(issue.values, given));
      case 'invalid_union': {
        const branch = likelyBranch(issue.errors);
        if (branch !== null) return explainAll(branch, path);
        return invalid(path, `got ${shown(given)}`, unionExpectation(issue.errors, knownKeys(path), given));
      }
      case 'too_small':
        if (given === '' || (Array.isArray(given) && given.length === 0))
          return invalid(path, 'it is empty', 'Write a value, or leave the setting out.');
        return invalid(path, `got ${shown(given)}`, limitFix(issue));
      default:
        return invalid(path, `got ${shown(given)}`, limitFix(issue));
    }
  };

  // Unknown keys first, so that what they were meant to be is not reported as missing as well.
  const explainAll = (all: readonly Issue[], base: SettingPath): TailgateError[] =>
    [...all].sort(unknownKeysFirst).flatMap((issue) => explain(issue, base));

  return explainAll(issues, []);
};

/** A value as a message shows it. */
function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'nothing (the value is empty)';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a group of settings';
  if (typeof value === 'string')
    return `the text "${value.length > 60 ? `${value.slice(0, 57)}...` : value}"`;
  return String(value);
}

function typeFix(expected: string, value: unknown): string {
  if (expected === 'string' && (typeof value === 'number' || typeof value === 'boolean'))
    return `Put it in quotes: "${value}".`;
  const isNumber = expected === 'number' || expected === 'int';
  if (isNumber && typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value)))
    return `Write it without quotes: ${Number(value)}.`;
  if (expected === 'array' && typeof value === 'string') return `Write a list: "- ${value}".`;
  return `Write ${expectedTypes[expected] ?? expected}.`;
}

function oneOf(values: readonly unknown[], given: unknown): string {
  const names = values.map(String);
  const near = typeof given === 'string' ? nearestName(given, names) : undefined;
  return `${near === undefined ? '' : `Did you mean "${near}"? `}It is ${names.length === 1 ? '' : 'one of '}${names.map((name) => `"${name}"`).join(', ')}.`;
}

/** The issues of the alternative of a union that the user most likely meant; null when none stands out. */
function likelyBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | null {
  const matching = branches.filter(
    (issues) =>
      !issues.some(
        (issue) =>
          issue.path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_value'),
      ),
  );
  return matching.length === 1 ? matching[0]! : null;
}

function unionExpectation(
  branches: readonly (readonly Issue[])[],
  keys: readonly string[],
  given: unknown,
): string {
  const values = branches.flatMap((issues) =>
    issues.flatMap((issue) => (issue.code === 'invalid_value' ? issue.values : [])),
  );
  const types = branches.flatMap((issues) =>
    issues.flatMap((issue) =>
      issue.code === 'invalid_type' && issue.path.length === 0
        ? [
            issue.expected === 'object' && keys.length > 0
              ? `a group with ${keys.map((key) => `"${key}"`).join(', ')}`
              : (expectedTypes[issue.expected] ?? issue.expected),
          ]
        : [],
    ),
  );
  const alternatives = [
    ...values.map((value) => (typeof value === 'string' ? `"${value}"` : String(value))),
    ...new Set(types),
  ];
  const near = typeof given === 'string' ? nearestName(given, values.map(String)) : undefined;
  return `${near === undefined ? '' : `Did you mean "${near}"? `}Write ${alternatives.join(' or ')}.`;
}

function limitFix(issue: Issue): string {
  if (issue.code === 'too_big') return `Write at most ${issue.maximum}.`;
  if (issue.code === 'too_small')
    return `Write ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}.`;
  return `Write ${issue.message}.`;
}

function unknownKeysFirst(a: Issue, b: Issue): number {
  return Number(b.code === 'unrecognized_keys') - Number(a.code === 'unrecognized_keys');
}

import type * as z from 'zod';
import { tailgateError } from '../errors.ts';
import { type CapacityReport, capacityReportSchema } from './capacity-model.ts';
import { cleanLine } from './clean-text.ts';
import { type Report, reportSchema } from './report-model.ts';

/** Reports of long runs with many suites stay far below this. */
const maxReportLength = 32_000_000;

/** How a report of an older schema version becomes one of the next version. */
const migrations: Readonly<Record<number, (older: Record<string, unknown>) => Record<string, unknown>>> = {};

const currentVersion = 1;

/**
 * Reads a report written by `--json`, from anywhere: nothing in it is believed before it fits the schema. `path` names
 * it in the error. Throws REPORT_UNREADABLE with the place of the first problem.
 */
export const parseReport = (text: string, path: string, maxLength = maxReportLength): Report =>
  parsed(text, path, maxLength, () => reportSchema);

/** Reads the JSON report of a run or of a capacity search, as `parseReport`. */
export const parseAnyReport = (
  text: string,
  path: string,
  maxLength = maxReportLength,
): Report | CapacityReport =>
  parsed<Report | CapacityReport>(text, path, maxLength, ({ kind }) =>
    kind === 'capacity' ? capacityReportSchema : reportSchema,
  );

function parsed<T>(
  text: string,
  path: string,
  maxLength: number,
  schemaOf: (json: Record<string, unknown>) => z.ZodType<T>,
): T {
  const unreadable = (reason: string) => tailgateError('REPORT_UNREADABLE', { path, reason });
  if (text.length > maxLength)
    throw unreadable(`it has ${text.length} characters, more than the ${maxLength} that are read`);
  const json = migrate(parseJson(text, unreadable), unreadable);
  const schema = schemaOf(json);
  let result = schema.safeParse(json);
  if (!result.success && dropUnknownFields(json, result.error)) result = schema.safeParse(json);
  if (!result.success) throw unreadable(firstIssue(result.error));
  return result.data;
}

function migrate(
  json: Record<string, unknown>,
  unreadable: (reason: string) => Error,
): Record<string, unknown> {
  const version = json.schemaVersion;
  if (typeof version !== 'number') throw unreadable('it has no "schemaVersion"');
  if (version > currentVersion)
    throw unreadable(
      `its schema version is ${version}; this version of Tailgate reads versions up to ${currentVersion}`,
    );
  let migrated = json;
  for (let from = version; from < currentVersion; from += 1) {
    const step = migrations[from];
    if (step === undefined) throw unreadable(`its schema version ${version} is no longer read`);
    migrated = step(migrated);
  }
  return migrated;
}

function parseJson(text: string, unreadable: (reason: string) => Error): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw unreadable(`it is not JSON (${cleanLine((error as Error).message, 120)})`);
  }
  if (!isRecord(json)) throw unreadable('it is not a JSON object');
  return json;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Takes out the fields that this version does not know, if they are all that is wrong: a later version may add fields
 * within a schema version. False when something else is wrong.
 */
function dropUnknownFields(json: Record<string, unknown>, error: z.ZodError): boolean {
  if (!error.issues.every((issue) => issue.code === 'unrecognized_keys')) return false;
  for (const issue of error.issues) {
    const holder = issue.path.reduce<unknown>(
      (value, part) => (value as Record<PropertyKey, unknown>)[part],
      json,
    );
    for (const key of issue.keys) delete (holder as Record<string, unknown>)[key];
  }
  return true;
}

/** The first problem of a value that does not fit a schema, with where it lies. */
function firstIssue(error: z.ZodError): string {
  const [issue] = error.issues;
  if (issue === undefined) return 'it does not fit the schema';
  const message = cleanLine(issue.message, 200).replace(/^Invalid input: /, '');
  return `${pathOf(issue.path) || 'the whole'}: ${message}`;
}

function pathOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    const name = cleanLine(String(part), 60);
    return text === '' ? name : `${text}.${name}`;
  }, '');
}

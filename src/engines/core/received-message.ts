import isEqualWith from 'lodash/isEqualWith.js';
import set from 'lodash/set.js';
import { captureOrMatch } from '../../../node_modules/artillery/dist/lib/commons/engine_util.js';
import { messagePath, readMessage } from './delivery/payload-path.ts';
import type { VirtualUserContext } from './flow/step.ts';
import { StepFailure } from './step-failure.ts';
import { compileTemplate, type Template } from './template/compile-template.ts';
import { compileSimplePath } from './template/simple-path.ts';

/** What a virtual user received, as Artillery's captures and matches read it. */
export type ReceivedMessage = {
  /** Parsed JSON, or the text, or bytes. */
  body: unknown;
  headers: Record<string, unknown>;
};

/** Tells the messages that a step is interested in. */
export type MessageFilter = (message: ReceivedMessage) => boolean;

/** The `capture` and `match` of a step, in Artillery's notation. */
export type CaptureSpec = { capture?: unknown; match?: unknown };

type Match = { success?: boolean; expected?: unknown; got?: unknown; expression?: string; strict?: boolean };

type Capture = { value?: unknown; failed?: boolean; error?: unknown };

type Result = { captures: Record<string, Capture>; matches: Record<string, Match> };

/** The value that JSON text stands for; the text itself when it is none. */
export const parsedJson = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
};

/** A reader of one dotted path into a message: `data.id` of its body, or `headers.name`. */
export const messageField = (path: string): ((message: ReceivedMessage) => unknown) => {
  if (/^(\$\.)?headers\./.test(path)) {
    const name = path.slice(path.indexOf('headers.') + 'headers.'.length);
    const parts = messagePath(path);
    // Of a protocol without headers it is a field like any other.
    return (message) =>
      Object.hasOwn(message.headers, name) ? message.headers[name] : readMessage(message.body, parts);
  }
  const parts = messagePath(path);
  return (message) => readMessage(message.body, parts);
};

/**
 * Whether two values are the same, at any depth. A number and the text of it are: variables that were captured or come from
 * a file are texts.
 */
export const sameValue = (a: unknown, b: unknown): boolean =>
  sameScalar(a, b) ?? isEqualWith(a, b, sameScalar);

/** Undefined where one of them holds others. */
function sameScalar(a: unknown, b: unknown): boolean | undefined {
  if (a === b) return true;
  if (a === undefined || a === null || b === undefined || b === null) return false;
  return typeof a === 'object' || typeof b === 'object' ? undefined : String(a) === String(b);
}

/** Compiles `where`: dotted paths and the values that a message must have there, templates allowed. */
export const compileWhere = (
  where: Record<string, unknown>,
): ((context: VirtualUserContext) => MessageFilter) => {
  const conditions = Object.entries(where).map(([path, value]) => ({
    read: messageField(path),
    expected: compileTemplate(value),
  }));
  return (context) => {
    const wanted = conditions.map(({ read, expected }) => ({ read, value: expected.render(context) }));
    return (message) => wanted.every(({ read, value }) => sameValue(read(message), value));
  };
};

/**
 * Applies `capture` and `match` to a message as Artillery does: what is captured becomes variables, a match or capture
 * that fails (and is not `strict: false`) is a failure of the name `failureName`. Null when there is neither.
 */
export const compileCaptures = (
  spec: CaptureSpec,
  failureName: string,
): ((message: ReceivedMessage, context: VirtualUserContext) => StepFailure | null) | null => {
  const params = { capture: asList(spec.capture), match: asList(spec.match) };
  const specs = [...params.capture, ...params.match];
  if (specs.length === 0) return null;
  const simple = specs.every(isSimple) ? specs.map(compileSimple) : null;
  const fail = (problem: string | null) => (problem === null ? null : new StepFailure(failureName, problem));
  if (simple !== null) return (message, context) => fail(applySimple(simple, message.body, context));
  return (message, context) => {
    let failure: StepFailure | null = null;
    // Calls back before it returns: nothing in it waits.
    captureOrMatch(params, message, context, (error: Error | null, result: Result | null) => {
      failure = fail(error === null ? apply(result!, context) : error.message);
    });
    return failure;
  };
};

/** A template that is only rendered when it is there. */
export const optionalTemplate = <T>(value: unknown): Template<T> | null =>
  value === undefined ? null : compileTemplate<T>(value);

function asList(value: unknown): unknown[] {
  return value === undefined ? [] : Array.isArray(value) ? [...value] : [value];
}

type SimpleSpec = { json: string; as?: string; value?: unknown; strict?: boolean };

/** A capture or match of a plain path, which is what nearly all are. */
function isSimple(spec: unknown): spec is SimpleSpec {
  if (typeof spec !== 'object' || spec === null) return false;
  const { json, as, value } = spec as Record<string, unknown>;
  return (
    typeof json === 'string' &&
    compileSimplePath(json) !== null &&
    (typeof as === 'string') !== (value !== undefined) &&
    Object.keys(spec).every((key) => ['json', 'as', 'value', 'strict'].includes(key))
  );
}

type SimpleCheck = {
  path: string;
  read: (body: unknown) => unknown;
  /** The variable that a capture sets; null for a match. */
  name: string | null;
  expected: Template;
  isStrict: boolean;
};

function compileSimple({ json, as, value, strict }: SimpleSpec): SimpleCheck {
  return {
    path: json,
    read: compileSimplePath(json)!,
    name: as ?? null,
    expected: compileTemplate(value),
    isStrict: strict !== false,
  };
}

function applySimple(
  checks: readonly SimpleCheck[],
  body: unknown,
  context: VirtualUserContext,
): string | null {
  for (const { path, read, name, expected, isStrict } of checks) {
    if (!isStrict) continue;
    const got = read(body);
    if (name !== null) {
      if (got === undefined || got === '') return `nothing to capture for "${name}"`;
    } else {
      const wanted = expected.render(context);
      if (got !== wanted) return mismatch(path, wanted, got);
    }
  }
  for (const { read, name } of checks) if (name !== null) set(context.vars, name, read(body));
  return null;
}

function mismatch(path: string, expected: unknown, got: unknown): string {
  return `expected ${JSON.stringify(expected)} at ${path}, got ${JSON.stringify(got) ?? 'nothing'}`;
}

/** Sets the captured variables; gives what is wrong, or null. */
function apply(result: Result, context: VirtualUserContext): string | null {
  for (const { success, strict, expected, got, expression } of Object.values(result.matches)) {
    if (success !== true && strict !== false) return mismatch(expression ?? 'the match', expected, got);
  }
  for (const [name, { failed }] of Object.entries(result.captures)) {
    if (failed === true) return `nothing to capture for "${name}"`;
  }
  for (const [name, { value }] of Object.entries(result.captures)) set(context.vars, name, value);
  return null;
}

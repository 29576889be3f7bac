import set from 'lodash/set.js';
import { captureOrMatch } from '../../node_modules/artillery/dist/lib/commons/engine_util.js';
import type { VirtualUserContext } from './flow/step.ts';
import { StepFailure } from './step-failure.ts';
import { compileTemplate, type Template } from './template/compile-template.ts';

/** What a virtual user received, as Artillery's captures and matches read it. */
export type ReceivedMessage = {
  /** Parsed JSON, or the text, or bytes. */
  body: unknown;
  headers: Record<string, unknown>;
};

/** The value that JSON text stands for; the text itself when it is none. */
export const parsedJson = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
};

const valueAt = (value: unknown, path: readonly string[]): unknown => {
  let current = value;
  for (const key of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = (current as Record<string, unknown>)[key];
  }
  return current;
};

/** A reader of one dotted path into a message: `data.id` of its body, or `headers.name`. */
export const messageField = (path: string): ((message: ReceivedMessage) => unknown) => {
  const parts = path
    .replace(/^\$\.?/, '')
    .replace(/\[(\d+)\]/g, '.$1')
    .split('.')
    .filter((part) => part !== '');
  if (parts[0] === 'headers') {
    const name = path.slice(path.indexOf('.') + 1);
    return (message) => message.headers[name];
  }
  return (message) => valueAt(message.body, parts);
};

/** A number and the text of it are the same: variables that were captured or come from a file are texts. */
export const sameValue = (a: unknown, b: unknown): boolean =>
  a === b || (a !== undefined && a !== null && b !== undefined && b !== null && String(a) === String(b));

/** Tells the messages that a step is interested in. */
export type MessageFilter = (message: ReceivedMessage) => boolean;

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

/** The `capture` and `match` of a step, in Artillery's notation. */
export type CaptureSpec = { capture?: unknown; match?: unknown };

type Match = { success?: boolean; expected?: unknown; got?: unknown; expression?: string; strict?: boolean };
type Capture = { value?: unknown; failed?: boolean; error?: unknown };
type Result = { captures: Record<string, Capture>; matches: Record<string, Match> };

const asList = (value: unknown): unknown[] =>
  value === undefined ? [] : Array.isArray(value) ? [...value] : [value];

/**
 * Applies `capture` and `match` to a message as Artillery does: what is captured becomes variables, a match or capture
 * that fails (and is not `strict: false`) is a failure of the name `failureName`. Null when there is neither.
 */
export const compileCaptures = (
  spec: CaptureSpec,
  failureName: string,
): ((message: ReceivedMessage, context: VirtualUserContext) => StepFailure | null) | null => {
  const params = { capture: asList(spec.capture), match: asList(spec.match) };
  if (params.capture.length + params.match.length === 0) return null;
  return (message, context) => {
    let failure: StepFailure | null = null;
    // Calls back before it returns: nothing in it waits.
    captureOrMatch(params, message, context, (error: Error | null, result: Result | null) => {
      const problem = error === null ? apply(result!, context) : error.message;
      failure = problem === null ? null : new StepFailure(failureName, problem);
    });
    return failure;
  };
};

/** Sets the captured variables; gives what is wrong, or null. */
const apply = (result: Result, context: VirtualUserContext): string | null => {
  for (const { success, strict, expected, got, expression } of Object.values(result.matches)) {
    if (success !== true && strict !== false)
      return `expected ${JSON.stringify(expected)} at ${expression ?? 'the match'}, got ${JSON.stringify(got)}`;
  }
  for (const [name, { failed }] of Object.entries(result.captures)) {
    if (failed === true) return `nothing to capture for "${name}"`;
  }
  for (const [name, { value }] of Object.entries(result.captures)) set(context.vars, name, value);
  return null;
};

/** A template that is only rendered when it is there. */
export const optionalTemplate = <T>(value: unknown): Template<T> | null =>
  value === undefined ? null : compileTemplate<T>(value);

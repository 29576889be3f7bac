import type { EngineSettings } from './engine-settings.ts';
import { recorder } from './recorder.ts';
import { StepFailure } from './step-failure.ts';

/** Fields by which an answer says no. */
const refusalFields = ['ok', 'success', 'status', 'statusCode', 'error'];

/** The payload of an answer: its only argument, or what follows a null in `(error, result)` style. */
export const payloadOf = (args: readonly unknown[]): unknown =>
  args.length > 1 && !isPresent(args[0]) ? args[1] : args[0];

/**
 * Whether an answer says by itself that it is a failure, in one of the ways that servers commonly use:
 * `(error)` before a missing result, `{ ok: false }`, `{ success: false }`, `{ status: "error" }`, a status of 400
 * or more, `{ error: ... }` (JSON-RPC too). Asked only where nothing else says what to expect.
 */
export const looksLikeRefusal = (args: readonly unknown[]): boolean => {
  if (args[0] instanceof Error) return true;
  if (args.length > 1 && isPresent(args[0]) && !isPresent(args[1])) return true;
  const payload = payloadOf(args);
  if (!isObject(payload)) return false;
  const { ok, success, status, statusCode, error } = payload;
  if (ok === false || success === false) return true;
  if (typeof status === 'string' && /^(error|fail|failed|failure|ng)$/i.test(status)) return true;
  if ([status, statusCode].some((code) => typeof code === 'number' && code >= 400 && code < 600)) return true;
  return error !== undefined && error !== null && error !== false && error !== '';
};

/** Whether a dotted path into an answer leads to one of the fields by which it says no. */
export const isRefusalField = (path: string): boolean => refusalFields.includes(path.split('.').at(-1) ?? '');

/** Whether the JSON of an answer's arguments may say no: it is parsed only then. */
export const mayRefuse = (json: string): boolean =>
  /"(?:ok|success)"\s*:\s*false|"(?:status|statusCode|error)"\s*:|,\s*null\s*\]$/.test(json);

/** Whether answers to an event are judged at all, as `measure.refusals` says. */
export const judgesRefusals = (refusals: EngineSettings['refusals'], event: string): boolean =>
  refusals === 'error' || (Array.isArray(refusals) && !refusals.includes(event));

/** An answer of a server that says no; null when it does not. It counts as answered, and is never a latency. */
export const refusalOf = (subject: string, args: readonly unknown[]): StepFailure | null =>
  looksLikeRefusal(args) ? new StepFailure(`refused: ${subject}`, inShort(args)) : null;

function isPresent(value: unknown): boolean {
  return value !== null && value !== undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function inShort(args: readonly unknown[]): string {
  const text = recorder.masked(args.map((arg) => JSON.stringify(arg) ?? String(arg)).join(', '));
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}

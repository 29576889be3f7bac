import { compileText, type TemplateContext } from './template-text.ts';

/**
 * Renders a value of the scenario straight to JSON. `undefined` is what JSON leaves out; null is returned when the
 * value cannot be told from here (an object in a variable may hold binary data) and must be rendered as a value.
 */
export type RenderJson = (context: TemplateContext) => string | null | undefined;

type Part = string | RenderJson;

const quotationMark = 34;
const backslash = 92;
const firstPrintable = 32;
const firstSurrogate = 0xd800;
const longestChecked = 128;

/**
 * Compiles a value into a function that renders its JSON without making the value first. Null when its JSON is not
 * all there is to it: binary data, dates, and keys that templates could change are rendered as values.
 */
export const compileJson = (value: unknown): RenderJson | null => {
  const part = compilePart(value);
  if (part === null || part === undefined) return null;
  return typeof part === 'string' ? () => part : part;
};

/** A text if it is known beforehand, undefined if JSON has no such value, null if it needs more than JSON. */
function compilePart(value: unknown): Part | null | undefined {
  if (typeof value === 'string' && value.includes('{{')) {
    const render = compileText(value);
    return (context) => leaf(render(context));
  }
  if (Array.isArray(value)) return compileList(value);
  if (isObject(value)) return '$binary' in value || 'toJSON' in value ? null : compileObject(value);
  return leaf(value);
}

/** A member whose value may turn out to be undefined is left out then; the rare case is rendered as a value. */
function compileObject(value: Record<string, unknown>): Part | null {
  const parts: Part[] = ['{'];
  let isFirst = true;
  for (const [key, child] of Object.entries(value)) {
    const part = compilePart(child);
    if (part === null) return null;
    if (part === undefined) continue;
    parts.push(`${isFirst ? '' : ','}${JSON.stringify(key)}:`, part);
    isFirst = false;
  }
  return concatenated([...parts, '}']);
}

function compileList(value: readonly unknown[]): Part | null {
  const parts: Part[] = ['['];
  for (const [index, child] of value.entries()) {
    const part = compilePart(child);
    if (part === null) return null;
    if (index > 0) parts.push(',');
    parts.push(part === undefined ? 'null' : inList(part));
  }
  return concatenated([...parts, ']']);
}

function inList(part: Part): Part {
  return typeof part === 'string'
    ? part
    : (context) => {
        const rendered = part(context);
        return rendered === undefined ? 'null' : rendered;
      };
}

function concatenated(parts: Part[]): Part {
  const pieces = joined(parts);
  if (pieces.length === 1 && typeof pieces[0] === 'string') return pieces[0];
  return (context) => {
    let text = '';
    for (const piece of pieces) {
      const rendered = typeof piece === 'string' ? piece : piece(context);
      if (rendered === null || rendered === undefined) return null;
      text += rendered;
    }
    return text;
  };
}

/** Parts that are known beforehand are joined into one text. */
function joined(parts: Part[]): Part[] {
  const result: Part[] = [];
  for (const part of parts) {
    const last = result.at(-1);
    if (typeof part === 'string' && typeof last === 'string') result[result.length - 1] = last + part;
    else result.push(part);
  }
  return result;
}

function leaf(value: unknown): string | null | undefined {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'number' && Number.isFinite(value)) return `${value}`;
  if (value === undefined || typeof value === 'function') return undefined;
  return typeof value === 'object' && value !== null ? null : JSON.stringify(value);
}

/** A string as JSON. Most short ones need no escapes, which is quicker to see than to call for. */
function quoted(text: string): string {
  if (text.length > longestChecked) return JSON.stringify(text);
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < firstPrintable || code === quotationMark || code === backslash || code >= firstSurrogate)
      return JSON.stringify(text);
  }
  return `"${text}"`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && value.constructor === Object;
}

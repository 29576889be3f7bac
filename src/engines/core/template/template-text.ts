import toPath from 'lodash/toPath.js';
import { template as artilleryTemplate } from '../../../../node_modules/artillery/dist/lib/commons/engine_util.js';

/** The variables and functions of one virtual user, as Artillery keeps them. */
export type TemplateContext = {
  vars: Record<string, unknown>;
  funcs?: Record<string, unknown>;
};

export type Render = (context: TemplateContext) => unknown;

// Artillery's own patterns (lib/commons/engine_util): what counts as a call, and what as a variable.
const callPattern = /{{\s*(\$[A-Za-z0-9_]+\s*\(\s*[A-Za-z0-9_,\s]*\s*\))\s*}}/;

const variablePattern = /{{{?[\s$\w.[\]'"-]+}}}?/g;

const plainNumber = /^(?:0|[1-9]\d{0,14})$/;

/** Artillery repeats until nothing is left to replace; a variable that brings in itself would do so for ever. */
const maxReplacements = 1_000;

const maxGrowth = 1_000_000;

/** Reads a variable by its name or path, as templates do; undefined where there is none. */
export const readerOf = (name: string): ((vars: Record<string, unknown>) => unknown) => {
  if (/^[\w$-]*$/.test(name)) return (vars) => vars[name];
  const path = toPath(name);
  return (vars) => {
    if (name in vars) return vars[name];
    let value: unknown = vars;
    for (const key of path) {
      if (value === null || value === undefined) return undefined;
      value = (value as Record<string, unknown>)[key];
    }
    return path.length === 0 ? undefined : value;
  };
};

/**
 * Compiles a string that holds templates into a function with the result of Artillery's `template()`. What is common
 * (variables, dotted paths, calls with numbers) is parsed once; values that hold templates themselves, and syntax that
 * is rare, are rendered step by step as Artillery does.
 */
export const compileText = (text: string): Render => {
  const parts = split(text);
  if (parts === null || parts.slots.length === 0 || !areInert(parts.literals))
    return (context) => interpret(text, context);
  if (parts.slots.some((slot) => 'call' in slot)) return compileCalls(text, parts);
  if (parts.slots.length === 1 && text.match(variablePattern)?.[0] === text) {
    const read = readerOf(variableName(text));
    return ({ vars }) => wholeValue(read(vars));
  }
  return compileVariables(text, parts);
};

/** Variables that a string reads, with their whole path. */
export const variablesIn = (text: string): string[] =>
  text.includes('{{') ? [...text.matchAll(variablePattern)].map((match) => variableName(match[0])) : [];

/** Names of the variables and functions that a string mentions, up to the first dot or bracket. */
export const namesIn = (text: string): string[] => [
  ...[...text.matchAll(variablePattern)].map((match) => variableName(match[0]).split(/[.[]/)[0]!),
  ...[...text.matchAll(new RegExp(callPattern, 'g'))].map((match) => match[1]!.split('(')[0]!.trim()),
];

type Call = { name: string; args: unknown[] };

/** One place in a template whose value is known only when it is rendered. */
type Slot = { call: Call } | { read: (vars: Record<string, unknown>) => unknown };

type Parts = { literals: string[]; slots: Slot[] };

/** Splits a string into literals and what stands between them; null if a call needs Artillery's own parser. */
function split(text: string): Parts | null {
  const parts: Parts = { literals: [], slots: [] };
  let rest = text;
  for (let match = rest.match(callPattern); match !== null; match = rest.match(callPattern)) {
    const call = parseCall(match);
    if (call === null) return null;
    splitVariables(rest.slice(0, match.index), parts);
    parts.slots.push({ call });
    rest = rest.slice(match.index! + match[0].length);
  }
  splitVariables(rest, parts);
  return parts;
}

/** Parses a call with plain numbers as arguments; null for what needs Artillery's own parser. */
function parseCall(match: RegExpMatchArray): Call | null {
  const [name, rest] = match[1]!.split('(') as [string, string];
  const list = rest.replace(')', '').trim();
  const args = list === '' ? [] : list.split(',').map((arg) => arg.trim());
  return args.every((arg) => plainNumber.test(arg)) ? { name: name.trim(), args: args.map(Number) } : null;
}

function splitVariables(text: string, parts: Parts): void {
  let end = 0;
  for (const match of text.matchAll(variablePattern)) {
    parts.literals.push(text.slice(end, match.index));
    parts.slots.push({ read: readerOf(variableName(match[0])) });
    end = match.index + match[0].length;
  }
  parts.literals.push(text.slice(end));
}

function variableName(match: string): string {
  return match.replace(/{/g, '').replace(/}/g, '').trim();
}

/** Literals between templates that cannot form a new template together with the values put between them. */
function areInert(literals: string[]): boolean {
  return literals.every(
    (literal, index) =>
      !literal.includes('{{') &&
      (index === literals.length - 1 || !literal.endsWith('{')) &&
      (index === 0 || !literal.startsWith('}')),
  );
}

/** Renders a string step by step, as Artillery does: calls first, one after the other, then variables. */
function interpret(text: string, context: TemplateContext): unknown {
  if (!text.includes('{{')) return text;
  const match = text.match(callPattern);
  if (match === null) return replaceVariables(text, context.vars);
  const call = parseCall(match);
  const run = call === null ? undefined : context.funcs?.[call.name];
  // Arguments that are no plain numbers, and functions that do not exist, are left to Artillery's parser.
  const result = typeof run === 'function' ? run(...call!.args) : artilleryTemplate(match[0], context);
  if (result === undefined && typeof run !== 'function') return undefined;
  return interpret(text.replace(callPattern, result as string), context);
}

function replaceVariables(text: string, vars: Record<string, unknown>): unknown {
  const matches = text.match(variablePattern);
  if (matches?.length === 1 && matches[0] === text) return wholeValue(readerOf(variableName(text))(vars));
  let result = text;
  for (let count = 0; ; count += 1) {
    const match = result.match(variablePattern)?.[0];
    if (match === undefined) return result;
    if (count === maxReplacements || result.length > text.length + maxGrowth)
      throw new Error(`The template "${text}" contains itself.`);
    let value = readerOf(variableName(match))(vars);
    if (typeof value === 'object') value = JSON.stringify(value);
    result = result.replace(match, value as string);
  }
}

/** A template that is one variable and nothing else keeps the type of its value; what is falsy but not 0, false or null is ''. */
function wholeValue(value: unknown): unknown {
  return value === 0 || value === false || value === null || value === undefined ? value : value || '';
}

/** A template with calls; they run first, in order, as Artillery runs them. */
function compileCalls(text: string, { literals, slots }: Parts): Render {
  const isWhole = literals.every((literal) => literal === '');
  return (context) => {
    const results = callAll(slots, context);
    if (results === null) return context.funcs === undefined ? artilleryTemplate(text, context) : undefined;
    let next = 0;
    let result = literals[0]!;
    for (let index = 0; index < slots.length; index += 1) {
      const slot = slots[index]!;
      const value = 'call' in slot ? results[next++] : slot.read(context.vars);
      if (
        typeof value === 'string' ? !isPlain(value) : typeof value === 'object' || typeof value === 'function'
      )
        return interpret(withResults(text, results), context);
      result += `${value as string}${literals[index + 1]!}`;
    }
    return isWhole && results.includes('') ? interpret(withResults(text, results), context) : result;
  };
}

function callAll(slots: Slot[], context: TemplateContext): unknown[] | null {
  const results: unknown[] = [];
  for (const slot of slots) {
    if (!('call' in slot)) continue;
    const run = context.funcs?.[slot.call.name];
    if (typeof run !== 'function') return null;
    results.push(run(...slot.call.args));
  }
  return results;
}

function isPlain(text: string): boolean {
  return !text.includes('{') && !text.includes('}') && !text.includes('$');
}

function withResults(text: string, results: unknown[]): string {
  return results.reduce<string>((replaced, result) => replaced.replace(callPattern, result as string), text);
}

function compileVariables(text: string, { literals, slots }: Parts): Render {
  const reads = slots.map((slot) => (slot as { read: (vars: Record<string, unknown>) => unknown }).read);
  return (context) => {
    let result = literals[0]!;
    for (let index = 0; index < reads.length; index += 1) {
      const value = reads[index]!(context.vars);
      if (
        typeof value === 'string' ? !isPlain(value) : typeof value === 'object' || typeof value === 'function'
      )
        return interpret(text, context);
      result += `${value as string}${literals[index + 1]!}`;
    }
    return result;
  };
}

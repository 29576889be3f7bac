import { template as artilleryTemplate } from '../../../../node_modules/artillery/dist/lib/commons/engine_util.js';
import { compileJson, type RenderJson } from './compile-json.ts';
import { compileText, namesIn, type Render } from './template-text.ts';

/** A value of a scenario, parsed once. */
export type Template<T = unknown> = {
  /** Whether every virtual user gets the same value, which is then shared and must not be changed. */
  readonly isStatic: boolean;
  /** Variables that the value reads, by the first part of their name. */
  readonly names: ReadonlySet<string>;
  render(context: { vars: Record<string, unknown>; funcs?: Record<string, unknown> }): T;
  /** Renders straight to JSON; null where that is not possible. */
  readonly json: RenderJson | null;
};

/** Compiles an object that means something else than itself; null leaves it to the usual rules. */
export type SpecialObject = (value: Record<string, unknown>) => Template | null;

/** An object may hold itself. */
const deepest = 20;

type Node = { render: Render; value: unknown; isStatic: boolean };

/**
 * Compiles a value of the scenario (string, object, array, anything) into one that renders with the result of
 * Artillery's `template()`, without cloning or parsing it for each message. `special` may give objects their own
 * meaning. Render functions throw what the templates' functions throw.
 */
export const compileTemplate = <T = unknown>(value: unknown, special?: SpecialObject): Template<T> => {
  const names = new Set<string>();
  collectNames(value, names);
  const isOdd = hasOddKeys(value);
  const node = isOdd ? compileOdd(value, special) : compileNode(value, special);
  return {
    isStatic: node.isStatic,
    names,
    render: node.render as (context: unknown) => T,
    json: isOdd ? null : compileJson(value),
  };
};

function compileOdd(value: unknown, special: SpecialObject | undefined): Node {
  return dynamic((context) => {
    const rendered = artilleryTemplate(value, context);
    return special === undefined ? rendered : applySpecial(rendered, special);
  });
}

/** Gives special objects their meaning in what Artillery rendered. */
function applySpecial(value: unknown, special: SpecialObject): unknown {
  if (Array.isArray(value)) return value.map((child) => applySpecial(child, special));
  if (!isObject(value)) return value;
  const compiled = special(value);
  if (compiled !== null) return compiled.render({ vars: {} });
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, applySpecial(child, special)]));
}

function compileNode(value: unknown, special: SpecialObject | undefined): Node {
  if (typeof value === 'string') return value.includes('{{') ? dynamic(compileText(value)) : fixed(value);
  if (Array.isArray(value)) return compileArray(value, special);
  if (!isObject(value)) return fixed(value);
  const compiled = special?.(value) ?? null;
  if (compiled === null) return compileObject(value, special);
  return compiled.isStatic
    ? fixed(compiled.render({ vars: {} }))
    : dynamic((context) => compiled.render(context));
}

function compileObject(value: Record<string, unknown>, special: SpecialObject | undefined): Node {
  const base: Record<string, unknown> = {};
  const keys: string[] = [];
  const renders: Render[] = [];
  for (const [key, child] of Object.entries(value)) {
    const node = compileMember(child, special);
    base[key] = node.value;
    if (node.isStatic) continue;
    keys.push(key);
    renders.push(node.render);
  }
  if (keys.length === 0) return fixed(base);
  return dynamic((context) => {
    const result = { ...base };
    for (let index = 0; index < keys.length; index += 1) result[keys[index]!] = renders[index]!(context);
    return result;
  });
}

/**
 * A value inside of another. An object that a variable puts there is rendered too, as Artillery does, but as a copy: Artillery
 * renders it in place, so that from then on the variable is what the first message made of it.
 */
function compileMember(value: unknown, special: SpecialObject | undefined): Node {
  const node = compileNode(value, special);
  if (node.isStatic || typeof value !== 'string') return node;
  return dynamic((context) => {
    const rendered = node.render(context);
    return holdsTemplates(rendered) ? artilleryTemplate(rendered, context) : rendered;
  });
}

function holdsTemplates(value: unknown, depth = 0): boolean {
  if (typeof value === 'string') return depth > 0 && value.includes('{{');
  if (depth === deepest || typeof value !== 'object' || value === null) return false;
  if (!Array.isArray(value) && !isObject(value)) return false;
  return Object.values(value).some((child) => holdsTemplates(child, depth + 1));
}

function compileArray(value: unknown[], special: SpecialObject | undefined): Node {
  const nodes = value.map((child) => compileMember(child, special));
  if (nodes.every((node) => node.isStatic)) return fixed(nodes.map((node) => node.value));
  return dynamic((context) => nodes.map((node) => (node.isStatic ? node.value : node.render(context))));
}

function collectNames(value: unknown, names: Set<string>): void {
  if (typeof value === 'string') {
    for (const name of namesIn(value)) names.add(name);
  } else if (Array.isArray(value)) {
    for (const child of value) collectNames(child, names);
  } else if (isObject(value)) {
    for (const [key, child] of Object.entries(value)) {
      collectNames(key, names);
      collectNames(child, names);
    }
  }
}

function hasOddKeys(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasOddKeys);
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null) return true;
  if (!isObject(value)) return Object.hasOwn(value, 'constructor');
  return Object.entries(value).some(([key, child]) => isOddKey(key) || hasOddKeys(child));
}

/** Keys that Artillery addresses by their path, with effects outside of their own place. */
function isOddKey(key: string): boolean {
  return (
    /[.[\]"'\\{}]/.test(key) ||
    key === '' ||
    key === '__proto__' ||
    key === 'constructor' ||
    key === 'prototype'
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && value.constructor === Object;
}

function dynamic(render: Render): Node {
  return { render, value: undefined, isStatic: false };
}

function fixed(value: unknown): Node {
  return { render: () => value, value, isStatic: true };
}

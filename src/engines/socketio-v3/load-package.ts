import { captureOrMatch } from '../../../node_modules/artillery/dist/lib/commons/engine_util.js';
import { compileTemplate, type Template } from '../core/template/compile-template.ts';
import engineUtil from './artillery-1/engine-util.cjs';

const texts = new Map<string, Template>();
const objects = new WeakMap<object, Template>();
const maxTexts = 10_000;

type CaptureResult = {
  captures: Record<string, { value?: unknown }>;
  matches: Record<string, { success: boolean }>;
};

/**
 * Loads the package `artillery-engine-socketio-v3`, which wants helpers of Artillery 1. They must be in place before,
 * because the package reads them as it loads.
 */
export const loadPackage = async () => {
  engineUtil.template = template;
  engineUtil.captureOrMatch = captureRight as (...args: unknown[]) => unknown;
  return (await import('artillery-engine-socketio-v3')).default;
};

/** The engine that the package exports. */
export type PackageEngine = InstanceType<Awaited<ReturnType<typeof loadPackage>>>;

/** Sets captured variables here, because the package would set a 0 or a false to an object. */
function captureRight(
  specs: unknown,
  answer: unknown,
  context: { vars: Record<string, unknown> },
  done: (error: unknown, result: CaptureResult | null) => void,
): unknown {
  return captureOrMatch(specs, answer, context, (error: unknown, result: CaptureResult | null) => {
    const isMatched = result !== null && Object.values(result.matches).every(({ success }) => success);
    if (!isMatched) {
      done(error, result);
      return;
    }
    for (const [name, { value }] of Object.entries(result.captures)) context.vars[name] = value;
    done(error, { ...result, captures: {} });
  });
}

/** Artillery's `template()`; what a scenario renders again and again is parsed once. */
function template(value: unknown, context: { vars: Record<string, unknown> }): unknown {
  return typeof value === 'string' || (typeof value === 'object' && value !== null)
    ? compiled(value).render(context)
    : value;
}

function compiled(value: string | object): Template {
  if (typeof value === 'object') {
    const found = objects.get(value) ?? compileTemplate(value);
    objects.set(value, found);
    return found;
  }
  let found = texts.get(value);
  if (found === undefined) {
    if (texts.size >= maxTexts) texts.clear();
    found = compileTemplate(value);
    texts.set(value, found);
  }
  return found;
}

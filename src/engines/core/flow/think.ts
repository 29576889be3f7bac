import ms from 'ms';
import { jitter } from '../../../../node_modules/artillery/dist/lib/commons/jitter.js';
import { loadClock } from '../load-clock.ts';
import { compileTemplate } from '../template/compile-template.ts';
import type { Step } from './step.ts';

/**
 * A time of the scenario language in milliseconds: a whole number is seconds, a text has its unit, and a fraction
 * without a unit is milliseconds, as Artillery reads `think`. NaN when it is no time.
 */
export const durationMs = (value: unknown): number => {
  if (typeof value !== 'number' && typeof value !== 'string') return Number.NaN;
  const text = String(value).trim();
  if (text === '') return Number.NaN;
  if (Number.isInteger(Number(text))) return Number(text) * 1_000;
  return (ms(text as ms.StringValue) as number | undefined) ?? Number.NaN;
};

/** A pause of the virtual user, on the load clock. Throws when the time is none. */
export const think = (spec: { think?: unknown; jitter?: unknown }, defaultJitter: unknown): Step => {
  const time = compileTemplate(spec.think);
  const fixedMs = time.isStatic ? durationMs(spec.think) : null;
  const spread = spec.jitter ?? defaultJitter;
  return (context, callback) => {
    const timeMs = fixedMs ?? durationMs(time.render(context));
    if (Number.isNaN(timeMs)) throw new Error(`Invalid think time: ${String(spec.think)}`);
    const delayMs = spread === undefined ? timeMs : jitter(`${timeMs}:${String(spread)}`);
    loadClock.after(Math.max(0, delayMs), () => callback(null, context));
  };
};

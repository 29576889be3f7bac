import { template } from '../../../node_modules/artillery/dist/lib/commons/engine_util.js';
import { jitter } from '../../../node_modules/artillery/dist/lib/commons/jitter.js';
import { durationMs } from '../../engines/core/flow/think.ts';
import { loadClock } from '../../engines/core/load-clock.ts';

type ThinkSpec = { think: unknown; jitter?: string | number };
type Callback = (error: unknown, context: unknown) => void;

/** Artillery's think step, on the load clock. */
export const createThink =
  (spec: ThinkSpec, defaults: { jitter?: string | number } = {}) =>
  (context: unknown, callback: Callback): void => {
    const wanted = template(spec.think, context);
    const exactMs = durationMs(wanted);
    if (Number.isNaN(exactMs)) throw new Error(`Invalid think time: ${String(wanted ?? spec.think)}`);
    const spread = spec.jitter ?? defaults.jitter;
    const delayMs = spread === undefined ? exactMs : jitter(`${exactMs}:${spread}`);
    loadClock.after(delayMs, () => callback(null, context));
  };

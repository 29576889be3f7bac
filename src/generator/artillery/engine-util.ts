import * as original from '../../../node_modules/artillery/dist/lib/commons/engine_util.js';
import * as jitter from '../../../node_modules/artillery/dist/lib/commons/jitter.js';
import { durationMs } from '../../engines/core/flow/think.ts';
import { loadClock } from '../../engines/core/load-clock.ts';

/** Takes the place of Artillery's helpers for engines: thinks run on the load clock, the rest is Artillery's own. */
const engineUtil = { ...original, createThink };

export { engineUtil as engine_util, jitter };

type ThinkSpec = { think: unknown; jitter?: string | number };
type Callback = (error: unknown, context: unknown) => void;

/** Artillery's think step, on the load clock. */
function createThink(spec: ThinkSpec, defaults: { jitter?: string | number } = {}) {
  return (context: unknown, callback: Callback): void => {
    const wanted = original.template(spec.think, context);
    const exactMs = durationMs(wanted);
    if (Number.isNaN(exactMs)) throw new Error(`Invalid think time: ${String(wanted ?? spec.think)}`);
    const spread = spec.jitter ?? defaults.jitter;
    const delayMs = spread === undefined ? exactMs : jitter.jitter(`${exactMs}:${spread}`);
    loadClock.after(delayMs, () => callback(null, context));
  };
}

import type { EngineEvents, Scenario } from '../../node_modules/artillery/dist/lib/core/engine_http.js';
import { loadClock } from '../engines/load-clock.ts';

/** Length of the session whose end is being reported, on the load clock; null when its engine is not ours. */
let endedMs: number | null = null;

/** The length of the session that ends now: on the load clock if known, else as Artillery measured it. */
export const takeSessionLength = (artilleryMs: number): number => {
  const lengthMs = endedMs ?? artilleryMs;
  endedMs = null;
  return lengthMs;
};

type Engine = { createScenario(spec: Record<string, unknown>, ee: EngineEvents): Scenario };
// biome-ignore lint/suspicious/noExplicitAny: the mixin pattern needs it
type EngineClass = new (...args: any[]) => Engine;

/**
 * An engine whose sessions are timed on the load clock, so that the other side's slices are not part of them, and
 * whose virtual users end once: a second call of the callback would count the user twice.
 */
export const withSessionLength = <E extends EngineClass>(Base: E): E =>
  class extends Base {
    override createScenario(spec: Record<string, unknown>, ee: EngineEvents): Scenario {
      const run = super.createScenario(spec, ee);
      return (context, callback) => {
        const startedMs = loadClock.nowMs();
        let ended = false;
        return run(context, (error, next) => {
          if (ended) return;
          ended = true;
          endedMs = loadClock.nowMs() - startedMs;
          callback(error, next);
          endedMs = null;
        });
      };
    }
  };

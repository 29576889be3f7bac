import type {
  EngineEvents,
  Scenario,
  VirtualUser,
} from '../../../node_modules/artillery/dist/lib/core/engine_http.js';
import { loadClock } from '../../engines/core/load-clock.ts';
import { runState } from '../run-state.ts';
import { arrivalRandom } from '../virtual-user-random.ts';

/** Length of the session whose end is being reported, on the load clock; null when its engine is not ours. */
let endedMs: number | null = null;

/** The length of the session that ends now: on the load clock if known, else as Artillery measured it. */
export const takeSessionLength = (artilleryMs: number): number => {
  const lengthMs = endedMs ?? artilleryMs;
  endedMs = null;
  return lengthMs;
};

const alphabet = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
const templatePurpose = 0x7feb352d;

type Engine = { createScenario(spec: Record<string, unknown>, ee: EngineEvents): Scenario };
// biome-ignore lint/suspicious/noExplicitAny: the mixin pattern needs it
type EngineClass = new (...args: any[]) => Engine;

/**
 * An engine whose sessions are timed on the load clock (so that the other side's slices are not part of them), whose
 * users draw random numbers of their own, and end once: a second call of the callback would count the user twice.
 */
export const drivenEngine = <E extends EngineClass>(Base: E): E =>
  class extends Base {
    override createScenario(spec: Record<string, unknown>, ee: EngineEvents): Scenario {
      const run = super.createScenario(spec, ee);
      return (context, callback) => {
        const startedMs = loadClock.nowMs();
        seedTemplateFunctions(context, runState.arrival?.number ?? 0);
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

/**
 * Gives `$randomNumber` and `$randomString` of this virtual user a stream of their own, so that what it sends depends
 * on the seed and the number of its arrival, and not on which answer came first.
 */
function seedTemplateFunctions(context: VirtualUser, arrivalNumber: number): void {
  let random: (() => number) | null = null;
  const draw = (): number => {
    random ??= arrivalRandom(arrivalNumber, templatePurpose);
    return random();
  };
  context.funcs.$randomNumber = (low: number, high: number): number =>
    Math.floor(low + draw() * (high - low + 1));
  context.funcs.$randomString = (length = 10): string => {
    let text = '';
    while (text.length < length) text += alphabet.charAt(Math.floor(draw() * alphabet.length));
    return text;
  };
}

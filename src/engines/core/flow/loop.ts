import get from 'lodash/get.js';
import { compileTemplate } from '../template/compile-template.ts';
import type { Step, VirtualUserContext } from './step.ts';

/** A loop as the scenario describes it. */
export type LoopSpec = {
  /** Number of rounds, or a range `from-to` without its end; for ever if neither this nor `over` is given. */
  count?: number | string | undefined;
  /** A list, or the name of a variable that holds one. */
  over?: unknown;
  /** Asked after each round whether there is another: `(context, done) => done(again, failure)`; a failure ends the loop. */
  whileTrue?:
    | ((context: VirtualUserContext, done: (again: unknown, failure?: unknown) => void) => unknown)
    | undefined;
  /** Name of the variable that counts the rounds. */
  loopValue?: string | undefined;
  /** Name of the variable that holds the element of `over`. */
  loopElement?: string | undefined;
};

/** Rounds without a wait after which the event loop gets a turn: a burst must not keep answers from being read. */
const roundsPerTurn = 256;

/**
 * Repeats a step as Artillery's `loop` does: `$loopCount` (or `loopValue`) counts the rounds, `$loopElement` (or
 * `loopElement`) is the element of `over`, and `whileTrue` is asked after each round.
 */
export const loop = (body: Step, spec: LoopSpec): Step => {
  const count = compileTemplate(spec.count);
  const indexName = spec.loopValue ?? '$loopCount';
  const elementName = spec.loopElement ?? '$loopElement';
  const { whileTrue } = spec;
  return (initial, callback) => {
    let context = initial;
    const { from, to } = rangeOf(count.render(context));
    const list = spec.over === undefined ? null : listOf(spec.over, context);
    const hasNoList = spec.over !== undefined && list === null;
    let round = from;
    let again: unknown = true;
    let roundsThisTurn = 0;
    let isRunning = false;
    let isBack = false;

    const hasNext = (): boolean => {
      if (hasNoList) return false;
      if (whileTrue !== undefined) return Boolean(again);
      return list !== null ? round < list.length : round < to || to === -1;
    };
    const run = () => {
      isRunning = true;
      roundsThisTurn = 0;
      do {
        if (!hasNext()) {
          isRunning = false;
          callback(null, context);
          return;
        }
        roundsThisTurn += 1;
        if (roundsThisTurn > roundsPerTurn) {
          isRunning = false;
          setImmediate(run);
          return;
        }
        isBack = false;
        body(context, endOfRound);
      } while (isBack);
      isRunning = false;
    };
    const goOn = () => {
      isBack = true;
      if (!isRunning) run();
    };
    const endOfRound = (error: unknown, given = context) => {
      context = given;
      if (error) {
        callback(error, context);
        return;
      }
      round += 1;
      context.vars[indexName] = round;
      if (list !== null) context.vars[elementName] = list[round];
      if (whileTrue === undefined) {
        goOn();
        return;
      }
      let asked = false;
      whileTrue(context, (answer, failure) => {
        if (asked) return;
        asked = true;
        again = answer;
        if (failure) callback(failure, context);
        else goOn();
      });
    };

    context.vars[elementName] = list === null ? round : list[round];
    context.vars[indexName] = round;
    run();
  };
};

/** The list of `over`; null when it is none. */
function listOf(over: unknown, context: VirtualUserContext): unknown[] | null {
  const value =
    typeof over !== 'string'
      ? over
      : over.includes('{{')
        ? compileTemplate(over).render(context)
        : get(context.vars, over);
  return Array.isArray(value) ? value : null;
}

/** First round and the round before which the loop ends; -1 means never. As Artillery reads `count`. */
function rangeOf(count: unknown): { from: number; to: number } {
  if (count === undefined || count === null) return { from: 0, to: -1 };
  if (typeof count === 'number') return { from: 0, to: count };
  const text = String(count);
  if (text.trim() !== '' && !Number.isNaN(Number(text))) return { from: 0, to: Number(text) };
  const range = /(\d+)-(\d+)/.exec(text);
  return range === null ? { from: 0, to: 0 } : { from: Number(range[1]), to: Number(range[2]) };
}

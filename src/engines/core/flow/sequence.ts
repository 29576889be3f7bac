import type { Step } from './step.ts';

/**
 * Steps one after the other. Steps that call back at once are run in a loop and not on each other's stack, so that
 * a flow may have any number of them.
 */
export const sequence = (steps: readonly Step[]): Step => {
  if (steps.length === 1) return steps[0]!;
  return (initial, callback) => {
    let context = initial;
    let index = 0;
    let isRunning = false;
    let isBack = false;
    const run = () => {
      isRunning = true;
      do {
        if (index === steps.length) {
          isRunning = false;
          callback(null, context);
          return;
        }
        isBack = false;
        steps[index++]!(context, next);
      } while (isBack);
      isRunning = false;
    };
    const next = (error: unknown, given = context) => {
      context = given;
      if (error) {
        callback(error, context);
        return;
      }
      isBack = true;
      if (!isRunning) run();
    };
    run();
  };
};

import type { Step } from './step.ts';

/** Steps of one virtual user at the same time, at most `limit` of them; the first error ends the virtual user. */
export const parallel =
  (steps: readonly Step[], limit: number): Step =>
  (context, callback) => {
    let next = 0;
    let open = 0;
    let done = 0;
    let ended = false;
    const end = (error: unknown) => {
      ended = true;
      callback(error, context);
    };
    const start = () => {
      while (!ended && open < limit && next < steps.length) {
        open += 1;
        steps[next++]!(context, (error) => {
          open -= 1;
          done += 1;
          if (ended) return;
          if (error) end(error);
          else if (done === steps.length) end(null);
          else start();
        });
      }
    };
    if (steps.length === 0) end(null);
    else start();
  };

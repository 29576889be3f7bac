import { binomialUpperTail } from './distributions.ts';

const steps = 60;

/**
 * The exact bounds of Clopper and Pearson on a share of which `count` in `trials` were seen ("The use of confidence or
 * fiducial limits", Biometrika 1934): each is wrong with a probability of at most `level`. Zero to one without trials.
 */
export const shareBounds = (count: number, trials: number, level: number): { low: number; high: number } => ({
  low: count === 0 ? 0 : shareWhere((share) => binomialUpperTail(count, trials, share), level),
  high: count >= trials ? 1 : shareWhere((share) => binomialUpperTail(count + 1, trials, share), 1 - level),
});

/** The share at which `tail`, which rises with it, reaches `level`. */
function shareWhere(tail: (share: number) => number, level: number): number {
  let [low, high] = [0, 1];
  for (let step = 0; step < steps; step += 1) {
    const middle = (low + high) / 2;
    if (tail(middle) < level) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

import type { Values } from '../metrics/values.ts';
import type { JudgedMetric } from './judgement.ts';

/**
 * The checks that a scenario brings itself (Artillery's `ensure` and `expect`), each as a metric with one limit. A
 * strict check fails the suite when it failed in more than half of the rounds of the head: one round of many may have
 * met a burst of noise, which a check without a baseline cannot tell from a regression. One that is not strict is
 * advisory, as in Artillery.
 */
export const judgeChecks = ({ checks }: Values): JudgedMetric[] => {
  const seen = new Map<
    string,
    { plugin: string; expression: string; strict: boolean; rounds: number; failed: number }
  >();
  for (const check of checks) {
    const key = JSON.stringify([check.plugin, check.expression]);
    const found = seen.get(key) ?? { ...check, rounds: 0, failed: 0 };
    seen.set(key, found);
    found.rounds += 1;
    if (!check.ok) found.failed += 1;
  }
  return [...seen.values()].map(({ plugin, expression, strict, rounds, failed }) => {
    const fails = failed > rounds / 2;
    const verdict = fails ? 'fail' : 'pass';
    const often = rounds === 1 ? '' : ` in ${failed} of ${rounds} rounds`;
    return {
      id: `${plugin}: ${expression}`,
      unit: 'count' as const,
      baseline: null,
      head: null,
      baselineValue: null,
      headValue: failed,
      change: [],
      limit: strict
        ? [
            {
              rule: expression,
              statistic: 'value',
              verdict,
              explanation:
                failed === 0
                  ? `The scenario's own check (${plugin}) held${rounds === 1 ? '' : ` in all ${rounds} rounds`}.`
                  : `The scenario's own check (${plugin}) failed${often}.`,
              detectable: null,
              margin: null,
              isDefault: false,
              file: null,
              line: null,
            },
          ]
        : [],
      verdict: strict ? verdict : 'advisory',
    };
  });
};

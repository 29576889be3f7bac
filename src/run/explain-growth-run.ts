import { readFileSync } from 'node:fs';
import path from 'node:path';
import { explainGrowth } from '../explain/explain-growth.ts';
import { enduranceMetrics } from '../metrics/metric-names.ts';
import type { Explanation } from '../report/report-model.ts';
import { measureGrowth } from '../side/measure-growth.ts';
import { type ChangeRoots, placeReader, readFileChanges, unreadSentence } from './read-change.ts';
import { type SuiteInputs, type SuiteRun, suiteLabel } from './suite-run.ts';

/**
 * After a suite of kind `endurance` in which something stays: what keeps it, of which class, and where it is allocated.
 * Null where nothing grows, nobody asked or nothing stands out. Throws CANCELLED alone.
 */
export const explainGrowthRun = async (
  run: SuiteRun,
  inputs: SuiteInputs,
  roots: ChangeRoots | null,
): Promise<Explanation | null> => {
  const { plan, suite, context, head, plannedMs } = inputs;
  if (plan.explain === 'never' || run.judgement === null || run.problems.length > 0) return null;
  const grows = run.judgement.metrics.some(
    ({ id, verdict }) =>
      enduranceMetrics[id] !== undefined && (verdict === 'fail' || verdict === 'inconclusive'),
  );
  if (!grows && plan.explain !== 'always') return null;
  const label = `${suiteLabel(suite)}-looked`;
  const startedMs = performance.now();
  const tell = (): void => {
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    inputs.onStage?.(`looking at what stays in memory · ${seconds} s`);
  };
  tell();
  const found = await measureGrowth({
    suite,
    source: head,
    context: { ...context, endsAtMs: undefined },
    label,
    plannedMs,
    onProgress: tell,
  });
  run.explainMs = performance.now() - startedMs;
  if ('unavailable' in found)
    return {
      kind: 'unavailable',
      sentences: [{ text: `What keeps the memory cannot be told, because ${found.unavailable}.` }],
    };
  const root = roots?.head ?? path.resolve(head.cwd);
  const { files: changes, unread } =
    roots === null ? { files: [], unread: null } : await readFileChanges(roots, found, context.host);
  const sentences = explainGrowth({
    ...found,
    scripts: found.scriptUrls,
    places: placeReader(found, root),
    changes,
    linesOf: (file) => {
      try {
        return readFileSync(path.join(root, file), 'utf8').split('\n');
      } catch {
        return null;
      }
    },
  });
  if (sentences.length === 0) return null;
  if (unread !== null) sentences.push({ text: unreadSentence(unread) });
  return { kind: 'keeps-memory', sentences };
};

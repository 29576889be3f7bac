import path from 'node:path';
import type { Explained } from '../explain/explain-work.ts';
import type { SideWork } from '../explain/side-work.ts';
import { sum } from '../metrics/averages.ts';
import { countedMetric, isOfMessages } from '../metrics/metric-names.ts';
import { theSide } from '../metrics/notation.ts';
import type { RoundMeasurement } from '../metrics/round-measurement.ts';
import { valuesOf } from '../metrics/values.ts';
import type { Explanation } from '../report/report-model.ts';
import type { SideSource } from '../side/open-side.ts';
import { isCounted } from '../verdict/judge-counted.ts';
import type { CountedCalls, CountedPairs, SuiteJudgement } from '../verdict/judgement.ts';
import { overallVerdict, type Verdict } from '../verdict/verdict.ts';
import { explainSuite, type JudgedEvidence, mostRisen, type SuiteExplanation } from './explain-suite.ts';
import type { ChangeRoots } from './read-change.ts';
import { judgeRun, type SuiteInputs, type SuiteRun, suiteLabel } from './suite-run.ts';
import { writeProfiles } from './write-profiles.ts';

/** Work for a message that rose by this much, beyond doubt, is looked into though nothing failed. */
const movedShare = 0.03;
const witnesses = [
  'server.cpuPerMessage',
  'server.syscalls.perMessage',
  'server.allocated.perMessage',
  'wire.bytes.perMessage',
];
/** Time that looking for a cause may take, with what it takes to end it; and that looking whether there is one may. */
const longestMs = 85_000;
const longestOfPassMs = 18_000;
/** All calls together rose so far that a change is told though nothing failed. */
const callsMoved = 0.05;

/**
 * Counts the work of both sides of a run that was judged, and gives why it changed. Nothing is counted where nothing
 * can have changed or nobody asked; what cannot be counted is said where it was wanted most. Where limits are on the
 * calls, notes the counts in the run, judged or not, and judges it again. Throws CANCELLED alone.
 */
export const explainRun = async (
  run: SuiteRun,
  inputs: SuiteInputs,
  baseline: SideSource,
  roots: ChangeRoots,
): Promise<Explanation | null> => {
  const { plan, suite, context } = inputs;
  const { judgement } = run;
  const limits = suite.thresholds.filter(isCounted);
  const isLimited = limits.length > 0;
  if (judgement === null || run.pairs.length === 0) return null;
  // Code that is the same has no cause to look for; a limit on its calls alone is judged all the same.
  if (run.sameCode !== null && !limits.some(({ bound }) => bound.kind === 'absolute')) return null;
  if (plan.explain === 'never' && !isLimited) return null;
  if (run.problems.length > 0 || context.host.signal.aborted) return null;
  // Limits whose calls are still to be counted are in no other verdict.
  const verdict = verdictWithoutCounts(judgement);
  const isNeeded = verdict === 'fail' || verdict === 'inconclusive' || hasMoved(run);
  // Calls alone are counted after a plain pass, and there are none to count.
  if (!isNeeded && !isLimited && plan.explain !== 'always' && !ranOnNode(run)) return null;
  const budgetMs = isNeeded || isLimited || plan.explain === 'always' ? longestMs : longestOfPassMs;
  const startedMs = performance.now();
  const found = await explainSuite({
    suite,
    baseline,
    head: inputs.head,
    context,
    label: suiteLabel(suite),
    sliced: run.design?.kind === 'slices',
    guardMs: plan.verdict.guardMs,
    warmUpMs: run.design?.warmUpMs ?? plan.verdict.warmUpMs,
    plannedMs: inputs.plannedMs,
    profile: (isNeeded && plan.explain !== 'never') || plan.explain === 'always',
    roots,
    budgetMs,
    repeated: verdict === 'fail' || isLimited,
    evidence: evidenceOf(run),
    onProgress: (side) => {
      const seconds = Math.round((performance.now() - startedMs) / 1000);
      inputs.onStage?.(
        `counting the work of both versions, ${theSide(side)} now · ${seconds} s, at most ${budgetMs / 1000} s`,
      );
    },
  });
  run.explainMs = performance.now() - startedMs;
  if (isLimited) {
    run.counted = countedPairs(found);
    run.judgement = judgeRun(run, plan, true);
  }
  if (plan.explain === 'never' || run.sameCode !== null) return null;
  const failed = run.judgement?.verdict === 'fail';
  if ('unavailable' in found)
    return isNeeded
      ? {
          kind: 'unavailable',
          sentences: [{ text: `Which function does more cannot be told, because ${found.unavailable}.` }],
        }
      : null;
  const { explained } = found;
  if (!isNeeded && !failed && plan.explain !== 'always' && !callsRose(explained)) return null;
  if (isNeeded || plan.explain === 'always')
    await writeProfiles(found, path.join(plan.reportDir, 'profiles'), suite);
  return explained;
};

/** What the other limits say. */
function verdictWithoutCounts({ metrics, verdict }: SuiteJudgement): Verdict {
  const counted = metrics.find(({ id }) => id === countedMetric);
  if (counted === undefined) return verdict;
  const others = metrics
    .filter((one) => one !== counted)
    .flatMap(({ limit }) => limit.map((one) => one.verdict));
  return others.length === 0 ? 'pass' : overallVerdict(others);
}

/**
 * The calls of own functions of each side and pair. Those of packages and of Node follow timers and packets, and are so
 * many that one call more among them does not show.
 */
function countedPairs(found: SuiteExplanation): CountedPairs {
  if ('unavailable' in found) return found;
  if (found.explained.calls === undefined) return { unavailable: 'calls are counted in Node servers alone' };
  return {
    pairs: found.pairs.map(({ baseline, head }) => ({ baseline: callsOf(baseline), head: callsOf(head) })),
  };
}

function callsOf({ functions, messages }: SideWork): CountedCalls {
  const own = functions.filter(
    ({ url, isScript }) => url.startsWith('file:') && !url.includes('/node_modules/') && !isScript,
  );
  return { calls: sum(own.map(({ calls }) => sum(calls))), messages: sum(messages) };
}

function callsRose({ kind, calls }: Explained): boolean {
  return kind !== 'none' && calls !== undefined && calls.head > (1 + callsMoved) * calls.baseline;
}

/** Whether the server told of its heap, as those on Node do. */
function ranOnNode({ pairs }: SuiteRun): boolean {
  return pairs.some(({ head }) => (head.resources?.maxHeapUsedBytes ?? null) !== null);
}

/** Whether something that is counted rose beyond doubt. */
function hasMoved({ judgement }: SuiteRun): boolean {
  return (judgement?.metrics ?? []).some(
    ({ id, change }) =>
      witnesses.includes(id) &&
      change.some(({ relative, low }) => relative >= movedShare && low !== null && low > 0),
  );
}

/** What the judged pairs say of waiting and of work. */
function evidenceOf(run: SuiteRun): JudgedEvidence {
  const metrics = new Map((run.judgement?.metrics ?? []).map((metric) => [metric.id, metric]));
  const both = (before: number | null | undefined, after: number | null | undefined) =>
    before == null || after == null ? null : { baseline: before, head: after };
  // An answer may wait where a delivery, which is gated first, does not.
  const ofMessages = [...metrics.values()].filter(({ id }) => isOfMessages(id));
  const longer = ofMessages.flatMap(({ change, baseline, head }) => {
    const p50 = change.find(({ statistic }) => statistic === 'p50');
    return p50 !== undefined && p50.low !== null && p50.low > 0
      ? (both(baseline?.p50Ms, head?.p50Ms) ?? [])
      : [];
  });
  const sides = {
    baseline: run.pairs.map((pair) => pair.baseline),
    head: run.pairs.map((pair) => pair.head),
  };
  const over = (metric: string, statistic: 'value' | 'max') => {
    const read = (rounds: RoundMeasurement[]) => valuesOf(rounds).value(metric, statistic);
    return both(read(sides.baseline), read(sides.head));
  };
  return {
    latencyMs: mostRisen(longer),
    cpuMs: over('server.cpuPerMessage', 'value'),
    allocatedBytes: over('server.allocated.perMessage', 'value'),
    runQueueMs: over('server.runQueue.perMessage', 'value'),
    loopDelayMs: over('server.loopDelay', 'max'),
  };
}

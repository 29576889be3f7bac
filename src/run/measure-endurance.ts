import { ResourceStack } from '../host/resource-stack.ts';
import { formatElapsed } from '../metrics/notation.ts';
import type { RoundMeasurement, SideName } from '../metrics/round-measurement.ts';
import { openWaves, type WaveSide } from '../side/measure-waves.ts';
import type { RoundContext } from '../side/round-context.ts';
import { roundOrder } from '../side/slice-order.ts';
import { mayStillGo } from '../verdict/judge-endurance.ts';
import {
  judgeRun,
  keepingProblems,
  noteOutcome,
  type SuiteInputs,
  type SuiteRun,
  startRun,
  suiteLabel,
} from './suite-run.ts';

/** Of one wave: its load is prepared, the server becomes quiet and collects its garbage. */
const overheadMs = 1_500;
const shortestWaveMs = 1_500;
const usualWaveMs = 2_000;
/** With so many waves a longer run has longer ones. */
const manyWaves = 40;
const fewWaves = 20;

/**
 * Measures what stays in the server: both versions run for the whole time, users come and go in waves, in turns, and what
 * is left is read after each. Without a base version the head alone is, and compared with the last stored run.
 */
export const measureEndurance = async (inputs: SuiteInputs): Promise<SuiteRun> => {
  const { suite, plan, baseline, head, history } = inputs;
  const run = startRun(inputs, baseline !== null ? 'side-by-side' : history.length === 0 ? 'none' : 'single');
  const sources = baseline === null ? [head] : [baseline, head];
  const wantedMs = suite.endurance!.minutes * 60_000;
  const budgetMs = Math.min(wantedMs, inputs.budgetMs);
  if (budgetMs < wantedMs)
    run.warnings.push(
      `"maxMinutes" left ${formatElapsed(budgetMs)} of the ${formatElapsed(wantedMs)} that "minutes" asks for.`,
    );
  const waveMs = waveLength(budgetMs / sources.length);
  const started = performance.now();
  const elapsed = (): number => performance.now() - started;
  // The first wave of a server is no faster prepared than it is.
  const context: RoundContext = { ...inputs.context, counting: 'memory' };

  await keepingProblems(run, async () => {
    await using resources = new ResourceStack();
    const sides = new Map<SideName, WaveSide>();
    for (const source of sources) {
      const label = `${suiteLabel(suite)}-${source.name}`;
      const request = { suite, source, context, label, plannedMs: inputs.plannedMs };
      sides.set(source.name, resources.use(await openWaves(request)));
    }
    let longestMs = 0;
    for (let number = 0; ; number += 1) {
      const began = elapsed();
      const settling: Promise<void>[] = [];
      const measured: Partial<Record<SideName, RoundMeasurement>> = {};
      for (const name of roundOrder(context.seed, number)) {
        const side = sides.get(name);
        if (side === undefined) continue;
        const outcome = await side.wave(waveMs, (load) =>
          inputs.onProgress({
            suite: suite.name,
            side: name,
            done: number,
            most: Math.max(number + 1, Math.round(budgetMs / Math.max(longestMs, waveMs * sources.length))),
            load,
            judgement: null,
            elapsedMs: elapsed(),
            doneMs: began,
            sinceMs: elapsed() - began,
          }),
        );
        const goOn = noteOutcome(run, outcome);
        if (outcome.measurement !== null) measured[name] = outcome.measurement;
        if (!goOn) {
          void Promise.allSettled(settling);
          return;
        }
        // While one server becomes quiet, the other has its turn.
        settling.push(side.settle(outcome));
        side.prepare();
      }
      await Promise.all(settling);
      if (baseline === null) run.head.push(measured.head!);
      else run.pairs.push({ baseline: measured.baseline!, head: measured.head! });
      inputs.onMeasured?.(run);
      longestMs = Math.max(longestMs, elapsed() - began);
      if (elapsed() + longestMs > budgetMs) break;
    }
    const [last] = run.head.slice(-1);
    if (last?.quiet !== undefined && mayStillGo(judgeRun(run, plan, true)))
      last.quiet.left = await sides.get('head')!.rest(last.quiet.left, longestMs);
  });
  if (run.pairs.length + run.head.length > 0) run.judgement = judgeRun(run, plan, true);
  return run;
};

/** Of a wave, where one side has so long for all of its own. */
function waveLength(perSideMs: number): number {
  return Math.max(
    shortestWaveMs,
    Math.min(usualWaveMs, perSideMs / fewWaves - overheadMs),
    perSideMs / manyWaves - overheadMs,
  );
}

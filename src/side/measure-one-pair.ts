import type { LoadProgress } from '../generator/load-session.ts';
import type { SideName } from '../metrics/round-measurement.ts';
import type { SuitePlan } from '../settings/run-plan.ts';
import { measurePair, measureRound, type PairOutcome, type RoundOutcome } from './measure-round.ts';
import { type OpenSide, openSide, type SideSource } from './open-side.ts';
import type { PairDesign } from './pair-design.ts';
import type { RoundContext } from './round-context.ts';
import { roundOrder, sliceOrder } from './slice-order.ts';

export type PairRequest = {
  suite: SuitePlan;
  baseline: SideSource;
  head: SideSource;
  /** `seed` is that of the job; each pair draws its own from it, the same for both sides. */
  context: RoundContext;
  /** Counts from 0. */
  number: number;
  design: PairDesign;
  /** Begins the names of its logs. */
  label: string;
  /** Bounds a whole round that does not end by itself, milliseconds. */
  deadlineMs: number;
  onProgress: (side: SideName, load: LoadProgress | null) => void;
};

/**
 * Measures both sides once, each in a fresh process with its own room: in alternating slices, or one whole round after
 * the other. What goes wrong under load is in the outcome; throws what goes wrong before it (target, room, scenario).
 */
export const measureOnePair = (request: PairRequest): Promise<PairOutcome> =>
  request.design.kind === 'slices'
    ? measureSlices(request, request.design)
    : measureRounds(request, request.design);

async function measureSlices(
  request: PairRequest,
  design: PairDesign & { kind: 'slices' },
): Promise<PairOutcome> {
  const order = sliceOrder(request.context.seed, request.number, design.slicesPerSide);
  const open = opener(request);
  const [firstSource, secondSource] = inOrder(request, order[0] ?? 'baseline');
  await using first = await open(firstSource!);
  await using second = await open(secondSource!);
  const [baseline, head] = first.name === 'baseline' ? [first, second] : [second, first];
  const outcome = await measurePair(baseline, head, {
    host: request.context.host,
    order,
    sliceMs: design.sliceMs,
    warmUpMs: design.warmUpMs,
    warmUpTogether: design.warmUpTogether,
    guardMs: design.guardMs,
    onProgress: request.onProgress,
  });
  // Both at once, for nothing is measured any more; neither is left behind where the other fails to close.
  const closed = await Promise.allSettled([first, second].map((side) => side[Symbol.asyncDispose]()));
  for (const end of closed) if (end.status === 'rejected') throw end.reason;
  return outcome;
}

function opener(request: PairRequest): (source: SideSource) => Promise<OpenSide> {
  const context = { ...request.context, seed: request.context.seed + request.number };
  const pair = `${request.label}-pair${request.number + 1}`;
  return (source) => {
    request.onProgress(source.name, null);
    return openSide(request.suite, source, context, `${pair}-${source.name}`);
  };
}

/** Whose turn is first is started first too: a coin decides about both, like about the order of the slices. */
function inOrder(request: PairRequest, first: SideName): SideSource[] {
  return first === 'head' ? [request.head, request.baseline] : [request.baseline, request.head];
}

async function measureRounds(
  request: PairRequest,
  design: PairDesign & { kind: 'rounds' },
): Promise<PairOutcome> {
  const open = opener(request);
  const [first] = roundOrder(request.context.seed, request.number);
  const none: RoundOutcome = { measurement: null, problem: null };
  const outcomes: Record<SideName, RoundOutcome> = { baseline: none, head: none };
  for (const source of inOrder(request, first)) {
    await using side = await open(source);
    const outcome = await measureRound(side, {
      host: request.context.host,
      deadlineMs: request.deadlineMs,
      onProgress: (load) => request.onProgress(source.name, load),
      ...(design.measuredMs === null
        ? {}
        : { step: { warmUpMs: design.warmUpMs, measuredMs: design.measuredMs } }),
    });
    outcomes[source.name] = outcome;
    if (outcome.problem !== null) break;
  }
  return { ...outcomes, unansweredShare: 0, ran: null };
}

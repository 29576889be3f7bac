import { type SendRate, sendRate } from '../engines/core/flow/fixed-rate.ts';
import { durationMs } from '../engines/core/flow/think.ts';
import { timeoutMs } from '../engines/core/flow/timeout.ts';
import { engineNamed, isEmitting } from '../engines/engine-registry.ts';
import { isHttpStep } from '../engines/http/http-methods.ts';
import type { EmitDefaults } from '../engines/socketio/emit-spec.ts';
import { mainCandidates } from '../metrics/main-metric.ts';
import type { MeasureSettings } from '../settings/settings-schema.ts';
import type { ReadScenario } from './read-scenario.ts';
import { emitDefaultsOf, readEmit } from './scenario-steps.ts';
import type { ScenarioSpec } from './script.ts';

/**
 * What a session of a scenario does, as far as its flow tells. Averages over the scenarios by weight; what can not be
 * told (a loop whose end a variable or a function decides, an engine that is not ours) is null.
 */
export type SessionOutline = {
  /** Time that a user thinks or sends at a fixed rate, milliseconds: a session lasts that and its answers. */
  idleMs: number | null;
  /** Values of each latency, by id. The receivers of a delivery are known to the run alone. */
  values: ReadonlyMap<string, number | null>;
  /** Whether there may be latencies that are not in `values`. */
  open: boolean;
};

type Part = { idleMs: number | null; values: Map<string, number | null>; open: boolean };

/** Outlines a session from the flows of a scenario file under these settings. Pure. */
export const sessionOutline = (
  scenario: Pick<ReadScenario, 'scenarios' | 'config' | 'processorText'>,
  measure: MeasureSettings,
): SessionOutline => {
  const defaults = emitDefaultsOf(measure);
  const fallback = (scenario.config.engine as string | undefined) ?? 'http';
  const total = scenario.scenarios.reduce((sum, spec) => sum + weightOf(spec), 0);
  const parts = scenario.scenarios.map((spec) => {
    const engine = spec.engine ?? fallback;
    const part = flowPart(spec.flow, engine, defaults, false);
    part.values.set('session.length', 1);
    for (const id of engineNamed(engine)?.latencies ?? []) part.values.set(id, 1);
    return times(part, total > 0 ? weightOf(spec) / total : 1 / scenario.scenarios.length);
  });
  const sum = together(parts, false);
  return { ...sum, open: sum.open || scenario.processorText !== null };
};

/**
 * Values of the main latency in one session: of `main`, else of the one that `chooseMain` will find.
 * Null when that can not be told.
 */
export const mainValues = (outline: SessionOutline, main: string | null): number | null => {
  if (main !== null) return outline.values.get(main) ?? null;
  if (outline.open) return null;
  const counts = mainCandidates(outline.values.keys()).map((id) => outline.values.get(id)!);
  const known = counts.filter((count) => count !== null);
  return known.length < counts.length ? null : Math.max(...known);
};

function weightOf(spec: ScenarioSpec): number {
  const weight = Number(spec.weight ?? 1);
  return Number.isFinite(weight) && weight >= 0 ? weight : 1;
}

function flowPart(flow: unknown, engine: string, defaults: EmitDefaults, beside: boolean): Part {
  const steps = (Array.isArray(flow) ? flow : [flow]).flat(Number.POSITIVE_INFINITY);
  return together(
    steps.flatMap((spec) =>
      typeof spec === 'object' && spec !== null
        ? [stepPart(spec as Record<string, unknown>, engine, defaults)]
        : [],
    ),
    beside,
  );
}

function stepPart(spec: Record<string, unknown>, engine: string, defaults: EmitDefaults): Part {
  if (spec.loop !== undefined) return times(flowPart(spec.loop, engine, defaults, false), roundsOf(spec));
  if (spec.parallel !== undefined) return flowPart(spec.parallel, engine, defaults, true);
  if (spec.think !== undefined) return { ...nothing(), idleMs: timeOf(spec.think) };
  const emits = isEmitting(engine) && spec.emit !== undefined && spec.emit !== null;
  const body = emits ? emitPart(spec, engine, defaults) : { ...nothing(), open: engine !== 'http' };
  if (spec.rate !== undefined)
    return { ...times(body, sendsOf(spec)?.count ?? null), idleMs: timeoutMs(spec.duration) };
  if (isHttpStep(spec)) return { ...nothing(), values: new Map([['http.response', 1]]) };
  return emits || !isEmitting(engine) ? body : nothing();
}

function emitPart(spec: Record<string, unknown>, engine: string, defaults: EmitDefaults): Part {
  const emit = readEmit({ spec, place: [], engine, scenario: '' }, defaults);
  const values = new Map<string, number | null>();
  for (const id of emit.latencies) {
    const expected = emit.spec?.delivery?.expected;
    const isDelivery = id === emit.spec?.deliveryMetric;
    values.set(id, isDelivery ? (typeof expected === 'number' ? expected : null) : 1);
  }
  return { idleMs: 0, values, open: emit.event === null };
}

/** Sends of a step that sends at a fixed rate; null when a template decides. */
function sendsOf(spec: Record<string, unknown>): SendRate | null {
  try {
    return sendRate(spec.rate, spec.duration);
  } catch {
    return null;
  }
}

function timeOf(value: unknown): number | null {
  const ms = durationMs(value);
  return Number.isFinite(ms) ? ms : null;
}

/** Rounds of a loop; null when only the run can tell. As the flow reads `count`. */
function roundsOf(spec: Record<string, unknown>): number | null {
  if (spec.whileTrue !== undefined) return null;
  if (spec.over !== undefined) return Array.isArray(spec.over) ? spec.over.length : null;
  const text = String(spec.count ?? '').trim();
  if (text === '') return null;
  const range = /^(\d+)-(\d+)$/.exec(text);
  const rounds = range === null ? Number(text) : Number(range[2]) - Number(range[1]);
  return Number.isFinite(rounds) && rounds >= 0 ? rounds : null;
}

function times(part: Part, count: number | null): Part {
  return {
    idleMs: part.idleMs === null || count === null ? (part.idleMs === 0 ? 0 : null) : part.idleMs * count,
    values: new Map(
      [...part.values].map(([id, value]) => [id, value === null || count === null ? null : value * count]),
    ),
    open: part.open,
  };
}

/** Steps one after the other, or beside each other: then the longest decides how long it takes. */
function together(parts: readonly Part[], beside: boolean): Part {
  const sum = nothing();
  for (const part of parts) {
    addValues(sum.values, part.values);
    sum.open ||= part.open;
    if (sum.idleMs === null || part.idleMs === null) sum.idleMs = null;
    else sum.idleMs = beside ? Math.max(sum.idleMs, part.idleMs) : sum.idleMs + part.idleMs;
  }
  return sum;
}

function addValues(into: Map<string, number | null>, more: ReadonlyMap<string, number | null>): void {
  for (const [id, count] of more) {
    const before = into.get(id);
    into.set(id, before === undefined ? count : before === null || count === null ? null : before + count);
  }
}

function nothing(): Part {
  return { idleMs: 0, values: new Map(), open: false };
}

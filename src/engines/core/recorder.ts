import type { DeliveryShard } from '../../metrics/delivery-shards.ts';
import { LatencyCourseRecorder } from '../../metrics/latency-course.ts';
import { LatencySketch } from '../../metrics/latency-sketch.ts';
import { standardCounters } from '../../metrics/metric.ts';
import type {
  AnswerUse,
  ErrorRecord,
  MetricId,
  NameUse,
  RoundMeasurement,
  UnmeasuredEmit,
  UntaggedArrival,
} from '../../metrics/round-measurement.ts';

/** A server that puts a number of its own into each refusal would otherwise have a name for each. */
const maxErrorNames = 100;
const otherErrors = 'other errors';
const maxMessages = 5;
const maxSteps = 8;
const maxUntagged = 8;
/** More than any scenario has: what is not watched could stay empty unseen. */
const maxNameUses = 4_000;
const maxAnswerUses = 4_000;
const maxUnheard = 30;
const maxMessageLength = 300;
/** Tokens that a server or an answer repeats: messages are shown in reports. */
const jsonWebToken = /\beyJ[\w-]+\.[\w-]+\.[\w-]*/g;
/**
 * Collects what the engines measure, on arrival and in constant memory. One per generator process and round;
 * the engines write to it, the load worker reads it out. All durations in milliseconds.
 */
export class Recorder {
  #metrics = new Map<MetricId, LatencySketch>();
  #slices: Map<MetricId, LatencySketch>[] = [];
  #counters = new Map<string, number>(standardCounters.map((name) => [name, 0]));
  #errors = new Map<string, { count: number; messages: Set<string>; steps: Set<string> }>();
  #unmeasured = new Map<string, UnmeasuredEmit>();
  #untagged = new Map<string, UntaggedArrival>();
  #nameUses = new Map<string, NameUse>();
  #answers = new Map<string, AnswerUse>();
  #unheard = new Map<string, number>();
  #warnings = new Set<string>();
  #raw: ((id: MetricId, valueMs: number, slice: number) => void) | null = null;
  #clock: (() => number) | null = null;
  #mask: (text: string) => string = withoutTokens;
  #countedFromMs = 0;
  #sentPerSecond: number[] = [];
  #errorsPerSecond: number[] = [];
  #usersPerSecond: number[] = [];
  #users = 0;
  #course = new LatencyCourseRecorder();
  /** What the counters had reached at the resets. */
  #forgotten = new Map<string, number>();

  /** Slice to which a message sent now belongs; -1 when the round is not sliced. Read it at the send. */
  slice = -1;

  /** What other generator processes of the same load must know to count deliveries; set at the end of the load. */
  deliveryShard: DeliveryShard | null = null;

  /** Counts the resets: what was sent in an earlier epoch belongs to the warm-up and is not recorded. */
  epoch = 0;

  /** When the last reset was (`performance.now()`). */
  epochStartMs = 0;

  /** Records one latency. `slice` is the slice in which the message was sent. */
  latency(id: MetricId, valueMs: number, slice: number = this.slice): void {
    let sketch = this.#metrics.get(id);
    if (sketch === undefined) {
      sketch = new LatencySketch();
      this.#metrics.set(id, sketch);
    }
    sketch.record(valueMs);
    if (slice >= 0) this.#sliceSketch(slice, id).record(valueMs);
    else if (this.slice < 0 && this.#clock !== null)
      this.#course.record(id, valueMs, this.#clock() - this.#countedFromMs);
    if (this.#raw !== null) this.#raw(id, valueMs, slice);
  }

  #sliceSketch(slice: number, id: MetricId): LatencySketch {
    while (this.#slices.length <= slice) this.#slices.push(new Map());
    const bySlice = this.#slices[slice]!;
    let sketch = bySlice.get(id);
    if (sketch === undefined) {
      sketch = new LatencySketch();
      bySlice.set(id, sketch);
    }
    return sketch;
  }

  /** Keeps these counters from now on, from 0: what never happens was then counted and not forgotten. */
  keepCounters(names: readonly string[]): void {
    for (const name of names) if (!this.#counters.has(name)) this.#counters.set(name, 0);
  }

  /** Adds to a counter, created at first use. */
  count(name: string, by = 1): void {
    this.#counters.set(name, (this.#counters.get(name) ?? 0) + by);
    if (name === 'messages.sent') this.#countInSecond(this.#sentPerSecond, by);
    else if (name === 'errors') this.#countInSecond(this.#errorsPerSecond, by);
  }

  /** How many virtual users there are from now on. */
  usersActive(users: number): void {
    const before = this.#users;
    this.#users = users;
    const second = this.#second();
    if (second === null) return;
    const seconds = this.#usersPerSecond;
    while (seconds.length <= second) seconds.push(before);
    seconds[second] = Math.max(seconds[second]!, users);
  }

  #countInSecond(seconds: number[], by: number): void {
    const second = this.#second();
    if (second === null) return;
    while (seconds.length <= second) seconds.push(0);
    seconds[second]! += by;
  }

  #second(): number | null {
    if (this.#clock === null) return null;
    return Math.max(0, Math.floor((this.#clock() - this.#countedFromMs) / 1_000));
  }

  /** Counts messages sent by the second of this clock as well; it reads milliseconds of driven load. */
  countBySecond(clock: () => number): void {
    this.#clock = clock;
    this.#countedFromMs = clock();
    this.#forgetSeconds();
  }

  counter(name: string): number {
    return this.#counters.get(name) ?? 0;
  }

  /** From now on messages are kept without what `mask` removes. */
  maskMessages(mask: (text: string) => string): void {
    this.#mask = mask;
  }

  /** `text` without secrets and tokens. Whoever shortens a message asks first: half a secret is not found later. */
  masked(text: string): string {
    return this.#mask(text);
  }

  /** Records an error by name, with the message the user needs to see and the step it came from. */
  error(name: string, message: string, step: string, count = 1): void {
    const kept = this.#errors.size < maxErrorNames || this.#errors.has(name) ? name : otherErrors;
    let record = this.#errors.get(kept);
    if (record === undefined) {
      record = { count: 0, messages: new Set(), steps: new Set() };
      this.#errors.set(kept, record);
    }
    record.count += count;
    if (record.messages.size < maxMessages && message !== '')
      record.messages.add(this.masked(message).slice(0, maxMessageLength));
    if (record.steps.size < maxSteps && step !== '') record.steps.add(step);
    this.count('errors', count);
  }

  /** Counts emits whose effect nothing can time. */
  unmeasuredEmit(event: string, step: string, count = 1): void {
    const key = `${step}\n${event}`;
    const found = this.#unmeasured.get(key);
    if (found === undefined) this.#unmeasured.set(key, { event, step, count });
    else found.count += count;
  }

  /** Counts what arrived where a delivery is watched, without a tag. */
  untaggedArrival(event: string, path: string): void {
    const key = `${event}\n${path}`;
    const found = this.#untagged.get(key);
    if (found !== undefined) found.count += 1;
    else if (this.#untagged.size < maxUntagged) this.#untagged.set(key, { event, path, count: 1 });
  }

  /** Counts of how often a step read a name, and how often it had no value; whoever watches adds to them. */
  nameUse(name: string, step: string): NameUse {
    const key = `${step}\n${name}`;
    const found = this.#nameUses.get(key) ?? { name, step, rendered: 0, empty: 0 };
    if (this.#nameUses.size < maxNameUses) this.#nameUses.set(key, found);
    return found;
  }

  /** Takes how the wait of a step for an answer ended; a lost connection says nothing about what it waits for. */
  answer(step: string, failure: { name: string; message: string } | null): void {
    if (failure !== null && !isMissed(failure.name)) return;
    let use = this.#answers.get(step);
    if (use === undefined) {
      if (this.#answers.size >= maxAnswerUses) return;
      use = { step, matched: 0, missed: 0, name: '', message: '' };
      this.#answers.set(step, use);
    }
    if (failure === null) {
      use.matched += 1;
      return;
    }
    use.missed += 1;
    if (use.name !== '') return;
    use.name = failure.name;
    use.message = this.masked(failure.message).slice(0, maxMessageLength);
  }

  /** Counts an event or message that no step or delivery looks at. */
  unheard(event: string): void {
    const count = this.#unheard.get(event);
    if (count !== undefined) this.#unheard.set(event, count + 1);
    else if (this.#unheard.size < maxUnheard) this.#unheard.set(event, 1);
  }

  warn(message: string): void {
    this.#warnings.add(message);
  }

  /** Sends every latency to `sink` as well, as it is recorded. */
  onRaw(sink: (id: MetricId, valueMs: number, slice: number) => void): void {
    this.#raw = sink;
  }

  /** Forgets everything measured so far: used once, at the end of the warm-up. */
  reset(): void {
    for (const [name, value] of this.#counters)
      if (value !== 0) this.#forgotten.set(name, (this.#forgotten.get(name) ?? 0) + value);
    this.epoch += 1;
    this.epochStartMs = performance.now();
    this.#metrics.clear();
    this.#slices = [];
    for (const name of this.#counters.keys()) this.#counters.set(name, 0);
    this.#errors.clear();
    this.#unmeasured.clear();
    this.#untagged.clear();
    this.#answers.clear();
    this.#unheard.clear();
    this.#forgetSeconds();
    for (const use of this.#nameUses.values()) Object.assign(use, { rendered: 0, empty: 0 });
    if (this.#clock !== null) this.#countedFromMs = this.#clock();
  }

  #forgetSeconds(): void {
    this.#sentPerSecond = [];
    this.#errorsPerSecond = [];
    this.#usersPerSecond = [];
    this.#course = new LatencyCourseRecorder();
  }

  metricIds(): MetricId[] {
    return [...this.#metrics.keys()];
  }

  sketch(id: MetricId): LatencySketch | undefined {
    return this.#metrics.get(id);
  }

  /** What was measured so far, as plain JSON, without generator health, resources and custom metrics. */
  snapshot(): Pick<
    RoundMeasurement,
    | 'metrics'
    | 'slices'
    | 'counters'
    | 'warmUpCounters'
    | 'sentPerSecond'
    | 'errorsPerSecond'
    | 'usersPerSecond'
    | 'course'
    | 'errors'
    | 'unmeasured'
    | 'untagged'
    | 'nameUses'
    | 'answers'
    | 'unheard'
    | 'warnings'
    | 'deliveryShard'
  > {
    const toJson = (sketches: Map<MetricId, LatencySketch>) =>
      Object.fromEntries([...sketches].map(([id, sketch]) => [id, sketch.toJSON()]));
    const errors: ErrorRecord[] = [...this.#errors]
      .map(([name, record]) => ({
        name,
        count: record.count,
        messages: [...record.messages],
        steps: [...record.steps],
      }))
      .sort((a, b) => b.count - a.count || a.name.localeCompare(b.name));
    return {
      metrics: toJson(this.#metrics),
      slices: this.#slices.map(toJson),
      counters: Object.fromEntries(this.#counters),
      ...(this.#forgotten.size === 0 ? {} : { warmUpCounters: Object.fromEntries(this.#forgotten) }),
      sentPerSecond: [...this.#sentPerSecond],
      errorsPerSecond: [...this.#errorsPerSecond],
      usersPerSecond: [...this.#usersPerSecond],
      ...(this.#course.isEmpty ? {} : { course: this.#course.toJSON() }),
      errors,
      unmeasured: [...this.#unmeasured.values()],
      ...(this.#untagged.size === 0 ? {} : { untagged: [...this.#untagged.values()] }),
      ...this.#usedNames(),
      ...(this.#answers.size === 0 ? {} : { answers: [...this.#answers.values()] }),
      ...(this.#unheard.size === 0
        ? {}
        : {
            unheard: [...this.#unheard].map(([event, count]) => ({
              event: this.masked(event).slice(0, 80),
              count,
            })),
          }),
      warnings: [...this.#warnings],
      ...(this.deliveryShard === null ? {} : { deliveryShard: this.deliveryShard }),
    };
  }

  #usedNames(): Pick<RoundMeasurement, 'nameUses'> {
    const used = [...this.#nameUses.values()].filter(({ rendered }) => rendered > 0);
    return used.length === 0 ? {} : { nameUses: used.map((use) => ({ ...use })) };
  }
}

/** The recorder of this generator process: engines are constructed by Artillery, which cannot pass it to them. */
export const recorder = new Recorder();

/** Errors of an answer that did not come, or was another than the scenario expects. */
function isMissed(name: string): boolean {
  return /^(?:(?:ack|response|receipt|message) (?:timeout|mismatch)|refused|rejected): /.test(name);
}

function withoutTokens(text: string): string {
  return text.replace(jsonWebToken, '***');
}

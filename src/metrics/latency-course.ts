import { LatencySketch } from './latency-sketch.ts';
import type { LatencyCourse, MetricId } from './round-measurement.ts';

/** Steps of a course at most: beyond, two become one. */
const maxSteps = 120;
const firstStepMs = 1_000;

type Step = Map<MetricId, LatencySketch>;

/** Records how latencies go over a round of any length in bounded memory: steps double when there are too many. */
export class LatencyCourseRecorder {
  #stepMs = firstStepMs;
  #steps: Step[] = [];

  get isEmpty(): boolean {
    return this.#steps.length === 0;
  }

  /** `atMs`: the time of driven load. */
  record(id: MetricId, valueMs: number, atMs: number): void {
    let index = Math.max(0, Math.floor(atMs / this.#stepMs));
    while (index >= maxSteps) {
      this.#steps = halved(this.#steps);
      this.#stepMs *= 2;
      index = Math.floor(atMs / this.#stepMs);
    }
    while (this.#steps.length <= index) this.#steps.push(new Map());
    const step = this.#steps[index]!;
    let sketch = step.get(id);
    if (sketch === undefined) {
      sketch = new LatencySketch();
      step.set(id, sketch);
    }
    sketch.record(valueMs);
  }

  toJSON(): LatencyCourse {
    return coursed(this.#stepMs, this.#steps);
  }
}

/** One course of what several generator processes recorded at the same time; nothing where none did. */
export function mergeCourses(courses: readonly LatencyCourse[]): { course?: LatencyCourse } {
  if (courses.length === 0) return {};
  const stepMs = Math.max(...courses.map((course) => course.stepMs));
  const steps: Step[] = [];
  for (const course of courses)
    for (const [index, step] of course.steps.entries()) {
      const at = Math.floor((index * course.stepMs) / stepMs);
      while (steps.length <= at) steps.push(new Map());
      for (const [id, json] of Object.entries(step)) add(steps[at]!, id, LatencySketch.fromJSON(json));
    }
  return { course: coursed(stepMs, steps) };
}

function halved(steps: readonly Step[]): Step[] {
  return Array.from({ length: Math.ceil(steps.length / 2) }, (_, index) => {
    const step: Step = new Map();
    for (const half of steps.slice(2 * index, 2 * index + 2))
      for (const [id, sketch] of half) add(step, id, sketch);
    return step;
  });
}

function add(step: Step, id: MetricId, sketch: LatencySketch): void {
  const known = step.get(id);
  if (known === undefined) step.set(id, sketch);
  else known.merge(sketch);
}

const coursed = (stepMs: number, steps: readonly Step[]): LatencyCourse => ({
  stepMs,
  steps: steps.map((step) => Object.fromEntries([...step].map(([id, sketch]) => [id, sketch.toJSON()]))),
});

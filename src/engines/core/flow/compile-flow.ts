import { tailgateError } from '../../../errors.ts';
import { isHttpStep } from '../../http/http-methods.ts';
import { compileTemplate } from '../template/compile-template.ts';
import { loop } from './loop.ts';
import { parallel } from './parallel.ts';
import { askProcessor, processorFunction, runFunction } from './run-function.ts';
import { sequence } from './sequence.ts';
import { type EngineEvents, guarded, recordFailure, type Step, type StepSpec, stepsOf } from './step.ts';
import { think } from './think.ts';
import { watchingNames } from './watch-names.ts';

/** The part of the script's `config` that flows read. */
export type FlowConfig = {
  processor?: Record<string, unknown> | undefined;
  defaults?: { think?: { jitter?: unknown } | undefined } | undefined;
};

export type FlowOptions = {
  config: FlowConfig;
  ee: EngineEvents;
  /** Path of the scenario file, for errors. */
  path: string;
  /** Where the flow stands, for errors: the scenario's name. */
  place: string;
  /** Compiles the steps of the engine itself; null for those that every engine has. */
  own: (spec: StepSpec, place: string) => Step | null;
  /** Compiles an HTTP request. */
  http: (spec: StepSpec) => Step;
};

/**
 * Compiles the flow of a scenario, once: loops, parallel steps, thinks, logs and functions with Artillery's meaning,
 * the engine's own steps and HTTP requests through `options`. The errors of a step are recorded where they happen;
 * what the flow calls back with ends the virtual user. Throws SCENARIO_INVALID for a step that nothing knows.
 */
export const compileFlow = (flow: unknown, options: FlowOptions): Step =>
  compileSteps(flow, options.place, options);

function compileSteps(flow: unknown, place: string, options: FlowOptions): Step {
  const separator = place === options.place ? ', step ' : '.';
  return sequence(
    stepsOf(flow).map((spec, index) => compileWatched(spec, `${place}${separator}${index + 1}`, options)),
  );
}

function compileWatched(spec: StepSpec, place: string, options: FlowOptions): Step {
  return watchingNames(compileStep(spec, place, options), spec, place);
}

function compileStep(spec: StepSpec, place: string, options: FlowOptions): Step {
  if (typeof spec !== 'object' || spec === null)
    throw invalid(options, place, `a step is an object, not ${JSON.stringify(spec)}`);
  const own = options.own(spec, place);
  if (own !== null) return own;
  if (spec.loop !== undefined) return compileLoop(spec, place, options);
  if (spec.parallel !== undefined) return compileParallel(spec, place, options);
  if (spec.think !== undefined) return guarded(think(spec, options.config.defaults?.think?.jitter), place);
  if (spec.log !== undefined) return guarded(compileLog(spec), place);
  if (typeof spec.function === 'string')
    return guarded(runFunction(spec.function, options.config, options.ee, place), place);
  if (isHttpStep(spec)) return guarded(options.http(spec), place);
  throw invalid(options, place, `no engine knows this step: ${JSON.stringify(spec).slice(0, 120)}`);
}

function compileLog(spec: StepSpec): Step {
  const message = compileTemplate(spec.log);
  return (context, callback) => {
    console.log(message.render(context));
    callback(null, context);
  };
}

/** As in Artillery, at most a hundred steps at once unless `limit` says otherwise. */
function compileParallel(spec: StepSpec, place: string, options: FlowOptions): Step {
  const steps = stepsOf(spec.parallel).map((step, index) =>
    compileWatched(step, `${place}.${index + 1}`, options),
  );
  const limit = compileTemplate(spec.limit ?? 100);
  const isLimit = (value: unknown): boolean => Number.isInteger(Number(value)) && Number(value) >= 1;
  const problem = (value: unknown): string => `"limit" is a whole number from 1 on, not ${String(value)}`;
  if (limit.isStatic && !isLimit(spec.limit ?? 100)) throw invalid(options, place, problem(spec.limit));
  return (context, callback) => {
    const most = limit.render(context);
    if (isLimit(most)) parallel(steps, Number(most))(context, callback);
    else callback(recordFailure(new Error(problem(most)), place), context);
  };
}

function compileLoop(spec: StepSpec, place: string, options: FlowOptions): Step {
  const asked = processorFunction(options.config.processor, spec.whileTrue);
  if (spec.whileTrue !== undefined && asked === undefined)
    throw invalid(
      options,
      place,
      `the processor has no function "${String(spec.whileTrue)}" for "whileTrue"`,
    );
  return loop(compileSteps(spec.loop, place, options), {
    count: spec.count as number | string | undefined,
    over: spec.over,
    loopValue: spec.loopValue as string | undefined,
    loopElement: spec.loopElement as string | undefined,
    whileTrue:
      asked === undefined
        ? undefined
        : (context, done) =>
            askProcessor(asked, context, (error, again) =>
              done(again, error ? recordFailure(error, place) : null),
            ),
  });
}

function invalid(options: FlowOptions, place: string, problem: string) {
  return tailgateError('SCENARIO_INVALID', { path: options.path, problem: `${place}: ${problem}` });
}

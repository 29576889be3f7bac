import { isDeepStrictEqual } from 'node:util';
import { captureOrMatch } from '../../../node_modules/artillery/dist/lib/commons/engine_util.js';
import type { VirtualUserContext } from '../core/flow/step.ts';
import { recorder } from '../core/recorder.ts';
import { mayRefuse, refusalOf } from '../core/refusal.ts';
import { StepFailure } from '../core/step-failure.ts';
import { compilePayload } from '../core/template/compile-payload.ts';
import { compileSimplePath } from '../core/template/simple-path.ts';

/** What a scenario expects of an answer: the `acknowledge` or `response` of a step. */
export type AnswerSpec = {
  data?: unknown;
  args?: unknown;
  concat?: unknown;
  capture?: unknown;
  match?: unknown;
};

export type AnswerCheck = {
  /** Whether the answer has to be read: most are not looked at, because any will do that does not say no. */
  mustRead(json: string): boolean;
  /** Why an answer is none, though it came: it says no, and the step does not say what it expects. */
  refusal(args: unknown[]): StepFailure | null;
  /** Whether the arguments got so far are the data expected; true when no data is. */
  isComplete(args: unknown[], context: VirtualUserContext): boolean;
  /** Checks the data, then matches and captures. Calls back with the failure, or null. */
  accept(args: unknown[], context: VirtualUserContext, done: (failure: StepFailure | null) => void): void;
};

const extractors = ['json', 'xpath', 'regexp', 'header', 'selector'];

type CaptureSpec = { json?: unknown; as?: unknown; value?: unknown; multiple?: unknown };

type Reader = { path: string; read: (args: unknown[]) => unknown; spec: CaptureSpec };

type CaptureResult = {
  matches: Record<string, { success: boolean; expected?: unknown; got?: unknown; expression?: string }>;
  captures: Record<string, { value?: unknown }>;
};

/**
 * Compiles what is expected of an answer; one that is different fails with `failureName`. `asked` is what it answers,
 * for the error of one that says no; null when such answers are as good as others.
 */
export const compileAnswerCheck = (
  answer: AnswerSpec,
  failureName: string,
  asked: string | null,
): AnswerCheck => {
  const expected = compilePayload(answer.data ?? answer.args);
  const hasData = (answer.data ?? answer.args) !== undefined;
  const capture = asSpecs(answer.capture);
  const match = asSpecs(answer.match);
  const specs = compilePayload<{ capture: CaptureSpec[]; match: CaptureSpec[] }>({ capture, match });
  const readers = readersOf([...capture, ...match]);
  const concat = Boolean(answer.concat);
  const fail = (failure: StepFailure | null): StepFailure | null =>
    failure === null ? null : new StepFailure(failureName, failure.message);

  const isTrivial = !hasData && capture.length + match.length === 0;
  const judgesRefusal = asked !== null && !hasData && match.length === 0;
  const refusal = (args: unknown[]) => (judgesRefusal ? refusalOf(asked, args) : null);

  return {
    mustRead: (json) => !isTrivial || (judgesRefusal && mayRefuse(json)),
    refusal,
    isComplete: (args, context) => !hasData || matchesData(args, expected.render(context), concat),
    accept: (args, context, done) => {
      if (hasData) {
        const wanted = expected.render(context);
        if (!matchesData(args, wanted, concat)) {
          done(fail(new StepFailure('data', `expected ${preview(wanted)}, got ${preview(args)}`)));
          return;
        }
      }
      const refused = refusal(args);
      if (refused !== null || capture.length + match.length === 0) {
        done(refused);
        return;
      }
      const body = JSON.stringify(args);
      const rendered = specs.render(context);
      const end = (failure: StepFailure | null) => {
        if (failure !== null) {
          // What else the answer says is often the reason: `{ ok: false, error: "..." }`.
          done(
            fail(new StepFailure(failure.name, `${failure.message}; the answer was ${preview(args, 200)}`)),
          );
          return;
        }
        context.vars.$ = body;
        context._successCount = Number(context._successCount ?? 0) + 1;
        done(null);
      };
      if (readers !== null)
        end(acceptSimple(readers, [...rendered.capture, ...rendered.match], args, context));
      else acceptAny({ capture: [...rendered.capture], match: [...rendered.match] }, body, context, end);
    },
  };
};

function acceptAny(
  specs: { capture: unknown; match: unknown },
  body: string,
  context: VirtualUserContext,
  done: (failure: StepFailure | null) => void,
): void {
  captureOrMatch(specs, { body }, context, (error: unknown, result: CaptureResult | null) => {
    if (error) {
      done(new StepFailure('match', error instanceof Error ? error.message : String(error)));
      return;
    }
    const failed = Object.values(result?.matches ?? {}).find((found) => !found.success);
    if (failed !== undefined) {
      done(mismatch(failed.expression ?? '', failed.expected, failed.got));
      return;
    }
    for (const [name, { value }] of Object.entries(result?.captures ?? {})) context.vars[name] = value;
    done(null);
  });
}

/** Matches and captures with paths that were compiled; templates in the specs are rendered by then. */
function acceptSimple(readers: Reader[], specs: CaptureSpec[], args: unknown[], context: VirtualUserContext) {
  const captured: [string, unknown][] = [];
  for (const [index, { path, read }] of readers.entries()) {
    const spec = specs[index]!;
    const value = read(args);
    if (spec.value !== undefined) {
      if (value !== spec.value) return mismatch(path, spec.value, value);
    } else if (typeof spec.as === 'string') captured.push([spec.as, value]);
  }
  for (const [name, value] of captured) context.vars[name] = value;
  return null;
}

function mismatch(path: string, expected: unknown, got: unknown): StepFailure {
  return new StepFailure('match', `expected ${preview(expected)} at ${path}, got ${preview(got)}`);
}

function readersOf(specs: CaptureSpec[]): Reader[] | null {
  return specs.every(isSimple)
    ? specs.map((spec) => ({
        path: spec.json as string,
        read: compileSimplePath(spec.json as string)!,
        spec,
      }))
    : null;
}

function isSimple(spec: CaptureSpec): boolean {
  return (
    typeof spec.json === 'string' &&
    compileSimplePath(spec.json) !== null &&
    Object.keys(spec).every((key) => ['json', 'as', 'value', 'strict'].includes(key))
  );
}

function asSpecs(value: unknown): CaptureSpec[] {
  return (value === undefined || value === null ? [] : Array.isArray(value) ? value : [value]).map((spec) =>
    withDefaultPath(spec as CaptureSpec),
  );
}

/** A capture or match without an expression is one of the first argument. */
function withDefaultPath(spec: CaptureSpec): CaptureSpec {
  return extractors.some((key) => key in spec) ? spec : { ...spec, json: '$.0' };
}

/** As Artillery compares: a list with all arguments, text as a part of the last one, anything else with the last one. */
function matchesData(args: unknown[], expected: unknown, concat: boolean): boolean {
  const last = args[args.length - 1];
  if (Array.isArray(expected)) return isDeepStrictEqual(args, expected);
  if (typeof expected === 'string') return String(concat ? args.join('') : last).includes(expected);
  return isDeepStrictEqual(last, expected);
}

function preview(value: unknown, length = 120): string {
  const text = recorder.masked(JSON.stringify(value) ?? 'nothing');
  return text.length > length ? `${text.slice(0, length - 3)}...` : text;
}

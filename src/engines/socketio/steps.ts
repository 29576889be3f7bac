import cloneDeep from 'lodash/cloneDeep.js';
import { deadlines } from '../core/deadlines.ts';
import type { DeliveryWatch } from '../core/delivery/delivery-room.ts';
import { engineSettings } from '../core/engine-settings.ts';
import { fixedRateStep } from '../core/flow/fixed-rate.ts';
import { callProcessor, processorFunction } from '../core/flow/run-function.ts';
import {
  type EngineEvents,
  recordFailure,
  type Step,
  type StepSpec,
  type VirtualUserContext,
} from '../core/flow/step.ts';
import { nameWatch } from '../core/flow/watch-names.ts';
import { loadActivity } from '../core/load-activity.ts';
import { loadClock } from '../core/load-clock.ts';
import { recorder } from '../core/recorder.ts';
import { judgesRefusals } from '../core/refusal.ts';
import { StepFailure } from '../core/step-failure.ts';
import { compileTemplate } from '../core/template/compile-template.ts';
import { type AnswerSpec, compileAnswerCheck } from './answer-check.ts';
import { compileSend, type Send } from './compile-send.ts';
import type { RenderOptions } from './connect-options.ts';
import { type EmitDefaults, type EmitSpec, ownTimeoutMs, parseEmit } from './emit-spec.ts';
import { type Namespace, userOf } from './socketio-user.ts';

/** A step that emits one message, and goes on when what it waits for has come. */
export const emitStep = (emit: EmitSpec, send: Send, place: string): Step => {
  const namespaceName = emit.namespace.isStatic ? String(emit.namespace.render({ vars: {} })) : null;
  return (context, callback) => {
    const user = userOf(context);
    const run = (namespace: Namespace) => {
      try {
        send(user, namespace, context, null, (failure) =>
          callback(failure === null ? null : recordFailure(failure, place), context),
        );
      } catch (error) {
        callback(recordFailure(error, place), context);
      }
    };
    const start = () => {
      const name = namespaceName ?? String(emit.namespace.render(context));
      const connected = user.connected(name);
      if (connected !== null) {
        run(connected);
        return;
      }
      user.withNamespace(name, (failure, namespace) => {
        if (failure !== null) callback(recordFailure(failure, place), context);
        else run(namespace);
      });
    };
    if (loadClock.paused) loadClock.whenRunning(start);
    else start();
  };
};

/**
 * A step with hooks of the processor: `beforeRequest(step, context, events, done)` may change its copy of the step,
 * for example to put binary data in; `afterResponse(step, answer, context, events, done)` sees the answer.
 */
export const hookedEmitStep = (
  spec: StepSpec,
  hooks: { processor: Record<string, unknown> | undefined; ee: EngineEvents },
  defaults: EmitDefaults,
  watch: DeliveryWatch | null,
  place: string,
): Step => {
  const before = asList(spec.beforeRequest);
  const after = asList(spec.afterResponse);
  const call = (
    names: unknown[],
    args: (name: unknown) => unknown[],
    done: (error: unknown) => void,
  ): void => {
    const [name, ...rest] = names;
    if (name === undefined) {
      done(null);
      return;
    }
    const run = processorFunction(hooks.processor, name);
    if (run === undefined) {
      recorder.error('undefined function', `The processor has no function "${String(name)}".`, place);
      call(rest, args, done);
      return;
    }
    callProcessor(run, args(name), (error) => (error ? done(error) : call(rest, args, done)));
  };
  return (context, callback) => {
    const copy = cloneDeep(spec);
    const fail = (error: unknown) => callback(recordFailure(error, place), context);
    const start = (error: unknown) => {
      if (error) {
        fail(error);
        return;
      }
      const { beforeRequest: _before, afterResponse: _after, ...changed } = copy;
      nameWatch(changed, place)?.(context.vars);
      let emit: EmitSpec;
      let send: Send;
      try {
        emit = parseEmit(copy, defaults);
        send = compileSend(emit, watch, place);
      } catch (problem) {
        fail(problem);
        return;
      }
      let answer: unknown[] = [];
      const observed: Send = (user, namespace, sendContext, fromMs, done) =>
        send(user, namespace, sendContext, fromMs, (failure, got) => {
          answer = got;
          done(failure, got);
        });
      emitStep(
        emit,
        observed,
        place,
      )(context, (failure) => {
        if (failure) callback(failure, context);
        else
          call(
            after,
            () => [copy, { body: JSON.stringify(answer), data: answer }, context, hooks.ee],
            (hookError) => (hookError ? fail(hookError) : callback(null, context)),
          );
      });
    };
    call(before, () => [copy, context, hooks.ee], start);
  };
};

/** A step that only waits for an event. One that came since the last step that listened for it counts at once. */
export const listenStep = (spec: StepSpec, place: string): Step => {
  const response = spec.response as AnswerSpec & { channel?: unknown; on?: unknown };
  const channel = response.channel ?? response.on;
  const event = compileTemplate(channel);
  const namespaceName = compileTemplate(spec.namespace ?? '');
  const isJudged = judgesRefusals(engineSettings().refusals, String(channel));
  const check = compileAnswerCheck(
    response,
    `response mismatch: ${String(channel)}`,
    isJudged ? String(channel) : null,
  );
  const metric = `${String(spec.metric ?? channel)}.response`;
  const stepTimeoutMs = ownTimeoutMs(spec);
  const isMeasured = spec.measure !== false;

  const wait = (
    context: VirtualUserContext,
    namespace: Namespace,
    done: (failure: StepFailure | null) => void,
  ) => {
    const user = userOf(context);
    const name = String(event.render(context));
    const timeoutMs = stepTimeoutMs ?? user.timeoutMs;
    const { slice, epoch } = recorder;
    const startedMs = performance.now();
    const got: unknown[] = [];
    const accept = (args: unknown[], isLate: boolean): boolean => {
      got.push(...args);
      if (!check.isComplete(got, context)) return false;
      const waitedMs = performance.now() - startedMs;
      check.accept(got, context, (failure) => {
        // An event that was there before the step began has no waiting time, nor has one that is not what was waited for.
        if (failure === null && isLate && isMeasured && isOpen && epoch === recorder.epoch)
          recorder.latency(metric, waitedMs, slice);
        end(failure);
      });
      return true;
    };
    const pending = {
      event: name,
      answeredBy: name,
      via: namespace.channel.socket,
      fail: (failure: StepFailure) => end(failure),
    };
    let isOpen = true;
    const end = (failure: StepFailure | null) => {
      if (!isOpen) return;
      isOpen = false;
      deadline.cancel();
      stop();
      user.pending.delete(pending);
      loadActivity.settled();
      done(failure);
    };
    const deadline = deadlines.after(timeoutMs, () => {
      const timeout = new StepFailure(`response timeout: ${name}`, `no event within ${timeoutMs} ms`);
      if (got.length === 0) end(timeout);
      else check.accept(got, context, (failure) => end(failure ?? timeout));
    });
    user.listen(namespace, name);
    loadActivity.sent();
    user.pending.add(pending);
    const stop = namespace.inbox.listen(name, (args) => accept(args, true));
    for (
      let kept = namespace.inbox.take(name);
      kept !== undefined && isOpen;
      kept = namespace.inbox.take(name)
    )
      if (accept(kept, false)) return;
  };

  return (context, callback) => {
    const end = (failure: StepFailure | null) => {
      recorder.answer(place, failure);
      callback(failure === null ? null : recordFailure(failure, place), context);
    };
    const name = String(namespaceName.render(context));
    userOf(context).withNamespace(name, (failure, namespace) => {
      if (failure !== null) end(failure);
      else wait(context, namespace, end);
    });
  };
};

/** A step that closes the connection of a namespace and opens a new one within `timeoutMs`, with options of its own. */
export const connectStep = (
  spec: StepSpec,
  options: RenderOptions,
  timeoutMs: number,
  place: string,
): Step => {
  const namespace = compileTemplate(spec.namespace ?? '');
  return (context, callback) => {
    loadClock.whenRunning(() => {
      userOf(context).reconnect(String(namespace.render(context)), options, timeoutMs, (failure) =>
        callback(failure === null ? null : recordFailure(failure, place), context),
      );
    });
  };
};

/** A step that closes the connection of a namespace. */
export const disconnectStep = (spec: StepSpec): Step => {
  const namespace = compileTemplate(spec.namespace ?? '');
  return (context, callback) => {
    userOf(context).disconnect(String(namespace.render(context)));
    callback(null, context);
  };
};

/** A step that emits at a fixed rate for a fixed time (see `fixedRateStep`). */
export const fixedRate = (spec: StepSpec, emit: EmitSpec, send: Send, place: string): Step =>
  fixedRateStep(
    spec,
    (context, done) => {
      const user = userOf(context);
      user.withNamespace(String(emit.namespace.render(context)), (failure, namespace) => {
        if (failure !== null) {
          done(failure, null);
          return;
        }
        done(null, {
          isConnected: () => namespace.channel.isConnected,
          send: (fromMs, sent) => send(user, namespace, context, fromMs, (failed) => sent(failed)),
        });
      });
    },
    place,
  );

function asList(value: unknown): unknown[] {
  return value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];
}

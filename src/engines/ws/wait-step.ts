import type { Deadline } from '../core/deadlines.ts';
import type { Step, StepSpec } from '../core/flow/step.ts';
import { loadClock } from '../core/load-clock.ts';
import { compileCaptures, compileWhere } from '../core/received-message.ts';
import { compileTemplate } from '../core/template/compile-template.ts';
import { awaitMessage } from './answer-spec.ts';
import type { WsMessage } from './ws-message.ts';
import { connectedUser, failStep, type WsScope } from './ws-scope.ts';

const waitKeys = ['where', 'count', 'capture', 'match', 'timeout'] as const;
const besideKeys = ['wait', 'name', 'metric', 'timeout'] as const;

/** Others may have to send before it comes, and they stand still while the load is paused. */
const onLoadClock = (timeoutMs: number, expire: () => void): Deadline => {
  const id = loadClock.after(timeoutMs, expire);
  return { cancel: () => loadClock.clear(id) };
};

/**
 * Compiles `wait`: the next message to come (Artillery's form), or with `where` the next that has these values, among
 * those that came before and were not read too.
 */
export const compileWait = (step: StepSpec, scope: WsScope, place: string): Step => {
  scope.check(step, besideKeys, 'wait', place);
  const spec = step.wait === true || step.wait === null ? {} : (step.wait as Record<string, unknown>);
  if (typeof spec !== 'object' || Array.isArray(spec))
    throw scope.invalid(place, '"wait" is true or a mapping');
  scope.check(spec, waitKeys, 'wait', place);
  const where = spec.where === undefined ? null : compileWhere(spec.where as Record<string, unknown>);
  const subject = (step.metric as string | undefined) ?? 'message';
  const capture = compileCaptures(spec, `response mismatch: ${subject}`);
  const count = compileTemplate<number | string>(spec.count ?? 1);
  const timeoutMs = scope.time(spec.timeout ?? step.timeout, scope.timeoutMs, place);
  if (where !== null) scope.plan.keepsMessages = true;

  return (context, callback) => {
    const user = connectedUser(context, place, callback);
    if (user === null) return;
    const filter = where?.(context) ?? null;
    const wanted = Math.max(1, Number(count.render(context)) || 1);
    let read = 0;
    const accept = (message: WsMessage): boolean => {
      read += 1;
      context.vars.$message = message.body;
      const mismatch = capture?.(message, context) ?? null;
      if (mismatch !== null) failStep(mismatch, context, place, callback);
      else if (read === wanted) callback(null, context);
      return mismatch === null && read < wanted;
    };
    const next = (): void => {
      for (
        let kept = filter === null ? null : user.takeUnread(filter);
        kept !== null;
        kept = user.takeUnread(filter!)
      )
        if (!accept(kept)) return;
      awaitMessage(user, { subject, isAnswer: false, filter, timeoutMs }, onLoadClock, (failure, message) => {
        if (message === null) failStep(failure, context, place, callback);
        else if (accept(message)) next();
      });
    };
    next();
  };
};

import type { Step, StepSpec } from '../core/flow/step.ts';
import { readMessages } from '../core/message/await-message.ts';
import { connectedUser, failStep } from '../core/message/message-user.ts';
import { compileCaptures, compileWhere } from '../core/received-message.ts';
import { recorder } from '../core/recorder.ts';
import { compileTemplate } from '../core/template/compile-template.ts';
import type { WsScope } from './ws-scope.ts';

const waitKeys = ['where', 'count', 'capture', 'match', 'timeout'] as const;
const besideKeys = ['wait', 'name', 'metric', 'timeout'] as const;

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
  if (where !== null) scope.needs.keepsMessages = true;

  return (context, callback) => {
    const user = connectedUser(context, place, callback);
    if (user === null) return;
    const wanted = {
      subject,
      filter: where?.(context) ?? null,
      count: Math.max(1, Number(count.render(context)) || 1),
      capture,
      timeoutMs,
      from: '',
    };
    readMessages(user, wanted, context, (failure, read) => {
      context.vars.$message = read.at(-1)?.body;
      recorder.answer(place, failure);
      if (failure === null) callback(null, context);
      else failStep(failure, context, place, callback);
    });
  };
};

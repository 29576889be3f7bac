import type { Step, StepSpec, VirtualUserContext } from '../core/flow/step.ts';
import { loadClock } from '../core/load-clock.ts';
import { compileCaptures, compileWhere, optionalTemplate } from '../core/received-message.ts';
import { StepFailure } from '../core/step-failure.ts';
import { compileTemplate } from '../core/template/compile-template.ts';
import { acknowledgement } from './ack-step.ts';
import { encodeFrame, encodeHead } from './stomp-encoder.ts';
import type { StompMessage } from './stomp-message.ts';
import { destinationName, failStep, openClient, type StompScope } from './stomp-scope.ts';
import { type StompWaiter, userOf } from './stomp-user.ts';

const waitKeys = [
  'destination',
  'subscription',
  'where',
  'count',
  'capture',
  'match',
  'ack',
  'timeout',
] as const;

/** Compiles `waitFor`: messages that arrived and were not read yet, or that come within the timeout. */
export const compileWaitFor = (step: StepSpec, scope: StompScope, place: string): Step => {
  const spec = scope.keysOf(step, 'waitFor', 'destination', waitKeys, place);
  const subject = typeof spec.destination === 'string' ? destinationName(spec.destination) : 'message';
  const destination = optionalTemplate<string>(spec.destination);
  const subscription = optionalTemplate<string>(spec.subscription);
  const where = spec.where === undefined ? null : compileWhere(spec.where as Record<string, unknown>);
  const count = compileTemplate<number | string>(spec.count ?? 1);
  const capture = compileCaptures(spec, `message mismatch: ${subject}`);
  const timeoutMs = scope.time(spec.timeout, scope.settings.timeoutMs, place);
  scope.needs.keepsMessages = true;

  const filterOf = (context: VirtualUserContext) => {
    const from = destination?.render(context);
    const id = subscription?.render(context);
    const isWanted = where?.(context);
    return (message: StompMessage): boolean =>
      (from === undefined || message.destination === from || message.headers.destination === from) &&
      (id === undefined || message.headers.subscription === id) &&
      (isWanted === undefined || isWanted(message));
  };

  return (context, callback) => {
    const client = openClient(context, place, callback);
    if (client === null) return;
    const user = userOf(context);
    const filter = filterOf(context);
    const wanted = Math.max(1, Number(count.render(context)) || 1);
    const read = user.readUnread((message) => filter(message as StompMessage), wanted);
    const finish = () => {
      user.lastRead = read;
      const last = read.at(-1)!;
      context.vars.$message = { headers: last.headers, body: last.body };
      if (spec.ack === true)
        for (const message of read)
          client.send(encodeFrame(encodeHead('ACK', acknowledgement(client.version, message))));
      for (const message of read) {
        const failure = capture?.(message, context) ?? null;
        if (failure === null) continue;
        failStep(failure, context, place, callback);
        return;
      }
      callback(null, context);
    };
    if (read.length === wanted) {
      finish();
      return;
    }
    const end = () => {
      user.stopWaiting(waiter);
      loadClock.clear(timer);
    };
    const waiter: StompWaiter = {
      take: (message) => {
        if (!filter(message)) return false;
        read.push(message);
        if (read.length === wanted) {
          end();
          finish();
        }
        return true;
      },
      fail: (failure) => {
        end();
        failStep(failure, context, place, callback);
      },
    };
    // On the load clock: those who send may be waiting for their next slice.
    const timer = loadClock.after(timeoutMs, () => {
      const what = destination === null ? '' : ` from ${destination.render(context)}`;
      waiter.fail(
        new StepFailure(
          `message timeout: ${subject}`,
          `${read.length} of ${wanted} messages${what} within ${timeoutMs} ms`,
        ),
      );
    });
    user.wait(waiter);
  };
};

import { recorder } from '../../measurement/recorder.ts';
import type { DeliveryWatch } from '../delivery/delivery-ledger.ts';
import type { VirtualUserContext } from '../flow/step.ts';
import { acknowledgementObserver } from './acknowledgement-observer.ts';
import type { EmitSpec } from './emit-spec.ts';
import { membershipChange } from './membership.ts';
import { SentMessage, type SentMessageEnd } from './sent-message.ts';
import type { Namespace, SocketIoUser } from './socketio-user.ts';
import { insertTag, makeTag } from './tagged-payload.ts';

/** Sends one message and calls back when the flow may go on. `fromMs` is the instant that latencies count from. */
export type Send = (
  user: SocketIoUser,
  namespace: Namespace,
  context: VirtualUserContext,
  fromMs: number | null,
  done: SentMessageEnd,
) => void;

type Outgoing = [event: string, ...args: unknown[]];

/** Gives the event and the arguments of a message, tagged if its deliveries are watched. */
const compileOutgoing = (
  { outgoing, delivery }: EmitSpec,
  watch: DeliveryWatch | null,
): ((user: SocketIoUser, context: VirtualUserContext, fromMs: number) => Outgoing) => {
  if (delivery === null || watch === null) return (_user, context) => outgoing.render(context) as Outgoing;
  if (delivery.sentPath === null)
    return ({ member }, context, fromMs) => {
      context.vars.$tag = makeTag(delivery, watch, member!, context, fromMs);
      return outgoing.render(context) as Outgoing;
    };
  return ({ member }, context, fromMs) => {
    const [event, ...args] = outgoing.render(context) as Outgoing;
    return [event, ...insertTag(delivery, watch, member!, args, fromMs)];
  };
};

/**
 * Compiles what a step does to send one message: tag it, emit it, and wait for what the scenario waits for. An emit
 * that nothing answers is counted and never becomes a latency.
 */
export const compileSend = (spec: EmitSpec, watch: DeliveryWatch | null, place: string): Send => {
  const waits = spec.acknowledge !== null || spec.response !== null;
  const changesMembership = spec.joins !== null || spec.leaves !== null;
  const render = compileOutgoing(spec, watch);

  return (user, namespace, context, intendedMs, done) => {
    const { socket } = namespace.channel;
    const fromMs = intendedMs ?? performance.now();
    const outgoing = render(user, context, fromMs);
    const membership = changesMembership
      ? membershipChange(spec, user.member, outgoing.slice(1), context)
      : null;
    recorder.sent();
    membership?.sent();

    if (waits) {
      const end: SentMessageEnd =
        membership === null
          ? done
          : (failure, answer) => {
              if (failure === null) membership.confirmed();
              done(failure, answer);
            };
      const message = new SentMessage(user, namespace, spec, context, fromMs, end);
      if (spec.acknowledge === null) socket.emit(...outgoing);
      else socket.emit(...outgoing, (...args: unknown[]) => message.acknowledge(args));
      return;
    }
    if (spec.isObserved) {
      const acknowledged = acknowledgementObserver.observe({
        event: spec.event,
        place,
        pending: user.pending,
        timeoutMs: spec.timeoutMs ?? user.timeoutMs,
        latency: spec.isMeasured ? { fromMs, metric: spec.ackMetric } : null,
        confirmed: () => membership?.confirmed(),
      });
      socket.emit(...outgoing, acknowledged);
    } else {
      socket.emit(...outgoing);
      user.sentUnanswered();
      if (watch === null && spec.isMeasured) {
        recorder.count('messages.unanswered');
        recorder.unmeasuredEmit(spec.event, place);
      }
    }
    done(null, []);
  };
};

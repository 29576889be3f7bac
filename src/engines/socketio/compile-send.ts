import type { DeliveryWatch } from '../core/delivery/delivery-room.ts';
import { type MembershipChange, membershipChange } from '../core/delivery/membership.ts';
import { readPath } from '../core/delivery/payload-path.ts';
import type { VirtualUserContext } from '../core/flow/step.ts';
import { recorder } from '../core/recorder.ts';
import { acknowledgementObserver } from './acknowledgement-observer.ts';
import type { AcknowledgementReceiver, ClientSocket } from './client-socket.ts';
import type { EmitSpec } from './emit-spec.ts';
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

/**
 * Compiles what a step does to send one message: tag it, emit it, and wait for what the scenario waits for. An emit
 * that nothing answers is counted and never becomes a latency.
 */
export const compileSend = (spec: EmitSpec, watch: DeliveryWatch | null, place: string): Send => {
  const { acknowledge, delivery } = spec;
  const waits = acknowledge !== null || spec.response !== null;
  const changesMembership = spec.joins !== null || spec.leaves !== null;
  const tagsItself = delivery !== null && watch !== null && delivery.sentPath === null;
  const needsValues = changesMembership || (delivery !== null && delivery.sentPath !== null);
  const json = needsValues ? null : spec.outgoing.json;
  const render = compileOutgoing(spec, watch);

  /** What takes the acknowledgement of the message; it is timed from here. */
  const receiverOf = (
    user: SocketIoUser,
    namespace: Namespace,
    context: VirtualUserContext,
    fromMs: number,
    membership: MembershipChange | null,
    done: SentMessageEnd,
  ): AcknowledgementReceiver | null => {
    if (waits) {
      const end: SentMessageEnd = (failure, answer) => {
        recorder.answer(place, failure);
        if (failure === null) membership?.confirmed();
        done(failure, answer);
      };
      const message = new SentMessage(user, namespace, spec, context, fromMs, end);
      return acknowledge === null ? null : message;
    }
    if (!spec.isObserved) return null;
    return acknowledgementObserver.observe({
      event: spec.event,
      place,
      pending: user.pending,
      via: namespace.channel.socket,
      timeoutMs: spec.timeoutMs ?? user.timeoutMs,
      latency: spec.isMeasured ? { fromMs, metric: spec.ackMetric } : null,
      judgesRefusal: spec.judgesRefusal,
      confirmed: () => membership?.confirmed(),
    });
  };

  return (user, namespace, context, intendedMs, done) => {
    const { socket } = namespace.channel;
    const fromMs = intendedMs ?? performance.now();
    if (tagsItself) context.vars.$tag = makeTag(delivery, watch, user.member!, context, fromMs);
    const text = json === null || socket.emitJson === undefined ? null : json(context);
    if (typeof text === 'string') {
      recorder.count('messages.sent');
      socket.emitJson!(text, receiverOf(user, namespace, context, fromMs, null, done));
    } else {
      const outgoing = render(user, context, fromMs);
      const membership = changesMembership
        ? membershipChange(spec, user.member, (path) => readPath(outgoing.slice(1), path), context)
        : null;
      recorder.count('messages.sent');
      membership?.sent();
      emit(socket, outgoing, receiverOf(user, namespace, context, fromMs, membership, done));
    }
    if (waits) return;
    if (!spec.isObserved) {
      user.sentUnanswered();
      if (watch === null && spec.isMeasured) {
        recorder.count('messages.unanswered');
        recorder.unmeasuredEmit(spec.event, place);
      }
    }
    done(null, []);
  };
};

function emit(socket: ClientSocket, outgoing: Outgoing, receiver: AcknowledgementReceiver | null): void {
  if (receiver === null) socket.emit(...outgoing);
  else socket.emit(...outgoing, (...args: unknown[]) => receiver.acknowledge(args));
}

/** Gives the event and the arguments of a message; its tag goes to where the settings say. */
function compileOutgoing(
  { outgoing, delivery }: EmitSpec,
  watch: DeliveryWatch | null,
): (user: SocketIoUser, context: VirtualUserContext, fromMs: number) => Outgoing {
  if (delivery === null || watch === null || delivery.sentPath === null)
    return (_user, context) => outgoing.render(context) as Outgoing;
  return ({ member }, context, fromMs) => {
    const [event, ...args] = outgoing.render(context) as Outgoing;
    return [event, ...insertTag(delivery, watch, member!, args, fromMs)];
  };
}

import { recorder } from '../../measurement/recorder.ts';
import { type DeliveryWatch, deliveryLedger } from '../delivery/delivery-ledger.ts';
import { changePath, readPath } from '../delivery/payload-path.ts';
import type { VirtualUserContext } from '../flow/step.ts';
import type { StepFailure } from '../step-failure.ts';
import { acknowledgementObserver } from './acknowledgement-observer.ts';
import type { EmitSpec, MembershipSpec } from './emit-spec.ts';
import { SentMessage, type SentMessageEnd } from './sent-message.ts';
import type { Namespace, SocketIoUser } from './socketio-user.ts';

/** Sends one message and calls back when the flow may go on. `fromMs` is the instant that latencies count from. */
export type Send = (
  user: SocketIoUser,
  namespace: Namespace,
  context: VirtualUserContext,
  fromMs: number | null,
  done: SentMessageEnd,
) => void;

const roomNames = (
  membership: MembershipSpec,
  outgoing: unknown[],
  context: VirtualUserContext,
): string[] | null => {
  if ('all' in membership) return null;
  const value =
    'room' in membership ? membership.room.render(context) : readPath(outgoing.slice(1), membership.roomPath);
  return (Array.isArray(value) ? value : [value]).map(String);
};

/** The room of a scenario that names none. */
const onlyRoom = 'room';

const join = (user: SocketIoUser, rooms: string[] | null): void => {
  for (const room of rooms ?? [onlyRoom]) deliveryLedger.join(user.member!, room);
};

const leave = (user: SocketIoUser, rooms: string[] | null): void => {
  if (rooms === null) deliveryLedger.leave(user.member!);
  else for (const room of rooms) deliveryLedger.leave(user.member!, room);
};

/** Puts the tag behind what stands in its place, so that the message keeps its content. */
const tagged = (old: unknown, tag: string): unknown => {
  if (Buffer.isBuffer(old)) return Buffer.concat([old, Buffer.from(tag)]);
  return typeof old === 'string' && old !== '' ? `${old} ${tag}` : tag;
};

const targetRoom = (
  { room, roomPath }: NonNullable<EmitSpec['delivery']>,
  outgoing: unknown[],
  context: VirtualUserContext,
): string | null => {
  const name =
    room !== null ? room.render(context) : roomPath !== null ? readPath(outgoing.slice(1), roomPath) : null;
  return name === null || name === undefined ? null : String(name);
};

/**
 * Compiles what a step does to send one message: tag it, emit it, and wait for what the scenario waits for. An emit
 * that nothing answers is counted and never becomes a latency.
 */
export const compileSend = (spec: EmitSpec, watch: DeliveryWatch | null, place: string): Send => {
  const waits = spec.acknowledge !== null || spec.response !== null;
  const { delivery } = spec;

  /** The message with its tag; its deliveries count from `fromMs`. */
  const tag = (user: SocketIoUser, context: VirtualUserContext, fromMs: number): unknown[] => {
    if (delivery === null || watch === null) return spec.outgoing.render(context);
    if (delivery.sentPath === null) {
      const room = delivery.room === null ? null : String(delivery.room.render(context));
      context.vars.$tag = deliveryLedger.send(user.member!, { watch, room, fromMs });
      return spec.outgoing.render(context);
    }
    const [event, ...args] = spec.outgoing.render(context);
    const room = targetRoom(delivery, [event, ...args], context);
    const text = deliveryLedger.send(user.member!, { watch, room, fromMs });
    return [event, ...(changePath(args, delivery.sentPath, (old) => tagged(old, text)) as unknown[])];
  };

  return (user, namespace, context, intendedMs, done) => {
    const { socket } = namespace.channel;
    const fromMs = intendedMs ?? performance.now();
    const outgoing = tag(user, context, fromMs) as [string, ...unknown[]];
    const joined =
      spec.joins === null || user.member === null
        ? null
        : { rooms: roomNames(spec.joins, outgoing, context) };
    const left =
      spec.leaves === null || user.member === null
        ? null
        : { rooms: roomNames(spec.leaves, outgoing, context) };
    recorder.count('messages.sent');
    if (left !== null) leave(user, left.rooms);
    if (joined !== null && spec.joinsUnconfirmed) join(user, joined.rooms);

    if (waits) {
      const end: SentMessageEnd = (failure: StepFailure | null, answer) => {
        if (failure === null && joined !== null) join(user, joined.rooms);
        done(failure, answer);
      };
      const message = new SentMessage(user, namespace, spec, context, fromMs, end);
      if (spec.acknowledge === null) socket.emit(...outgoing);
      else socket.emit(...outgoing, (...args: unknown[]) => message.acknowledge(args));
      return;
    }
    if (spec.isObserved) {
      const confirmed = joined === null ? null : () => join(user, joined.rooms);
      const latency = spec.isMeasured ? { fromMs, metric: spec.ackMetric } : null;
      socket.emit(
        ...outgoing,
        acknowledgementObserver.observe(
          spec.event,
          place,
          user.pending,
          spec.timeoutMs ?? user.timeoutMs,
          latency,
          confirmed,
        ),
      );
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

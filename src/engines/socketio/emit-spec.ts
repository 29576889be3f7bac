import { type MembershipSpec, roomSpec } from '../core/delivery/membership.ts';
import { type PayloadPath, payloadPath } from '../core/delivery/payload-path.ts';
import type { DeliveryRule, EngineSettings } from '../core/engine-settings.ts';
import { checkSendRate } from '../core/flow/fixed-rate.ts';
import type { StepSpec } from '../core/flow/step.ts';
import { noTime, timeoutMs } from '../core/flow/timeout.ts';
import { judgesRefusals } from '../core/refusal.ts';
import { compilePayload } from '../core/template/compile-payload.ts';
import { compileTemplate, type Template } from '../core/template/compile-template.ts';
import { type AnswerCheck, type AnswerSpec, compileAnswerCheck } from './answer-check.ts';
import { reservedEvents } from './reserved-events.ts';

/** Who is to get a message, as the step or a rule of the settings says. */
export type DeliverySpec = {
  /** Event that the receivers get. */
  event: string;
  /** Where the tag is in what they get; null searches for it. */
  receivedPath: PayloadPath | null;
  /** Where the tag is put into what is sent; null when the payload has `{{ $tag }}`. */
  sentPath: PayloadPath | null;
  includesSender: boolean;
  expected: 'members' | 'unknown' | number;
  /** Room of the message; null for the room of the sender. */
  room: Template | null;
  /** Where the room is named in the payload. */
  roomPath: PayloadPath | null;
};

export type ResponseSpec = { event: Template; check: AnswerCheck };

/** A step that emits, parsed once. */
export type EmitSpec = MembershipSpec & {
  /** The event as it stands in the scenario; names metrics and errors. */
  event: string;
  ackMetric: string;
  responseMetric: string;
  deliveryMetric: string;
  namespace: Template;
  /** Event and arguments. */
  outgoing: Template<unknown[]>;
  acknowledge: AnswerCheck | null;
  response: ResponseSpec | null;
  delivery: DeliverySpec | null;
  /** Attach a callback though the flow does not wait. */
  isObserved: boolean;
  isMeasured: boolean;
  /** Whether a hook looks at the answer. */
  readsAnswer: boolean;
  /** Whether an answer that says no is an error. */
  judgesRefusal: boolean;
  timeoutMs: number | null;
};

export type EmitDefaults = {
  observe: 'all' | 'none' | readonly string[];
  rules: readonly DeliveryRule[];
  refusals: EngineSettings['refusals'];
};

type Emit = { channel?: unknown; data?: unknown; args?: unknown[] } | unknown[];

/** The defaults of the emits of one generator process. */
export const emitDefaultsFrom = (settings: EngineSettings): EmitDefaults => ({
  observe: settings.observeAcknowledgements,
  rules: settings.deliveries,
  refusals: settings.refusals,
});

/** Parses a step that emits. Throws with what is wrong in it. */
export const parseEmit = (spec: StepSpec, defaults: EmitDefaults): EmitSpec => {
  if (!isObject(spec.emit)) throw new Error('"emit" is an object with "channel" and "data", or a list');
  const outgoing = outgoingOf(spec.emit as Emit);
  if (typeof outgoing[0] !== 'string' || outgoing[0] === '')
    throw new Error('"emit" names no event: give "channel", or a list that begins with it');
  const event = outgoing[0];
  if (reservedEvents.has(event))
    throw new Error(
      `"${event}" is an event that Socket.IO keeps for itself: no client may emit it${
        event.startsWith('disconnect') ? '. To close the connection, write "- disconnect: true"' : ''
      }`,
    );
  const metric = String(spec.metric ?? event);
  const isMeasured = spec.measure !== false;
  const rule = defaults.rules.find((candidate) => candidate.send === event);
  const joinRule = defaults.rules.find((candidate) => candidate.join?.event === event);
  const leaveRule = defaults.rules.find((candidate) => candidate.leave?.event === event);
  const answer = spec.acknowledge;
  const response = isObject(spec.response) ? spec.response : null;
  const channel = response?.channel ?? response?.on;
  if (spec.response !== undefined && channel === undefined)
    throw new Error('"response" names no event: give "channel"');
  const judgesRefusal = judgesRefusals(defaults.refusals, event);
  const acknowledge =
    answer === undefined || answer === null || answer === false
      ? null
      : compileAnswerCheck(
          isObject(answer) ? (answer as AnswerSpec) : {},
          `ack mismatch: ${event}`,
          judgesRefusal ? event : null,
        );
  const delivery =
    deliveryOf(spec.delivery, event) ??
    (rule === undefined || spec.delivery === false || !isMeasured ? null : deliveryOfRule(rule));
  const saysSo = acknowledge !== null || response !== null || spec.delivery !== undefined || !isMeasured;
  const joins =
    spec.joins !== undefined
      ? roomSpec(spec.joins)
      : joinRule?.join
        ? { roomPath: payloadPath(joinRule.join.roomPath) }
        : null;
  if (spec.rate !== undefined && spec.duration === undefined) throw new Error('"rate" needs a "duration"');
  if (spec.rate === undefined && spec.duration !== undefined) throw new Error('"duration" needs a "rate"');
  if (spec.rate !== undefined) {
    checkSendRate(spec);
    const hook = ['beforeRequest', 'afterResponse'].find((key) => spec[key] !== undefined);
    // What a function takes before each send would be in its latency.
    if (hook !== undefined)
      throw new Error(
        `"${hook}" means nothing beside "rate": call the function in a step before, "- function: ..."`,
      );
  }
  const joinsUnconfirmed = spec.confirmed === 'sent';
  // A join is confirmed by its acknowledgement, whether the flow waits for it or not.
  const needsConfirmation = joins !== null && !joinsUnconfirmed && acknowledge === null && response === null;
  return {
    event,
    ackMetric: `${metric}.ack`,
    responseMetric: `${metric}.response`,
    deliveryMetric: `${metric}.delivery`,
    namespace: compileTemplate(spec.namespace ?? ''),
    outgoing: compilePayload<unknown[]>(outgoing),
    acknowledge,
    response:
      response === null
        ? null
        : {
            event: compileTemplate(channel),
            check: compileAnswerCheck(
              response as AnswerSpec,
              `response mismatch: ${String(channel)}`,
              judgesRefusal ? event : null,
            ),
          },
    delivery,
    joins,
    joinsUnconfirmed,
    leaves:
      spec.leaves !== undefined ? roomSpec(spec.leaves) : leaveRule === undefined ? null : { all: true },
    isObserved:
      needsConfirmation ||
      (!saysSo &&
        (defaults.observe === 'all' || (defaults.observe !== 'none' && defaults.observe.includes(event)))),
    isMeasured,
    readsAnswer: spec.afterResponse !== undefined,
    judgesRefusal,
    timeoutMs: ownTimeoutMs(spec),
  };
};

/** The timeout of the step itself, milliseconds; null when it has none. Throws when it is no time. */
export const ownTimeoutMs = ({ timeout }: StepSpec): number | null => {
  const found = timeout === undefined ? null : timeoutMs(timeout);
  if (found === null && timeout !== undefined) throw new Error(noTime(`timeout: ${String(timeout)}`));
  return found;
};

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** As Artillery builds the arguments: `channel` is always followed by `data`, even where there is none. */
function outgoingOf(emit: Emit): unknown[] {
  if (Array.isArray(emit)) return emit;
  return emit.args === undefined ? [emit.channel, emit.data] : [emit.channel, ...emit.args];
}

function deliveryOf(value: unknown, event: string): DeliverySpec | null {
  if (value === undefined || value === null || value === false) return null;
  const spec = (typeof value === 'object' ? value : { event: value === true ? event : value }) as Record<
    string,
    unknown
  >;
  const expected = spec.expect ?? 'members';
  if (expected !== 'members' && expected !== 'unknown' && !Number.isInteger(expected))
    throw new Error(`"delivery.expect" is members, unknown or a number, not ${JSON.stringify(expected)}`);
  return {
    event: String(spec.event ?? event),
    receivedPath: spec.path === undefined ? null : payloadPath(String(spec.path)),
    sentPath: null,
    includesSender: spec.includesSender === true,
    expected: expected as DeliverySpec['expected'],
    room: spec.room === undefined ? null : compileTemplate(spec.room),
    roomPath: null,
  };
}

function deliveryOfRule(rule: DeliveryRule): DeliverySpec {
  return {
    event: rule.receive,
    receivedPath: payloadPath(rule.receivedPath),
    sentPath: payloadPath(rule.sentPath),
    includesSender: rule.includesSender,
    expected: 'members',
    room: null,
    roomPath: rule.join === null ? null : payloadPath(rule.join.roomPath),
  };
}

import { deliveryLedger } from '../core/delivery/delivery-ledger.ts';
import type { DeliveryWatch } from '../core/delivery/delivery-room.ts';
import { changePath, type PayloadPath, payloadPath } from '../core/delivery/payload-path.ts';
import type { DeliveryRule } from '../core/engine-settings.ts';
import type { StepSpec } from '../core/flow/step.ts';
import { compilePayload } from '../core/template/compile-payload.ts';
import { compileTemplate, type Template } from '../core/template/compile-template.ts';
import { type AnswerSpec, answerSpec } from './answer-spec.ts';
import { messageType } from './ws-message.ts';
import type { WsScope } from './ws-scope.ts';

const sendKeys = [
  'send',
  'name',
  'response',
  'delivery',
  'joins',
  'leaves',
  'confirmed',
  'metric',
  'measure',
  'binary',
  'timeout',
  'rate',
  'duration',
] as const;
const deliveryKeys = ['room', 'expect', 'includesSender'] as const;

/** The rooms that a message makes its sender enter or leave. */
export type MembershipSpec = { room: Template } | { roomPath: PayloadPath } | { all: true };

/** The members that a message must reach. */
export type DeliverySpec = {
  watch: DeliveryWatch;
  /** Their room; null for the one that the sender joined last. */
  room: Template | null;
  /** Where the payload names the room, for a rule of the settings. */
  roomPath: PayloadPath | null;
  /** Where the tag is put; null when the payload has `{{ $tag }}`. */
  sentPath: PayloadPath | null;
};

/** A `send` step, parsed once. */
export type SendSpec = {
  metric: string;
  payload: Template;
  /** The payload as it goes on the wire, when every message is the same. */
  wire: string | Buffer | null;
  binary: boolean;
  answer: AnswerSpec | null;
  delivery: DeliverySpec | null;
  joins: MembershipSpec | null;
  /** Whether a join counts from the send, for servers that confirm nothing. */
  joinsUnconfirmed: boolean;
  leaves: MembershipSpec | null;
  isMeasured: boolean;
};

/** A payload as it goes on the wire, as Artillery writes it: JSON for objects and lists, else text; bytes stay bytes. */
export const wirePayload = (value: unknown, binary: boolean): string | Buffer => {
  if (Buffer.isBuffer(value)) return value;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return binary ? Buffer.from(text) : text;
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Artillery's own form: `send: { payload, capture, match }` waits for the next message. */
const isCapturing = (value: unknown): value is { payload?: unknown; capture?: unknown; match?: unknown } =>
  isObject(value) && ('capture' in value || 'match' in value);

const typeOfPayload = (payload: unknown): string | null => {
  if (typeof payload !== 'string') return messageType(payload);
  try {
    return messageType(JSON.parse(payload));
  } catch {
    return null;
  }
};

/** What the metrics of a payload are called: its type, where that is the same for everyone. */
export const payloadName = (payload: unknown): string => {
  const type = typeOfPayload(payload);
  return type === null || type.includes('{{') ? 'message' : type;
};

const membership = (value: unknown): MembershipSpec =>
  value === true ? { all: true } : { room: compileTemplate(value) };

const deliverySpec = (
  given: unknown,
  { metric, isTagged, rule }: { metric: string; isTagged: boolean; rule: DeliveryRule | undefined },
  scope: WsScope,
  place: string,
): DeliverySpec | null => {
  if (given === false) return null;
  if (!isTagged && rule === undefined) {
    if (given === undefined) return null;
    throw scope.invalid(place, '"delivery" needs "{{ $tag }}" somewhere in the payload');
  }
  const spec = isObject(given) ? given : {};
  scope.check(spec, deliveryKeys, 'delivery', place);
  const expected = spec.expect ?? 'members';
  if (expected !== 'members' && expected !== 'unknown' && !Number.isInteger(expected))
    throw scope.invalid(place, '"expect" is members, unknown or the number of receivers');
  const usedRule = isTagged ? undefined : rule;
  scope.plan.hasDeliveries = true;
  return {
    watch: deliveryLedger.watch({
      metric: `${metric}.delivery`,
      sentEvent: metric,
      includesSender: (spec.includesSender as boolean | undefined) ?? usedRule?.includesSender ?? false,
      expected: expected as DeliveryWatch['expected'],
    }),
    room: spec.room === undefined ? null : compileTemplate(spec.room),
    roomPath: usedRule?.join == null ? null : payloadPath(usedRule.join.roomPath),
    sentPath: usedRule === undefined ? null : payloadPath(usedRule.sentPath),
  };
};

/** Parses a `send` step. Throws SCENARIO_INVALID. */
export const sendSpec = (step: StepSpec, scope: WsScope, place: string): SendSpec => {
  scope.check(step, sendKeys, 'send', place);
  const { send } = step;
  const captures = isCapturing(send);
  const content = captures ? send.payload : send;
  if (captures && step.response !== undefined)
    throw scope.invalid(place, 'put "capture" and "match" into "response"');
  if (content === undefined || content === null) throw scope.invalid(place, '"send" has no payload');
  const type = payloadName(content);
  const metric = (step.metric as string | undefined) ?? type;
  const { deliveries } = scope.engine;
  const named = (name: string | undefined) => name === type || name === metric;
  const joinRule = deliveries.find(({ join }) => named(join?.event))?.join;
  const leaveRule = deliveries.find(({ leave }) => named(leave?.event));
  const payload = compilePayload(content);
  const response = captures ? { capture: send.capture, match: send.match } : step.response;
  const timeoutMs = scope.time(step.timeout, scope.timeoutMs, place);
  const answer =
    response === undefined || response === false
      ? null
      : answerSpec(response, metric, timeoutMs, scope, place);
  const delivery = deliverySpec(
    step.delivery,
    { metric, isTagged: payload.names.has('$tag'), rule: deliveries.find((rule) => named(rule.send)) },
    scope,
    place,
  );
  const binary = step.binary === true;
  const joins =
    step.joins !== undefined
      ? membership(step.joins)
      : joinRule == null
        ? null
        : { roomPath: payloadPath(joinRule.roomPath) };
  const joinsUnconfirmed = step.confirmed === 'sent';
  if (step.joins !== undefined && answer === null && !joinsUnconfirmed)
    throw scope.invalid(
      place,
      '"joins" needs a "response" that confirms it, or "confirmed: sent" where the server confirms nothing',
    );
  const isMeasured = step.measure !== false;
  if (answer !== null && isMeasured) scope.latencies.add(`${metric}.response`);
  if (delivery !== null) scope.latencies.add(`${metric}.delivery`);
  if (answer === null && delivery === null && isMeasured) scope.unmeasured.add(metric);
  const isSame = payload.isStatic && answer?.id == null && delivery?.sentPath == null;
  return {
    metric,
    payload,
    wire: isSame ? wirePayload(payload.render({ vars: {} }), binary) : null,
    binary,
    answer,
    delivery,
    joins,
    joinsUnconfirmed: joinsUnconfirmed || answer === null,
    leaves:
      step.leaves !== undefined ? membership(step.leaves) : leaveRule === undefined ? null : { all: true },
    isMeasured,
  };
};

/** Puts the tag behind what stands in its place, so that the message keeps its content. */
export const insertTag = (payload: unknown, path: PayloadPath, tag: string): unknown =>
  (
    changePath([payload], path, (old) =>
      typeof old === 'string' && old !== '' ? `${old} ${tag}` : tag,
    ) as unknown[]
  )[0];

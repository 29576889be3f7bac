import { type MembershipSpec, roomSpec } from '../core/delivery/membership.ts';
import { messagePath } from '../core/delivery/payload-path.ts';
import type { StepSpec } from '../core/flow/step.ts';
import { type DeliverySpec, deliverySpec, wirePayload } from '../core/message/message-send.ts';
import { compilePayload } from '../core/template/compile-payload.ts';
import type { Template } from '../core/template/compile-template.ts';
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

/** A `send` step, parsed once. */
export type SendSpec = MembershipSpec & {
  metric: string;
  payload: Template;
  /** The payload as it goes on the wire, when every message is the same. */
  wire: string | Buffer | null;
  binary: boolean;
  answer: AnswerSpec | null;
  delivery: DeliverySpec | null;
  isMeasured: boolean;
};

/** Parses a `send` step. Throws SCENARIO_INVALID. */
export const sendSpec = (step: StepSpec, scope: WsScope, place: string): SendSpec => {
  scope.check(step, sendKeys, 'send', place);
  const { send } = step;
  const captures = isCapturing(send);
  const content = captures ? send.payload : send;
  if (captures) scope.check(send, ['payload', 'capture', 'match'], 'send', place);
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
      : answerSpec(response, { subject: metric, payload: content, timeoutMs }, scope, place);
  const delivery = deliverySpec(
    step.delivery,
    {
      metric,
      payload: content,
      isTagged: payload.names.has('$tag'),
      rule: deliveries.find((rule) => named(rule.send)),
      roomKey: 'room',
      includesSender: false,
    },
    scope,
    place,
  );
  if (delivery !== null) scope.needs.hasDeliveries = true;
  const binary = step.binary === true;
  const joins =
    step.joins !== undefined
      ? roomSpec(step.joins)
      : joinRule == null
        ? null
        : { roomPath: messagePath(joinRule.roomPath) };
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
      step.leaves !== undefined ? roomSpec(step.leaves) : leaveRule === undefined ? null : { all: true },
    isMeasured,
  };
};

/** What the metrics of a payload are called: its type, where that is the same for everyone. */
function payloadName(payload: unknown): string {
  const type = typeOfPayload(payload);
  return type === null || type.includes('{{') ? 'message' : type;
}

function typeOfPayload(payload: unknown): string | null {
  if (typeof payload !== 'string') return messageType(payload);
  try {
    return messageType(JSON.parse(payload));
  } catch {
    return null;
  }
}

/** Artillery's own form: `send: { payload, capture, match }` waits for the next message. */
function isCapturing(value: unknown): value is { payload?: unknown; capture?: unknown; match?: unknown } {
  return isObject(value) && ('capture' in value || 'match' in value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

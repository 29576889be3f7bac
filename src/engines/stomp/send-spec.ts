import type { StepSpec } from '../core/flow/step.ts';
import { judgesAnswer } from '../core/message/await-message.ts';
import { type DeliverySpec, deliverySpec, wirePayload } from '../core/message/message-send.ts';
import { compileCaptures, compileWhere } from '../core/received-message.ts';
import { compilePayload } from '../core/template/compile-payload.ts';
import { compileTemplate, type Template } from '../core/template/compile-template.ts';
import { encodeHead } from './stomp-encoder.ts';
import { destinationName, type StompScope, texts } from './stomp-scope.ts';

const sendKeys = [
  'destination',
  'body',
  'json',
  'headers',
  'contentType',
  'contentLength',
  'binary',
  'receipt',
  'wait',
  'response',
  'delivery',
  'metric',
  'measure',
  'timeout',
  'rate',
  'duration',
] as const;
const responseKeys = ['destination', 'where', 'capture', 'match', 'timeout'] as const;

/** The message that answers a SEND. */
export type ReplySpec = {
  destination: Template<string> | null;
  where: ReturnType<typeof compileWhere> | null;
  capture: ReturnType<typeof compileCaptures>;
  timeoutMs: number;
  judgesRefusal: boolean;
};

/** Everything about a `send` step that is the same for all virtual users. */
export type SendSpec = {
  metric: string;
  destination: Template<string>;
  headers: Template<Record<string, unknown>>;
  body: Template;
  /** Command and headers, when no template is in them. */
  head: string | null;
  /** The body as it goes on the wire, when no template is in it. */
  wireBody: string | Buffer | null;
  contentLength: boolean;
  binary: boolean;
  receipt: boolean;
  /** Whether the flow waits for the receipt. */
  waits: boolean;
  /** Whether a message that nothing times is worth telling. */
  isMeasured: boolean;
  timeoutMs: number;
  reply: ReplySpec | null;
  delivery: DeliverySpec | null;
};

/** Parses a `send` step. Throws SCENARIO_INVALID. */
export const sendSpec = (step: StepSpec, scope: StompScope, place: string): SendSpec => {
  const spec = scope.keysOf(step, 'send', null, sendKeys, place);
  const { destination } = spec;
  if (typeof destination !== 'string') throw scope.invalid(place, '"send" needs a "destination"');
  if (spec.body !== undefined && spec.json !== undefined)
    throw scope.invalid(place, 'a message has either "body" or "json"');
  if (scope.settings.framing === 'sockjs' && isBytes(spec.body))
    throw scope.invalid(place, 'SockJS carries text alone, and "$binary" is bytes');
  const isJson = spec.json !== undefined || isJsonBody(spec.body);
  const metric = (spec.metric as string | undefined) ?? destinationName(destination);
  const contentType = spec.contentType ?? (isJson ? 'application/json' : undefined);
  const headers = compileTemplate<Record<string, unknown>>({
    destination,
    ...(contentType === undefined ? {} : { 'content-type': contentType }),
    ...(spec.headers as Record<string, unknown> | undefined),
  });
  const body = compilePayload(spec.json ?? spec.body ?? '');
  const timeoutMs = scope.time(spec.timeout, scope.timeoutMs, place);
  if (headers.names.has('$tag')) scope.needs.tagsHeaders = true;
  const isTagged = headers.names.has('$tag') || body.names.has('$tag');
  const rule = scope.engine.deliveries.find(({ send }) => send === destination || send === metric);
  const delivery = deliverySpec(
    spec.delivery,
    {
      metric,
      payload: spec.json ?? spec.body ?? '',
      isTagged,
      rule,
      roomKey: 'destination',
      // A broker does not tell the sender from the other subscribers.
      includesSender: true,
    },
    scope,
    place,
  );
  // Where its subscribers are, for a rule of the settings that names a destination.
  if (delivery !== null && delivery.room === null && !isTagged && rule?.receive.startsWith('/'))
    delivery.room = compileTemplate(rule.receive);
  const binary = spec.binary === true;
  const receipt = spec.receipt === true;
  const isMeasured = spec.measure !== false;
  const response = spec.response === false ? undefined : spec.response;
  if (receipt) scope.latencies.add(`${metric}.receipt`);
  if (response !== undefined) scope.latencies.add(`${metric}.response`);
  if (delivery !== null) scope.latencies.add(`${metric}.delivery`);
  if (isMeasured && !receipt && response === undefined && delivery === null) scope.unmeasured.add(metric);
  return {
    metric,
    destination: compileTemplate<string>(destination),
    headers,
    body,
    head: headers.isStatic ? encodeHead('SEND', texts(headers.render({ vars: {} }))) : null,
    wireBody:
      body.isStatic && delivery?.sentPath == null ? wirePayload(body.render({ vars: {} }), binary) : null,
    contentLength: spec.contentLength !== false,
    binary,
    receipt,
    waits: spec.wait !== false,
    isMeasured,
    timeoutMs,
    reply: response === undefined ? null : replySpec(response, metric, timeoutMs, scope, place),
    delivery,
  };
};

function isJsonBody(body: unknown): boolean {
  return typeof body === 'object' && body !== null && !ArrayBuffer.isView(body) && !('$binary' in body);
}

function isBytes(body: unknown): boolean {
  return typeof body === 'object' && body !== null && '$binary' in body;
}

function replySpec(
  value: unknown,
  metric: string,
  timeoutMs: number,
  scope: StompScope,
  place: string,
): ReplySpec {
  const spec = scope.keysOf({ response: value }, 'response', 'destination', responseKeys, place);
  return {
    destination: spec.destination === undefined ? null : compileTemplate<string>(spec.destination),
    where: spec.where === undefined ? null : compileWhere(spec.where as Record<string, unknown>),
    capture: compileCaptures(spec, `response mismatch: ${metric}`),
    timeoutMs: scope.time(spec.timeout, timeoutMs, place),
    judgesRefusal: judgesAnswer(spec, scope.engine.refusals, metric),
  };
}

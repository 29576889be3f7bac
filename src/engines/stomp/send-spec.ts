import { deliveryLedger } from '../core/delivery/delivery-ledger.ts';
import type { DeliveryWatch } from '../core/delivery/delivery-room.ts';
import { changePath, payloadPath } from '../core/delivery/payload-path.ts';
import type { DeliveryRule } from '../core/engine-settings.ts';
import type { StepSpec } from '../core/flow/step.ts';
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
const deliveryKeys = ['destination', 'expect', 'includesSender'] as const;

/** The message that answers a SEND. */
export type ReplySpec = {
  destination: Template<string> | null;
  where: ReturnType<typeof compileWhere> | null;
  capture: ReturnType<typeof compileCaptures>;
  timeoutMs: number;
};

/** The subscribers that a SEND must reach. */
export type DeliverySpec = {
  watch: DeliveryWatch;
  /** Destination of their subscriptions; null for the one that is sent to. */
  destination: Template<string> | null;
  /** Puts the tag into a body that carries none itself. */
  insert: ((body: unknown, tag: string) => unknown) | null;
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

/** The body as it goes on the wire: JSON for objects and lists, bytes as they are. */
export const wireBody = (value: unknown, binary: boolean): string | Buffer => {
  if (Buffer.isBuffer(value)) return value;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const text =
    typeof value === 'string'
      ? value
      : typeof value === 'object' && value !== null
        ? JSON.stringify(value)
        : String(value ?? '');
  return binary ? Buffer.from(text) : text;
};

const replySpec = (
  value: unknown,
  metric: string,
  timeoutMs: number,
  scope: StompScope,
  place: string,
): ReplySpec => {
  const spec = scope.keysOf({ response: value }, 'response', 'destination', responseKeys, place);
  return {
    destination: spec.destination === undefined ? null : compileTemplate<string>(spec.destination),
    where: spec.where === undefined ? null : compileWhere(spec.where as Record<string, unknown>),
    capture: compileCaptures(spec, `response mismatch: ${metric}`),
    timeoutMs: scope.time(spec.timeout, timeoutMs, place),
  };
};

const ruleFor = (
  rules: readonly DeliveryRule[],
  destination: string,
  metric: string,
): DeliveryRule | undefined => rules.find(({ send }) => send === destination || send === metric);

/** Puts the tag behind what stands in its place, so that the message keeps its content. */
const tagged = (old: unknown, tag: string): unknown =>
  typeof old === 'string' && old !== '' ? `${old} ${tag}` : tag;

const deliverySpec = (
  given: unknown,
  { destination, metric, isTagged }: { destination: string; metric: string; isTagged: boolean },
  scope: StompScope,
  place: string,
): DeliverySpec | null => {
  if (given === false) return null;
  const spec = scope.keysOf({ delivery: given ?? true }, 'delivery', 'destination', deliveryKeys, place);
  const rule = ruleFor(scope.engine.deliveries, destination, metric);
  if (!isTagged && rule === undefined) {
    if (given === undefined) return null;
    throw scope.invalid(place, '"delivery" needs "{{ $tag }}" somewhere in the body or the headers');
  }
  const expected = spec.expect ?? 'members';
  if (expected !== 'members' && expected !== 'unknown' && !Number.isInteger(expected))
    throw scope.invalid(place, '"expect" is members, unknown or the number of receivers');
  const receivedAt = spec.destination ?? (rule?.receive.startsWith('/') ? rule.receive : undefined);
  const path = isTagged || rule === undefined ? null : payloadPath(rule.sentPath);
  return {
    watch: deliveryLedger.watch({
      metric: `${metric}.delivery`,
      sentEvent: metric,
      // A broker does not tell the sender from the other subscribers.
      includesSender: (spec.includesSender as boolean | undefined) ?? rule?.includesSender ?? true,
      expected: expected as DeliveryWatch['expected'],
    }),
    destination: receivedAt === undefined ? null : compileTemplate<string>(receivedAt),
    insert:
      path === null
        ? null
        : (body, tag) => (changePath([body], path, (old) => tagged(old, tag)) as unknown[])[0],
  };
};

const isJsonBody = (body: unknown): boolean =>
  typeof body === 'object' && body !== null && !ArrayBuffer.isView(body) && !('$binary' in body);

/** Parses a `send` step. Throws SCENARIO_INVALID. */
export const sendSpec = (step: StepSpec, scope: StompScope, place: string): SendSpec => {
  const spec = scope.keysOf(step, 'send', null, sendKeys, place);
  const { destination } = spec;
  if (typeof destination !== 'string') throw scope.invalid(place, '"send" needs a "destination"');
  if (spec.body !== undefined && spec.json !== undefined)
    throw scope.invalid(place, 'a message has either "body" or "json"');
  const isJson = spec.json !== undefined || isJsonBody(spec.body);
  const metric = (spec.metric as string | undefined) ?? destinationName(destination);
  const contentType = spec.contentType ?? (isJson ? 'application/json' : undefined);
  const headers = compileTemplate<Record<string, unknown>>({
    destination,
    ...(contentType === undefined ? {} : { 'content-type': contentType }),
    ...(spec.headers as Record<string, unknown> | undefined),
  });
  const body = compilePayload(spec.json ?? spec.body ?? '');
  const timeoutMs = scope.time(spec.timeout, scope.settings.timeoutMs, place);
  if (headers.names.has('$tag')) scope.needs.tagsHeaders = true;
  const isTagged = headers.names.has('$tag') || body.names.has('$tag');
  const delivery = deliverySpec(spec.delivery, { destination, metric, isTagged }, scope, place);
  const binary = spec.binary === true;
  const receipt = spec.receipt === true;
  const isMeasured = spec.measure !== false;
  if (receipt) scope.latencies.add(`${metric}.receipt`);
  if (spec.response !== undefined) scope.latencies.add(`${metric}.response`);
  if (delivery !== null) scope.latencies.add(`${metric}.delivery`);
  if (isMeasured && !receipt && spec.response === undefined && delivery === null)
    scope.unmeasured.add(metric);
  return {
    metric,
    destination: compileTemplate<string>(destination),
    headers,
    body,
    head: headers.isStatic ? encodeHead('SEND', texts(headers.render({ vars: {} }))) : null,
    wireBody: body.isStatic && delivery?.insert == null ? wireBody(body.render({ vars: {} }), binary) : null,
    contentLength: spec.contentLength !== false,
    binary,
    receipt,
    waits: spec.wait !== false,
    isMeasured,
    timeoutMs,
    reply: spec.response === undefined ? null : replySpec(spec.response, metric, timeoutMs, scope, place),
    delivery,
  };
};

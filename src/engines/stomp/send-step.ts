import { recorder } from '../../measurement/recorder.ts';
import { type DeliveryWatch, deliveryLedger } from '../delivery/delivery-ledger.ts';
import { changePath, payloadPath } from '../delivery/payload-path.ts';
import { type DeliveryRule, engineSettings } from '../engine-settings.ts';
import type { Step, VirtualUserContext } from '../flow/step.ts';
import { loadClock } from '../load-clock.ts';
import { compileCaptures, compileWhere } from '../received-message.ts';
import { StepFailure } from '../step-failure.ts';
import { compileTemplate, type Template } from '../template/compile-template.ts';
import { TimedMessage } from '../timed-message.ts';
import { encodeFrame, encodeHead } from './stomp-encoder.ts';
import type { StompMessage } from './stomp-message.ts';
import { destinationName, failStep, openClient, type StompScope } from './stomp-scope.ts';
import { type StompWaiter, userOf } from './stomp-user.ts';

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
  'name',
  'timeout',
] as const;
const responseKeys = ['destination', 'where', 'capture', 'match', 'timeout'] as const;
const deliveryKeys = ['destination', 'expected', 'includesSender'] as const;

type Reply = {
  destination: Template<string> | null;
  where: ReturnType<typeof compileWhere> | null;
  capture: ReturnType<typeof compileCaptures>;
  timeoutMs: number;
};

type Delivery = {
  watch: DeliveryWatch;
  /** Destination of the subscriptions that get the message. */
  destination: Template<string> | null;
  /** Puts the tag into a body that carries none itself. */
  insert: ((body: unknown, tag: string) => unknown) | null;
};

/** Everything about a `send` step that is the same for all virtual users. */
type SendPlan = {
  name: string;
  destination: Template<string>;
  headers: Template<Record<string, unknown>>;
  body: Template;
  /** Command and headers, when no template is in them. */
  head: string | null;
  contentType: string | null;
  contentLength: boolean;
  binary: boolean;
  receipt: boolean;
  waits: boolean;
  timeoutMs: number;
  reply: Reply | null;
  delivery: Delivery | null;
};

const asText = (value: unknown): string => (typeof value === 'string' ? value : String(value ?? ''));

const headersOf = (rendered: Record<string, unknown>): Record<string, string> => {
  const headers: Record<string, string> = {};
  for (const name in rendered) headers[name] = asText(rendered[name]);
  return headers;
};

/** The body as it goes on the wire: JSON for objects and lists, bytes as they are. */
const wireBody = (value: unknown, binary: boolean): string | Buffer => {
  if (Buffer.isBuffer(value)) return value;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const text = typeof value === 'object' && value !== null ? JSON.stringify(value) : asText(value);
  return binary ? Buffer.from(text) : text;
};

const compileReply = (value: unknown, timeoutMs: number, scope: StompScope, place: string): Reply => {
  const spec = scope.keysOf(value, 'destination', responseKeys, place);
  return {
    destination: spec.destination === undefined ? null : compileTemplate<string>(spec.destination),
    where: spec.where === undefined ? null : compileWhere(spec.where as Record<string, unknown>),
    capture: compileCaptures(spec),
    timeoutMs: scope.time(spec.timeout, timeoutMs, place),
  };
};

const ruleFor = (destination: string, name: string): DeliveryRule | undefined =>
  engineSettings().deliveries.find(({ send }) => send === destination || send === name);

const compileDelivery = (
  given: unknown,
  destination: string,
  name: string,
  isTagged: boolean,
  scope: StompScope,
  place: string,
): Delivery | null => {
  if (given === false) return null;
  const spec = scope.keysOf(given ?? true, 'destination', deliveryKeys, place);
  const rule = ruleFor(destination, name);
  if (!isTagged && rule === undefined) {
    if (given === undefined) return null;
    throw scope.invalid(place, '"delivery" needs "{{ $tag }}" somewhere in the body or the headers');
  }
  const expected = spec.expected ?? 'members';
  if (expected !== 'members' && expected !== 'unknown' && !Number.isInteger(expected))
    throw scope.invalid(place, '"expected" is "members", "unknown" or the number of receivers');
  const receivedAt = spec.destination ?? (rule?.receive.startsWith('/') ? rule.receive : undefined);
  const path = isTagged || rule === undefined ? null : payloadPath(rule.sentPath);
  return {
    watch: deliveryLedger.watch({
      metric: `${name}.delivery`,
      sentEvent: name,
      // A broker does not tell the sender from the other subscribers.
      includesSender: (spec.includesSender as boolean | undefined) ?? rule?.includesSender ?? true,
      expected: expected as DeliveryWatch['expected'],
    }),
    destination: receivedAt === undefined ? null : compileTemplate<string>(receivedAt),
    insert: path === null ? null : (body, tag) => (changePath([body], path, () => tag) as unknown[])[0],
  };
};

const compilePlan = (value: unknown, scope: StompScope, place: string): SendPlan => {
  const spec = scope.keysOf(value, null, sendKeys, place);
  if (typeof spec.destination !== 'string') throw scope.invalid(place, '"send" needs a "destination"');
  if (spec.body !== undefined && spec.json !== undefined)
    throw scope.invalid(place, 'a message has either "body" or "json"');
  const isJson = spec.json !== undefined || (typeof spec.body === 'object' && spec.body !== null);
  const name = (spec.name as string | undefined) ?? destinationName(spec.destination);
  const contentType = (spec.contentType as string | undefined) ?? (isJson ? 'application/json' : null);
  const headers = compileTemplate<Record<string, unknown>>({
    destination: spec.destination,
    ...(contentType === null ? {} : { 'content-type': contentType }),
    ...(spec.headers as Record<string, unknown> | undefined),
  });
  const body = compileTemplate(isJson && spec.json !== undefined ? spec.json : (spec.body ?? ''));
  const timeoutMs = scope.time(spec.timeout, scope.settings.timeoutMs, place);
  if (headers.names.has('$tag')) scope.needs.tagsHeaders = true;
  const isTagged = headers.names.has('$tag') || body.names.has('$tag');
  return {
    name,
    destination: compileTemplate<string>(spec.destination),
    headers,
    body,
    head: headers.isStatic ? encodeHead('SEND', headersOf(headers.render({ vars: {} }))) : null,
    contentType,
    contentLength: spec.contentLength !== false,
    binary: spec.binary === true,
    receipt: spec.receipt === true,
    waits: spec.wait !== false,
    timeoutMs,
    reply: spec.response === undefined ? null : compileReply(spec.response, timeoutMs, scope, place),
    delivery: compileDelivery(spec.delivery, spec.destination, name, isTagged, scope, place),
  };
};

const encode = (
  plan: SendPlan,
  context: VirtualUserContext,
  tag: string | null,
  receiptId: string | null,
) => {
  const head = plan.head ?? encodeHead('SEND', headersOf(plan.headers.render(context)));
  let body = plan.body.render(context);
  if (tag !== null && plan.delivery!.insert !== null) body = plan.delivery!.insert(body, tag);
  return encodeFrame(
    receiptId === null ? head : `${head}receipt:${receiptId}\n`,
    wireBody(body, plan.binary),
    plan.contentLength,
  );
};

/** Registers the wait for the message that answers a SEND; it must be there before the SEND goes out. */
const awaitReply = (
  reply: Reply,
  context: VirtualUserContext,
  done: (failure: StepFailure | null, message: StompMessage | null) => void,
): StompWaiter => {
  const user = userOf(context);
  const destination = reply.destination?.render(context);
  const isWanted = reply.where?.(context);
  const end = (failure: StepFailure | null, message: StompMessage | null) => {
    user.stopWaiting(waiter);
    loadClock.clear(timer);
    done(failure, message);
  };
  const waiter: StompWaiter = {
    take: (message) => {
      if (destination !== undefined && message.destination !== destination) return false;
      if (isWanted !== undefined && !isWanted(message)) return false;
      end(null, message);
      return true;
    },
    fail: (failure) => end(failure, null),
  };
  const timer = loadClock.after(reply.timeoutMs, () =>
    end(new StepFailure('response timeout', `no response within ${reply.timeoutMs} ms`), null),
  );
  user.wait(waiter);
  return waiter;
};

/** Compiles `send`: SEND, with a receipt, a response or deliveries to time, or counted as one that nothing times. */
export const compileSend = (value: unknown, scope: StompScope, place: string): Step => {
  const plan = compilePlan(value, scope, place);
  const isMeasured = plan.receipt || plan.reply !== null || plan.delivery !== null;

  const send: Step = (context, callback) => {
    const client = openClient(context, place, callback);
    if (client === null) return;
    const user = userOf(context);
    const nowMs = performance.now();
    let waitsFor = 1;
    let failed = false;
    const settle = (failure: StepFailure | null) => {
      if (failed) return;
      waitsFor -= 1;
      if (failure !== null) {
        failed = true;
        failStep(failure, context, place, callback);
      } else if (waitsFor === 0) callback(null, context);
    };

    let tag: string | null = null;
    if (plan.delivery !== null) {
      const room = (plan.delivery.destination ?? plan.destination).render(context);
      tag = deliveryLedger.send(user.senderTo(room), { watch: plan.delivery.watch, room, fromMs: nowMs });
      context.vars.$tag = tag;
    }
    const receiptId = plan.receipt ? client.receiptId() : null;
    const frame = encode(plan, context, tag, receiptId);
    if (receiptId !== null) {
      const timed = new TimedMessage('message', nowMs);
      if (plan.waits) waitsFor += 1;
      client.onReceipt(receiptId, plan.timeoutMs, (failure, atMs) => {
        if (failure === null) timed.answered(`${plan.name}.receipt`, atMs);
        else timed.unanswered();
        if (plan.waits) settle(failure);
        else if (failure !== null) failStep(failure, context, place, () => undefined);
      });
    }
    if (plan.reply !== null) {
      const timed = new TimedMessage('message', nowMs);
      const { capture } = plan.reply;
      waitsFor += 1;
      awaitReply(plan.reply, context, (failure, message) => {
        if (message === null) {
          timed.unanswered();
          settle(failure);
          return;
        }
        timed.answered(`${plan.name}.response`, message.atMs);
        user.lastRead = [message];
        settle(capture?.(message, context) ?? null);
      });
    }
    recorder.count('messages.sent');
    if (!isMeasured) recorder.unmeasuredEmit(plan.name, place);
    client.send(frame);
    settle(null);
  };
  return (context, callback) => loadClock.whenRunning(() => send(context, callback));
};

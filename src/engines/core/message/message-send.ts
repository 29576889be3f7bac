import { deliveryLedger } from '../delivery/delivery-ledger.ts';
import type { DeliveryWatch } from '../delivery/delivery-room.ts';
import {
  changeMessage,
  messagePath,
  NoPlaceError,
  type PayloadPath,
  withTag,
} from '../delivery/payload-path.ts';
import type { DeliveryRule } from '../engine-settings.ts';
import { checkSendRate, fixedRateStep } from '../flow/fixed-rate.ts';
import type { Step, StepSpec, VirtualUserContext } from '../flow/step.ts';
import { compileWhere } from '../received-message.ts';
import type { StepFailure } from '../step-failure.ts';
import { compileTemplate, type Template } from '../template/compile-template.ts';
import type { MessageScope } from './message-scope.ts';
import { connectedUser, failStep, type MessageUser, messageUser, notConnected } from './message-user.ts';

/** Called when the flow may go on. */
export type SendDone = (failure: StepFailure | null) => void;

/** Sends one message; `fromMs` (`performance.now()`) is the instant that its latencies count from. */
export type SendOnce = (
  user: MessageUser,
  context: VirtualUserContext,
  fromMs: number,
  done: SendDone,
) => void;

/** A step that sends one message, or with `rate` and `duration` messages at a fixed rate. Throws SCENARIO_INVALID. */
export const sendStep = (
  { rate, duration }: StepSpec,
  send: SendOnce,
  scope: MessageScope,
  place: string,
): Step => {
  if (rate === undefined && duration !== undefined) throw scope.invalid(place, '"duration" needs a "rate"');
  if (rate === undefined)
    return (context, callback) => {
      const user = connectedUser(context, place, callback);
      if (user === null) return;
      send(user, context, performance.now(), (failure) => {
        if (failure === null) callback(null, context);
        else failStep(failure, context, place, callback);
      });
    };
  if (duration === undefined) throw scope.invalid(place, '"rate" needs a "duration"');
  try {
    checkSendRate({ rate, duration });
  } catch (error) {
    throw scope.invalid(place, (error as Error).message);
  }
  return fixedRateStep(
    { rate, duration },
    (context, done) => {
      const user = messageUser(context);
      if (!user.connected) done(notConnected(), null);
      else
        done(null, {
          isConnected: () => user.connected,
          send: (fromMs, sent) => send(user, context, fromMs, sent),
        });
    },
    place,
  );
};

/** A payload as it goes on the wire: JSON for objects and lists, else text; bytes stay bytes. */
export const wirePayload = (value: unknown, binary: boolean): string | Buffer => {
  if (Buffer.isBuffer(value)) return value;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const text = typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value ?? '');
  return binary ? Buffer.from(text) : text;
};

/** The members that a message must reach. */
export type DeliverySpec = {
  watch: DeliveryWatch;
  /** Where they are, as the step says. */
  room: Template | null;
  /** Where the payload names the room, for a rule of the settings. */
  roomPath: PayloadPath | null;
  /** Where the tag is put; null when the message has `{{ $tag }}`. */
  sentPath: PayloadPath | null;
};

/** What an engine says of the deliveries of one of its messages. */
export type DeliveryOf = {
  metric: string;
  payload: unknown;
  /** Whether `{{ $tag }}` is in the message. */
  isTagged: boolean;
  rule: DeliveryRule | undefined;
  /** The key of `delivery` that says where the receivers are. */
  roomKey: 'room' | 'destination';
  /** What holds where nothing is said. */
  includesSender: boolean;
};

/** Parses `delivery`, or takes the rule of the settings; null when nothing is watched. Throws SCENARIO_INVALID. */
export const deliverySpec = (
  given: unknown,
  { metric, payload, isTagged, rule, roomKey, includesSender }: DeliveryOf,
  scope: MessageScope,
  place: string,
): DeliverySpec | null => {
  if (given === false) return null;
  if (!isTagged && rule === undefined) {
    if (given === undefined) return null;
    throw scope.invalid(place, '"delivery" needs "{{ $tag }}" somewhere in the message');
  }
  const keys = [roomKey, 'where', 'expect', 'includesSender'];
  const spec = scope.keysOf({ delivery: given ?? true }, 'delivery', roomKey, keys, place);
  const expected = spec.expect ?? 'members';
  if (expected !== 'members' && expected !== 'unknown' && !Number.isInteger(expected))
    throw scope.invalid(place, '"expect" is members, unknown or the number of receivers');
  const usedRule = isTagged ? undefined : rule;
  const sentPath = usedRule === undefined ? null : messagePath(usedRule.sentPath);
  if (sentPath !== null)
    checkPlace(
      payload,
      sentPath,
      (old) => withTag(old, () => ''),
      `"sentPath: ${usedRule!.sentPath}"`,
      scope,
      place,
    );
  return {
    watch: deliveryLedger.watch({
      metric: `${metric}.delivery`,
      sentEvent: metric,
      includesSender:
        (spec.includesSender as boolean | undefined) ?? usedRule?.includesSender ?? includesSender,
      expected: expected as DeliveryWatch['expected'],
      ...(spec.where === undefined
        ? {}
        : {
            where: {
              key: JSON.stringify(spec.where),
              of: compileWhere(spec.where as Record<string, unknown>),
            },
          }),
    }),
    room: spec[roomKey] === undefined ? null : compileTemplate(spec[roomKey]),
    roomPath: usedRule?.join == null ? null : messagePath(usedRule.join.roomPath),
    sentPath,
  };
};

/**
 * Throws SCENARIO_INVALID when a path leads nowhere in the payload as it stands in the scenario; what only the run can
 * tell, because a template is in the way, fails the step then.
 */
export const checkPlace = (
  payload: unknown,
  path: PayloadPath,
  replace: (old: unknown) => unknown,
  what: string,
  scope: MessageScope,
  place: string,
): void => {
  try {
    changeMessage(payload, path, (old) => (isTemplated(old) ? old : replace(old)));
  } catch (error) {
    if (!(error instanceof NoPlaceError)) throw error;
    if (!isTemplated(error.at)) throw scope.invalid(place, `${what} leads nowhere: ${error.message}`);
  }
};

const isTemplated = (value: unknown): boolean => typeof value === 'string' && value.includes('{{');

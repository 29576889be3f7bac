import { looksLikeRefusal, payloadOf } from '../../engines/core/refusal.ts';
import { type TailgateError, tailgateError } from '../../errors.ts';
import type { RoomSettings } from '../../settings/settings-schema.ts';
import type { Outcome } from './emit-and-confirm.ts';
import { inWords, matches, valueAt } from './room-answer.ts';

/** `mask` removes secrets from what the server said; `signal` is the one that may have cancelled the wait. */
type Context = { mask: (text: string) => string; signal: AbortSignal | undefined };

/**
 * The arguments of the answer that confirms the room. Throws ROOM_REFUSED, ROOM_UNANSWERED or CANCELLED for every
 * other outcome of emitting `event`, and for an answer that says no.
 */
export const confirmedAnswer = (
  settings: RoomSettings,
  event: string,
  outcome: Outcome,
  { mask, signal }: Context,
): unknown[] => {
  const refused = (reason: string): TailgateError =>
    tailgateError('ROOM_REFUSED', { event, reason: mask(reason) });
  switch (outcome.kind) {
    case 'cancelled':
      throw tailgateError('CANCELLED', { signal: String(signal?.reason) });
    case 'unanswered':
      throw tailgateError('ROOM_UNANSWERED', { event, timeoutMs: settings.timeoutMs });
    case 'refused':
      throw refused(`"${outcome.event}" ${outcome.args.map(inWords).join(', ')}`);
    case 'disconnected':
      throw refused(`a disconnect (${outcome.reason})`);
    case 'answer': {
      const expected = settings.create?.expect;
      const isRefusal =
        expected === undefined ? looksLikeRefusal(outcome.args) : !matches(payloadOf(outcome.args), expected);
      if (!isRefusal) return outcome.args;
      const wanted = expected === undefined ? '' : `, where ${inWords(expected)} was expected`;
      throw refused(`${outcome.args.map(inWords).join(', ') || 'nothing'}${wanted}`);
    }
  }
};

/** What `room.capture` takes from the answer to `event`. Throws SETTINGS_INVALID_VALUE for what is not in it. */
export const capturedVariables = (
  settings: RoomSettings,
  event: string,
  args: readonly unknown[],
  { mask }: Context,
): Record<string, unknown> => {
  const payload = payloadOf(args);
  return Object.fromEntries(
    Object.entries(settings.capture).map(([name, path]) => {
      const value = valueAt(payload, path);
      if (value !== undefined) return [name, value];
      const key = `room.capture.${name}`;
      throw tailgateError(
        'SETTINGS_INVALID_VALUE',
        {
          key,
          problem: `the answer to "${event}" has nothing at "${path}" (it was ${mask(inWords(payload))})`,
          expected: 'Give the dotted path of a field in that answer, for example "room.id".',
        },
        { key },
      );
    }),
  );
};

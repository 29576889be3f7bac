import type { TailgateError } from '../errors.ts';

/** A room whose owner is connected. Closing it (`await using`) deletes the room and disconnects the owner. */
export type OpenRoom = AsyncDisposable & {
  /** What `room.capture` took from the answer, for the scenario. */
  readonly variables: Record<string, unknown>;
  /** Resolves with ROOM_LOST if the owner is disconnected before the room is closed; never rejects. */
  readonly lost: Promise<TailgateError>;
};

import type { Socket } from 'socket.io-client';
import { looksLikeRefusal } from '../../engines/core/refusal.ts';
import { type TailgateError, tailgateError } from '../../errors.ts';
import type { RoomSettings } from '../../settings/settings-schema.ts';
import {
  emitAndConfirm,
  type Interruptions,
  type Outcome,
  settle,
  watchInterruptions,
} from './emit-and-confirm.ts';
import { capturedVariables, confirmedAnswer } from './judge-opening.ts';
import { endConnection, ownerConnection } from './owner-connection.ts';
import { type OwnerCredentials, ownerCredentials } from './owner-credentials.ts';
import { inWords } from './room-answer.ts';

/** A room whose owner is connected. Closing it (`await using`) deletes the room and disconnects the owner. */
export type OpenRoom = AsyncDisposable & {
  /** What `room.capture` took from the answer, for the scenario. */
  readonly variables: Record<string, unknown>;
  /** Resolves with ROOM_LOST if the owner is disconnected before the room is closed; never rejects. */
  readonly lost: Promise<TailgateError>;
  /** Tells that the load starts now: the time in ROOM_LOST counts from here, or else from when the room was open. */
  loadStarts(): void;
};

export type RoomOptions = {
  /** Base URL of the server. */
  url: string;
  env: Readonly<Record<string, string | undefined>>;
  /** Told every secret that is used or made here, before it is sent anywhere. */
  secretValues?: { add(value: string): unknown } | undefined;
  /** Milliseconds since the epoch, for the claims of a minted token; the clock's if not given. */
  now?: (() => number) | undefined;
  /** Ends opening with CANCELLED; closing after it has fired is a quick one. */
  signal?: AbortSignal | undefined;
  /** Told what went wrong while the room was closed, which changes no verdict. */
  warn?: ((message: string) => void) | undefined;
};

const endTimeoutMs = 500;

const cancelledDeleteTimeoutMs = 500;

/**
 * Connects the owner of the room, creates the room, and watches both until it is closed. Without `settings.create`
 * the owner is connected and holds the connection. Once lost, a room stays lost: nothing reconnects.
 *
 * Throws SECRET_MISSING, SETTINGS_INVALID_VALUE, ROOM_CONNECT_FAILED, ROOM_REFUSED, ROOM_UNANSWERED or CANCELLED; the
 * connection is closed then.
 */
export const openRoom = async (settings: RoomSettings, options: RoomOptions): Promise<OpenRoom> => {
  const { env, signal, secretValues } = options;
  const nowMs = (options.now ?? Date.now)();
  const owner = await ownerCredentials(settings, { env, nowMs, secretValues });
  const { manager, socket } = ownerConnection({ ...settings, ...owner, url: options.url });

  const confirm = settings.create?.confirm;
  // From before the connection on: a server may refuse and disconnect in the same instant that it accepts.
  const interruptions = watchInterruptions(
    socket,
    settings.failureEvents.filter((name) => typeof confirm !== 'object' || name !== confirm.event),
    signal,
  );
  let variables: Record<string, unknown>;
  let deleteArgs: unknown[];
  try {
    variables = await establish(settings, socket, owner, interruptions, options);
    deleteArgs =
      settings.delete === undefined ? [] : owner.argumentsOf(settings.delete, variables, 'room.delete');
  } catch (error) {
    await endConnection(manager, socket, endTimeoutMs);
    throw error;
  } finally {
    interruptions.end();
  }

  let closing: Promise<void> | null = null;
  let startedAt = performance.now();
  const lost = new Promise<TailgateError>((resolve) => {
    const onDisconnect = (reason: string): void => {
      if (closing !== null) return;
      resolve(tailgateError('ROOM_LOST', { reason, atMs: performance.now() - startedAt }));
    };
    socket.on('disconnect', onDisconnect);
    if (!socket.connected) onDisconnect('transport close');
  });
  const close = async (): Promise<void> => {
    if (settings.delete !== undefined && socket.connected) {
      const longestMs = signal?.aborted === true ? cancelledDeleteTimeoutMs : settings.timeoutMs;
      const timeoutMs = Math.min(longestMs, settings.timeoutMs);
      const problem = await deleteRoom(
        socket,
        settings.delete,
        deleteArgs,
        settings.failureEvents,
        timeoutMs,
      );
      if (problem !== null) options.warn?.(owner.mask(problem));
    }
    await endConnection(manager, socket, endTimeoutMs);
  };

  return {
    variables,
    lost,
    loadStarts: () => {
      startedAt = performance.now();
    },
    [Symbol.asyncDispose]: () => {
      closing ??= close();
      return closing;
    },
  };
};

/** Connects the owner and creates the room. Resolves with the captured variables. */
async function establish(
  settings: RoomSettings,
  socket: Socket,
  owner: OwnerCredentials,
  interruptions: Interruptions,
  { url, signal }: RoomOptions,
): Promise<Record<string, unknown>> {
  const createArgs =
    settings.create === undefined ? [] : owner.argumentsOf(settings.create, {}, 'room.create');
  const failed = (reason: string): TailgateError =>
    tailgateError('ROOM_CONNECT_FAILED', { url, reason: owner.mask(reason) });
  const reason = await connect(socket, settings.timeoutMs, signal);
  if (signal?.aborted === true) throw tailgateError('CANCELLED', { signal: String(signal.reason) });
  if (reason !== null) throw failed(reason);
  const context = { mask: owner.mask, signal };
  if (settings.create === undefined) {
    const outcome = await settle(interruptions);
    if (outcome.kind === 'disconnected')
      throw failed(`it was disconnected right after it had connected (${outcome.reason})`);
    confirmedAnswer(settings, 'connect', outcome, context);
    return {};
  }
  const { event, confirm } = settings.create;
  const outcome = await emitAndConfirm(socket, event, createArgs, confirm, settings.timeoutMs, interruptions);
  return capturedVariables(settings, event, confirmedAnswer(settings, event, outcome, context), context);
}

/** Connects, or resolves with the reason why not. */
function connect(socket: Socket, timeoutMs: number, signal: AbortSignal | undefined): Promise<string | null> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => finish(`no answer within ${timeoutMs} ms`), timeoutMs);
    const onAbort = (): void => finish('cancelled');
    const finish = (reason: string | null): void => {
      clearTimeout(timer);
      // A run opens many rooms, and none of them must stay known to its signal.
      signal?.removeEventListener('abort', onAbort);
      resolve(reason);
    };
    socket.once('connect', () => finish(null));
    socket.once('connect_error', (error) => finish(connectReason(error)));
    // A server may end the connection before it answered at all; a refusal comes right after the close, with a reason.
    socket.io.once('close', (reason) => setImmediate(finish, reason));
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.connect();
  });
}

/** What socket.io-client knows of a failed connection beyond its message; all of it optional, by transport. */
type ConnectError = Error & {
  /** What the server's middleware attached to its refusal. */
  data?: unknown;
  /** An ErrorEvent of WebSocket, an Error, or the HTTP status of polling. */
  description?: unknown;
  context?: { status?: number; statusText?: unknown; responseText?: unknown };
};

/**
 * Why a connection failed, in words for the user. socket.io-client says "websocket error" or "xhr poll error" for
 * everything that happens below it; the cause is in fields that differ by transport.
 */
function connectReason(failure: unknown): string {
  const error = failure as ConnectError;
  const message = error?.message ?? String(failure);
  const details: string[] = [];
  if (error?.data !== undefined) details.push(JSON.stringify(error.data));
  const { description, context } = error ?? {};
  if (typeof description === 'number' && description > 0) {
    const body =
      typeof context?.responseText === 'string' ? firstLine(context.responseText).slice(0, 200) : '';
    details.push(`HTTP ${description}${body === '' ? '' : ` ${body}`}`);
  } else if (description !== undefined) {
    const found = messageOf(description) ?? messageOf(context?.statusText);
    if (found !== null && found !== message) details.push(found);
  }
  return details.length === 0 ? message : `${message} (${details.join('; ')})`;
}

function firstLine(text: string): string {
  return text.split('\n')[0]!.trim();
}

function messageOf(value: unknown): string | null {
  if (value instanceof AggregateError && value.errors.length > 0) return messageOf(value.errors[0]);
  if (typeof value === 'string') return value === '' ? null : firstLine(value);
  if (typeof value !== 'object' || value === null) return null;
  const { message, error, code } = value as { message?: unknown; error?: unknown; code?: unknown };
  return messageOf(error) ?? messageOf(message) ?? (typeof code === 'string' ? code : null);
}

/** Emits the delete event. Resolves with what went wrong, in words; null if nothing did. */
async function deleteRoom(
  socket: Socket,
  { event, confirm }: NonNullable<RoomSettings['delete']>,
  args: readonly unknown[],
  failureEvents: readonly string[],
  timeoutMs: number,
): Promise<string | null> {
  const interruptions = watchInterruptions(socket, failureEvents, undefined);
  try {
    const outcome = await emitAndConfirm(socket, event, args, confirm, timeoutMs, interruptions);
    // A server may end the connections of a room that it deletes.
    if (outcome.kind === 'disconnected') return null;
    if (outcome.kind === 'answer' && !looksLikeRefusal(outcome.args)) return null;
    return `The room was not deleted: "${event}" was ${ending(outcome, timeoutMs)}.`;
  } finally {
    interruptions.end();
  }
}

function ending(outcome: Outcome, timeoutMs: number): string {
  if (!('args' in outcome)) return `not acknowledged within ${timeoutMs} ms`;
  const said = outcome.args.map(inWords).join(', ');
  return outcome.kind === 'refused' ? `answered with "${outcome.event}" ${said}` : `answered with ${said}`;
}

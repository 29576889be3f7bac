import type { Socket } from 'socket.io-client';
import { type TailgateError, tailgateError } from '../errors.ts';
import { SecretMask } from '../host/secret-mask.ts';
import { resolveSecret, resolveSecretsIn } from '../settings/secrets.ts';
import type { RoomSettings } from '../settings/settings-schema.ts';
import { connectReason } from './connect-reason.ts';
import { emitAndConfirm, type Outcome, settle, watchInterruptions } from './emit-and-confirm.ts';
import { fillTemplate } from './fill-template.ts';
import { endConnection, ownerConnection } from './owner-connection.ts';
import { ownerToken } from './owner-token.ts';
import { inWords, looksLikeFailure, matches, payloadOf, valueAt } from './room-answer.ts';

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

type Emit = { event: string; data?: unknown; args?: unknown[] | undefined };

const argumentsOf = (
  emit: Emit,
  env: RoomOptions['env'],
  variables: Record<string, unknown>,
  key: string,
): unknown[] => {
  const fill = (value: unknown, place: string): unknown =>
    fillTemplate(resolveSecretsIn(value, env, place), variables, place);
  if (emit.args !== undefined) return emit.args.map((value, index) => fill(value, `${key}.args.${index}`));
  return emit.data === undefined ? [] : [fill(emit.data, `${key}.data`)];
};

const connect = (
  socket: Socket,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<string | null> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => resolve(`no answer within ${timeoutMs} ms`), timeoutMs);
    const finish = (reason: string | null): void => {
      clearTimeout(timer);
      resolve(reason);
    };
    socket.once('connect', () => finish(null));
    socket.once('connect_error', (error) => finish(connectReason(error)));
    // A server may end the connection before it answered at all; a refusal comes right after the close, with a reason.
    socket.io.once('close', (reason) => setImmediate(finish, reason));
    signal?.addEventListener('abort', () => finish('cancelled'), { once: true });
    socket.connect();
  });

const captured = (
  settings: RoomSettings,
  event: string,
  args: unknown[],
  mask: SecretMask,
): Record<string, unknown> => {
  const payload = payloadOf(args);
  const variables: Record<string, unknown> = {};
  for (const [name, path] of Object.entries(settings.capture)) {
    const value = valueAt(payload, path);
    if (value === undefined) {
      const key = `room.capture.${name}`;
      throw tailgateError(
        'SETTINGS_INVALID_VALUE',
        {
          key,
          problem: `the answer to "${event}" has nothing at "${path}" (it was ${mask.mask(inWords(payload))})`,
          expected: 'Give the dotted path of a field in that answer, for example "room.id".',
        },
        { key },
      );
    }
    variables[name] = value;
  }
  return variables;
};

/**
 * Connects the owner of the room, creates the room, and watches both until it is closed. Without `settings.create`
 * the owner is connected and holds the connection. Once lost, a room stays lost: nothing reconnects.
 *
 * Throws SECRET_MISSING, SETTINGS_INVALID_VALUE, ROOM_CONNECT_FAILED, ROOM_REFUSED, ROOM_UNANSWERED or CANCELLED; the
 * connection is closed then.
 */
export const openRoom = async (settings: RoomSettings, options: RoomOptions): Promise<OpenRoom> => {
  const { env, signal } = options;
  const mask = new SecretMask();
  const keepSecret = (value: string): string => {
    mask.add(value);
    options.secretValues?.add(value);
    return value;
  };
  const token = await ownerToken(settings, env, (options.now ?? Date.now)());
  if (token !== null) keepSecret(token);
  const given: Record<string, unknown> = token === null ? {} : { token };
  const headers = Object.fromEntries(
    Object.entries(settings.headers).map(([name, value]) => {
      const key = `room.headers.${name}`;
      const text = resolveSecret(value, env, key);
      if (typeof value !== 'string') keepSecret(text);
      return [name, String(fillTemplate(text, given, key))];
    }),
  );
  const auth = fillTemplate(resolveSecretsIn(settings.auth, env, 'room.auth'), given, 'room.auth');
  const query = fillTemplate(settings.query, given, 'room.query') as Record<string, string>;
  const createArgs =
    settings.create === undefined ? [] : argumentsOf(settings.create, env, given, 'room.create');

  const { manager, socket } = ownerConnection({
    url: options.url,
    namespace: settings.namespace,
    path: settings.path,
    transports: settings.transports,
    headers,
    query,
    auth: auth as Record<string, unknown>,
    timeoutMs: settings.timeoutMs,
  });

  const throwIfNotOpen = (outcome: Outcome, event: string): unknown[] => {
    const refused = (reason: string): TailgateError =>
      tailgateError('ROOM_REFUSED', { event, reason: mask.mask(reason) });
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
        const payload = payloadOf(outcome.args);
        const expected = settings.create?.expect;
        if (expected === undefined ? looksLikeFailure(outcome.args) : !matches(payload, expected)) {
          const wanted = expected === undefined ? '' : `, where ${inWords(expected)} was expected`;
          throw refused(`${outcome.args.map(inWords).join(', ') || 'nothing'}${wanted}`);
        }
        return outcome.args;
      }
    }
  };

  let variables: Record<string, unknown> = {};
  const confirm = settings.create?.confirm;
  const interruptions = watchInterruptions(
    socket,
    settings.failureEvents.filter((name) => typeof confirm !== 'object' || name !== confirm.event),
    signal,
  );
  try {
    const reason = await connect(socket, settings.timeoutMs, signal);
    if (signal?.aborted === true) throw tailgateError('CANCELLED', { signal: String(signal.reason) });
    if (reason !== null) {
      throw tailgateError('ROOM_CONNECT_FAILED', { url: options.url, reason: mask.mask(reason) });
    }
    if (settings.create !== undefined) {
      const { event } = settings.create;
      const outcome = await emitAndConfirm(
        socket,
        event,
        createArgs,
        settings.create.confirm,
        settings.timeoutMs,
        interruptions,
      );
      variables = captured(settings, event, throwIfNotOpen(outcome, event), mask);
    } else {
      const outcome = await settle(interruptions);
      if (outcome.kind === 'disconnected') {
        throw tailgateError('ROOM_CONNECT_FAILED', {
          url: options.url,
          reason: `it was disconnected right after it had connected (${outcome.reason})`,
        });
      }
      throwIfNotOpen(outcome, 'connect');
    }
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
      const { event, confirm } = settings.delete;
      const timeoutMs =
        signal?.aborted === true
          ? Math.min(settings.timeoutMs, cancelledDeleteTimeoutMs)
          : settings.timeoutMs;
      const interruptions = watchInterruptions(socket, settings.failureEvents, undefined);
      try {
        const args = argumentsOf(settings.delete, env, { ...given, ...variables }, 'room.delete');
        const outcome = await emitAndConfirm(socket, event, args, confirm, timeoutMs, interruptions);
        // A server may end the connections of a room that it deletes.
        const gone = outcome.kind === 'disconnected';
        if (!gone && (outcome.kind !== 'answer' || looksLikeFailure(outcome.args))) {
          const answer = 'args' in outcome ? `: ${outcome.args.map(inWords).join(', ')}` : '';
          options.warn?.(mask.mask(`The room was not deleted ("${event}" ${outcome.kind}${answer}).`));
        }
      } catch (error) {
        options.warn?.(mask.mask(`The room was not deleted: ${(error as Error).message}`));
      } finally {
        interruptions.end();
      }
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

import { type Deadline, deadlines } from '../core/deadlines.ts';
import { changePath, type PayloadPath, payloadPath, readPath } from '../core/delivery/payload-path.ts';
import type { VirtualUserContext } from '../core/flow/step.ts';
import {
  compileCaptures,
  compileWhere,
  type MessageFilter,
  messageField,
  sameValue,
} from '../core/received-message.ts';
import { StepFailure } from '../core/step-failure.ts';
import type { WsMessage } from './ws-message.ts';
import type { WsScope } from './ws-scope.ts';
import type { WsUser, WsWaiter } from './ws-user.ts';

/** How the answer to a message is told from other messages. */
export type AnswerSpec = {
  /** Where the id is in the message that is sent, and in its answer. */
  id: { sent: PayloadPath; received: ReturnType<typeof messageField> } | null;
  where: ReturnType<typeof compileWhere> | null;
  capture: ReturnType<typeof compileCaptures>;
  timeoutMs: number;
  /** Whether the flow waits for the answer. */
  waits: boolean;
};

const answerKeys = ['field', 'where', 'capture', 'match', 'timeout', 'wait'] as const;

/**
 * Parses `response`: `true` is the next message; `field` names the field that holds the same id in both messages
 * (`{ sent, received }` when it has two names); `where` are values that the answer has.
 */
export const answerSpec = (
  value: unknown,
  subject: string,
  timeoutMs: number,
  scope: WsScope,
  place: string,
): AnswerSpec => {
  const spec = value === true || value === null ? {} : (value as Record<string, unknown>);
  if (typeof spec !== 'object' || Array.isArray(spec))
    throw scope.invalid(place, '"response" is true or a mapping');
  scope.check(spec, answerKeys, 'response', place);
  return {
    id: idFields(spec.field, scope, place),
    where: spec.where === undefined ? null : compileWhere(spec.where as Record<string, unknown>),
    capture: compileCaptures(spec, `response mismatch: ${subject}`),
    timeoutMs: scope.time(spec.timeout, timeoutMs, place),
    waits: spec.wait !== false,
  };
};

const idFields = (field: unknown, scope: WsScope, place: string): AnswerSpec['id'] => {
  if (field === undefined) return null;
  const { sent, received } = (typeof field === 'object' ? field : { sent: field, received: field }) as {
    sent?: unknown;
    received?: unknown;
  };
  if (typeof sent !== 'string' || typeof received !== 'string')
    throw scope.invalid(place, '"field" is the name of the id, or an object with "sent" and "received"');
  return { sent: payloadPath(sent), received: messageField(received) };
};

/** The payload with an id for its answer: the one that it has, or a new one. */
export const withId = (
  payload: unknown,
  answer: AnswerSpec,
  user: WsUser,
): { payload: unknown; id: unknown } => {
  if (answer.id === null) return { payload, id: undefined };
  const found = readPath([payload], answer.id.sent);
  if (found !== undefined && found !== null && found !== '') return { payload, id: found };
  const id = user.messageId();
  return { payload: (changePath([payload], answer.id.sent, () => id) as unknown[])[0], id };
};

/** Tells the answer to a message with that id. */
export const answerFilter = (
  answer: AnswerSpec,
  id: unknown,
  context: VirtualUserContext,
): MessageFilter | null => {
  const isWanted = answer.where?.(context) ?? null;
  if (answer.id === null) return isWanted;
  const read = answer.id.received;
  return (message) => sameValue(read(message), id) && (isWanted === null || isWanted(message));
};

/** Waits for one message; `done` is called once. */
export const awaitMessage = (
  user: WsUser,
  wanted: { subject: string; isAnswer: boolean; filter: MessageFilter | null; timeoutMs: number },
  startTimer: (timeoutMs: number, expire: () => void) => Deadline,
  done: (failure: StepFailure | null, message: WsMessage | null) => void,
): void => {
  const { subject, filter, timeoutMs } = wanted;
  const end = (failure: StepFailure | null, message: WsMessage | null) => {
    user.stopWaiting(waiter);
    deadline.cancel();
    done(failure, message);
  };
  const waiter: WsWaiter = {
    subject,
    isAnswer: wanted.isAnswer,
    take: (message) => {
      if (filter !== null && !filter(message)) return false;
      end(null, message);
      return true;
    },
    fail: (failure) => end(failure, null),
  };
  const deadline = startTimer(timeoutMs, () =>
    end(new StepFailure(`response timeout: ${subject}`, `no message within ${timeoutMs} ms`), null),
  );
  user.wait(waiter);
};

/** A wait for the server, which answers whether or not the load goes on. */
export const onWallClock = (timeoutMs: number, expire: () => void): Deadline =>
  deadlines.after(timeoutMs, expire);

import { changeMessage, messagePath, type PayloadPath, readMessage } from '../core/delivery/payload-path.ts';
import type { VirtualUserContext } from '../core/flow/step.ts';
import { judgesAnswer } from '../core/message/await-message.ts';
import { checkPlace } from '../core/message/message-send.ts';
import {
  compileCaptures,
  compileWhere,
  type MessageFilter,
  messageField,
  sameValue,
} from '../core/received-message.ts';
import type { WsScope } from './ws-scope.ts';
import type { WsUser } from './ws-user.ts';

/** How the answer to a message is told from other messages. */
export type AnswerSpec = {
  /** Where the id is in the message that is sent, and in its answer. */
  id: { sent: PayloadPath; received: ReturnType<typeof messageField> } | null;
  where: ReturnType<typeof compileWhere> | null;
  capture: ReturnType<typeof compileCaptures>;
  timeoutMs: number;
  /** Whether the flow waits for the answer. */
  waits: boolean;
  judgesRefusal: boolean;
};

const answerKeys = ['field', 'where', 'capture', 'match', 'timeout', 'wait'] as const;

/**
 * Parses `response`: `true` is the next message; `field` names the field that holds the same id in both messages
 * (`{ sent, received }` when it has two names); `where` are values that the answer has.
 */
export const answerSpec = (
  value: unknown,
  message: { subject: string; payload: unknown; timeoutMs: number },
  scope: WsScope,
  place: string,
): AnswerSpec => {
  const spec = value === true || value === null ? {} : (value as Record<string, unknown>);
  if (typeof spec !== 'object' || Array.isArray(spec))
    throw scope.invalid(place, '"response" is true or a mapping');
  scope.check(spec, answerKeys, 'response', place);
  return {
    id: idFields(spec.field, message.payload, scope, place),
    where: spec.where === undefined ? null : compileWhere(spec.where as Record<string, unknown>),
    capture: compileCaptures(spec, `response mismatch: ${message.subject}`),
    timeoutMs: scope.time(spec.timeout, message.timeoutMs, place),
    waits: spec.wait !== false,
    judgesRefusal: judgesAnswer(spec, scope.engine.refusals, message.subject),
  };
};

/** The payload with an id for its answer: the one that it has, or a new one. Throws `NoPlaceError`. */
export const withId = (
  payload: unknown,
  answer: AnswerSpec,
  user: WsUser,
): { payload: unknown; id: unknown } => {
  if (answer.id === null) return { payload, id: undefined };
  const found = readMessage(payload, answer.id.sent);
  if (found !== undefined && found !== null && found !== '') return { payload, id: found };
  const id = user.messageId();
  return { payload: changeMessage(payload, answer.id.sent, () => id), id };
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

function idFields(field: unknown, payload: unknown, scope: WsScope, place: string): AnswerSpec['id'] {
  if (field === undefined) return null;
  const { sent, received } = (typeof field === 'object' ? field : { sent: field, received: field }) as {
    sent?: unknown;
    received?: unknown;
  };
  const [sentAt, receivedAt] = [sent, received].map((at) => (typeof at === 'number' ? String(at) : at));
  if (typeof sentAt !== 'string' || typeof receivedAt !== 'string')
    throw scope.invalid(place, '"field" is the name of the id, or an object with "sent" and "received"');
  const path = messagePath(sentAt);
  checkPlace(payload, path, (old) => old ?? '', `"field: ${sentAt}"`, scope, place);
  return { sent: path, received: messageField(receivedAt) };
}

import type { VirtualUserContext } from '../flow/step.ts';
import { compileTemplate, type Template } from '../template/compile-template.ts';
import { deliveryLedger } from './delivery-ledger.ts';
import type { DeliveryMember } from './delivery-room.ts';
import type { PayloadPath } from './payload-path.ts';

/** The rooms that a step makes its user enter or leave. */
export type RoomSpec = { room: Template } | { roomPath: PayloadPath } | { all: true };

/** What a step does to the membership of its user. */
export type MembershipSpec = {
  joins: RoomSpec | null;
  /** Whether a join counts from the send, for servers that confirm nothing. */
  joinsUnconfirmed: boolean;
  leaves: RoomSpec | null;
};

/** What the sending of one message does to the membership of its sender. */
export type MembershipChange = {
  /** Call it when the message is sent. */
  sent(): void;
  /** Call it when the server confirmed the message. */
  confirmed(): void;
};

/** The membership change of a step's message, its rooms rendered now; `read` gives what stands in the message. */
export const membershipChange = (
  { joins, joinsUnconfirmed, leaves }: MembershipSpec,
  member: DeliveryMember | null,
  read: (path: PayloadPath) => unknown,
  context: VirtualUserContext,
): MembershipChange => {
  if (member === null || (joins === null && leaves === null)) return noChange;
  const joined = joins === null ? null : { rooms: roomNames(joins, read, context) };
  const left = leaves === null ? null : { rooms: roomNames(leaves, read, context) };
  const join = () => {
    if (joined !== null) for (const room of joined.rooms ?? [onlyRoom]) deliveryLedger.join(member, room);
  };
  return {
    sent: () => {
      if (left !== null && left.rooms === null) deliveryLedger.leave(member);
      for (const room of left?.rooms ?? []) deliveryLedger.leave(member, room);
      if (joinsUnconfirmed) join();
    },
    confirmed: () => {
      if (!joinsUnconfirmed) join();
    },
  };
};

/** What `joins` or `leaves` of a step says: the name of a room, several, or `true` for all. */
export const roomSpec = (value: unknown): RoomSpec =>
  value === true ? { all: true } : { room: compileTemplate(value) };

const noChange: MembershipChange = { sent: () => {}, confirmed: () => {} };

/** The room of a scenario that names none. */
const onlyRoom = 'room';

/** The rooms that a message enters or leaves; null for the only one, or all of them. */
function roomNames(
  spec: RoomSpec,
  read: (path: PayloadPath) => unknown,
  context: VirtualUserContext,
): string[] | null {
  if ('all' in spec) return null;
  const value = 'room' in spec ? spec.room.render(context) : read(spec.roomPath);
  return (Array.isArray(value) ? value : [value]).map(String);
}

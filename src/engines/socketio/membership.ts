import { deliveryLedger } from '../core/delivery/delivery-ledger.ts';
import type { DeliveryMember } from '../core/delivery/delivery-room.ts';
import { readPath } from '../core/delivery/payload-path.ts';
import type { VirtualUserContext } from '../core/flow/step.ts';
import type { EmitSpec, MembershipSpec } from './emit-spec.ts';

/** The room of a scenario that names none. */
const onlyRoom = 'room';

/** What the sending of one message does to the membership of its sender. */
export type MembershipChange = {
  /** Call it when the message is sent. */
  sent(): void;
  /** Call it when the server confirmed the message. */
  confirmed(): void;
};

const noChange: MembershipChange = { sent: () => {}, confirmed: () => {} };

/** The membership change of a step's message, its rooms rendered now. */
export const membershipChange = (
  spec: EmitSpec,
  member: DeliveryMember | null,
  args: unknown[],
  context: VirtualUserContext,
): MembershipChange => {
  if (member === null || (spec.joins === null && spec.leaves === null)) return noChange;
  const joined = spec.joins === null ? null : { rooms: roomNames(spec.joins, args, context) };
  const left = spec.leaves === null ? null : { rooms: roomNames(spec.leaves, args, context) };
  const join = () => {
    if (joined !== null) for (const room of joined.rooms ?? [onlyRoom]) deliveryLedger.join(member, room);
  };
  return {
    sent: () => {
      if (left !== null && left.rooms === null) deliveryLedger.leave(member);
      for (const room of left?.rooms ?? []) deliveryLedger.leave(member, room);
      if (spec.joinsUnconfirmed) join();
    },
    confirmed: () => {
      if (!spec.joinsUnconfirmed) join();
    },
  };
};

/** The rooms that a message enters or leaves; null for the only one, or all of them. `args` follow the event. */
function roomNames(
  membership: MembershipSpec,
  args: unknown[],
  context: VirtualUserContext,
): string[] | null {
  if ('all' in membership) return null;
  const value = 'room' in membership ? membership.room.render(context) : readPath(args, membership.roomPath);
  return (Array.isArray(value) ? value : [value]).map(String);
}

import { deliveryLedger } from '../core/delivery/delivery-ledger.ts';
import type { DeliveryMember, DeliveryWatch } from '../core/delivery/delivery-room.ts';
import { changePath, readPath, withTag } from '../core/delivery/payload-path.ts';
import type { VirtualUserContext } from '../core/flow/step.ts';
import type { DeliverySpec } from './emit-spec.ts';

/** The tag of a message whose payload has a place for it (`{{ $tag }}`). Its deliveries count from `fromMs`. */
export const makeTag = (
  delivery: DeliverySpec,
  watch: DeliveryWatch,
  member: DeliveryMember,
  context: VirtualUserContext,
  fromMs: number,
): string => {
  const room = delivery.room === null ? null : nameOf(delivery.room.render(context));
  return deliveryLedger.send(member, { watch, room, fromMs });
};

/** The arguments with a tag in the place that the settings say. Its deliveries count from `fromMs`. */
export const insertTag = (
  delivery: DeliverySpec,
  watch: DeliveryWatch,
  member: DeliveryMember,
  args: unknown[],
  fromMs: number,
): unknown[] => {
  if (delivery.sentPath === null) return args;
  const room = delivery.roomPath === null ? null : nameOf(readPath(args, delivery.roomPath));
  const makeTag = () => deliveryLedger.send(member, { watch, room, fromMs });
  return changePath(args, delivery.sentPath, (old) => withTag(old, makeTag)) as unknown[];
};

function nameOf(room: unknown): string | null {
  return room === null || room === undefined ? null : String(room);
}

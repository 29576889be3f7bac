import { deliveryLedger } from '../core/delivery/delivery-ledger.ts';
import type { DeliveryWatch } from '../core/delivery/delivery-room.ts';
import { type DeliveryTag, TagFinder, tagInText } from '../core/delivery/delivery-tag.ts';
import type { PayloadPath } from '../core/delivery/payload-path.ts';
import { recorder } from '../core/recorder.ts';
import type { ClientSocket } from './client-socket.ts';
import type { EmitSpec } from './emit-spec.ts';
import { parseArguments } from './wire/packet.ts';

/** What the scenarios of a script say together about deliveries: the users of one may get what those of another send. */
export class DeliveryPlan {
  #finders = new Map<string, TagFinder[]>();
  /** Where the tag of an event is looked for, in words; '' for anywhere. */
  #places = new Map<string, string>();
  #hasJoins = false;

  /** Takes in one step that emits; gives the delivery it watches, or null. */
  add(emit: EmitSpec): DeliveryWatch | null {
    const { delivery } = emit;
    if (emit.joins !== null || (delivery !== null && delivery.roomPath !== null)) this.#hasJoins = true;
    if (delivery === null) return null;
    const finders = this.#finders.get(delivery.event) ?? [];
    this.#finders.set(delivery.event, finders);
    finders.push(new TagFinder(delivery.receivedPath));
    this.#places.set(delivery.event, placeOf(delivery.receivedPath));
    return deliveryLedger.watch({
      metric: emit.deliveryMetric,
      sentEvent: emit.event,
      includesSender: delivery.includesSender,
      expected: delivery.expected,
    });
  }

  /** Whether any delivery is watched. */
  get isEmpty(): boolean {
    return this.#finders.size === 0;
  }

  /** Whether everyone connected is a member of one room, because no step joins one. */
  get joinsOnConnect(): boolean {
    return !this.#hasJoins;
  }

  /** Gives the tags of the deliveries that arrive on a socket. */
  watch(socket: ClientSocket, receive: (tag: DeliveryTag) => void): void {
    for (const [event, finders] of this.#finders) {
      const take = (args: unknown[]) => {
        for (const finder of finders) {
          const tag = finder.find(args);
          if (tag === null) continue;
          receive(tag);
          return;
        }
        recorder.untaggedArrival(event, this.#places.get(event)!);
      };
      if (socket.watch === undefined) socket.on(event, (...args) => take(args));
      else
        socket.watch(event, {
          args: take,
          // A tag passes through JSON unchanged; only a place of its own makes parsing needed.
          text: finders.every((finder) => finder.isAnywhere)
            ? (json) => {
                const tag = tagInText(json);
                if (tag !== null) receive(tag);
                else recorder.untaggedArrival(event, '');
              }
            : (json) => take(parseArguments(json).slice(1)),
        });
    }
  }
}

/** A path into the arguments as it is written: without the index of the first. */
const placeOf = (path: PayloadPath | null): string =>
  path === null ? '' : (path[0] === 0 ? path.slice(1) : path).join('.');

import type { VirtualUserContext } from '../core/flow/step.ts';
import type { ClientSocket } from '../socketio/client-socket.ts';
import { EmittingUser, type EmittingUserPlan } from '../socketio/emitting-user.ts';
import type { UserChannel } from '../socketio/user-channel.ts';

/** One virtual user of a `socketio-v3` scenario: watches the sockets that the package opens for it. */
export class V3User extends EmittingUser {
  readonly #channels = new Map<string, UserChannel>();

  constructor(plan: EmittingUserPlan, context: VirtualUserContext) {
    super(plan, context);
    context.__receivedMessageCount = 0;
  }

  protected override channels(): Iterable<UserChannel> {
    return this.#channels.values();
  }

  channel(namespace: string): UserChannel | undefined {
    return this.#channels.get(namespace);
  }

  /** Takes a socket that was just opened, with a transport of its own, under observation. */
  adopt(namespace: string, socket: ClientSocket): UserChannel {
    const channel = this.observe(socket, 'connect.handshake');
    this.#channels.set(namespace, channel);
    return channel;
  }

  /** Closes a namespace before the scenario opens it anew. */
  release(namespace: string): void {
    this.#channels.get(namespace)?.close();
    this.#channels.delete(namespace);
    this.closedOne();
  }
}

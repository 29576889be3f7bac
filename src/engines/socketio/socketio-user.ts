import type { VirtualUserContext } from '../core/flow/step.ts';
import { StepFailure } from '../core/step-failure.ts';
import type { ClientConnection, OpenConnection } from './client-socket.ts';
import { type Endpoint, namespaceOf, type RenderOptions } from './connect-options.ts';
import { EmittingUser, type EmittingUserPlan } from './emitting-user.ts';
import type { UserChannel } from './user-channel.ts';

/** What all virtual users of a scenario have in common. */
export type UserPlan = EmittingUserPlan & {
  endpoint: Endpoint;
  options: RenderOptions;
  open: OpenConnection;
  /** Events that some step only listens for. */
  listened: ReadonlySet<string>;
};

/** One namespace of a virtual user, and the events it got. */
export type Namespace = {
  channel: UserChannel;
  inbox: Inbox;
  /** Events that come to the inbox. */
  attached: Set<string> | null;
  connection: ClientConnection;
};

/** One virtual user: its connection and its namespaces. */
export class SocketIoUser extends EmittingUser {
  readonly #plan: UserPlan;
  readonly #namespaces = new Map<string, Namespace>();
  #connection: ClientConnection | null = null;

  constructor(plan: UserPlan, context: VirtualUserContext) {
    super(plan, context);
    this.#plan = plan;
    // Functions at the beginning of a flow find the connection there, as in Artillery: it is made when they look.
    const sockets = context.sockets as Record<string, unknown>;
    Object.defineProperty(sockets, '', {
      configurable: true,
      // Looking through the context does not connect.
      enumerable: false,
      get: () => this.#openDefault(),
      set: (socket) => setSocket(sockets, '', socket),
    });
  }

  #openDefault(): unknown {
    if (this.isEnded) return undefined;
    this.#connection ??= this.#connect(this.#plan.options);
    return this.#open('', this.#connection).channel.socket;
  }

  protected override *channels(): Iterable<UserChannel> {
    for (const { channel } of this.#namespaces.values()) yield channel;
  }

  protected override closeConnections(): void {
    for (const { connection } of this.#namespaces.values()) connection.close();
  }

  /** The channel of a namespace if it is connected now. */
  connected(namespace: string): Namespace | null {
    const found = this.#namespaces.get(namespace);
    return found?.channel.isConnected === true ? found : null;
  }

  /** Calls back when the namespace is connected, opening it if need be, or with the reason why it is not. */
  withNamespace(namespace: string, done: (failure: StepFailure | null, found: Namespace) => void): void {
    let found = this.#namespaces.get(namespace);
    if (found === undefined || (!found.channel.isUsable && !this.isEnded)) {
      this.#connection ??= this.#connect(this.#plan.options);
      found = this.#open(namespace, this.#connection);
    }
    const namespaceFound = found;
    found.channel.whenConnected((failure) => done(failure, namespaceFound));
  }

  /** Closes the namespace and opens it anew over a connection of its own, with other options, within `timeoutMs`. */
  reconnect(
    namespace: string,
    options: RenderOptions,
    timeoutMs: number,
    done: (failure: StepFailure | null) => void,
  ): void {
    this.disconnect(namespace);
    let connection: ClientConnection;
    try {
      connection = this.#connect(options);
    } catch (error) {
      done(new StepFailure('connect error', error instanceof Error ? error.message : String(error)));
      return;
    }
    this.#connection ??= connection;
    this.#open(namespace, connection, timeoutMs).channel.whenConnected(done);
  }

  /** Closes one namespace, as the scenario asks. */
  disconnect(namespace: string): void {
    const found = this.#namespaces.get(namespace);
    if (found === undefined) return;
    this.#namespaces.delete(namespace);
    delete (this.context.sockets as Record<string, unknown>)[namespace];
    found.channel.close();
    this.failPending('the scenario closed the connection', found.channel.socket);
    this.closedOne();
    const isShared = [...this.#namespaces.values()].some((other) => other.connection === found.connection);
    if (isShared) return;
    found.connection.close();
    if (this.#connection === found.connection) this.#connection = null;
  }

  #connect(options: RenderOptions): ClientConnection {
    return this.#plan.open(this.#plan.endpoint.url, options(this.context));
  }

  #open(namespace: string, connection: ClientConnection, timeoutMs = this.timeoutMs): Namespace {
    const { endpoint, listened } = this.#plan;
    const socket = connection.socket(namespaceOf(endpoint.basePath, namespace));
    // A further namespace over a connection is no transport's handshake.
    const isFurther = [...this.#namespaces.values()].some((other) => other.connection === connection);
    const handshake = isFurther ? 'namespace.handshake' : 'connect.handshake';
    const channel = this.observe(socket, handshake, timeoutMs);
    const found: Namespace = { channel, inbox: new Inbox(), attached: null, connection };
    this.#namespaces.set(namespace, found);
    setSocket(this.context.sockets as Record<string, unknown>, namespace, socket);
    for (const event of listened) this.listen(found, event);
    return found;
  }

  /** Makes the events of this name come to the inbox. */
  listen(namespace: Namespace, event: string): void {
    if (namespace.attached?.has(event)) return;
    namespace.attached ??= new Set();
    namespace.attached.add(event);
    const keep = this.#plan.listened.has(event);
    namespace.channel.socket.on(event, (...args) => namespace.inbox.deliver(event, args, keep));
  }
}

type InboxListener = (args: unknown[]) => boolean;

/** Events kept for steps that listen later. */
const maxKept = 1_000;

/**
 * Events that a virtual user got, for steps that only listen: what comes between two steps is kept until a step asks,
 * so that no event is missed because it was faster than the flow.
 */
class Inbox {
  // Made when they are needed: many users wait for nothing.
  #kept: Map<string, unknown[][]> | null = null;
  #listeners: Map<string, InboxListener[]> | null = null;

  /** An event came. Goes to the first listener that takes it, else is kept if `keep`. */
  deliver(event: string, args: unknown[], keep: boolean): void {
    const listeners = this.#listeners?.get(event);
    if (listeners !== undefined) for (const listener of [...listeners]) if (listener(args)) return;
    if (!keep) return;
    this.#kept ??= new Map();
    const kept = this.#kept.get(event) ?? [];
    this.#kept.set(event, kept);
    kept.push(args);
    if (kept.length > maxKept) kept.shift();
  }

  /** Takes the oldest kept event of this name. */
  take(event: string): unknown[] | undefined {
    return this.#kept?.get(event)?.shift();
  }

  /** Offers events of this name to `listener`, which tells whether it takes them. Gives what ends that. */
  listen(event: string, listener: InboxListener): () => void {
    this.#listeners ??= new Map();
    const listeners = this.#listeners.get(event) ?? [];
    this.#listeners.set(event, listeners);
    listeners.push(listener);
    return () => {
      const index = listeners.indexOf(listener);
      if (index >= 0) listeners.splice(index, 1);
    };
  }
}

const users = new WeakMap<VirtualUserContext, SocketIoUser>();

/** The virtual user of a context. Throws when its scenario is not one of this engine. */
export const userOf = (context: VirtualUserContext): SocketIoUser => {
  const user = users.get(context);
  if (user === undefined) throw new Error('The virtual user has no connection.');
  return user;
};

export const addUser = (user: SocketIoUser): void => {
  users.set(user.context, user);
};

function setSocket(sockets: Record<string, unknown>, namespace: string, value: unknown): void {
  Object.defineProperty(sockets, namespace, { configurable: true, enumerable: true, writable: true, value });
}

import { deliveryLedger } from '../core/delivery/delivery-ledger.ts';
import type { DeliveryMember } from '../core/delivery/delivery-room.ts';
import type { VirtualUserContext } from '../core/flow/step.ts';
import { StepFailure } from '../core/step-failure.ts';
import type { ClientConnection, OpenConnection } from './client-socket.ts';
import { type Endpoint, namespaceOf, type RenderOptions } from './connect-options.ts';
import type { DeliveryPlan } from './delivery-plan.ts';
import { watchFailures } from './failure-events.ts';
import { Inbox } from './inbox.ts';
import { PendingAnswers } from './pending-answers.ts';
import { endSession } from './session-end.ts';
import { UserChannel } from './user-channel.ts';

/** What all virtual users of a scenario have in common. */
export type UserPlan = {
  endpoint: Endpoint;
  options: RenderOptions;
  open: OpenConnection;
  timeoutMs: number;
  /** Events by which the server reports a failure. */
  failureEvents: readonly string[];
  deliveries: DeliveryPlan;
  /** Events that some step only listens for. */
  listened: ReadonlySet<string>;
};

/** The room of everyone who is connected. */
export const everyone = '*';

/** One namespace of a virtual user, and the events it got. */
export type Namespace = {
  channel: UserChannel;
  inbox: Inbox;
  /** Events that come to the inbox. */
  attached: Set<string> | null;
  connection: ClientConnection;
};

/** One virtual user: its connection, its namespaces, what it waits for, and its membership in rooms. */
export class SocketIoUser {
  readonly context: VirtualUserContext;
  readonly pending = new PendingAnswers();
  readonly member: DeliveryMember | null;
  readonly #plan: UserPlan;
  readonly #namespaces = new Map<string, Namespace>();
  #connection: ClientConnection | null = null;
  #isEnded = false;
  #unansweredAtMs = Number.NEGATIVE_INFINITY;

  constructor(plan: UserPlan, context: VirtualUserContext) {
    this.#plan = plan;
    this.context = context;
    this.member = plan.deliveries.isEmpty ? null : deliveryLedger.member();
    context.sockets = {};
  }

  get timeoutMs(): number {
    return this.#plan.timeoutMs;
  }

  /** The channel of a namespace if it is connected now. */
  connected(namespace: string): Namespace | null {
    const found = this.#namespaces.get(namespace);
    return found?.channel.isConnected === true ? found : null;
  }

  /** Calls back when the namespace is connected, opening it if need be, or with the reason why it is not. */
  withNamespace(namespace: string, done: (failure: StepFailure | null, found: Namespace) => void): void {
    let found = this.#namespaces.get(namespace);
    if (found === undefined || (!found.channel.isUsable && !this.#isEnded)) {
      this.#connection ??= this.#connect(this.#plan.options);
      found = this.#open(namespace, this.#connection);
    }
    const namespaceFound = found;
    found.channel.whenConnected((failure) => done(failure, namespaceFound));
  }

  /** Closes the namespace and opens it anew over a connection of its own, with other options. */
  reconnect(namespace: string, options: RenderOptions, done: (failure: StepFailure | null) => void): void {
    this.disconnect(namespace);
    let connection: ClientConnection;
    try {
      connection = this.#connect(options);
    } catch (error) {
      done(new StepFailure('connect error', error instanceof Error ? error.message : String(error)));
      return;
    }
    this.#connection ??= connection;
    this.#open(namespace, connection).channel.whenConnected(done);
  }

  /** Closes one namespace, as the scenario asks. */
  disconnect(namespace: string): void {
    const found = this.#namespaces.get(namespace);
    if (found === undefined) return;
    this.#namespaces.delete(namespace);
    delete (this.context.sockets as Record<string, unknown>)[namespace];
    found.channel.close();
    this.#failPending('the scenario closed the connection');
    if (this.member !== null && this.#namespaces.size === 0) deliveryLedger.leave(this.member);
    const isShared = [...this.#namespaces.values()].some((other) => other.connection === found.connection);
    if (isShared) return;
    found.connection.close();
    if (this.#connection === found.connection) this.#connection = null;
  }

  #connect(options: RenderOptions): ClientConnection {
    return this.#plan.open(this.#plan.endpoint.url, options(this.context));
  }

  #open(namespace: string, connection: ClientConnection): Namespace {
    const { deliveries, endpoint, failureEvents, listened, timeoutMs } = this.#plan;
    const socket = connection.socket(namespaceOf(endpoint.basePath, namespace));
    const channel = new UserChannel(socket, timeoutMs, {
      connected: () => {
        if (this.member !== null && deliveries.joinsOnConnect && !this.#isEnded)
          deliveryLedger.join(this.member, everyone);
      },
      lost: (reason) => {
        if (this.member !== null) deliveryLedger.disconnected(this.member);
        this.#failPending(reason);
      },
    });
    const found: Namespace = { channel, inbox: new Inbox(), attached: null, connection };
    this.#namespaces.set(namespace, found);
    (this.context.sockets as Record<string, unknown>)[namespace] = socket;
    if (this.member !== null) deliveries.watch(socket, this.member);
    watchFailures(socket, failureEvents, this.pending, () => this.#isEnded);
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

  #failPending(reason: string): void {
    this.pending.failAll(
      (answer) => new StepFailure('disconnected', `${reason}, while "${answer.event}" was not answered`),
    );
  }

  /** A message was sent whose handling by the server nothing will tell. */
  sentUnanswered(): void {
    this.#unansweredAtMs = performance.now();
  }

  /** The flow is over: closes the connection when nothing is expected on it any more. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    endSession({
      member: this.member,
      pending: this.pending,
      unansweredAtMs: this.#unansweredAtMs,
      close: () => {
        for (const { channel, connection } of this.#namespaces.values()) {
          channel.close();
          connection.close();
        }
      },
    });
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

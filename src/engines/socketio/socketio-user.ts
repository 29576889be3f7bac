import { recorder } from '../../measurement/recorder.ts';
import { deadlines } from '../deadlines.ts';
import { type DeliveryMember, deliveryLedger } from '../delivery/delivery-ledger.ts';
import type { TagFinder } from '../delivery/delivery-tag.ts';
import { engineSettings } from '../engine-settings.ts';
import type { VirtualUserContext } from '../flow/step.ts';
import { openSessions } from '../open-sessions.ts';
import { StepFailure } from '../step-failure.ts';
import type { ClientConnection, OpenConnection } from './client-socket.ts';
import { type Endpoint, namespaceOf, type RenderOptions } from './connect-options.ts';
import { Inbox } from './inbox.ts';
import { PendingAnswers } from './pending-answers.ts';
import { UserChannel } from './user-channel.ts';

/** What all virtual users of a scenario have in common. */
export type UserPlan = {
  endpoint: Endpoint;
  options: RenderOptions;
  open: OpenConnection;
  timeoutMs: number;
  /** Events by which the server reports a failure. */
  failureEvents: readonly string[];
  /** Events in which deliveries arrive, with where their tags are. */
  deliveries: ReadonlyMap<string, readonly TagFinder[]>;
  /** Events that some step only listens for. */
  listened: ReadonlySet<string>;
  /** Whether everyone connected is a member of one room. */
  joinsOnConnect: () => boolean;
};

/**
 * How long after an emit that nothing answers the connection is kept, milliseconds. A Socket.IO server drops messages
 * that it reads together with the farewell of their sender.
 */
const farewellMs = 100;

/** The room of everyone who is connected. */
export const everyone = '*';

type Namespace = { channel: UserChannel; inbox: Inbox; attached: Set<string>; connection: ClientConnection };

const preview = (args: unknown[]): string => (JSON.stringify(args) ?? '').slice(0, 200);

/** The event that a failure report is about, where it says so (as the exception filters of NestJS do). */
const subjectOf = (args: unknown[]): string | null => {
  const report = args[0] as { cause?: { pattern?: unknown }; event?: unknown } | null | undefined;
  const subject = report?.cause?.pattern ?? report?.event;
  return typeof subject === 'string' ? subject : null;
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
    this.member = plan.deliveries.size > 0 ? deliveryLedger.member() : null;
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
    const socket = connection.socket(namespaceOf(this.#plan.endpoint.basePath, namespace));
    const channel = new UserChannel(socket, this.#plan.timeoutMs, {
      connected: () => {
        if (this.member !== null && this.#plan.joinsOnConnect() && !this.#isEnded)
          deliveryLedger.join(this.member, everyone);
      },
      lost: (reason) => {
        if (this.member !== null) deliveryLedger.disconnected(this.member);
        this.#failPending(reason);
      },
    });
    const found: Namespace = { channel, inbox: new Inbox(), attached: new Set(), connection };
    this.#namespaces.set(namespace, found);
    (this.context.sockets as Record<string, unknown>)[namespace] = socket;
    for (const [event, finders] of this.#plan.deliveries)
      socket.on(event, (...args) => this.#receive(args, finders));
    for (const event of this.#plan.failureEvents)
      socket.on(event, (...args) => this.#reportFailure(event, args));
    for (const event of this.#plan.listened) this.listen(found, event);
    return found;
  }

  /** Makes the events of this name come to the inbox. */
  listen(namespace: Namespace, event: string): void {
    if (namespace.attached.has(event)) return;
    namespace.attached.add(event);
    const keep = this.#plan.listened.has(event);
    namespace.channel.socket.on(event, (...args) => namespace.inbox.deliver(event, args, keep));
  }

  #receive(args: unknown[], finders: readonly TagFinder[]): void {
    for (const finder of finders) {
      const tag = finder.find(args);
      if (tag === null) continue;
      deliveryLedger.receive(this.member!, tag);
      return;
    }
  }

  #reportFailure(event: string, args: unknown[]): void {
    if (this.#isEnded || this.pending.expects(event)) return;
    const about = this.pending.find(subjectOf(args));
    if (about === undefined) recorder.error(event, preview(args), '');
    else about.fail(new StepFailure(`rejected: ${about.event}`, `${event}: ${preview(args)}`));
  }

  #failPending(reason: string): void {
    this.pending.failAll(
      (answer) => new StepFailure('disconnected', `${reason}, while "${answer.event}" was not answered`),
    );
  }

  /**
   * The flow is over. Messages on their way to this user and acknowledgements that it only observes may still come,
   * within the drain time; then the connection is closed.
   */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    openSessions.begin();
    const close = () => {
      this.#close();
      openSessions.end();
    };
    if (this.member === null) this.#whenAnswered(close);
    else deliveryLedger.sessionEnds(this.member, () => this.#whenAnswered(close));
  }

  /** A message was sent whose handling by the server nothing will tell. */
  sentUnanswered(): void {
    this.#unansweredAtMs = performance.now();
  }

  #whenAnswered(done: () => void): void {
    const nowMs = performance.now();
    const untilMs = nowMs + engineSettings().drainMs;
    const fromMs = Math.min(this.#unansweredAtMs + farewellMs, untilMs);
    const check = () => {
      const checkedMs = performance.now();
      if (checkedMs >= fromMs && (this.pending.size === 0 || checkedMs >= untilMs)) done();
      else deadlines.after(25, check);
    };
    check();
  }

  #close(): void {
    for (const { channel, connection } of this.#namespaces.values()) {
      channel.close();
      connection.close();
    }
    this.pending.failAll(() => new StepFailure('session ended', ''));
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

export type { Namespace };

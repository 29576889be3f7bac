import { frame, parseFrames } from './stomp-frames.js';

/**
 * A broker in memory with the behaviour of Spring's "simple broker": destinations that begin with `/app` go to a
 * handler of the application, the others to their subscribers. Like Spring's it knows no transactions and no
 * acknowledgements, and answers only a DISCONNECT with a RECEIPT.
 */
export class SimpleBroker {
  #subscribers = new Map();
  #handlers = [];
  #nextMessage = 1;

  constructor({ heartbeatMs = 10_000 } = {}) {
    this.heartbeatMs = heartbeatMs;
    this.sessions = 0;
    this.stats = { connections: 0, messages: 0, deliveries: 0, errors: 0 };
  }

  /** Handles SEND frames to `/app` + `pattern`, in which `{name}` stands for one part of the path. */
  onApp(pattern, handler) {
    const expression = new RegExp(`^/app${pattern.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);
    this.#handlers.push({ expression, handler });
  }

  /** Sends a body to every subscriber of a destination. */
  publish(destination, body) {
    const messageId = String(this.#nextMessage++);
    for (const [session, ids] of this.#subscribers.get(destination) ?? []) {
      for (const id of ids) {
        const headers = {
          destination,
          'content-type': 'application/json',
          subscription: id,
          'message-id': messageId,
        };
        session.write(frame('MESSAGE', headers, body));
        this.stats.deliveries += 1;
      }
    }
  }

  /** A connection that was opened: `write` sends text, `close` ends it. Feed it with `receive` and `closed`. */
  open(write, close) {
    const session = { write, close, subscriptions: new Map(), timers: [], connected: false };
    return {
      receive: (text) => {
        session.lastArrival = Date.now();
        try {
          for (const received of parseFrames(text)) this.#handle(session, received);
        } catch (error) {
          this.#fail(session, error.message);
        }
      },
      closed: () => this.#end(session),
    };
  }

  #handle(session, { command, headers, body }) {
    switch (command) {
      case 'CONNECT':
      case 'STOMP':
        this.#connect(session, headers);
        return;
      case 'SUBSCRIBE':
        this.#subscribe(session, headers);
        return;
      case 'UNSUBSCRIBE':
        this.#unsubscribe(session, headers.id);
        return;
      case 'SEND':
        this.#send(session, headers, body);
        return;
      case 'DISCONNECT':
        if (headers.receipt !== undefined) session.write(frame('RECEIPT', { 'receipt-id': headers.receipt }));
        session.close();
        return;
      case 'ACK':
      case 'NACK':
      case 'BEGIN':
      case 'COMMIT':
      case 'ABORT':
        return;
      default:
        throw new Error(`unknown command "${command}"`);
    }
  }

  #connect(session, headers) {
    const [canSend = 0, wants = 0] = (headers['heart-beat'] ?? '0,0').split(',').map(Number);
    const own = this.heartbeatMs;
    session.connected = true;
    this.sessions += 1;
    this.stats.connections += 1;
    session.write(frame('CONNECTED', { version: '1.2', 'heart-beat': `${own},${own}` }));
    if (own > 0 && wants > 0)
      session.timers.push(setInterval(() => session.write('\n'), Math.max(own, wants)));
    if (own > 0 && canSend > 0) {
      const limitMs = 3 * Math.max(own, canSend);
      const check = () => Date.now() - session.lastArrival > limitMs && session.close();
      session.timers.push(setInterval(check, limitMs));
    }
  }

  #subscribe(session, { id, destination }) {
    if (id === undefined || destination === undefined)
      throw new Error('SUBSCRIBE needs "id" and "destination"');
    session.subscriptions.set(id, destination);
    const sessions = this.#subscribers.get(destination) ?? new Map();
    this.#subscribers.set(destination, sessions);
    const ids = sessions.get(session) ?? new Set();
    sessions.set(session, ids.add(id));
  }

  #unsubscribe(session, id) {
    const destination = session.subscriptions.get(id);
    session.subscriptions.delete(id);
    const sessions = this.#subscribers.get(destination);
    const ids = sessions?.get(session);
    ids?.delete(id);
    if (ids?.size === 0) sessions.delete(session);
    if (sessions?.size === 0) this.#subscribers.delete(destination);
  }

  #send(session, { destination }, body) {
    if (destination === undefined) throw new Error('SEND needs "destination"');
    this.stats.messages += 1;
    if (!destination.startsWith('/app/')) {
      this.publish(destination, body);
      return;
    }
    for (const { expression, handler } of this.#handlers) {
      const match = expression.exec(destination);
      if (match === null) continue;
      handler({ parameters: match.groups ?? {}, body, session });
      return;
    }
    throw new Error(`no handler for "${destination}"`);
  }

  #fail(session, message) {
    this.stats.errors += 1;
    session.write(frame('ERROR', { message }));
    session.close();
  }

  #end(session) {
    for (const timer of session.timers) clearInterval(timer);
    for (const id of [...session.subscriptions.keys()]) this.#unsubscribe(session, id);
    if (session.connected) this.sessions -= 1;
    session.connected = false;
  }
}

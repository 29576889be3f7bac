import { PacketType } from 'socket.io-parser';
import { recorder } from '../../core/recorder.ts';
import type { AcknowledgementReceiver, ClientSocket, EventWatcher } from '../client-socket.ts';
import { reservedEvents } from '../reserved-events.ts';
import { type Listener, Listeners } from './listeners.ts';
import {
  type AssembledPacket,
  connectFrame,
  disconnectFrame,
  encodePacket,
  eventName,
  eventPrefix,
  parseArguments,
  parsePayload,
  type TextPacket,
} from './packet.ts';
import type { CloseDetails } from './wire-session.ts';

/** What a socket needs of the connection under it. */
export type WireTransport = {
  readonly isOpen: boolean;
  write(frames: readonly (string | Buffer)[]): void;
  writeText(frame: string): void;
  /** The socket wants to be connected, or not any more. */
  activate(socket: WireSocket): void;
  release(socket: WireSocket): void;
};

type Acknowledgement = AcknowledgementReceiver | Listener;

/** One namespace of a connection: the Socket of `socket.io-client`, as far as scenarios and processors use it. */
export class WireSocket implements ClientSocket {
  readonly nsp: string;
  id: string | undefined = undefined;
  connected = false;
  active = false;
  recovered = false;
  readonly #transport: WireTransport;
  readonly #auth: unknown;
  readonly #prefix: string;
  readonly #listeners = new Listeners();
  #watchers: Map<string, EventWatcher> | null = null;
  #acknowledgements: Map<number, Acknowledgement> | null = null;
  #nextId = 0;
  #unsent: (() => void)[] = [];
  /** What came before the server said that the namespace is connected. */
  #unread: (() => void)[] = [];
  #recoveryId: string | undefined = undefined;
  #recoveryOffset: string | undefined = undefined;

  constructor(transport: WireTransport, namespace: string, auth: unknown) {
    this.nsp = namespace;
    this.#transport = transport;
    this.#auth = auth;
    this.#prefix = eventPrefix(namespace);
  }

  get disconnected(): boolean {
    return !this.connected;
  }

  connect(): this {
    if (this.active) return this;
    this.active = true;
    this.#transport.activate(this);
    return this;
  }

  open(): this {
    return this.connect();
  }

  emit(event: string, ...args: unknown[]): this {
    if (reservedEvents.has(event)) throw new Error(`"${event}" is a reserved event name`);
    const last = args.at(-1);
    if (typeof last === 'function') this.#emit([event, ...args.slice(0, -1)], last as Listener);
    else this.#emit([event, ...args], null);
    return this;
  }

  #emit(data: unknown[], acknowledgement: Listener | null): void {
    const id = acknowledgement === null ? null : this.#expect(acknowledgement);
    this.#send(() => this.#transport.write(encodePacket(PacketType.EVENT, this.nsp, id, data)));
  }

  /** Emits an event whose name and arguments are JSON already. */
  emitJson(json: string, receiver: AcknowledgementReceiver | null): void {
    const frame = receiver === null ? this.#prefix + json : this.#prefix + this.#expect(receiver) + json;
    if (this.connected) this.#transport.writeText(frame);
    else this.#send(() => this.#transport.writeText(frame));
  }

  async emitWithAck(event: string, ...args: unknown[]): Promise<unknown> {
    return await new Promise((resolve) => this.emit(event, ...args, resolve));
  }

  send(...args: unknown[]): this {
    return this.emit('message', ...args);
  }

  #expect(acknowledgement: Acknowledgement): number {
    const id = this.#nextId++;
    this.#acknowledgements ??= new Map();
    this.#acknowledgements.set(id, acknowledgement);
    return id;
  }

  /** Sends now, or when the namespace is connected. */
  #send(write: () => void): void {
    if (this.connected) write();
    else this.#unsent.push(write);
  }

  on(event: string, listener: Listener): this {
    this.#listeners.add(event, listener);
    return this;
  }

  once(event: string, listener: Listener): this {
    const once = (...args: unknown[]) => {
      this.#listeners.remove(event, once);
      listener(...args);
    };
    once.original = listener;
    this.#listeners.add(event, once);
    return this;
  }

  off(event?: string, listener?: Listener): this {
    this.#listeners.remove(event, listener);
    return this;
  }

  removeListener(event: string, listener: Listener): this {
    return this.off(event, listener);
  }

  removeAllListeners(event?: string): this {
    return this.off(event);
  }

  listeners(event: string): Listener[] {
    return this.#listeners.of(event);
  }

  hasListeners(event: string): boolean {
    return this.#listeners.of(event).length > 0;
  }

  onAny(listener: Listener): this {
    this.#listeners.addAny(listener);
    return this;
  }

  offAny(listener?: Listener): this {
    this.#listeners.removeAny(listener);
    return this;
  }

  /** Takes an event as the text of its arguments, which is not parsed if nothing else listens. */
  watch(event: string, watcher: EventWatcher): void {
    this.#watchers ??= new Map();
    this.#watchers.set(event, watcher);
  }

  disconnect(): this {
    const wasConnected = this.connected;
    if (wasConnected) this.#transport.writeText(disconnectFrame(this.nsp));
    this.active = false;
    this.#transport.release(this);
    if (wasConnected) this.lost('io client disconnect');
    return this;
  }

  close(): this {
    return this.disconnect();
  }

  /** The connection is open: asks the server for the namespace. */
  requestNamespace(): void {
    const auth =
      this.#recoveryId === undefined
        ? this.#auth
        : { pid: this.#recoveryId, offset: this.#recoveryOffset, ...(this.#auth as object | undefined) };
    this.#transport.writeText(connectFrame(this.nsp, auth));
  }

  /** The connection could not be made. */
  failed(error: unknown): void {
    if (!this.connected) this.#listeners.call('connect_error', [error]);
  }

  /** The connection was lost. */
  lost(reason: string, details?: CloseDetails): void {
    // Before it was connected, what waits for an answer was not sent yet.
    if (this.connected) this.#acknowledgements = null;
    this.connected = false;
    this.id = undefined;
    this.#listeners.call('disconnect', details === undefined ? [reason] : [reason, details]);
  }

  receiveText(packet: TextPacket): void {
    if (packet.type === PacketType.ACK) this.#acknowledgeText(packet);
    else if (packet.type === PacketType.EVENT) this.#eventText(packet);
    else this.#control(packet.type, parsePayload(packet));
  }

  /** A packet with binary data. */
  receiveAssembled({ type, id, data }: AssembledPacket): void {
    if (type === PacketType.ACK) this.#acknowledge(id ?? null, data);
    else this.#event(data, id ?? null, true);
  }

  #control(type: PacketType, data: unknown): void {
    if (type === PacketType.CONNECT) this.#connected(data as { sid?: string; pid?: string } | undefined);
    else if (type === PacketType.DISCONNECT) {
      this.active = false;
      this.#transport.release(this);
      this.lost('io server disconnect');
    } else if (type === PacketType.CONNECT_ERROR) {
      const refusal = data as { message?: string; data?: unknown } | undefined;
      this.active = false;
      this.#transport.release(this);
      this.failed(Object.assign(new Error(refusal?.message ?? 'refused'), { data: refusal?.data }));
    }
  }

  #connected(session: { sid?: string; pid?: string } | undefined): void {
    if (session?.sid === undefined) {
      this.failed(new Error('The server speaks an older Socket.IO protocol (version 2.x)'));
      return;
    }
    this.id = session.sid;
    this.recovered = session.pid !== undefined && session.pid === this.#recoveryId;
    this.#recoveryId = session.pid;
    this.connected = true;
    const unread = this.#unread;
    this.#unread = [];
    for (const read of unread) read();
    const unsent = this.#unsent;
    this.#unsent = [];
    for (const write of unsent) write();
    this.#listeners.call('connect', []);
  }

  #take(id: number | null): Acknowledgement | undefined {
    if (id === null) return undefined;
    const acknowledgement = this.#acknowledgements?.get(id);
    this.#acknowledgements?.delete(id);
    return acknowledgement;
  }

  #acknowledgeText(packet: TextPacket): void {
    const acknowledgement = this.#take(packet.id);
    const { payload } = packet;
    const isList = payload.startsWith('[') && payload.endsWith(']');
    if (acknowledgement === undefined || typeof acknowledgement === 'function' || !isList) {
      const args = parseArguments(payload);
      if (typeof acknowledgement === 'function') acknowledgement(...args);
      else acknowledgement?.acknowledge(args);
    } else acknowledgement.acknowledgeJson(payload);
  }

  #acknowledge(id: number | null, args: unknown[]): void {
    const acknowledgement = this.#take(id);
    if (acknowledgement === undefined) return;
    if (typeof acknowledgement === 'function') acknowledgement(...args);
    else acknowledgement.acknowledge(args);
  }

  #eventText(packet: TextPacket): void {
    const { payload, id } = packet;
    const name = eventName(payload);
    if (name === null || !this.connected || id !== null || this.#recoveryId !== undefined) {
      const args = parsePayload(packet) as unknown[] | undefined;
      if (args !== undefined) this.#event(args, id, false, payload);
      return;
    }
    const watcher = this.#watchers?.get(name);
    watcher?.text(payload);
    if (this.#listeners.has(name)) this.#dispatch(parsePayload(packet) as unknown[]);
    else if (watcher === undefined) recorder.unheard(name);
  }

  #event(args: unknown[], id: number | null, isBinary: boolean, payload = ''): void {
    const read = () => {
      const watcher = this.#watchers?.get(String(args[0]));
      if (isBinary) watcher?.args(args.slice(1));
      else watcher?.text(payload);
      if (watcher === undefined && !this.#listeners.has(String(args[0]))) recorder.unheard(String(args[0]));
      this.#dispatch(id === null ? args : [...args, this.#answer(id)]);
    };
    if (this.connected) read();
    else this.#unread.push(read);
    const offset = args.at(-1);
    if (this.#recoveryId !== undefined && typeof offset === 'string') this.#recoveryOffset = offset;
  }

  #dispatch([event, ...args]: unknown[]): void {
    this.#listeners.callAny(event as string, args);
    this.#listeners.call(event as string, args);
  }

  /** The callback for an event that the server wants acknowledged. */
  #answer(id: number): Listener {
    let isSent = false;
    return (...args) => {
      if (isSent) return;
      isSent = true;
      this.#send(() => this.#transport.write(encodePacket(PacketType.ACK, this.nsp, id, args)));
    };
  }
}

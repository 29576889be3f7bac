/** Takes an acknowledgement; as the JSON of its arguments, so that they are parsed only if someone looks at them. */
export type AcknowledgementReceiver = {
  acknowledge(args: unknown[]): void;
  acknowledgeJson(json: string): void;
};

/** Takes an event as the JSON of its name and arguments; with binary data in it, as its arguments. */
export type EventWatcher = {
  text(json: string): void;
  args(args: unknown[]): void;
};

/** What the engine needs of a Socket.IO socket. The Socket of `socket.io-client` has it. */
export type ClientSocket = {
  readonly connected: boolean;
  /** Whether it is connected, or will try to be again by itself. */
  readonly active: boolean;
  /** Whether the server restored the session that was lost: its rooms, and what was sent to it meanwhile. */
  readonly recovered?: boolean | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: an event may carry anything
  emit(event: string, ...args: any[]): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: an event may carry anything
  on(event: string, listener: (...args: any[]) => void): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: an event may carry anything
  off(event: string, listener: (...args: any[]) => void): unknown;
  disconnect(): unknown;
  /** Emits what is encoded already. Only sockets that speak the wire protocol themselves can. */
  emitJson?(json: string, receiver: AcknowledgementReceiver | null): void;
  /** Takes an event before it is parsed. Only sockets that speak the wire protocol themselves can. */
  watch?(event: string, watcher: EventWatcher): void;
};

/** The connection of one virtual user: one transport, any number of namespaces over it. */
export type ClientConnection = {
  /** Opens a namespace. `connect`, `connect_error` and `disconnect` tell what becomes of it. */
  socket(namespace: string): ClientSocket;
  close(): void;
};

/** Options of a connection, rendered for one virtual user: those of `socket.io-client`. */
export type ConnectionOptions = Record<string, unknown>;

export type OpenConnection = (url: string, options: ConnectionOptions) => ClientConnection;

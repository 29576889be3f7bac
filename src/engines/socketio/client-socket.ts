/** What the engine needs of a Socket.IO socket. The Socket of `socket.io-client` has it. */
export type ClientSocket = {
  readonly connected: boolean;
  /** Whether it is connected, or will try to be again by itself. */
  readonly active: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: an event may carry anything
  emit(event: string, ...args: any[]): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: an event may carry anything
  on(event: string, listener: (...args: any[]) => void): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: an event may carry anything
  off(event: string, listener: (...args: any[]) => void): unknown;
  disconnect(): unknown;
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

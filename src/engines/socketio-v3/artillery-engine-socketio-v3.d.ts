declare module 'artillery-engine-socketio-v3' {
  type Callback = (error?: unknown, context?: unknown) => void;

  /** The package's engine; everything it has is on its prototype. */
  class SocketIoEngine {
    constructor(script: { config: Record<string, unknown> });
    config: Record<string, unknown>;
    socketioOpts: Record<string, unknown>;
    step(
      spec: Record<string, unknown>,
      ee: { emit(event: string, ...args: unknown[]): unknown },
    ): (context: unknown, callback: Callback) => void;
    loadContextSocket(
      namespace: string,
      connectionOnly: unknown,
      context: { sockets: Record<string, unknown> },
      callback: (error: unknown, socket: unknown) => void,
    ): void;
    closeContextSockets(context: { sockets: Record<string, unknown> }, namespace?: string): void;
  }

  // biome-ignore lint/style/noDefaultExport: it is what the package exports
  export { SocketIoEngine as default };
}

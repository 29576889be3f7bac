declare module '*/artillery/dist/lib/core/engine_socketio.js' {
  class SocketIoEngine {
    constructor(script: unknown);
  }

  // biome-ignore lint/style/noDefaultExport: it is what Artillery exports
  export { SocketIoEngine as default };
}

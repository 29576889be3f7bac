declare module '*/artillery/dist/lib/core/engine_ws.js' {
  class WsEngine {
    constructor(script: { config: Record<string, unknown> });
    createScenario(
      spec: { flow: Record<string, unknown>[] },
      events: { emit(event: string, ...args: unknown[]): unknown },
    ): (context: Record<string, unknown>, callback: (error: unknown) => void) => void;
  }

  export { WsEngine as default };
}

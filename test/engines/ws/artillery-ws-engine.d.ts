declare module '*/artillery/dist/lib/core/engine_ws.js' {
  type ArtilleryEngine = {
    createScenario(
      spec: { flow: Record<string, unknown>[] },
      events: { emit(event: string, ...args: unknown[]): unknown },
    ): (context: Record<string, unknown>, callback: (error: unknown) => void) => void;
  };
  const Engine: new (script: { config: Record<string, unknown> }) => ArtilleryEngine;

  // biome-ignore lint/style/noDefaultExport: it is Artillery's
  export { Engine as default };
}

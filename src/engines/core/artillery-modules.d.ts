// biome-ignore-all lint/style/noDefaultExport: these modules are Artillery's

/**
 * Types of the parts of Artillery that we bundle. Artillery exports only its index and `util`, so they are imported by
 * their path; the bundle replaces some of their neighbours (see scripts/build/artillery-parts.ts).
 */

declare module '*/artillery/dist/lib/core/engine_http.js' {
  export type EngineEvents = { emit(event: string, ...args: unknown[]): unknown };
  export type Step = (
    context: VirtualUser,
    callback: (error: unknown, context?: VirtualUser) => void,
  ) => unknown;
  export type VirtualUser = {
    vars: Record<string, unknown>;
    funcs: Record<string, unknown>;
    [key: string]: unknown;
  };
  export type Scenario = (
    context: VirtualUser,
    callback: (error: unknown, context?: VirtualUser) => void,
  ) => unknown;
  type HttpRequest = {
    on(event: 'request', listener: (request: import('node:http').ClientRequest) => void): HttpRequest;
  };
  class HttpEngine {
    /** The HTTP client, once initialised. */
    request: (options: unknown) => HttpRequest;
    readonly config: {
      target?: unknown;
      http?: { defaults?: { headers?: unknown } };
      processor?: Record<string, unknown>;
    };
    constructor(script: unknown, ee?: EngineEvents, util?: unknown);
    init(): Promise<void>;
    createScenario(spec: Record<string, unknown>, ee: EngineEvents): Scenario;
    step(spec: Record<string, unknown>, ee: EngineEvents, options?: Record<string, unknown>): Step;
    compile(tasks: Step[], spec: Record<string, unknown>, ee: EngineEvents): Scenario;
    setInitialContext(context: VirtualUser): VirtualUser;
  }

  export { HttpEngine as default };
}

declare module '*/artillery/dist/lib/core/runner.js' {
  export type RunnerEvents = {
    run(variables: Record<string, unknown>): void;
    stop(): Promise<void>;
    warnings: { engines: Record<string, { message: string; error: unknown }> };
    // biome-ignore lint/suspicious/noExplicitAny: event payloads are Artillery's
    on(event: string, listener: (...args: any[]) => void): unknown;
  };
  export function runner(
    script: unknown,
    payload: unknown,
    options: Record<string, unknown>,
  ): Promise<RunnerEvents>;
  /** The functions that templates can call. */
  export const contextFuncs: {
    $randomNumber(min: number, max: number): number;
    $randomString(length?: number): string;
  };
  export const runnerFuncs: {
    prepareScript(script: unknown, payload: unknown): unknown;
    handleScriptHook(
      hook: 'before' | 'after',
      script: unknown,
      events: unknown,
      variables?: Record<string, unknown>,
    ): Promise<Record<string, unknown>>;
  };
}

declare module '*/artillery/dist/lib/core/update-global-object.js' {
  export function updateGlobalObject(options?: { version?: string; telemetry?: unknown }): Promise<void>;
}

declare module '*/artillery/dist/lib/core/ssms.js' {
  /** Artillery's metric store, which ours takes the place of. */
  export class SSMS {
    counter(name: string, value: number): void;
    histogram(name: string, value: number): void;
    stop(): void;
  }
}

declare module '*/artillery/dist/lib/core/readers.js' {
  function createReader(order: string | undefined, spec: unknown): (data: unknown[][]) => unknown;

  export { createReader as default };
}

declare module '*/artillery/dist/lib/commons/engine_util.js' {
  export function template(value: unknown, context: unknown, inPlace?: boolean): unknown;
  export function createThink(spec: unknown, options?: unknown): unknown;
  export function createLoopWithCount(count: unknown, steps: unknown, options?: unknown): unknown;
  export function createParallel(steps: unknown, options?: unknown): unknown;
  export function isProbableEnough(spec: unknown): boolean;
  export function captureOrMatch(...args: unknown[]): unknown;
  export function evil(sandbox: unknown, code: string): unknown;
  export function ensurePropertyIsAList(object: unknown, property: string): unknown;
  export function _renderVariables(text: string, variables: unknown): unknown;
}

declare module '*/artillery/dist/lib/commons/jitter.js' {
  export function jitter(spec: unknown): number;
}

declare module '*/artillery/dist/lib/util/validate-script.js' {
  /** The first problem in the script, or undefined. */
  const validateScript: (script: unknown) => string | undefined;

  export { validateScript as default };
}

declare module '*/dist/index.js' {
  /** One of Artillery's plugins. */
  export const Plugin: unknown;
}

declare module 'artillery/util' {
  export function parseScript(text: string): Promise<unknown>;
  export function checkConfig(
    script: unknown,
    scriptPath: string,
    flags: Record<string, unknown>,
  ): Promise<unknown>;
  export function resolveConfigPath(
    script: unknown,
    flags: Record<string, unknown>,
    scriptPath: string,
  ): Promise<unknown>;
  export function addOverrides(script: unknown, flags: Record<string, unknown>): Promise<unknown>;
  export function addVariables(script: unknown, flags: Record<string, unknown>): Promise<unknown>;
  export function resolveConfigTemplates(
    script: unknown,
    flags: Record<string, unknown>,
    configPath: string,
    scriptPath: string,
  ): Promise<unknown>;
}

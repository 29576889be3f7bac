import { tailgateError } from '../../errors.ts';
import { engineSettings } from '../core/engine-settings.ts';
import { type FlowScenario, placeOf, type ScenarioFunction } from '../core/flow/flow-engine.ts';
import { connectsFirst } from '../core/flow/implicit-connect.ts';
import { sequence } from '../core/flow/sequence.ts';
import { type EngineEvents, recordFailure, type Step, type StepSpec, stepsOf } from '../core/flow/step.ts';
import { recorder } from '../core/recorder.ts';
import type { ClientConnection, ConnectionOptions, OpenConnection } from './client-socket.ts';
import { compileSend } from './compile-send.ts';
import {
  type ConnectConfig,
  compileConnectOptions,
  endpointOf,
  type RenderOptions,
} from './connect-options.ts';
import { type EmitDefaults, emitDefaultsFrom, ownTimeoutMs, parseEmit } from './emit-spec.ts';
import { EmittingEngine } from './emitting-engine.ts';
import { openClientConnection } from './open-client-connection.ts';
import { socketIoDescription } from './socketio-description.ts';
import { addUser, SocketIoUser, type UserPlan, userOf } from './socketio-user.ts';
import { connectStep, disconnectStep, emitStep, fixedRate, hookedEmitStep, listenStep } from './steps.ts';
import { openWireConnection } from './wire/open-wire-connection.ts';
import { isForWire } from './wire/wire-options.ts';

type ScenarioSpec = FlowScenario & { socketio?: Record<string, unknown> };

/** What the steps of one scenario gather while they are compiled. */
type Compilation = {
  spec: ScenarioSpec;
  ee: EngineEvents;
  defaults: EmitDefaults;
  listened: Set<string>;
};

/**
 * Artillery's engine contract for scenarios over Socket.IO: the language of Artillery's own engine and of
 * `socketio-v3`, with every wait bounded and everything measured written to the recorder.
 */
export class SocketIoEngine extends EmittingEngine<ConnectConfig, ScenarioSpec> {
  #parser: unknown = undefined;
  /** How virtual users connect; the tests run the same scenarios over the reference client too. */
  protected readonly openConnection: OpenConnection = openConnection;

  override async init(): Promise<void> {
    await super.init();
    const { config, scenarios = [], before, after } = this.script;
    const parsers = [config, ...scenarios, before, after].map((has) => has?.socketio?.parser);
    if (parsers.some(isMessagePack)) this.#parser = (await import('socket.io-msgpack-parser')).default;
  }

  /**
   * Compiles a scenario. Artillery connects before the first step. So do we, unless steps come first that may make what
   * the connection needs, or the flow itself says `connect`; a flow in which nothing needs the connection makes it last.
   * Throws SCENARIO_INVALID.
   */
  createScenario(scenario: Record<string, unknown>, ee: EngineEvents): ScenarioFunction {
    const spec: ScenarioSpec = scenario;
    const compilation: Compilation = {
      spec,
      ee,
      defaults: emitDefaultsFrom(engineSettings()),
      listened: new Set(),
    };
    const place = placeOf(spec);
    const body = this.compile(
      spec,
      ee,
      this.checked((step, at) => this.#compileStep(step, at, compilation)),
    );
    const first = firstSocketStep(spec.flow);
    const connect = this.#connectDefault(place);
    const isEager = !isConnect(first) && connectsFirst(spec.flow, stepKeys);
    const run = sequence([
      ...(isEager ? [connect] : []),
      body,
      ...(first === undefined && !isEager ? [connect] : []),
    ]);
    const plan = this.#userPlan(compilation);
    return this.scenario({
      spec,
      ee,
      userOf: (context) => {
        const user = new SocketIoUser(plan, context);
        addUser(user);
        return user;
      },
      run: () => run,
    });
  }

  #connectDefault(place: string): Step {
    return (context, callback) =>
      userOf(context).withNamespace('', (failure) =>
        callback(failure === null ? null : recordFailure(failure, `${place}, connect`), context),
      );
  }

  #userPlan(compilation: Compilation): UserPlan {
    return {
      ...this.plan,
      endpoint: endpointOf(String(this.script.config.target)),
      options: this.#options(compilation.spec, undefined, this.timeoutMs),
      open: this.openConnection,
      listened: compilation.listened,
    };
  }

  #options(spec: ScenarioSpec, own: Record<string, unknown> | undefined, timeoutMs: number): RenderOptions {
    const { config } = this.script;
    const endpoint = endpointOf(String(config.target));
    const parserName = own?.parser ?? spec.socketio?.parser ?? config.socketio?.parser;
    if (parserName !== undefined && !isMessagePack(parserName))
      throw tailgateError('SCENARIO_INVALID', {
        path: this.script._scriptPath ?? '',
        problem: `"parser: ${String(parserName)}" is not here; there is socket.io-msgpack-parser`,
      });
    return compileConnectOptions(
      config,
      { scenario: spec.socketio, step: own },
      {
        timeout: timeoutMs,
        ...(Object.keys(endpoint.query).length > 0 ? { query: endpoint.query } : {}),
        ...(isMessagePack(parserName) ? { parser: this.#parser } : {}),
      },
    );
  }

  #compileStep(step: StepSpec, place: string, compilation: Compilation): Step | null {
    if (step.disconnect !== undefined) return disconnectStep(step);
    const connects = step.connect ?? (step.reconnect ? {} : undefined);
    if (connects !== undefined) {
      const timeoutMs = ownTimeoutMs(step) ?? this.timeoutMs;
      const options = this.#options(compilation.spec, asOptions(connects), timeoutMs);
      const connect = connectStep(step, options, timeoutMs, place);
      return step.emit === undefined
        ? connect
        : sequence([connect, this.#compileEmit(step, place, compilation)]);
    }
    if (step.emit !== undefined) return this.#compileEmit(step, place, compilation);
    if (step.response !== undefined) return this.#compileListen(step, place, compilation);
    return null;
  }

  #compileEmit(step: StepSpec, place: string, compilation: Compilation): Step {
    const emit = parseEmit(step, compilation.defaults);
    const at = `${place} (${emit.event})`;
    const watch = this.deliveries.add(emit);
    if (watch === null && emit.outgoing.names.has('$tag'))
      recorder.warn(
        `${at}: the payload has {{ $tag }}, but no "delivery" says which event its receivers get.`,
      );
    if (step.beforeRequest !== undefined || step.afterResponse !== undefined)
      return hookedEmitStep(
        step,
        { processor: this.script.config.processor, ee: compilation.ee },
        compilation.defaults,
        watch,
        at,
      );
    const send = compileSend(emit, watch, at);
    return step.rate === undefined ? emitStep(emit, send, at) : fixedRate(step, emit, send, at);
  }

  #compileListen(step: StepSpec, place: string, compilation: Compilation): Step {
    const response = step.response as { channel?: unknown; on?: unknown };
    const channel = response.channel ?? response.on;
    if (typeof channel !== 'string') throw new Error('"response" names no event: give "channel"');
    if (!channel.includes('{{')) compilation.listened.add(channel);
    return listenStep(step, `${place} (${channel})`);
  }
}

const { stepKeys } = socketIoDescription;

/** The first step of a flow that may need the connection. */
const firstSocketStep = (flow: unknown): StepSpec | undefined =>
  stepsOf(flow).find((step) => [...stepKeys, 'loop', 'parallel'].some((key) => step?.[key] !== undefined));

const isConnect = (step: StepSpec | undefined): boolean =>
  step?.connect !== undefined || step?.reconnect !== undefined;

/** The one parser that is here, by its short name or that of its package. */
const isMessagePack = (parser: unknown): boolean =>
  parser === 'msgpack' || parser === 'socket.io-msgpack-parser';

const asOptions = (value: unknown): Record<string, unknown> | undefined =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;

/** Opens a connection: on the wire where its options allow that, else with `socket.io-client`. */
function openConnection(url: string, options: ConnectionOptions): ClientConnection {
  return isForWire(options) ? openWireConnection(url, options) : openClientConnection(url, options);
}

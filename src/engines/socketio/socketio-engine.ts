import { tailgateError } from '../../errors.ts';
import { engineSettings } from '../core/engine-settings.ts';
import { compileFlow, type FlowConfig } from '../core/flow/compile-flow.ts';
import { runFunction } from '../core/flow/run-function.ts';
import { sequence } from '../core/flow/sequence.ts';
import {
  type EngineEvents,
  guarded,
  recordFailure,
  type Step,
  type StepSpec,
  type VirtualUserContext,
} from '../core/flow/step.ts';
import { loadActivity } from '../core/load-activity.ts';
import { openSessions } from '../core/open-sessions.ts';
import { recorder } from '../core/recorder.ts';
import { tokenMint } from '../core/virtual-user-token.ts';
import { HttpEngine } from '../http/http-engine.ts';
import { hasHttpStep, isHttpStep } from '../http/http-methods.ts';
import type { OpenConnection } from './client-socket.ts';
import { compileSend } from './compile-send.ts';
import {
  type ConnectConfig,
  compileConnectOptions,
  endpointOf,
  type RenderOptions,
} from './connect-options.ts';
import { DeliveryPlan } from './delivery-plan.ts';
import { type EmitDefaults, emitDefaultsFrom, parseEmit } from './emit-spec.ts';
import { fixedRate } from './fixed-rate.ts';
import { openConnection } from './open-connection.ts';
import { addUser, SocketIoUser, type UserPlan, userOf } from './socketio-user.ts';
import { connectStep, disconnectStep, emitStep, hookedEmitStep, listenStep } from './steps.ts';

type ScenarioSpec = {
  name?: string;
  engine?: string;
  flow?: unknown;
  socketio?: Record<string, unknown>;
  beforeScenario?: unknown;
  afterScenario?: unknown;
};

type Script = {
  config: FlowConfig & ConnectConfig & { timeout?: number; engine?: string };
  scenarios?: ScenarioSpec[];
  before?: ScenarioSpec;
  after?: ScenarioSpec;
  _scriptPath?: string;
};

type ScenarioFunction = (
  context: VirtualUserContext,
  callback: (error: unknown, context?: VirtualUserContext) => void,
) => unknown;

/** What the steps of one scenario gather while they are compiled. */
type Compilation = {
  spec: ScenarioSpec;
  ee: EngineEvents;
  defaults: EmitDefaults;
  listened: Set<string>;
};

const isSocketStep = (spec: StepSpec): boolean =>
  ['emit', 'response', 'connect', 'reconnect', 'disconnect', 'loop', 'parallel'].some(
    (key) => spec[key] !== undefined,
  );

/**
 * Artillery's engine contract for scenarios over Socket.IO: the language of Artillery's own engine and of
 * `socketio-v3`, with every wait bounded and everything measured written to the recorder.
 */
export class SocketIoEngine {
  readonly #script: Script;
  readonly #http: HttpEngine;
  #parser: unknown = undefined;
  readonly #deliveries = new DeliveryPlan();
  /** How virtual users connect; the tests run the same scenarios over the reference client too. */
  protected readonly openConnection: OpenConnection = openConnection;

  constructor(script: unknown) {
    this.#script = script as Script;
    this.#http = new HttpEngine(script);
  }

  /** Loads what this script needs and others do not. */
  async init(): Promise<void> {
    loadActivity.onEnd(async () => await openSessions.closed());
    await this.#http.init();
    const scenarios = [...(this.#script.scenarios ?? []), this.#script.before, this.#script.after];
    const parsers = [
      this.#script.config.socketio?.parser,
      ...scenarios.map((spec) => spec?.socketio?.parser),
    ];
    if (parsers.some(isMessagePack)) this.#parser = (await import('socket.io-msgpack-parser')).default;
  }

  createScenario(scenario: Record<string, unknown>, ee: EngineEvents): ScenarioFunction {
    const spec = scenario as ScenarioSpec;
    const { config } = this.#script;
    const settings = engineSettings();
    const compilation: Compilation = {
      spec,
      ee,
      defaults: emitDefaultsFrom(settings),
      listened: new Set(),
    };
    const place = spec.name ?? 'scenario';
    const flow = (Array.isArray(spec.flow) ? spec.flow.flat(Number.POSITIVE_INFINITY) : []) as StepSpec[];
    const leading = flow.findIndex(isSocketStep);
    const body = compileFlow(flow, {
      config,
      ee,
      path: this.#script._scriptPath ?? '',
      place,
      own: (step, at) => this.#compileStep(step, at, compilation),
      http: (step) => this.#http.step(step, ee) as Step,
    });
    const hooks = (names: unknown): Step[] =>
      [names]
        .flat()
        .flatMap((name) =>
          typeof name === 'string' ? [guarded(runFunction(name, config, ee, place), place)] : [],
        );
    const connectsLast = leading < 0 && !this.#connectsFirst(flow, leading);
    const run = sequence([
      ...hooks(spec.beforeScenario),
      ...(this.#connectsFirst(flow, leading) ? [this.#connectDefault(place)] : []),
      body,
      ...(connectsLast ? [this.#connectDefault(place)] : []),
      ...hooks(spec.afterScenario),
    ]);
    return this.#scenario(run, this.#userPlan(compilation), { usesHttp: hasHttpStep(flow), place, ee });
  }

  /**
   * Artillery connects before the first step. So do we, unless steps come first that may make what the connection
   * needs (a login request, a function that sets a token), or the flow itself says `connect`.
   */
  #connectsFirst(flow: StepSpec[], leading: number): boolean {
    const first = flow[leading];
    if (first?.connect !== undefined || first?.reconnect !== undefined) return false;
    const before = leading < 0 ? flow : flow.slice(0, leading);
    return !before.some((step) => isHttpStep(step) || step.function !== undefined);
  }

  #connectDefault(place: string): Step {
    return (context, callback) =>
      userOf(context).withNamespace('', (failure) =>
        callback(failure === null ? null : recordFailure(failure, `${place}, connect`), context),
      );
  }

  #userPlan(compilation: Compilation): UserPlan {
    const { config } = this.#script;
    const settings = engineSettings();
    const endpoint = endpointOf(String(config.target));
    return {
      endpoint,
      options: this.#options(compilation.spec, undefined),
      open: this.openConnection,
      timeoutMs: config.timeout === undefined ? settings.timeoutMs : Number(config.timeout) * 1_000,
      failureEvents: settings.failureEvents,
      deliveries: this.#deliveries,
      listened: compilation.listened,
    };
  }

  #options(spec: ScenarioSpec, own: Record<string, unknown> | undefined): RenderOptions {
    const { config } = this.#script;
    const endpoint = endpointOf(String(config.target));
    const timeoutMs =
      config.timeout === undefined ? engineSettings().timeoutMs : Number(config.timeout) * 1_000;
    const parserName = own?.parser ?? spec.socketio?.parser ?? config.socketio?.parser;
    if (parserName !== undefined && !isMessagePack(parserName))
      throw tailgateError('SCENARIO_INVALID', {
        path: this.#script._scriptPath ?? '',
        problem: `"parser: ${String(parserName)}" is not here; there is socket.io-msgpack-parser`,
      });
    return compileConnectOptions(config, [spec.socketio, own], {
      timeout: timeoutMs,
      ...(Object.keys(endpoint.query).length > 0 ? { query: endpoint.query } : {}),
      ...(isMessagePack(parserName) ? { parser: this.#parser } : {}),
    });
  }

  #compileStep(step: StepSpec, place: string, compilation: Compilation): Step | null {
    try {
      if (step.disconnect !== undefined) return disconnectStep(step);
      const connects = step.connect ?? (step.reconnect ? {} : undefined);
      if (connects !== undefined) {
        const connect = connectStep(step, this.#options(compilation.spec, asOptions(connects)), place);
        return step.emit === undefined
          ? connect
          : sequence([connect, this.#compileEmit(step, place, compilation)]);
      }
      if (step.emit !== undefined) return this.#compileEmit(step, place, compilation);
      if (step.response !== undefined) return this.#compileListen(step, place, compilation);
      return null;
    } catch (error) {
      const problem = `${place}: ${error instanceof Error ? error.message : String(error)}`;
      throw tailgateError('SCENARIO_INVALID', { path: this.#script._scriptPath ?? '', problem }, {}, error);
    }
  }

  #compileEmit(step: StepSpec, place: string, compilation: Compilation): Step {
    const emit = parseEmit(step, compilation.defaults);
    const at = `${place} (${emit.event})`;
    const watch = this.#deliveries.add(emit);
    if (watch === null && emit.outgoing.names.has('$tag'))
      recorder.warn(
        `${at}: the payload has {{ $tag }}, but no "delivery" says which event its receivers get.`,
      );
    if (step.beforeRequest !== undefined || step.afterResponse !== undefined)
      return hookedEmitStep(
        step,
        { processor: this.#script.config.processor, ee: compilation.ee },
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

  #scenario(
    run: Step,
    plan: UserPlan,
    { usesHttp, place, ee }: { usesHttp: boolean; place: string; ee: EngineEvents },
  ): ScenarioFunction {
    const { jwt } = engineSettings();
    const mint = jwt === null ? null : tokenMint(jwt);
    return (initial, callback) => {
      ee.emit('started');
      const context = usesHttp ? (this.#http.setInitialContext(initial) as VirtualUserContext) : initial;
      context._successCount ??= 0;
      if (mint !== null) context.vars.$token = mint(context);
      let user: SocketIoUser;
      try {
        user = new SocketIoUser(plan, context);
      } catch (error) {
        callback(recordFailure(error, place), context);
        return;
      }
      addUser(user);
      let ended = false;
      const end = (error: unknown) => {
        if (ended) return;
        ended = true;
        user.end();
        callback(error, context);
      };
      try {
        run(context, end);
      } catch (error) {
        end(recordFailure(error, place));
      }
    };
  }
}

/** The one parser that is here, by its short name or that of its package. */
const isMessagePack = (parser: unknown): boolean =>
  parser === 'msgpack' || parser === 'socket.io-msgpack-parser';

const asOptions = (value: unknown): Record<string, unknown> | undefined =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;

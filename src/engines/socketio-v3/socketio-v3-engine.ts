import cloneDeep from 'lodash/cloneDeep.js';
import { tailgateError } from '../../errors.ts';
import { engineSettings } from '../core/engine-settings.ts';
import { compileFlow, type FlowConfig } from '../core/flow/compile-flow.ts';
import {
  type EngineEvents,
  recordFailure,
  type Step,
  type StepSpec,
  type VirtualUserContext,
} from '../core/flow/step.ts';
import { frameMeter } from '../core/frame-meter.ts';
import { loadActivity } from '../core/load-activity.ts';
import { loadClock } from '../core/load-clock.ts';
import { openSessions } from '../core/open-sessions.ts';
import { tokenMint } from '../core/virtual-user-token.ts';
import { HttpEngine } from '../http/http-engine.ts';
import type { ClientSocket } from '../socketio/client-socket.ts';
import { DeliveryPlan } from '../socketio/delivery-plan.ts';
import { type EmitDefaults, emitDefaultsFrom, parseEmit } from '../socketio/emit-spec.ts';
import { loadPackage, type PackageEngine } from './load-package.ts';
import { PackageRun, type PackageStep } from './package-run.ts';
import { V3User } from './v3-user.ts';

type ScenarioSpec = { name?: string; flow?: unknown };

type Script = {
  config: FlowConfig & { timeout?: number; target?: string };
  _scriptPath?: string;
};

type ScenarioFunction = (
  context: VirtualUserContext,
  callback: (error: unknown, context?: VirtualUserContext) => void,
) => unknown;

type PackageContext = VirtualUserContext & { sockets: Record<string, ClientSocket> };

/**
 * Artillery's engine contract for scenarios written for `artillery-engine-socketio-v3`. The package itself connects,
 * emits, and checks answers; it is given what Artillery 2 took from it, and what it lacks: latencies of the steps that
 * wait, thinks on the load clock, timeouts, disconnects, and a connection for each virtual user.
 */
export class SocketIoV3Engine {
  readonly #script: Script;
  readonly #http: HttpEngine;
  readonly #deliveries = new DeliveryPlan();
  /** The user whose step the package runs, by the context that it was given. */
  readonly #users = new WeakMap<object, V3User>();
  #package: PackageEngine | null = null;

  constructor(script: unknown) {
    this.#script = script as Script;
    this.#http = new HttpEngine(script);
  }

  async init(): Promise<void> {
    frameMeter.missesConnection();
    loadActivity.onEnd(async () => await openSessions.closed());
    await this.#http.init();
    const Package = await loadPackage();
    const config = { processor: {}, ...this.#script.config, timeout: this.#timeoutMs / 1_000 };
    this.#package = this.#instrument(new Package({ config }));
  }

  get #timeoutMs(): number {
    const { timeout } = this.#script.config;
    return timeout === undefined ? engineSettings().timeoutMs : Number(timeout) * 1_000;
  }

  /** Watches the sockets that the package opens, and keeps users from riding on each other's connections. */
  #instrument(engine: PackageEngine): PackageEngine {
    engine.socketioOpts = { ...engine.socketioOpts, multiplex: false };
    const open = engine.loadContextSocket.bind(engine);
    engine.loadContextSocket = (namespace, connectionOnly, context, callback) => {
      const user = this.#users.get(context)!;
      const { sockets } = user.context as PackageContext;
      const done = (failure: unknown) => callback(failure, sockets[namespace]);
      if (connectionOnly) user.release(namespace);
      const known = user.channel(namespace);
      if (known !== undefined) {
        known.whenConnected(done);
        return;
      }
      // Its own callback knows neither timeouts nor reasons.
      open(namespace, connectionOnly, user.context as PackageContext, () => {});
      user.adopt(namespace, sockets[namespace]!).whenConnected(done);
    };
    return engine;
  }

  createScenario(scenario: Record<string, unknown>, ee: EngineEvents): ScenarioFunction {
    const spec = scenario as ScenarioSpec;
    const settings = engineSettings();
    const defaults: EmitDefaults = emitDefaultsFrom(settings);
    const place = spec.name ?? 'scenario';
    const run = compileFlow(spec.flow, {
      config: this.#script.config,
      ee,
      path: this.#script._scriptPath ?? '',
      place,
      own: (step, at) => this.#compileStep(step, at, defaults, ee),
      http: (step) => this.#http.step(step, ee) as Step,
    });
    const mint = settings.jwt === null ? null : tokenMint(settings.jwt);
    const plan = {
      timeoutMs: this.#timeoutMs,
      failureEvents: settings.failureEvents,
      deliveries: this.#deliveries,
    };
    return (initial, callback) => {
      ee.emit('started');
      const context = this.#http.setInitialContext(initial) as VirtualUserContext;
      context._successCount ??= 0;
      if (mint !== null) context.vars.$token = mint(context);
      const user = new V3User(plan, context);
      this.#users.set(context, user);
      run(context, (error) => {
        user.end();
        callback(error, context);
      });
    };
  }

  #compileStep(spec: StepSpec, place: string, defaults: EmitDefaults, ee: EngineEvents): Step | null {
    if (spec.emit === undefined && spec.connect === undefined && spec.reconnect === undefined) return null;
    if (spec.emit === undefined)
      return this.#packageStep({ ...spec, connect: spec.connect ?? {} }, null, place, ee);
    try {
      if (spec.rate !== undefined) throw new Error('"rate" needs the engine "socketio"');
      const emit = parseEmit(spec, defaults);
      const response = spec.response as { channel?: unknown; on?: unknown } | undefined;
      const channel = response?.channel ?? response?.on;
      const step: PackageStep = {
        emit,
        watch: this.#deliveries.add(emit),
        responseEvent: channel === undefined ? null : String(channel),
        place: `${place} (${emit.event})`,
      };
      return this.#packageStep(spec, step, step.place, ee);
    } catch (error) {
      const problem = `${place}: ${error instanceof Error ? error.message : String(error)}`;
      throw tailgateError('SCENARIO_INVALID', { path: this.#script._scriptPath ?? '', problem }, {}, error);
    }
  }

  /** Lets the package run a step, each time on a copy: the package and hooks write into the step. */
  #packageStep(spec: StepSpec, step: PackageStep | null, place: string, ee: EngineEvents): Step {
    const isHooked = spec.beforeRequest !== undefined;
    return (context, callback) => {
      const user = this.#users.get(context)!;
      const end = (failure: unknown) => callback(failure ? recordFailure(failure, place) : null, context);
      const start = () => {
        const run = step === null ? null : new PackageRun(step, user, end);
        let ended = false;
        const done = (error: unknown) => {
          if (run !== null) {
            run.end(error);
            return;
          }
          if (ended) return;
          ended = true;
          end(error);
        };
        try {
          const copy = isHooked ? cloneDeep(spec) : { ...spec };
          this.#package!.step(copy, this.#eventsOf(run, ee))(this.#contextOf(user, run), done);
        } catch (error) {
          done(error);
        }
      };
      loadClock.whenRunning(start);
    };
  }

  /** What the package reports of one run: `response` is what Artillery 2 drops. Its errors come with its callback. */
  #eventsOf(run: PackageRun | null, ee: EngineEvents): EngineEvents {
    return {
      emit: (event, ...args) => {
        if (event === 'response') run?.succeeded();
        else if (event !== 'error' && !String(args[0]).startsWith('engine.socketio.'))
          ee.emit(event, ...args);
      },
    };
  }

  /** The user's context, except that the sockets in it are seen through the run. */
  #contextOf(user: V3User, run: PackageRun | null): VirtualUserContext {
    if (run === null) return user.context;
    const sockets = new Proxy(user.context.sockets as Record<string, ClientSocket>, {
      get: (target, namespace) => {
        const real = target[namespace as string];
        return real === undefined ? undefined : run.socket(real);
      },
    });
    const context = new Proxy(user.context, {
      get: (target, key) => (key === 'sockets' ? sockets : target[key as string]),
    });
    this.#users.set(context, user);
    return context;
  }
}

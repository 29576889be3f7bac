import cloneDeep from 'lodash/cloneDeep.js';
import { engineSettings } from '../core/engine-settings.ts';
import type { FlowScenario, ScenarioFunction } from '../core/flow/flow-engine.ts';
import {
  type EngineEvents,
  recordFailure,
  type Step,
  type StepSpec,
  type VirtualUserContext,
} from '../core/flow/step.ts';
import { nameWatch } from '../core/flow/watch-names.ts';
import { frameMeter } from '../core/frame-meter.ts';
import { loadClock } from '../core/load-clock.ts';
import type { ClientSocket } from '../socketio/client-socket.ts';
import { type EmitDefaults, emitDefaultsFrom, parseEmit } from '../socketio/emit-spec.ts';
import { EmittingEngine } from '../socketio/emitting-engine.ts';
import { loadPackage, type PackageEngine } from './load-package.ts';
import { PackageRun, type PackageStep } from './package-run.ts';
import { checkPackageStep } from './socketio-v3-description.ts';
import { V3User } from './v3-user.ts';

type PackageContext = VirtualUserContext & { sockets: Record<string, ClientSocket> };

/**
 * Artillery's engine contract for scenarios written for `artillery-engine-socketio-v3`. The package itself connects,
 * emits, and checks answers; it is given what Artillery 2 took from it, and what it lacks: latencies of the steps that
 * wait, thinks on the load clock, timeouts, disconnects, and a connection for each virtual user.
 */
export class SocketIoV3Engine extends EmittingEngine<object> {
  /** The user whose step the package runs, by the context that it was given. */
  readonly #users = new WeakMap<object, V3User>();
  #package: PackageEngine | null = null;

  override async init(): Promise<void> {
    frameMeter.missesConnection();
    await super.init();
    const Package = await loadPackage();
    const config = { processor: {}, ...this.script.config, timeout: this.timeoutMs / 1_000 };
    this.#package = this.#instrument(new Package({ config }));
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

  /** Compiles a scenario. Throws SCENARIO_INVALID. */
  createScenario(spec: FlowScenario, ee: EngineEvents): ScenarioFunction {
    const defaults = emitDefaultsFrom(engineSettings());
    const run = this.compile(
      spec,
      ee,
      this.checked((step, at) => this.#compileStep(step, at, defaults, ee)),
    );
    const { plan } = this;
    const { socketio, engines } = this.script.config as Record<string, Record<string, unknown> | undefined>;
    const watch = nameWatch([socketio, engines?.['socketio-v3']], 'the options of the connection');
    return this.scenario({
      spec,
      ee,
      userOf: (context) => {
        watch?.(context.vars);
        const user = new V3User(plan, context);
        this.#users.set(context, user);
        return user;
      },
      run: () => run,
    });
  }

  #compileStep(spec: StepSpec, place: string, defaults: EmitDefaults, ee: EngineEvents): Step | null {
    if (spec.emit === undefined && spec.connect === undefined && spec.reconnect === undefined) return null;
    if (spec.emit === undefined)
      return this.#packageStep({ ...spec, connect: spec.connect ?? {} }, null, place, ee);
    checkPackageStep(spec);
    const emit = parseEmit(spec, defaults);
    const response = spec.response as { channel?: unknown; on?: unknown } | undefined;
    const channel = response?.channel ?? response?.on;
    const step: PackageStep = {
      emit,
      watch: this.deliveries.add(emit),
      responseEvent: channel === undefined ? null : String(channel),
      place: `${place} (${emit.event})`,
    };
    return this.#packageStep(spec, step, step.place, ee);
  }

  /** Lets the package run a step, each time on a copy: the package and hooks write into the step. */
  #packageStep(spec: StepSpec, step: PackageStep | null, place: string, ee: EngineEvents): Step {
    const isHooked = spec.beforeRequest !== undefined;
    return (context, callback) => {
      const user = this.#users.get(context)!;
      let sent: StepSpec | null = null;
      const end = (failure: unknown) => {
        // What the functions of the step made of it; other steps are watched as they are written.
        if (sent !== null) nameWatch(sent, place)?.(context.vars);
        callback(failure ? recordFailure(failure, place) : null, context);
      };
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
          if (isHooked) sent = copy;
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

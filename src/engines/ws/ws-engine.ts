import { engineSettings } from '../core/engine-settings.ts';
import { compileFlow } from '../core/flow/compile-flow.ts';
import { connectsFirst, hasConnectStep, ImplicitConnection } from '../core/flow/implicit-connect.ts';
import { type EngineEvents, recordFailure, type Step, type VirtualUserContext } from '../core/flow/step.ts';
import { loadActivity } from '../core/load-activity.ts';
import { openSessions } from '../core/open-sessions.ts';
import { tokenMint } from '../core/virtual-user-token.ts';
import { HttpEngine } from '../http/http-engine.ts';
import { type WsConfig, WsScope } from './ws-scope.ts';
import { compileWsStep, wsStepKeys } from './ws-steps.ts';
import { addUser, WsUser } from './ws-user.ts';

type ScenarioSpec = { name?: string; flow?: unknown };
type Script = { config: WsConfig; scenarios?: ScenarioSpec[]; _scriptPath?: string };
type Callback = (error: unknown, context?: VirtualUserContext) => void;

const hasJoins = (flow: unknown): boolean =>
  (Array.isArray(flow) ? flow.flat(Number.POSITIVE_INFINITY) : []).some(
    (spec) => spec?.joins !== undefined || hasJoins(spec?.loop) || hasJoins(spec?.parallel),
  );

/**
 * Artillery engine for raw WebSockets, with the language of Artillery's own `ws` engine and its missing latencies:
 * handshakes, responses and deliveries are timed, every wait ends, and a lost connection is told.
 */
export class WsEngine {
  readonly #script: Script;
  readonly #http: HttpEngine;
  /** Whether some scenario says who is in which room; else everyone connected is in one. */
  readonly #hasRooms: boolean;

  constructor(script: unknown) {
    this.#script = script as Script;
    this.#http = new HttpEngine(script);
    this.#hasRooms =
      (this.#script.scenarios ?? []).some(({ flow }) => hasJoins(flow)) ||
      engineSettings().deliveries.some(({ join }) => join !== null);
    loadActivity.onEnd(async () => await openSessions.closed());
  }

  async init(): Promise<void> {
    await this.#http.init();
  }

  /** Compiles a scenario. Throws SCENARIO_INVALID. */
  createScenario(
    spec: ScenarioSpec,
    ee: EngineEvents,
  ): (context: VirtualUserContext, callback: Callback) => void {
    const { config, _scriptPath: path = '' } = this.#script;
    const scope = new WsScope(config, path, !this.#hasRooms && !hasJoins(spec.flow), engineSettings());
    const place = spec.name ?? 'scenario';
    const connect = hasConnectStep(spec.flow)
      ? null
      : compileWsStep({ connect: true }, scope, `${place}, connect`);
    const flow = compileFlow(spec.flow, {
      config,
      ee,
      path,
      place,
      own: (step, at) => compileWsStep(step, scope, at),
      http: (step) => this.#http.step(step, ee) as Step,
    });
    const isEager = connectsFirst(spec.flow, wsStepKeys);
    const { jwt } = engineSettings();
    const mint = jwt === null ? null : tokenMint(jwt);
    return (initial, callback) => {
      const context = this.#http.setInitialContext(initial) as VirtualUserContext;
      const implicit = connect === null ? null : new ImplicitConnection(connect);
      const user = new WsUser(scope.plan, implicit);
      addUser(context, user);
      ee.emit('started');
      context._successCount = 0;
      const end: Callback = (error) => {
        user.end(Boolean(error));
        callback(error || user.lost, context);
      };
      try {
        if (mint !== null) context.vars.$token = mint(context);
        if (implicit === null || !isEager) flow(context, end);
        else implicit.ensure(context, (error) => (error ? end(error) : flow(context, end)));
      } catch (error) {
        end(recordFailure(error, place));
      }
    };
  }
}

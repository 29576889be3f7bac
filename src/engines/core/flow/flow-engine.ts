import { tailgateError } from '../../../errors.ts';
import { HttpEngine } from '../../http/http-engine.ts';
import { hasHttpStep } from '../../http/http-methods.ts';
import { engineSettings } from '../engine-settings.ts';
import { loadActivity } from '../load-activity.ts';
import { openSessions } from '../open-sessions.ts';
import { tokenMint } from '../virtual-user-token.ts';
import { compileFlow, type FlowConfig, type FlowOptions } from './compile-flow.ts';
import { runFunction } from './run-function.ts';
import { sequence } from './sequence.ts';
import { type EngineEvents, guarded, recordFailure, type Step, type VirtualUserContext } from './step.ts';
import { noTime, timeoutMs } from './timeout.ts';

export type FlowScenario = {
  name?: string;
  engine?: string;
  flow?: unknown;
  /** Functions of the processor that run before and after the flow, one or a list. */
  beforeScenario?: unknown;
  afterScenario?: unknown;
};
export type FlowScript<Config, Scenario> = {
  config: Config & FlowConfig & { engine?: string; target?: unknown; timeout?: number | string };
  scenarios?: Scenario[];
  before?: Scenario;
  after?: Scenario;
  _scriptPath?: string;
};

/** Runs one virtual user; calls back once. */
export type ScenarioFunction = (
  context: VirtualUserContext,
  callback: (error: unknown, context?: VirtualUserContext) => void,
) => unknown;

/** What a flow runs for. */
type FlowUser = {
  /** Its flow is over; `failed` tells whether by an error. */
  end(failed: boolean): void;
  /** Why it lost its connection, where that fails it although its flow is whole. */
  readonly lost?: Error | null;
};

/** What an engine does with one scenario. */
type FlowRun<User extends FlowUser> = {
  spec: FlowScenario;
  ee: EngineEvents;
  run: (user: User) => Step;
  userOf: (context: VirtualUserContext) => User;
};

/**
 * What Artillery's contract for engines has in common wherever flows are compiled: HTTP steps beside those of the engine
 * itself, a token for each virtual user, and a load that ends when the last session has.
 */
export abstract class FlowEngine<Config, Scenario extends FlowScenario = FlowScenario> {
  protected readonly script: FlowScript<Config, Scenario>;
  readonly #http: HttpEngine;

  constructor(script: unknown) {
    this.script = script as FlowScript<Config, Scenario>;
    this.#http = new HttpEngine(script);
  }

  /** Loads what this script needs and others do not. */
  async init(): Promise<void> {
    loadActivity.onEnd(async () => await openSessions.closed());
    await this.#http.init();
  }

  /** The timeout of every wait that has none of its own. Throws SCENARIO_INVALID. */
  protected get timeoutMs(): number {
    const { timeout } = this.script.config;
    const found = timeout === undefined ? engineSettings().timeoutMs : timeoutMs(timeout);
    if (found !== null) return found;
    const problem = `config.timeout: ${noTime(String(timeout))}`;
    throw tailgateError('SCENARIO_INVALID', { path: this.script._scriptPath ?? '', problem });
  }

  /** Compiles a flow; `own` compiles the steps of the engine itself. Throws SCENARIO_INVALID. */
  protected compile(spec: FlowScenario, ee: EngineEvents, own: FlowOptions['own']): Step {
    return compileFlow(spec.flow, {
      config: this.script.config,
      ee,
      path: this.script._scriptPath ?? '',
      place: placeOf(spec),
      own,
      http: (step) => this.#http.step(step, ee) as Step,
    });
  }

  /** Makes a virtual user of each context, and runs the flow for it, with the functions before and after it. */
  protected scenario<User extends FlowUser>({ spec, ee, run, userOf }: FlowRun<User>): ScenarioFunction {
    const place = placeOf(spec);
    const usesHttp = hasHttpStep(spec.flow);
    const { jwt } = engineSettings();
    const mint = jwt === null ? null : tokenMint(jwt);
    const functions = (names: unknown): Step[] =>
      [names]
        .flat()
        .flatMap((name) =>
          typeof name === 'string' ? [guarded(runFunction(name, this.script.config, ee, place), place)] : [],
        );
    const [before, after] = [functions(spec.beforeScenario), functions(spec.afterScenario)];
    return (initial, callback) => {
      ee.emit('started');
      const context = usesHttp ? (this.#http.setInitialContext(initial) as VirtualUserContext) : initial;
      context._successCount ??= 0;
      let user: User | null = null;
      let ended = false;
      const end = (error: unknown) => {
        if (ended) return;
        ended = true;
        user?.end(Boolean(error));
        callback(error || (user?.lost ?? null), context);
      };
      try {
        if (mint !== null) context.vars.$token = mint(context);
        user = userOf(context);
        sequence([...before, run(user), ...after])(context, end);
      } catch (error) {
        end(recordFailure(error, place));
      }
    };
  }
}

/** What a scenario is called in errors. */
export const placeOf = (spec: FlowScenario): string => spec.name ?? 'scenario';

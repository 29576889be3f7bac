import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import ArtillerySocketIoEngine from '../../node_modules/artillery/dist/lib/core/engine_socketio.js';
import { contextFuncs } from '../../node_modules/artillery/dist/lib/core/runner.js';
import { SSMS } from '../../node_modules/artillery/dist/lib/core/ssms.js';
import { setEngineSettings } from '../../src/engines/core/engine-settings.ts';
import { loadClock } from '../../src/engines/core/load-clock.ts';
import { SocketIoEngine } from '../../src/engines/socketio/socketio-engine.ts';
import { benchEngineSettings } from './settings.ts';

/** Who drives the load: our engine or Artillery's. */
export type EngineName = 'ours' | 'artillery';

type Context = { vars: Record<string, unknown>; funcs: Record<string, unknown>; [key: string]: unknown };
type Engine = {
  init(): Promise<void>;
  createScenario(
    spec: Record<string, unknown>,
    ee: EventEmitter,
  ): (context: Context, done: (error: unknown) => void) => unknown;
};

/** Artillery's events go where its runner sends them: into its own metric store. */
const artilleryEvents = (): EventEmitter => {
  const events = new EventEmitter();
  const metrics = new SSMS() as unknown as Record<
    'counter' | 'summary' | 'rate',
    (name: string, value?: number) => void
  >;
  events.on('counter', (name, value) => metrics.counter(name, value));
  events.on('histogram', (name, value) => metrics.summary(name, value));
  events.on('rate', (name) => metrics.rate(name));
  return events;
};

/** Virtual users of one scenario on one of the engines, as Artillery's runner makes them. */
export class Users {
  readonly #engine: Engine;
  /** What the engine tells Artillery's runner. */
  readonly events: EventEmitter;

  private constructor(engine: Engine, events: EventEmitter) {
    this.#engine = engine;
    this.events = events;
  }

  static async create(name: EngineName, url: string, config: Record<string, unknown> = {}): Promise<Users> {
    setEngineSettings(benchEngineSettings);
    loadClock.resume();
    const script = {
      config: { target: url, timeout: 30, socketio: { transports: ['websocket'] }, ...config },
    };
    const engine = (name === 'ours'
      ? new SocketIoEngine(script)
      : new ArtillerySocketIoEngine(script)) as unknown as Engine;
    await engine.init();
    return new Users(engine, name === 'ours' ? new EventEmitter() : artilleryEvents());
  }

  /** Compiles a flow; what it gives runs one user through it, and rejects when that fails. */
  scenario(flow: unknown[]): (vars: Record<string, unknown>) => Promise<void> {
    const run = this.#engine.createScenario({ name: 'bench', engine: 'socketio', flow }, this.events);
    return async (vars) =>
      await new Promise<void>((resolve, reject) => {
        const $uuid = randomUUID();
        const context = { vars: { $uuid, ...vars }, funcs: { ...contextFuncs }, _uid: $uuid };
        run(context, (error) => (error ? reject(error) : resolve()));
      });
  }

  /** Runs `count` users through the flow; rejects when one fails. */
  async run(flow: unknown[], count: number, vars: (index: number) => Record<string, unknown>): Promise<void> {
    const scenario = this.scenario(flow);
    await Promise.all(Array.from({ length: count }, async (_, index) => await scenario(vars(index))));
  }
}

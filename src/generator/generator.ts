import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { type RunnerEvents, runner, runnerFuncs } from '../../node_modules/artillery/dist/lib/core/runner.js';
import { followClock, hostTimeUs } from '../engines/core/delivery/host-time.ts';
import { engineSettings, setEngineSettings } from '../engines/core/engine-settings.ts';
import { loadActivity } from '../engines/core/load-activity.ts';
import { loadClock } from '../engines/core/load-clock.ts';
import { recorder } from '../engines/core/recorder.ts';
import { tailgateError } from '../errors.ts';
import { outputMask } from '../host/processes/output-mask.ts';
import { isBetweenMachines } from '../metrics/between-machines.ts';
import { chooseMain } from '../metrics/main-metric.ts';
import { nearestName } from '../metrics/nearest-name.ts';
import type { RoundMeasurement } from '../metrics/round-measurement.ts';
import { isPackagedEngine, resolveEnginesFrom } from '../scenario/engine-packages.ts';
import { ownCounters } from '../scenario/known-metrics.ts';
import { calledFunctions } from '../scenario/processor-functions.ts';
import { type ReadScenario, readScenario } from '../scenario/read-scenario.ts';
import { withScenarioPath } from '../scenario/scenario-target.ts';
import type { PayloadSpec, Script } from '../scenario/script.ts';
import { besideScenario, loadUserModule } from '../scenario/user-module.ts';
import { stopArrivals } from './artillery/arrival-phaser.ts';
import { prepareArtilleryGlobal } from './artillery/artillery-global.ts';
import { type LoadedPlugins, loadPlugins } from './artillery/load-plugins.ts';
import { HealthMonitor } from './generator-health.ts';
import { refusedGlobals } from './kept-globals.ts';
import type { HookVariables } from './load-protocol.ts';
import type { LoadProgress, LoadRequest, PauseOutcome, Started } from './load-session.ts';
import { checksOf } from './plugin-checks.ts';
import { RawWriter } from './raw-writer.ts';
import { readPayload } from './read-payload.ts';
import { runState } from './run-state.ts';
import { seedRandom } from './virtual-user-random.ts';
import { wireMeter } from './wire-meter.ts';

/** One side's load in this process: Artillery's runner, driven by the load clock. */
export class Generator {
  readonly #scenario: ReadScenario;
  readonly #runner: RunnerEvents;
  readonly #plugins: LoadedPlugins;
  readonly #variables: HookVariables;
  readonly #runsHooks: boolean;
  readonly #raw: RawWriter | null;
  readonly #health = new HealthMonitor();
  #started = false;
  #collected = false;
  #sentAtResume = 0;
  /** All messages, those without an answer among them. */
  #messagesAtResume = 0;
  /** Reading of the load clock at the end of the warm-up. */
  #measuredFromMs = 0;
  #finishedAtMs: number | null = null;

  private constructor(
    request: LoadRequest,
    scenario: ReadScenario,
    artilleryRunner: RunnerEvents,
    plugins: LoadedPlugins,
    variables: HookVariables,
    runsHooks: boolean,
  ) {
    this.#scenario = scenario;
    this.#runner = artilleryRunner;
    this.#plugins = plugins;
    this.#variables = variables;
    this.#runsHooks = runsHooks;
    this.#raw = request.rawPath === null ? null : new RawWriter(request.rawPath);
    if (this.#raw !== null) {
      const raw = this.#raw;
      recorder.onRaw((id, valueMs, slice) => raw.write(loadClock.nowMs(), id, valueMs, slice));
    }
    void runState.finished.then(() => {
      this.#finishedAtMs = loadClock.nowMs();
    });
  }

  /**
   * Reads the scenario, loads its processor, plugins and engines, and runs its `before` section, unless another shard
   * did (`hooks` then holds what it left). Throws SCENARIO_* errors and LOAD_FAILED.
   */
  static async prepare(request: LoadRequest, hooks: HookVariables | null): Promise<Generator> {
    const { scenario, script, plugins, options } = await loadScenario(request);
    const runsHooks = hooks === null;
    const variables = hooks ?? (await Generator.#runHook('before', script, {}));
    loadClock.restart();
    recorder.keepCounters(ownCounters(scenario));
    recorder.reset();
    wireMeter.start(String(script.config.target ?? ''));
    recorder.countBySecond(() => loadClock.nowMs());
    const artilleryRunner = await runner(script, script.config.payload ?? null, options);
    for (const [engine, { error }] of Object.entries(artilleryRunner.warnings.engines)) {
      const reason = error instanceof Error ? error.message : String(error);
      throw tailgateError(
        'SCENARIO_CODE_FAILED',
        { what: `engine "${engine}"`, reason, path: scenario.path },
        await scenario.positionOf(['config', 'engines', engine]),
        error,
      );
    }
    return new Generator(request, scenario, artilleryRunner, plugins, variables, runsHooks);
  }

  /** Loads what `prepare` loads, and runs nothing. Throws SCENARIO_* errors. */
  static async check(request: LoadRequest): Promise<void> {
    const { plugins } = await loadScenario(request);
    await plugins.cleanup();
  }

  /** Runs `before` or `after` as one virtual user, on a running clock. Gives the variables it left. */
  static async #runHook(
    hook: 'before' | 'after',
    script: Script,
    variables: HookVariables,
  ): Promise<HookVariables> {
    if (script[hook] === undefined) return {};
    loadClock.resume();
    try {
      const runnable = runnerFuncs.prepareScript(script, script.config.payload ?? null);
      return await runnerFuncs.handleScriptHook(hook, runnable, new EventEmitter(), variables);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw tailgateError('LOAD_FAILED', { reason: `the "${hook}" section failed: ${reason}` }, {}, error);
    }
  }

  /** Whether an `after` section is run when the load is collected. */
  get hasAfter(): boolean {
    return this.#scenario.script.after !== undefined;
  }

  /** Variables that `before` left, without those that cannot go to another process. */
  get variables(): HookVariables {
    const plain: HookVariables = {};
    for (const [name, value] of Object.entries(this.#variables)) {
      // The environment is the same there.
      if (name === '$processEnvironment' || name === '$env') continue;
      try {
        plain[name] = structuredClone(value);
      } catch {
        console.warn(`The variable "${name}" that "before" left cannot be given to other processes.`);
      }
    }
    return plain;
  }

  /** Starts, or goes on with, the load: at an instant of its shared clock, or at once. */
  async resume(slice: number, atUs: number | null): Promise<Started> {
    await untilInstant(atUs);
    if (this.#collected) return { startedUs: [] };
    this.#begin(slice);
    const startedUs = hostTimeUs();
    loadClock.resume();
    this.#startRunner();
    return { startedUs: [startedUs] };
  }

  /** Drives the load for exactly `forMs` of its clock, then pauses as `pause` does. */
  async driveSlice(
    slice: number,
    forMs: number,
    guardMs: number,
    atUs: number | null,
  ): Promise<PauseOutcome> {
    await untilInstant(atUs);
    if (this.#collected) return { sent: 0, messages: 0, unanswered: 0, startedUs: [] };
    this.#begin(slice);
    const startedUs = hostTimeUs();
    const over = new Promise<void>((resolve) => loadClock.resumeFor(forMs, resolve));
    this.#startRunner();
    await over;
    return { ...(await this.pause(guardMs)), startedUs: [startedUs] };
  }

  #begin(slice: number): void {
    recorder.slice = slice;
    this.#health.start();
    this.#sentAtResume = loadActivity.messagesSent;
    this.#messagesAtResume = recorder.counter('messages.sent');
  }

  #startRunner(): void {
    if (this.#started) return;
    this.#started = true;
    this.#runner.run(this.#variables);
  }

  /** Stops arrivals, thinks and sends, then waits until nothing is in flight, at most `guardMs`. */
  async pause(guardMs: number, atUs: number | null = null): Promise<PauseOutcome> {
    await untilInstant(atUs);
    loadClock.pause();
    await loadActivity.idle(guardMs);
    this.#health.stop();
    const sent = loadActivity.messagesSent - this.#sentAtResume;
    const messages = recorder.counter('messages.sent') - this.#messagesAtResume;
    return { sent, messages, unanswered: loadActivity.inFlight, startedUs: [] };
  }

  async reset(atUs: number | null): Promise<void> {
    await untilInstant(atUs);
    recorder.reset();
    wireMeter.reset();
    runState.reset();
    loadActivity.resetSends();
    this.#health.reset();
    this.#raw?.reset();
    this.#measuredFromMs = loadClock.nowMs();
  }

  /** Whether what was measured can be read out now without disturbing what is being measured. */
  get mayCheckpoint(): boolean {
    return this.#started && (loadClock.paused || recorder.slice < 0);
  }

  /** What was measured so far. */
  measured(): RoundMeasurement {
    const sends = loadActivity.sends;
    const arrivals = runState.arrivalTimes;
    return {
      activeMs: Math.max(0, (this.#finishedAtMs ?? loadClock.nowMs()) - this.#measuredFromMs),
      ...recorder.snapshot(),
      wire: wireMeter.read(),
      generator: {
        ...this.#health.read(),
        intendedArrivals: runState.intendedArrivals,
        startedArrivals: runState.startedArrivals,
        lateArrivals: runState.lateArrivals,
        intendedSends: sends.intended,
        lateSends: sends.late,
        maxLagMs: Math.max(runState.maxLagMs, sends.maxLagMs),
        intendedArrivalsMs: arrivals.intendedMs,
        arrivalsMs: arrivals.takenMs,
      },
      resources: null,
      custom: {},
    };
  }

  /**
   * Makes no more arrivals, drains what is under way, runs `after`, and gives what was measured; in a `hurry` only the
   * first and the last of these.
   */
  async collect(hurry = false): Promise<RoundMeasurement> {
    stopArrivals();
    this.#collected = true;
    this.#finishedAtMs ??= loadClock.nowMs();
    this.#health.stop();
    await loadActivity.end(hurry ? 0 : engineSettings().drainMs + engineSettings().timeoutMs);
    const measurement = this.measured();
    const replaced = refusedGlobals();
    if (replaced.length > 0)
      measurement.warnings.push(
        `Code of the scenario replaces ${replaced.join(', ')}. The load kept its own, by which it measures.`,
      );
    this.#raw?.close();
    loadClock.clearAll();
    if (this.#runsHooks && this.#started && !hurry) {
      try {
        await Generator.#runHook('after', this.#scenario.script, this.#variables);
      } catch (error) {
        measurement.warnings.push(error instanceof Error ? error.message : String(error));
      }
    }
    loadClock.pause();
    return measurement;
  }

  /** Lets the plugins that report on the whole test (`ensure`, `apdex`) see the measurement, and lets all of them go. */
  async conclude(measurement: RoundMeasurement): Promise<RoundMeasurement> {
    const checks = await checksOf(measurement, this.#plugins.reporting);
    await this.#plugins.cleanup();
    if (checks.length === 0) return measurement;
    const failed = checks.filter(({ strict, ok }) => strict && !ok);
    return {
      ...measurement,
      checks,
      counters: { ...measurement.counters, 'checks.failed': failed.length },
      warnings: [
        ...measurement.warnings,
        ...checks
          .filter(({ ok }) => !ok)
          .map(
            ({ plugin, expression, strict }) =>
              `The ${strict ? 'check' : 'optional check'} "${expression}" of "${plugin}" in the scenario does not hold.`,
          ),
      ],
    };
  }

  progress(): LoadProgress {
    const counts = new Map(
      recorder.metricIds().flatMap((id) => (isBetweenMachines(id) ? [] : [[id, recorder.sketch(id)!.count]])),
    );
    const id = chooseMain(counts);
    const sketch = id === null ? null : recorder.sketch(id)!;
    return {
      activeMs: loadClock.nowMs(),
      plannedMs: this.#scenario.plannedMs,
      phase: runState.phaseName,
      usersActive: runState.usersActive,
      usersCreated: runState.usersCreated,
      usersFailed: runState.usersFailed,
      errors: recorder.counter('errors'),
      messagesSent: recorder.counter('messages.sent'),
      main:
        id === null || sketch === null
          ? null
          : { id, count: sketch.count, p50Ms: sketch.quantileMs(0.5), p95Ms: sketch.quantileMs(0.95) },
    };
  }
}

async function untilInstant(atUs: number | null): Promise<void> {
  if (atUs === null) return;
  // A timer may be early by a fraction.
  for (let leftMs = (atUs - hostTimeUs()) / 1_000; leftMs > 0; leftMs = (atUs - hostTimeUs()) / 1_000)
    await delay(Math.ceil(leftMs));
}

/** The rows of a payload file. Throws SCENARIO_INVALID for a file that cannot give every user its variables. */
async function rowsOf(payload: PayloadSpec, scenario: ReadScenario, index: number): Promise<unknown[][]> {
  const invalid = async (problem: string, cause?: unknown) =>
    tailgateError(
      'SCENARIO_INVALID',
      { path: scenario.path, problem: `the payload file "${payload.path}" ${problem}` },
      await scenario.positionOf(['config', 'payload', index, 'path']),
      cause,
    );
  let rows: unknown[][];
  try {
    rows = await readPayload(payload);
  } catch (error) {
    throw await invalid(`cannot be read (${error instanceof Error ? error.message : String(error)})`, error);
  }
  const [first] = rows;
  if (first === undefined) throw await invalid('has no rows');
  const columns = Array.isArray(first) ? first.length : Object.keys(first).length;
  const fields = payload.fields?.length ?? 0;
  if (fields > columns)
    throw await invalid(`has ${columns} column(s) in its first row, and "fields" names ${fields}`);
  return rows;
}

/** Reads the scenario and loads all that it is made of. Throws SCENARIO_* errors. */
async function loadScenario(request: LoadRequest) {
  setEngineSettings(request.engine);
  followClock(request.engine.clock?.aheadUs ?? 0);
  recorder.maskMessages(outputMask(request.secrets ?? []));
  seedRandom(request.engine.seed);
  await prepareArtilleryGlobal(randomUUID());
  const scenario = await readScenario(request.scenarioPath, request);
  const { script } = scenario;
  script.config.target = withScenarioPath(request.targetUrl, script.config.target);
  resolveEnginesFrom(scenario.path);
  // Artillery wants engines other than its own three listed in `config.engines`.
  script.config.engines = {
    ...Object.fromEntries(scenario.engines.filter(isPackagedEngine).map((engine) => [engine, {}])),
    ...script.config.engines,
  };
  for (const [index, payload] of (script.config.payload ?? []).entries())
    payload.data = await rowsOf(payload, scenario, index);
  const processor = await loadProcessor(scenario);
  script.config.processor = processor;
  const options = { scriptPath: scenario.path, environment: request.environment ?? undefined };
  const plugins = await loadPlugins(scenario, options);
  // After the plugins, which bring functions of their own.
  for (const { name, place } of calledFunctions(script)) {
    if (typeof processor[name] === 'function') continue;
    const known = Object.keys(processor).filter((key) => typeof processor[key] === 'function');
    const given = scenario.content.config as { processor?: unknown } | undefined;
    throw tailgateError(
      'SCENARIO_FUNCTION_MISSING',
      {
        path: scenario.path,
        name,
        processor: typeof given?.processor === 'string' ? given.processor : null,
        known,
        suggestion: nearestName(name, known),
      },
      await scenario.positionOf(place),
    );
  }
  return { scenario, script, plugins, options };
}

async function loadProcessor(scenario: ReadScenario): Promise<Record<string, unknown>> {
  const { processor } = scenario.config;
  if (typeof processor !== 'string') return (processor as Record<string, unknown> | undefined) ?? {};
  try {
    return await loadUserModule(besideScenario(scenario.path, processor));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw tailgateError(
      'SCENARIO_CODE_FAILED',
      { what: `processor "${processor}"`, reason, path: scenario.path },
      await scenario.positionOf(['config', 'processor']),
      error,
    );
  }
}

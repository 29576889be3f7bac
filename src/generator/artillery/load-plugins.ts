import { EventEmitter } from 'node:events';
import { pathToFileURL } from 'node:url';
import { tailgateError } from '../../errors.ts';
import type { bundledPlugins } from '../../scenario/plugin-packages.ts';
import type { ReadScenario } from '../../scenario/read-scenario.ts';
import type { Script } from '../../scenario/script.ts';
import { resolveUserPackage } from '../../scenario/user-packages.ts';

type PluginModule = Record<string, unknown>;
type Plugin = { cleanup?: (done: (error?: unknown) => void) => unknown };
type PluginClass = new (script: unknown, events: EventEmitter, options: unknown) => Plugin;

const bundled: Record<(typeof bundledPlugins)[number], () => Promise<PluginModule>> = {
  ensure: async () =>
    await import(
      '../../../node_modules/artillery/dist/builtin-packages/artillery-plugin-ensure/dist/index.js'
    ),
  expect: async () =>
    await import(
      '../../../node_modules/artillery/dist/builtin-packages/artillery-plugin-expect/dist/index.js'
    ),
  'metrics-by-endpoint': async () =>
    await import(
      '../../../node_modules/artillery/dist/builtin-packages/artillery-plugin-metrics-by-endpoint/dist/index.js'
    ),
  apdex: async () =>
    await import(
      '../../../node_modules/artillery/dist/builtin-packages/artillery-plugin-apdex/dist/index.js'
    ),
};

/** Plugins of one generator process. */
export type LoadedPlugins = {
  /** What plugins that report listen to: `stats` and `done`, as in Artillery's main process. */
  reporting: EventEmitter;
  /** Lets every plugin release what it holds. */
  cleanup(): Promise<void>;
};

/**
 * Loads the plugins of `config.plugins`. Artillery constructs each of them twice, in its main process (where it reports
 * on the whole test) and in every worker (where it adds functions to the processor and hooks to scenarios); this
 * process is both. Throws SCENARIO_CODE_FAILED: a plugin that does not load is never left out silently.
 */
export const loadPlugins = async (scenario: ReadScenario, options: unknown): Promise<LoadedPlugins> => {
  const { script } = scenario;
  const reporting = new EventEmitter();
  const plugins: Plugin[] = [];
  const mainScript = JSON.parse(
    JSON.stringify({ ...script, config: { ...script.config, payload: undefined, processor: undefined } }),
  ) as Script;
  // `ensure` judges what the others computed, so it is last, whatever the order in the file.
  const wanted = Object.entries(script.config.plugins ?? {}).sort(
    ([a], [b]) => Number(a === 'ensure') - Number(b === 'ensure'),
  );
  for (const [name, config] of wanted) {
    if (config === null || config === false) continue;
    const scope = typeof config === 'object' ? (config as { scope?: string }).scope : undefined;
    const prefix = scope ?? script.config.pluginsScope ?? 'artillery-plugin-';
    try {
      const found = constructorIn(await importPlugin(name, `${String(prefix)}${name}`, scenario.path));
      if (found === null) throw new Error('it exports neither a function nor a class named Plugin');
      const { version, Plugin } = found;
      const construct = (target: Script, events: EventEmitter) =>
        new Plugin(version === 1 ? target.config : target, events, options);
      plugins.push(construct(script, new EventEmitter()));
      plugins.push(asMainProcess(() => construct(mainScript, reporting)));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw tailgateError(
        'SCENARIO_CODE_FAILED',
        { what: `plugin "${name}"`, reason, path: scenario.path },
        await scenario.positionOf(['config', 'plugins', name]),
        error,
      );
    }
  }
  return {
    reporting,
    async cleanup() {
      for (const plugin of plugins) {
        const { cleanup } = plugin;
        if (cleanup === undefined) continue;
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, 2_000);
          cleanup.call(plugin, () => {
            clearTimeout(timer);
            resolve();
          });
        });
      }
    },
  };
};

/** Runs `work` as in Artillery's main process: plugins tell it from a worker by this variable. */
function asMainProcess<T>(work: () => T): T {
  const workerId = process.env.LOCAL_WORKER_ID;
  delete process.env.LOCAL_WORKER_ID;
  try {
    return work();
  } finally {
    process.env.LOCAL_WORKER_ID = workerId;
  }
}

/** The two shapes of plugins: a function over `config` (version 1), or a class `Plugin` over the script (version 2). */
function constructorIn(module: PluginModule): { version: 1 | 2; Plugin: PluginClass } | null {
  const main = (module.default ?? module) as PluginModule | PluginClass;
  if (typeof main === 'function') return { version: 1, Plugin: main as PluginClass };
  for (const candidate of [main as PluginModule, module])
    if (typeof candidate.Plugin === 'function')
      return { version: 2, Plugin: candidate.Plugin as PluginClass };
  return null;
}

async function importPlugin(name: string, packageName: string, scenarioPath: string): Promise<PluginModule> {
  const own = bundled[name as keyof typeof bundled];
  if (own !== undefined) return await own();
  const file = resolveUserPackage(packageName, scenarioPath);
  if (file === null) throw new Error(`the package ${packageName} is not installed`);
  return (await import(pathToFileURL(file).href)) as PluginModule;
}

import { fileURLToPath } from 'node:url';
import { engineNamed, engines } from '../engines/engine-registry.ts';
import { resolveUserPackage } from './user-packages.ts';

/** Engines that every generator process has, by the name that scenarios use. */
export const bundledEngines: readonly string[] = engines.map(({ name }) => name);

/** Whether a scenario has to list this engine in `config.engines`, though it is bundled: the runner loads it as a package. */
export const isPackagedEngine = (engine: string): boolean => engineNamed(engine)?.replaces === null;

let scenarioPath: string | null = null;

/** Tells the place from which packages of the scenario's author are resolved. */
export const resolveEnginesFrom = (path: string): void => {
  scenarioPath = path;
};

/**
 * Takes the place of Artillery's resolution of engine packages: ours first (an installed `artillery-engine-socketio-v3`
 * records no latency on Artillery 2), then what the author of the scenario installed beside it.
 */
export const resolveEnginePackage = (packageName: string): string => {
  const name = packageName.replace(/^artillery-engine-/, '');
  if (isPackagedEngine(name)) return fileURLToPath(new URL(`./engine-${name}.js`, import.meta.url));
  const installed = scenarioPath === null ? null : resolveUserPackage(packageName, scenarioPath);
  if (installed === null) throw new Error(`The package ${packageName} is not installed.`);
  return installed;
};

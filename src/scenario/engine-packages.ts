import { fileURLToPath } from 'node:url';
import { resolveUserPackage } from './user-packages.ts';

/** Engines that every generator process has, by the name that scenarios use. */
export const bundledEngines = ['socketio', 'socketio-v3', 'ws', 'stomp', 'http'] as const;

/** Bundled engines that Artillery's runner loads like packages: name -> file beside the bundle. */
const engineFiles: Readonly<Record<string, string>> = {
  'socketio-v3': 'engine-socketio-v3.js',
  stomp: 'engine-stomp.js',
};

/** Whether a scenario has to list this engine in `config.engines`, though it is bundled. */
export const isPackagedEngine = (engine: string): boolean => Object.hasOwn(engineFiles, engine);

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
  const bundled = engineFiles[packageName.replace(/^artillery-engine-/, '')];
  if (bundled !== undefined) return fileURLToPath(new URL(`./${bundled}`, import.meta.url));
  const installed = scenarioPath === null ? null : resolveUserPackage(packageName, scenarioPath);
  if (installed === null) throw new Error(`The package ${packageName} is not installed.`);
  return installed;
};

import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const typeScript = /\.[cm]?ts$/;

/**
 * Loads a JavaScript or TypeScript file of the scenario's author (a processor, or a scenario written as code) and gives
 * its exports as a plain object, as Artillery does: plugins add functions to it. Nothing is written anywhere.
 */
export const loadUserModule = async (file: string): Promise<Record<string, unknown>> => {
  let exports: Record<string, unknown>;
  if (typeScript.test(file)) {
    const { importTypeScript } = await import('./typescript-modules.ts');
    exports = await importTypeScript(file);
  } else {
    let resolved = file;
    try {
      // Also without an extension, or a folder with a package.json.
      resolved = createRequire(file).resolve(file);
    } catch {
      // import() says best what is wrong
    }
    if (typeScript.test(resolved)) return await loadUserModule(resolved);
    exports = (await import(pathToFileURL(resolved).href)) as Record<string, unknown>;
  }
  const main = exports.default;
  return Object.assign({}, typeof main === 'object' && main !== null ? main : {}, exports);
};

/** Absolute path of a file that a scenario names. */
export const besideScenario = (scenarioPath: string, file: string): string =>
  path.resolve(path.dirname(scenarioPath), file);

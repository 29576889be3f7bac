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
  if (typeScript.test(file)) exports = await importTypeScript(file);
  else {
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

/**
 * Imports a TypeScript module and what it imports, compiled in memory: enums, imports without an extension, path
 * aliases of the nearest `tsconfig.json`, and top-level await, in CommonJS and ES modules alike. Node's own type
 * stripping has none of the first three, and Node 20 has none at all. Nothing is written anywhere.
 */
async function importTypeScript(file: string): Promise<Record<string, unknown>> {
  // The compiler is large, and few scenarios need it.
  const [{ createJiti }, { default: transform }] = await Promise.all([
    import('jiti'),
    import('../../node_modules/jiti/dist/babel.cjs'),
  ]);
  const jiti = createJiti(file, {
    transform,
    fsCache: false,
    moduleCache: true,
    interopDefault: false,
    tsconfigPaths: true,
  });
  return (await jiti.import(file)) as Record<string, unknown>;
}

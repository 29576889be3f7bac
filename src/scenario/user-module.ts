import { existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const typeScript = /\.[cm]?ts$/;

/**
 * Loads a JavaScript or TypeScript file of the scenario's author (a processor, or a scenario written as code) and gives
 * its exports as a plain object, as Artillery does: plugins add functions to it. Nothing is written anywhere.
 */
export const loadUserModule = async (file: string): Promise<Record<string, unknown>> => {
  // import() says best what is wrong.
  const resolved = moduleFile(file) ?? file;
  const exports = typeScript.test(resolved)
    ? await importTypeScript(resolved)
    : ((await import(pathToFileURL(resolved).href)) as Record<string, unknown>);
  const main = exports.default;
  return Object.assign({}, typeof main === 'object' && main !== null ? main : {}, exports);
};

/** The file of a module that is named with or without its extension, or by its folder; null when there is none. */
export const moduleFile = (file: string): string | null => {
  const withExtension = (name: string) => extensions.map((extension) => `${name}${extension}`).find(isFile);
  if (isFile(file)) return file;
  return withExtension(file) ?? mainOf(file) ?? withExtension(path.join(file, 'index')) ?? null;
};

const extensions = ['.js', '.cjs', '.mjs', '.ts'];

/** Whether there is something to read there: no folder. */
export const isFile = (file: string): boolean => existsSync(file) && !statSync(file).isDirectory();

/** What the package.json of a folder says. */
function mainOf(folder: string): string | null {
  try {
    return createRequire(folder).resolve(folder);
  } catch {
    return null;
  }
}

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

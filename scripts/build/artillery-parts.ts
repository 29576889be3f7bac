import path from 'node:path';
import type { Plugin } from 'esbuild';
import { engines } from '../../src/engines/engine-registry.ts';

/** What takes the place of a module of Artillery's. */
type Replacement = {
  file: string;
  /** Our export that is wanted, and the name under which Artillery imports it; the whole module if not given. */
  name?: string;
  as?: string;
  /** An engine: its sessions are timed on the load clock. */
  engine?: boolean;
};

/** Imports of Artillery's own modules (`dist/lib/core/*.js`) that lead to ours. */
const replacements: Readonly<Record<string, Replacement>> = {
  './phases.js': { file: 'src/generator/artillery/arrival-phaser.ts', name: 'createPhaser', as: 'default' },
  './readers.js': {
    file: 'src/generator/artillery/payload-reader.ts',
    name: 'createPayloadReader',
    as: 'default',
  },
  './ssms.js': { file: 'src/generator/artillery/metric-store.ts', name: 'MetricStore', as: 'SSMS' },
  './weighted-pick.js': {
    file: 'src/generator/artillery/weighted-pick.ts',
    name: 'createWeightedPick',
    as: 'default',
  },
  ...Object.fromEntries(
    engines.flatMap(({ replaces, engine }) =>
      replaces === null ? [] : [[replaces, { ...engine, engine: true }]],
    ),
  ),
  '../builtin-packages.js': {
    file: 'src/scenario/engine-packages.ts',
    name: 'resolveEnginePackage',
    as: 'resolveBuiltinPackage',
  },
  '../commons/index.js': { file: 'src/generator/artillery/engine-util.ts' },
};

/** Engines that Artillery's runner imports as packages, from a file of the bundle: file name -> engine. */
export const engineEntries: Readonly<Record<string, Replacement>> = Object.fromEntries(
  engines.flatMap(({ name, replaces, engine }) =>
    replaces === null ? [[`engine-${name}`, { ...engine, engine: true }]] : [],
  ),
);

/**
 * Modules that are large and seldom needed, each a file of its own in the bundle, loaded at the first call of one of
 * these functions. They are CommonJS, because Artillery calls the functions synchronously.
 */
export const lazyModules: Readonly<Record<string, { entry: string; functions: readonly string[] }>> = {
  // The browser build leaves out an HTTP client (undici) that only fetches pages.
  cheerio: { entry: 'node_modules/cheerio/dist/browser/index.js', functions: ['load'] },
  espree: { entry: 'node_modules/espree/espree.js', functions: ['parse'] },
  // Imported as a whole, by its path.
  babel: { entry: 'node_modules/jiti/dist/babel.cjs', functions: [] },
};

const code = ({ file, name, as, engine }: Replacement): string => {
  const from = JSON.stringify(`./${file}`);
  if (name === undefined) return `export * from ${from};`;
  if (!engine) return `export { ${name} as ${as} } from ${from};`;
  const driven = JSON.stringify('./src/generator/artillery/driven-engine.ts');
  return `import { ${name} } from ${from};
import { drivenEngine } from ${driven};
export default drivenEngine(${name});`;
};

const coreFolder = /[\\/]artillery[\\/]dist[\\/]lib[\\/]core[\\/][^\\/]+$/;

/**
 * Bundles Artillery's runner with our parts in the places of its scheduler, metric store, engines and package
 * resolution. Artillery's files themselves are taken unchanged.
 */
export const artilleryParts = (root: string): Plugin => ({
  name: 'artillery-parts',
  setup(build) {
    const artillery = path.join(root, 'node_modules', 'artillery');

    build.onResolve({ filter: /^\.\.?\// }, ({ path: specifier, importer, kind }) => {
      if (kind === 'entry-point' || !coreFolder.test(importer)) return undefined;
      return specifier in replacements
        ? { path: specifier, namespace: 'replaced', sideEffects: false }
        : undefined;
    });
    build.onLoad({ filter: /.*/, namespace: 'replaced' }, ({ path: specifier }) => ({
      contents: code(replacements[specifier]!),
      resolveDir: root,
    }));

    build.onResolve({ filter: /^engine-/ }, ({ path: name, kind }) =>
      kind === 'entry-point' && name in engineEntries ? { path: name, namespace: 'engine-entry' } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'engine-entry' }, ({ path: name }) => ({
      contents: code(engineEntries[name]!),
      resolveDir: root,
    }));

    // `artillery/util` wants the whole runner for two template functions.
    build.onResolve({ filter: /^\.\/core\/index\.js$/ }, ({ importer }) =>
      importer === path.join(artillery, 'dist', 'lib', 'util.js')
        ? { path: 'template-functions', namespace: 'artillery-core' }
        : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'artillery-core' }, () => ({
      contents: `export { templateFunctions as runner } from './src/generator/template-functions.ts';`,
      resolveDir: root,
    }));
    // Its helpers for printing, which nothing here calls.
    build.onResolve({ filter: /^(moment|chalk)$/ }, ({ importer }) =>
      importer === path.join(artillery, 'dist', 'lib', 'util.js')
        ? { path: 'printing', namespace: 'unused' }
        : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'unused' }, () => ({ contents: 'export default {};' }));

    build.onResolve({ filter: /^(cheerio|espree)$/ }, ({ path: name, importer, kind }) =>
      importer.endsWith(path.join('commons', 'engine_util.js')) && kind === 'import-statement'
        ? { path: name, namespace: 'lazy', sideEffects: false }
        : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'lazy' }, ({ path: name }) => ({
      contents: `import { createRequire } from 'node:module';
const lazily = () => createRequire(import.meta.url)('./${name}.cjs');
${lazyModules[name]!.functions.map((call) => `export const ${call} = (...given) => lazily().${call}(...given);`).join('\n')}`,
    }));

    // Its own smaller build of the same functions.
    build.onResolve({ filter: /^lodash$/ }, () => ({
      path: path.join(root, 'node_modules', 'lodash', 'lodash.min.js'),
    }));

    build.onResolve({ filter: /jiti\/dist\/babel\.cjs$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './babel.cjs', external: true } : undefined,
    );

    // GitHub's client wants two things of undici, which is loaded as a whole otherwise.
    build.onResolve({ filter: /^undici$/ }, () => ({
      path: 'undici',
      namespace: 'part',
      sideEffects: false,
    }));
    build.onLoad({ filter: /^undici$/, namespace: 'part' }, () => ({
      contents: `require('undici/lib/global.js');
exports.fetch = require('undici/lib/web/fetch').fetch;
exports.ProxyAgent = require('undici/lib/dispatcher/proxy-agent.js');`,
      resolveDir: root,
    }));

    // Importing this module into ESM reads each of its exports, and one of them loads Node's whole HTTP client.
    build.onResolve({ filter: /^(node:)?http$/ }, ({ kind }) =>
      kind === 'import-statement' ? { path: 'http', namespace: 'builtin' } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path: name }) => ({
      contents: `module.exports = process.getBuiltinModule('node:${name}');`,
    }));

    // Of a manifest (Tailgate's own, Artillery's) only the version is wanted, not all that it depends on.
    const manifests = [path.join(root, 'package.json'), path.join(artillery, 'package.json')];
    build.onLoad({ filter: /[\\/]package\.json$/ }, async ({ path: file }) => {
      if (!manifests.includes(file)) return undefined;
      const { default: manifest } = await import(file, { with: { type: 'json' } });
      return { contents: JSON.stringify({ version: manifest.version }), loader: 'json' };
    });
  },
});

import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build as esbuild, type Metafile } from 'esbuild';
import { engines } from '../src/engines/engine-registry.ts';
import { artilleryParts, engineEntries, lazyModules } from './build/artillery-parts.ts';
import { bundledPackages } from './build/bundled-packages.ts';
import { shortNamesOfPackages } from './build/short-names.ts';
import { licenceProblems, thirdPartyLicences } from './build/third-party-licences.ts';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** Programs of the bundle: name -> source. The demonstration needs a server without an install. */
const programs: Readonly<Record<string, string>> = {
  action: 'src/entry/action.ts',
  post: 'src/entry/post.ts',
  report: 'src/entry/report.ts',
  cli: 'src/entry/cli.ts',
  'examples/chat-server': 'examples/chat-server/server.js',
  'load-worker': 'src/entry/load-worker.ts',
  watchdog: 'src/entry/watchdog.ts',
};

/** Files taken as they are: what is preloaded into Node servers of any version, and the page of trends. */
const copied: Readonly<Record<string, string>> = {
  'node-preload.cjs': 'src/side/target/node-preload.cjs',
  'node-count.cjs': 'src/side/target/node-count.cjs',
  'node-left.cjs': 'src/side/target/node-left.cjs',
  'node-answers.cjs': 'src/side/target/node-answers.cjs',
  'node-inject.cjs': 'src/side/target/node-inject.cjs',
  'trend-page.html': 'src/baseline/trend/trend-page.html',
  'trend-page.js': 'src/baseline/trend/trend-page.js',
  'notation.js': 'src/baseline/trend/notation.js',
};

/** What runs in a reader's browser. */
const pageScripts: Readonly<Record<string, string>> = { 'report-page': 'src/report/page/report-page.js' };

/** Total size that the bundle may have, bytes. */
export const maxBundleBytes = 8_000_000;

/** Options of every part of the bundle. Nothing in them depends on the machine, the folder or the time. */
const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  minifyWhitespace: true,
  minifySyntax: true,
  // The licences, whole, are in THIRD_PARTY_LICENSES.
  legalComments: 'none',
  charset: 'utf8',
  metafile: true,
  logLevel: 'warning',
} as const;

const inBrowsers = {
  platform: 'browser',
  target: 'es2022',
  format: 'iife',
  minifyIdentifiers: true,
  loader: { '.css': 'text' },
} as const;

/** A script of a page as it is shipped. */
export const buildPageScript = async (name: keyof typeof pageScripts): Promise<string> => {
  const { outputFiles } = await esbuild({
    ...common,
    ...inBrowsers,
    entryPoints: [pageScripts[name]!],
    write: false,
  });
  return outputFiles[0]!.text;
};

const entryPoints = (wanted: readonly string[]): Record<string, string> => {
  const entries = Object.fromEntries(
    wanted
      .map((name) => [name, programs[name]!] as const)
      .filter(([, file]) => existsSync(path.join(root, file))),
  );
  if (wanted.includes('load-worker'))
    for (const [name, { file }] of Object.entries(engineEntries))
      if (existsSync(path.join(root, file))) entries[name] = name;
  return entries;
};

/**
 * Bundles the programs (all of them, or those named) into `outDir`, which is emptied first. The same sources give the
 * same bytes, whatever the folder. Throws when something was bundled that must not be. Gives what went into it.
 */
export const buildBundle = async (
  outDir: string,
  wanted: readonly string[] = Object.keys(programs),
): Promise<Metafile> => {
  await rm(outDir, { recursive: true, force: true });
  await mkdir(outDir, { recursive: true });
  const main = await esbuild({
    ...common,
    // Modules that a bundled package asks for and that do not exist, with ours in their place.
    alias: Object.assign({}, ...engines.map(({ aliases }) => aliases)),
    outdir: outDir,
    entryPoints: entryPoints(wanted),
    splitting: true,
    format: 'esm',
    chunkNames: 'chunk-[hash]',
    banner: {
      js: "import{createRequire as tailgateCreateRequire}from'node:module';const require=tailgateCreateRequire(import.meta.url);",
    },
    plugins: [artilleryParts(root), shortNamesOfPackages],
  });
  const lazy = await esbuild({
    ...common,
    outdir: outDir,
    entryPoints: Object.fromEntries(Object.entries(lazyModules).map(([name, { entry }]) => [name, entry])),
    format: 'cjs',
    // One copy for who imports and who requires it.
    alias: { acorn: './node_modules/acorn/dist/acorn.js' },
    // Nobody reads their names: neither in a stack nor in a message.
    minifyIdentifiers: true,
    outExtension: { '.js': '.cjs' },
  });
  const pages = await esbuild({
    ...common,
    ...inBrowsers,
    outdir: outDir,
    entryPoints: { ...pageScripts },
  });
  for (const [name, file] of Object.entries(copied))
    await copyFile(path.join(root, file), path.join(outDir, name));
  const metafile = {
    inputs: { ...main.metafile.inputs, ...lazy.metafile.inputs, ...pages.metafile.inputs },
    outputs: { ...main.metafile.outputs, ...lazy.metafile.outputs, ...pages.metafile.outputs },
  };
  const packages = bundledPackages(root, metafile);
  const problems = licenceProblems(packages);
  if (problems.length > 0) throw new Error(`The bundle is not as it must be:\n${problems.join('\n')}`);
  await writeFile(path.join(outDir, 'THIRD_PARTY_LICENSES'), thirdPartyLicences(packages));
  await writeFile(path.join(outDir, 'package.json'), '{ "type": "module" }\n');
  return metafile;
};

/** Files of a bundle, relative to its folder, sorted. */
export const bundleFiles = async (outDir: string): Promise<string[]> =>
  (await readdir(outDir, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(outDir, path.join(entry.parentPath, entry.name)))
    .sort();

/** Size of all files of a bundle, bytes. */
export const bundleBytes = async (outDir: string): Promise<number> => {
  const files = await bundleFiles(outDir);
  const sizes = await Promise.all(files.map(async (file) => (await stat(path.join(outDir, file))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder = path.join(root, 'dist'), ...wanted] = process.argv.slice(2);
  const outDir = path.resolve(folder);
  await buildBundle(outDir, wanted.length === 0 ? undefined : wanted);
  const bytes = await bundleBytes(outDir);
  console.log(`${path.relative('.', outDir)}: ${(bytes / 1e6).toFixed(2)} MB`);
  if (bytes > maxBundleBytes) {
    console.error(`The bundle is larger than ${maxBundleBytes / 1e6} MB.`);
    process.exitCode = 1;
  }
}

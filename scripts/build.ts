import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build as esbuild, type Metafile } from 'esbuild';
import { artilleryParts, engineEntries, lazyModules } from './build/artillery-parts.ts';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** Programs of the bundle; each is a file of `src/entry`. */
const programs = ['action', 'post', 'report', 'cli', 'load-worker', 'demo'] as const;

/** Bundles the programs into `outDir`, which is emptied first. Gives what went into the bundle. */
export const buildBundle = async (outDir: string): Promise<Metafile> => {
  await rm(outDir, { recursive: true, force: true });
  await mkdir(outDir, { recursive: true });
  const entryPoints: Record<string, string> = {};
  for (const program of programs)
    if (existsSync(path.join(root, 'src', 'entry', `${program}.ts`)))
      entryPoints[program] = `src/entry/${program}.ts`;
  // The demonstration needs a server and must run without an install.
  entryPoints['examples/chat-server'] = 'examples/chat-server/server.js';
  for (const [name, { file }] of Object.entries(engineEntries))
    if (existsSync(path.join(root, file))) entryPoints[name] = name;
  const common = {
    absWorkingDir: root,
    outdir: outDir,
    bundle: true,
    platform: 'node',
    target: 'node20',
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    charset: 'utf8',
    metafile: true,
    logLevel: 'warning',
  } as const;
  const main = await esbuild({
    ...common,
    entryPoints,
    splitting: true,
    format: 'esm',
    chunkNames: 'chunk-[hash]',
    banner: {
      js: "import{createRequire as tailgateCreateRequire}from'node:module';const require=tailgateCreateRequire(import.meta.url);",
    },
    plugins: [artilleryParts(root)],
  });
  const lazy = await esbuild({
    ...common,
    entryPoints: Object.fromEntries(Object.entries(lazyModules).map(([name, { entry }]) => [name, entry])),
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
  });
  await writeFile(path.join(outDir, 'package.json'), '{ "type": "module" }\n');
  // Loaded into Node servers of any version with --require, so it stays the small file it is.
  await copyFile(path.join(root, 'src/target/node-preload.cjs'), path.join(outDir, 'node-preload.cjs'));
  return {
    inputs: { ...main.metafile.inputs, ...lazy.metafile.inputs },
    outputs: { ...main.metafile.outputs, ...lazy.metafile.outputs },
  };
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const outDir = path.resolve(process.argv[2] ?? path.join(root, 'dist'));
  const metafile = await buildBundle(outDir);
  void metafile;
  const files = (await readdir(outDir, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );
  const sizes = await Promise.all(
    files.map(async (file) => (await readFile(path.join(file.parentPath, file.name))).length),
  );
  const total = sizes.reduce((sum, size) => sum + size, 0);
  console.log(`${outDir}: ${files.length} files, ${(total / 1e6).toFixed(2)} MB`);
}

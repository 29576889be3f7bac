import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build as esbuild, type Metafile } from 'esbuild';
import { artilleryParts, engineEntries } from './build/artillery-parts.ts';

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
  for (const [name, { file }] of Object.entries(engineEntries))
    if (existsSync(path.join(root, file))) entryPoints[name] = name;
  const { metafile } = await esbuild({
    absWorkingDir: root,
    entryPoints,
    outdir: outDir,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    chunkNames: 'chunk-[hash]',
    minifyWhitespace: true,
    minifySyntax: true,
    keepNames: false,
    legalComments: 'none',
    charset: 'utf8',
    metafile: true,
    logLevel: 'warning',
    banner: {
      js: "import{createRequire as tailgateCreateRequire}from'node:module';const require=tailgateCreateRequire(import.meta.url);",
    },
    plugins: [artilleryParts(root)],
  });
  await writeFile(path.join(outDir, 'package.json'), '{ "type": "module" }\n');
  return metafile;
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const outDir = path.resolve(process.argv[2] ?? path.join(root, 'dist'));
  const metafile = await buildBundle(outDir);
  void metafile;
  const files = await readdir(outDir);
  const sizes = await Promise.all(
    files.map(async (file) => (await readFile(path.join(outDir, file))).length),
  );
  const total = sizes.reduce((sum, size) => sum + size, 0);
  console.log(`${outDir}: ${files.length} files, ${(total / 1e6).toFixed(2)} MB`);
}

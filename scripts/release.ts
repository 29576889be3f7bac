/**
 * What the release workflow asks of the sources, for a tag such as "v1.2.3":
 *   node scripts/release.ts check v1.2.3   that tag, package and changelog agree
 *   node scripts/release.ts notes v1.2.3   the notes of the release, from the changelog
 *   node scripts/release.ts sbom           the packages in the bundle, as CycloneDX
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundledPackages } from './build/bundled-packages.ts';
import { buildBundle } from './build.ts';
import { billOfMaterials } from './release/bill-of-materials.ts';
import { releaseNotes, releaseProblems } from './release/changelog.ts';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const textOf = (name: string): string => readFileSync(path.join(root, name), 'utf8');
const { version } = JSON.parse(textOf('package.json')) as { version: string };
const locked = (JSON.parse(textOf('package-lock.json')) as { version: string }).version;

const [command, tag = ''] = process.argv.slice(2);
if (command === 'check') {
  const problems = releaseProblems({ tag, version, locked, changelog: textOf('CHANGELOG.md') });
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
} else if (command === 'notes') {
  console.log(releaseNotes(textOf('CHANGELOG.md'), tag.replace(/^v/, '')) ?? '');
} else if (command === 'sbom') {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tailgate-sbom-'));
  try {
    const packages = bundledPackages(root, await buildBundle(path.join(folder, 'dist')));
    console.log(JSON.stringify(billOfMaterials(version, packages), null, 2));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
} else {
  console.error('Usage: node scripts/release.ts check TAG | notes TAG | sbom');
  process.exitCode = 2;
}

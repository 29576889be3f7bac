/**
 * Runs the tests: `npm test` for all, `npm test -- test/verdict` for a folder, `npm test -- FILE...` for files.
 * The bundle is built first when it is older than the sources, because many tests run the shipped bundle.
 */
import { spawnSync } from 'node:child_process';
import { globSync, statSync } from 'node:fs';

const wanted = process.argv.slice(2);
const files = (wanted.length === 0 ? ['test'] : wanted).flatMap((place) =>
  statSync(place).isDirectory() ? globSync(`${place}/**/*.test.ts`) : [place],
);
const result = spawnSync(
  process.execPath,
  ['--test', '--test-concurrency=1', '--test-timeout=300000', '--test-reporter=spec', ...files.sort()],
  { stdio: 'inherit' },
);
process.exit(result.status ?? 1);

/**
 * Runs the tests: `npm test` for all, `npm test -- test/verdict` for a folder, `npm test -- FILE...` for files.
 *
 * Tests drive real servers in real time, and a machine that stands still for a second can fail one. Under CI, files
 * that failed are run once more, alone: what fails twice fails the run, what passes then is named as flaky.
 */
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** Runs test files, one at a time; gives the exit status and the files in which something failed. */
const runTests = (files: readonly string[]): { status: number; failed: string[] } => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tailgate-tests-'));
  const failedList = path.join(folder, 'failed');
  try {
    const { status } = spawnSync(
      process.execPath,
      [
        '--test',
        '--test-concurrency=1',
        '--test-timeout=300000',
        '--test-reporter=spec',
        '--test-reporter-destination=stdout',
        `--test-reporter=${path.join(import.meta.dirname, 'test/failed-files.ts')}`,
        `--test-reporter-destination=${failedList}`,
        ...files,
      ],
      { stdio: 'inherit' },
    );
    const failed = readFileSync(failedList, 'utf8').split('\n').filter(Boolean);
    return { status: status ?? 1, failed };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const wanted = process.argv.slice(2);
const files = (wanted.length === 0 ? ['test'] : wanted).flatMap((place) =>
  statSync(place).isDirectory() ? globSync(`${place}/**/*.test.ts`) : [place],
);
let { status, failed } = runTests(files.sort());
if (status !== 0 && failed.length > 0 && process.env.CI !== undefined) {
  const names = failed.map((file) => path.relative(process.cwd(), file)).join(', ');
  console.log(`\nFailed, and run once more: ${names}\n`);
  ({ status, failed } = runTests(failed));
  if (status === 0) console.log(`\nFlaky, for they passed the second time: ${names}`);
}
process.exit(status);

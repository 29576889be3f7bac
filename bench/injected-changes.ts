/**
 * Series of changes that are put into example servers, one at a time, and measured against the commit that each starts
 * from. A result is a line of a file, and what is in the file is not measured again, so that a series can be made in pieces.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { resultsIn } from './timed-series.ts';

export const root = path.resolve(import.meta.dirname, '..');

/** `put` stands where `find` stood; an empty `find` makes the file. */
export type Edit = { file: string; find: string; put: string };

/** `marks`: what stands on the lines that may be named. */
export type Change = { name: string; edits: readonly Edit[]; marks: readonly string[] };

type Repository = { dir: string; git: (...args: string[]) => string };

/** More work, or anything else, for each message of the example chat server. */
export const inChat = (put: string): Edit => ({
  file: 'chat-server/server.js',
  find: '    const user = userOf(socket);\n',
  put: `    const user = userOf(socket);\n${put}\n`,
});

/** Whatever `fill` writes into a new folder, committed as `base`, which is a tag as well. */
export function repositoryWith(fill: (dir: string) => void): Repository {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'tailgate-injected-'));
  const git = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=Bench', '-c', 'user.email=bench@example.com', ...args], {
      cwd: dir,
      encoding: 'utf8',
    });
  fill(dir);
  git('init', '-q');
  git('add', '-A');
  git('commit', '-qm', 'base');
  git('tag', 'base');
  return { dir, git };
}

export function edit(dir: string, { file, find, put }: Edit): void {
  const target = path.join(dir, file);
  const text = existsSync(target) ? readFileSync(target, 'utf8') : '';
  if (!text.includes(find)) throw new Error(`${file} does not hold ${find}`);
  writeFileSync(target, find === '' ? put : text.replace(find, () => put));
}

/** Puts a change into the commit `base`, and nothing else. Gives its marked lines, `file:line`. */
export function inject({ edits, marks }: Change, { dir, git }: Repository): string[] {
  git('reset', '-q', '--hard');
  git('clean', '-qfd');
  for (const each of edits) edit(dir, each);
  return [...new Set(edits.map(({ file }) => file))].flatMap((file) =>
    readFileSync(path.join(dir, file), 'utf8')
      .split('\n')
      .flatMap((text, index) => (marks.some((mark) => text.includes(mark)) ? [`${file}:${index + 1}`] : [])),
  );
}

/** What a command of Tailgate writes with `--json`, or null; TAILGATE_PROGRAM instead of the bundle, if it is set. */
export function tailgateTells<T>(
  dir: string,
  args: readonly string[],
  timeout: number,
): { told: T | null; said: string } {
  const json = path.join(dir, '.tailgate/told.json');
  rmSync(json, { force: true });
  const program = process.env.TAILGATE_PROGRAM ?? path.join(root, 'dist/cli.js');
  const { stdout, stderr } = spawnSync(process.execPath, [program, ...args, '--json', json], {
    cwd: dir,
    encoding: 'utf8',
    timeout,
  });
  return {
    told: existsSync(json) ? JSON.parse(readFileSync(json, 'utf8')) : null,
    said: `${stdout.slice(-500)} ${stderr.slice(-1_000)}`,
  };
}

export type Sentence = { text: string; place?: { file: string; line: number } };

/** The sentences of an explanation, each with its place behind it; and the places alone, `file:line`. */
export function readSentences(sentences: readonly Sentence[]): { text: string; places: string[] } {
  const placeOf = ({ place }: Sentence): string[] => (place ? [`${place.file}:${place.line}`] : []);
  return {
    text: sentences
      .map((each) => [each.text, ...placeOf(each).map((place) => `[${place}]`)].join(' '))
      .join(' '),
    places: sentences.flatMap(placeOf),
  };
}

/** What each measurement of a series is kept with: results that came after the rules were changed are no first ones. */
export type Measured = { name: string; measuredAt: string; commit: string; seconds: number };

/**
 * Goes on with the series in `file`, as `which` says: so many cases that are not in it (a number), as many of them as
 * begin within a time (`30min`), or those that are named (with commas), which are measured again. Every result is kept, in
 * the order in which they were measured. Gives all, and shows each new one.
 */
export function continueSeries<Case extends Change, Result extends { name: string }>(
  { file, which, cases }: { file: string; which: readonly string[]; cases: readonly Case[] },
  openRepository: () => Repository,
  measure: (one: Case, repository: Repository) => Result,
  show: (result: Result) => string,
): (Result & Measured)[] {
  const done = resultsIn<Result & Measured>(file);
  const known = new Set(done.map(({ name }) => name));
  const asked = which.find((one) => /^\d+$/.test(one));
  const minutes = which.flatMap((one) => /^(\d+)min$/.exec(one)?.[1] ?? []);
  const names = which.filter((one) => !/^\d+(min)?$/.test(one)).flatMap((one) => one.split(','));
  const unknown = names.filter((wanted) => cases.every(({ name }) => name !== wanted));
  if (unknown.length > 0) throw new Error(`There is no case ${unknown.join(', ')}`);
  const left =
    names.length > 0
      ? cases.filter(({ name }) => names.includes(name))
      : cases
          .filter(({ name }) => !known.has(name))
          .slice(0, asked === undefined ? undefined : Number(asked));
  if (left.length === 0) return done;
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
    cwd: root,
    encoding: 'utf8',
  }).trim();
  const endsAtMs = minutes.length === 0 ? Infinity : performance.now() + 60_000 * Number(minutes[0]);
  const repository = openRepository();
  try {
    for (const one of left) {
      const startMs = performance.now();
      if (startMs >= endsAtMs) break;
      const result = measure(one, repository);
      const seconds = Math.round((performance.now() - startMs) / 100) / 10;
      const measured = { ...result, measuredAt: new Date().toISOString(), commit, seconds };
      appendFileSync(file, `${JSON.stringify(measured)}\n`);
      done.push(measured);
      process.stderr.write(`${show(result)}\n`);
    }
  } finally {
    rmSync(repository.dir, { recursive: true, force: true });
  }
  return done;
}

/** Of results in the order in which they were measured, the first and the last of each case. */
export function firstAndLast<Result extends { name: string }>(
  results: readonly Result[],
): Record<'first' | 'last', Result[]> {
  const last = new Map(results.map((one) => [one.name, one]));
  const first = new Map(results.toReversed().map((one) => [one.name, one]));
  return { first: [...first.values()].reverse(), last: [...last.values()] };
}

/** Series of measurements that are made in pieces of time: `npm run bench -- BENCH [MINUTES] [NAME,...]`. */
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';

/** What is to be measured now: `chosen` of all cases, until `untilMs` on the clock of this process. Throws how it is called. */
export function pieceOfSeries<Case extends { name: string }>(
  bench: string,
  [minutes = '0', wanted = '']: readonly string[],
  cases: readonly Case[],
): { chosen: Case[]; untilMs: number } {
  const names = wanted.split(',').filter((name) => name !== '');
  const isUnknown = names.some((wantedName) => cases.every(({ name }) => name !== wantedName));
  if (!(Number(minutes) >= 0) || isUnknown)
    throw new Error(`${bench} [MINUTES] [NAME,...], of ${cases.map(({ name }) => name).join(', ')}`);
  return {
    chosen: cases.filter(({ name }) => names.length === 0 || names.includes(name)),
    untilMs: performance.now() + Number(minutes) * 60_000,
  };
}

/** What was measured before, a result a line. */
export function resultsIn<Result>(file: string): Result[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line): Result => JSON.parse(line));
}

/** The machine that measures, as a result names it. */
export const thisMachine = (): string =>
  `${availableParallelism()} cores, ${cpus()[0]?.model.trim()}, Node ${process.versions.node}`;

/** `npm run bench -- NAME...` runs benches one after the other; without a name it lists them. */
import { globSync } from 'node:fs';
import path from 'node:path';
import type { Figure } from './figure.ts';

/** A bench gives its figures; what it needs besides (a table, say) it prints to stderr. */
type Bench = { about: string; run: (args: readonly string[]) => Promise<Figure[]> };

const load = async (name: string): Promise<Bench | null> => {
  const bench: Partial<Bench> = await import(`./${name}.ts`);
  return bench.run === undefined || bench.about === undefined ? null : { about: bench.about, run: bench.run };
};

const [wanted, ...args] = process.argv.slice(2);
const names = globSync('*.ts', { cwd: import.meta.dirname })
  .map((file) => path.basename(file, '.ts'))
  .filter((name) => name !== 'run')
  .sort();

if (wanted === undefined) {
  for (const name of names) {
    const bench = await load(name);
    if (bench !== null) process.stdout.write(`${name.padEnd(24)}${bench.about}\n`);
  }
} else {
  const bench = names.includes(wanted) ? await load(wanted) : null;
  if (bench === null) {
    process.stderr.write(`There is no bench "${wanted}". "npm run bench" lists them.\n`);
    process.exitCode = 2;
  } else {
    for (const each of await bench.run(args)) process.stdout.write(`${JSON.stringify(each)}\n`);
  }
}

/**
 * Tries every fault of test/faults, and what is drawn at random: `npm run faults` for all, `npm run faults -- PATTERN` for
 * those whose names match. With `--write` what was tried goes to docs/faults.md; of the rest, what stands there stays.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { formatDuration } from '../src/metrics/notation.ts';
import type { Fault } from '../test/faults/fault.ts';
import { fuzzInputs } from '../test/faults/fuzzed-inputs.ts';
import { hasNamespaces, writeFromNamespaces } from '../test/faults/namespaced-writers.ts';
import { cancelAtRandom } from '../test/faults/random-cancellations.ts';
import { runFault, wrongWith } from '../test/faults/run-fault.ts';
import { faults } from '../test/faults/table.ts';

type Tried = { fault: Fault; wrong: string[]; seen: string };

const words = process.argv.slice(2);
const writes = words.includes('--write');
const pattern = new RegExp(words.find((word) => !word.startsWith('--')) ?? '.');
const isWhole = pattern.source === '.';
/** Faults wait more than they work. */
const atOnce = Number(process.env.FAULTS_AT_ONCE ?? 2);
const cancellationCount = 100;

const inParallel = async <T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> => {
  const results: R[] = new Array(items.length);
  const queue = items.entries();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const [index, item] of queue) results[index] = await work(item);
    }),
  );
  return results;
};

const tryFault = async (fault: Fault, isAgain = false): Promise<Tried> => {
  const { wrong, seen, tail } = await runFault(fault, (outcome) => ({
    wrong: wrongWith(fault, outcome),
    seen: [
      outcome.report === null ? 'no report' : outcome.report.verdict,
      outcome.exit === null ? outcome.signal : `exit ${outcome.exit}`,
    ].join(', '),
    tail: outcome.printed.slice(-1_500),
  })).catch((error) => ({ wrong: [String(error)], seen: '', tail: '' }));
  // A machine that is busy with another fault can be in the way; what is wrong alone as well is wrong.
  if (wrong.length > 0 && !isAgain) return await tryFault(fault, true);
  console.log(
    `${wrong.length === 0 ? 'ok   ' : 'WRONG'} ${fault.id}: ${seen}${wrong.length === 0 ? '' : `: ${wrong.join('; ')}\n${tail}`}`,
  );
  return { fault, wrong, seen };
};

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
const expected = ({ verdicts, exits }: Fault): string =>
  `${verdicts.map((verdict) => verdict ?? 'no report').join(' or ')}${exits.length === 0 ? '' : `; exit ${exits.join(', ')}`}`;

const startedAt = performance.now();
const tried: Tried[] = [];
for (const { title, faults: all } of faults) {
  const wanted = all.filter(({ id }) => pattern.test(id));
  if (wanted.length > 0) console.log(`\n${title}`);
  tried.push(...(await inParallel(wanted, tryFault)));
}
const wrong = tried.filter((each) => each.wrong.length > 0);
const figures: string[] = [];
let isRight = wrong.length === 0;

if (isWhole || pattern.test('random')) {
  const seeds = Array.from({ length: cancellationCount }, (_, seed) => seed);
  const found = (await inParallel(seeds, cancelAtRandom)).filter((each) => each.length > 0);
  for (const each of found) console.log(`WRONG ${each.join('; ')}`);
  figures.push(
    `${cancellationCount} cancellations at instants drawn at random: ${cancellationCount - found.length} right, with nothing left after 3 s.`,
  );
  isRight &&= found.length === 0;
}
if ((isWhole || pattern.test('writers')) && hasNamespaces()) {
  const { accepted, stored, left } = await writeFromNamespaces(20, 3);
  figures.push(
    `60 records by writers in process namespaces of their own, 20 at once: ${accepted} accepted, ${stored} there.`,
  );
  isRight &&= accepted === 60 && stored === 60 && left.length === 0;
}
if (isWhole || pattern.test('fuzz')) {
  const counts = await fuzzInputs();
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const kinds = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`);
  figures.push(`${total} damaged inputs (${kinds.join(', ')}): no internal error, nothing that hangs.`);
}
if (isWhole) {
  const missing = tried.filter(({ fault }) => fault.id.startsWith('missing-'));
  const passes = missing.filter(({ seen }) => seen.startsWith('pass') || seen.endsWith('exit 0')).length;
  figures.unshift(`${tried.length} faults: ${tried.length - wrong.length} as they must be.`);
  figures.push(`${missing.length} ways in which data can be missing: ${passes} passes.`);
}
console.log(
  `\n${figures.join('\n')}\n${tried.length - wrong.length} of ${tried.length} right, in ${formatDuration(performance.now() - startedAt)}`,
);
for (const each of wrong) console.log(`WRONG ${each.fault.id}: ${each.wrong.join('; ')}`);

/** What the page says already: of each fault by its name, and the figures. */
const page = path.resolve(import.meta.dirname, '../docs/faults.md');
const before = existsSync(page) ? readFileSync(page, 'utf8') : '';
const said = new Map(
  [...before.matchAll(/^\| `([^`]+)` \|.*\| (.*) \|$/gm)].map(([, id, was]) => [id, was] as const),
);
const cellOf = (fault: Fault): string => {
  const found = tried.find((each) => each.fault.id === fault.id);
  if (found === undefined) return said.get(fault.id) ?? 'not tried';
  return cell(found.wrong.length === 0 ? found.seen : `**${found.wrong.join('; ')}**`);
};

if (writes) {
  const rows = faults.map(({ faults: all }) => all.map((fault) => [fault, cellOf(fault)] as const));
  const right = rows.flat().filter(([, was]) => !was.startsWith('**') && was !== 'not tried').length;
  const kept = [...before.matchAll(/^- (.*)$/gm)].map(([, figure]) => figure!).slice(1);
  const count = `${rows.flat().length} faults: ${right} as they must be.`;
  const shown = [count, ...(isWhole ? figures.slice(1) : kept)];
  const sections = faults.map(({ title, about }, index) => {
    const lines = rows[index]!.map(
      ([fault, was]) => `| \`${fault.id}\` | ${cell(fault.what)} | ${expected(fault)} | ${was} |`,
    );
    return `## ${title}\n\n${about}\n\n| Name | Fault | Must be | Was |\n|---|---|---|---|\n${lines.join('\n')}`;
  });
  const text = `# Faults

What Tailgate does when something goes wrong: a server that misbehaves, code that hangs, data that is missing, a signal, a full
disk. Each line is a test that runs the shipped program against a real server and then looks for processes that are left.
Besides what the tables say, in each of them: it ends, no process lives 3 seconds later, no control or bidirectional character
is printed, and no stack. This page is written by \`npm run faults -- --write\`; \`npm test\` tries a few of each kind.

${shown.map((figure) => `- ${figure}`).join('\n')}

${sections.join('\n\n')}
`;
  writeFileSync(page, text);
}
process.exitCode = isRight ? 0 : 1;

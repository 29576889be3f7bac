/**
 * Whether `tailgate bisect` names the commit: real histories of the example chat server whose culprit is known.
 *
 *   npm run bench -- bisect-histories [MINUTES] [NAME,...]
 *
 * Searches for so many minutes (0: not at all), one history after the other; a search that the time cuts off goes on with
 * the next call, as the shipped command does. Answers are kept in bench/results/bisect.jsonl, and histories that are
 * being searched in tmp/bisect-histories/. Then writes bench/results/bisect.md. Give it a machine of its own.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { BisectReport } from '../src/report/render-bisect.ts';
import { type Figure, figure, share } from './figure.ts';
import { type Edit, edit, inChat, root } from './injected-changes.ts';
import { pieceOfSeries, resultsIn, thisMachine } from './timed-series.ts';

export const about =
  'Real histories with a known culprit: does bisect name it, in how many comparisons and minutes?';

const kept = path.join(import.meta.dirname, 'results/bisect.jsonl');
const table = path.join(import.meta.dirname, 'results/bisect.md');
const histories = path.join(root, 'tmp/bisect-histories');

type History = {
  name: string;
  title: string;
  commits: number;
  /** What a commit changes, by its number from 1 on; all others change something that costs nothing. */
  culprits: Readonly<Record<number, readonly Edit[]>>;
  /** Numbers of commits that cannot be built. */
  broken?: readonly number[];
  /** A search may take so long in all, minutes. */
  atMostMinutes: number;
};

const file = 'chat-server/server.js';
const above = 'const handlers = {\n';
const withHelper = (helper: string, call: string): Edit[] => [
  { file, find: above, put: `${helper}\n${above}` },
  inChat(call),
];
const busy = (name: string, ms: number): Edit[] =>
  withHelper(
    `function ${name}() {\n  const end = performance.now() + ${ms};\n  while (performance.now() < end);\n}\n`,
    `    ${name}();`,
  );
const waiting = (name: string, ms: number): Edit[] =>
  withHelper(`function ${name}() {\n  return pause(${ms});\n}\n`, `    await ${name}();`);
const short = { atMostMinutes: 30 };

const all: readonly History[] = [
  {
    ...{ name: 'sleep', title: 'one waits 5 ms', commits: 8, ...short },
    culprits: { 5: [inChat('    await pause(5);')] },
  },
  {
    ...{ name: 'error', title: 'one fails 5% of the messages', commits: 12, ...short },
    culprits: { 4: [inChat("    if (Math.random() < 0.05) throw new Error('busy');")] },
  },
  {
    ...{ name: 'lost', title: 'one forgets to send 5% of the messages on', commits: 10, ...short },
    culprits: { 9: [inChat('    if (Math.random() < 0.05) return { ok: true };')] },
  },
  {
    ...{ name: 'cpu', title: 'one computes for 0.3 ms', commits: 16, ...short },
    culprits: { 11: busy('considerIt', 0.3) },
  },
  {
    ...{ name: 'broadcast', title: 'one tells the room twice', commits: 12, ...short },
    culprits: {
      3: [inChat("    socket.to(roomId).emit('seen', { roomId, from: socket.id, text: message });")],
    },
  },
  {
    ...{ name: 'garbage', title: 'one copies a list for each message', commits: 14, ...short },
    culprits: {
      8: withHelper(
        'const known = Array.from({ length: 2000 }, (_, id) => ({ id, name: String(id) }));\nfunction copyAll() {\n  return known.map((one) => ({ ...one }));\n}\n',
        '    copyAll();',
      ),
    },
  },
  {
    ...{ name: 'memory', title: 'one holds 80 MB', commits: 8, ...short },
    culprits: {
      6: [
        {
          file,
          find: above,
          put: `const held = Buffer.alloc(80e6, 1);\nif (held[0] !== 1) held.fill(1);\n${above}`,
        },
      ],
    },
  },
  {
    ...{ name: 'unbuildable', title: 'one computes for 0.5 ms, five cannot be built', commits: 16, ...short },
    culprits: { 9: busy('considerIt', 0.5) },
    broken: [4, 7, 8, 12, 13],
  },
  {
    ...{ name: 'two', title: 'two wait 4 ms each', commits: 12, ...short },
    culprits: { 4: waiting('askFirst', 4), 9: waiting('askAgain', 4) },
  },
  { ...{ name: 'none', title: 'none', commits: 8, ...short }, culprits: {} },
  {
    ...{ name: 'five-percent', title: 'one of 64 costs 5% more', commits: 64, atMostMinutes: 45 },
    culprits: { 41: busy('checkIt', 0.045) },
  },
];

type Result = {
  name: string;
  right: boolean;
  answer: string;
  probability: number | null;
  comparisons: number;
  pairs: number;
  minutes: number;
  statistic: string | null;
  machine: string;
};

export async function run(words: readonly string[]): Promise<Figure[]> {
  const { chosen, untilMs } = pieceOfSeries('bisect-histories', words, all);
  const done = resultsIn<Result>(kept);
  const open = chosen.filter(({ name }) => !done.some((one) => one.name === name));
  for (const history of open) {
    const leftMinutes = (untilMs - performance.now()) / 60_000;
    if (leftMinutes <= 0) break;
    const result = search(history, leftMinutes);
    if (result === null) continue;
    appendFileSync(kept, `${JSON.stringify(result)}\n`);
    done.push(result);
    process.stderr.write(`${JSON.stringify(result)}\n`);
  }
  if (done.length > 0) writeFileSync(table, renderTable(done));
  return figuresOf(done);
}

/** Searches a history, or goes on with it; null when the time of this call was over before there was an answer. */
function search(history: History, leftMinutes: number): Result | null {
  const dir = path.join(histories, history.name);
  const shas = madeIn(dir, history);
  const spentFile = path.join(dir, '.tailgate/spent');
  const spent = existsSync(spentFile) ? Number(readFileSync(spentFile, 'utf8')) : 0;
  const json = path.join(dir, '.tailgate/found.json');
  rmSync(json, { force: true });
  const budget = Math.min(leftMinutes, history.atMostMinutes - spent);
  const program = process.env.TAILGATE_PROGRAM ?? path.join(root, 'dist/cli.js');
  const began = performance.now();
  const { status, stderr } = spawnSync(
    process.execPath,
    [program, 'bisect', '--good', shas[0]!, '--minutes', String(Math.max(0, budget)), '--json', json],
    { cwd: dir, encoding: 'utf8', maxBuffer: 1e8 },
  );
  const minutes = spent + (performance.now() - began) / 60_000;
  writeFileSync(spentFile, String(minutes));
  if (!existsSync(json))
    throw new Error(`${history.name}: bisect ended with ${status}\n${stderr.slice(-2_000)}`);
  const report: BisectReport = JSON.parse(readFileSync(json, 'utf8'));
  if (report.answer === null && minutes < history.atMostMinutes) return null;
  const result = resultOf(history, shas, report, minutes);
  rmSync(dir, { recursive: true, force: true });
  return result;
}

function resultOf(history: History, shas: readonly string[], report: BisectReport, minutes: number): Result {
  const { answer, versions } = report;
  const truth = Object.keys(history.culprits).map(Number);
  const numbersOf = (version: number): number[] =>
    versions[version - 1]!.map(({ sha }) =>
      shas.findIndex((one) => one.startsWith(sha) || sha.startsWith(one)),
    );
  const named =
    answer?.kind === 'one'
      ? [numbersOf(answer.version)]
      : answer?.kind === 'two'
        ? answer.culprits.map(({ version }) => numbersOf(version))
        : [];
  const probability =
    answer === null
      ? null
      : answer.kind === 'two'
        ? Math.min(...answer.culprits.map((one) => one.probability))
        : answer.probability;
  return {
    name: history.name,
    right:
      answer !== null &&
      (truth.length === 0
        ? answer.kind === 'none'
        : named.length === truth.length && truth.every((number, index) => named[index]!.includes(number))),
    answer:
      answer === null
        ? 'not decided'
        : named.length > 0
          ? named.map((numbers) => numbers.join(' or ')).join(' and ')
          : answer.kind,
    probability,
    comparisons: report.measured.length,
    pairs: report.pairs,
    minutes,
    statistic: report.statistic,
    machine: thisMachine(),
  };
}

const settings = `suites:
  - { name: chat, scenario: chat.yml }
target:
  start: node chat-server/server.js
  build: ln -sfn ${path.join(root, 'node_modules')} node_modules && node --check chat-server/server.js
  env: { JWT_SECRET: example-secret, CREATE_ON_JOIN: "true" }
  ready: { type: socketio }
measure:
  main: chat.delivery
  jwt: { secret: example-secret, claims: { sub: virtual-user } }
`;
/** Makes the history, unless a search of it has begun; gives its commits, the good one first. */
function madeIn(dir: string, { commits, culprits, broken = [] }: History): string[] {
  const git = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=Bench', '-c', 'user.email=bench@example.com', ...args], {
      cwd: dir,
      encoding: 'utf8',
    }).trim();
  const listed = path.join(dir, '.tailgate/commits.json');
  if (existsSync(listed)) return JSON.parse(readFileSync(listed, 'utf8'));
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(path.join(dir, '.tailgate'), { recursive: true });
  cpSync(path.join(root, 'examples/chat-server'), path.join(dir, 'chat-server'), { recursive: true });
  cpSync(path.join(root, 'scenarios/chat-room.yml'), path.join(dir, 'chat.yml'));
  writeFileSync(path.join(dir, 'tailgate.yml'), settings);
  writeFileSync(path.join(dir, '.gitignore'), '.tailgate\nnode_modules\n');
  git('init', '-q');
  const shas: string[] = [];
  const commit = (message: string): void => {
    git('add', '-A');
    git('commit', '-qm', message);
    shas.push(git('rev-parse', 'HEAD'));
  };
  commit('good');
  const server = path.join(dir, file);
  for (let number = 1; number <= commits; number += 1) {
    for (const each of culprits[number] ?? []) edit(dir, each);
    // As people do: each adds something, here a function that nobody calls yet.
    appendFileSync(server, `\nexport const step${number} = (value) => value + ${number};\n`);
    const whole = readFileSync(server, 'utf8');
    const isBroken = broken.includes(number);
    if (isBroken) appendFileSync(server, '}{\n');
    commit(`change ${number}`);
    if (isBroken) writeFileSync(server, whole);
  }
  writeFileSync(listed, JSON.stringify(shas));
  return shas;
}

function figuresOf(done: readonly Result[]): Figure[] {
  const short = done.filter(({ name }) => name !== 'five-percent');
  const long = done.find(({ name }) => name === 'five-percent');
  return [
    ...(short.length === 0
      ? []
      : [
          figure(
            'histories with the right answer',
            share(short, ({ right }) => right),
            'share',
            ...(['>=', 1, `${short.length} of ${all.length - 1} histories of 8 to 16 commits`] as const),
          ),
        ]),
    ...(long === undefined
      ? []
      : [
          figure('64 commits: right', long.right ? 1 : 0, 'share', '>=', 1, long.answer),
          figure('64 commits: comparisons', long.comparisons, 'commits', '<=', 9, `${long.pairs} pairs`),
          figure('64 commits: time', long.minutes, 'min', '<=', 45, `${long.pairs} pairs`),
        ]),
  ];
}

function renderTable(done: readonly Result[]): string {
  const line = (cells: readonly unknown[]): string => `| ${cells.join(' | ')} |`;
  const rows = all.flatMap(({ name, title, commits, culprits }) => {
    const result = done.find((one) => one.name === name);
    if (result === undefined) return [];
    const { answer, right, probability, statistic, comparisons, pairs, minutes } = result;
    return [
      line([
        title,
        commits,
        Object.keys(culprits).join(' and ') || 'none',
        answer,
        right ? 'yes' : 'no',
        probability === null ? '–' : `${(100 * probability).toFixed(1)}%`,
        statistic ?? '–',
        comparisons,
        pairs,
        minutes.toFixed(1),
      ]),
    ];
  });
  return `# Which commit did it: is it named?

Histories of the example chat server, searched by the shipped \`tailgate bisect\`. Every commit changes the server; the culprit is known.
Aims: the right answer in ten of ten short histories; of 64 commits with one that costs 5% more, at most 9 commits compared and
45 minutes. The series goes on wherever it stopped: \`npm run bench -- bisect-histories 60\` searches for an hour more, on a machine that does nothing else.

${line(['What the culprit does', 'Commits', 'Culprit', 'Answer', 'Right', 'Probability', 'Followed', 'Compared', 'Pairs', 'Minutes'])}
|---|---|---|---|---|---|---|---|---|---|
${rows.join('\n')}

Searched on: ${[...new Set(done.map(({ machine }) => machine))].join('; ')}.
`;
}

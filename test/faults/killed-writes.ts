/**
 * Kills a program at each of its writes, one after the other, and looks at what is left: `node killed-writes.ts CASE`. What
 * was stored before is there, nothing is half, and the next who writes can. Prints how many instants were tried.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { formatRecord, parseRecord } from '../../src/baseline/record-format.ts';
import { recordOf } from '../baseline/records.ts';
import { type GithubDouble, startGithubDouble } from '../github/double/github-double.ts';
import { judgedReports } from '../report/judged-report.ts';
import { processesOf } from './run-fault.ts';

const root = path.resolve(import.meta.dirname, '../..');
const program = path.join(root, 'dist/cli.js');
const preload = path.join(import.meta.dirname, 'kill-at-write.mjs');
/** A writer waits for nobody who died for longer than this: a dead holder of a lock of this machine is seen at once. */
const nextWithinMs = 30_000;
const mostInstants = 400;
const atOnce = 4;

type Case = {
  /** Makes what there is before. */
  prepare: (folder: string) => void | Promise<void>;
  /** What is killed; again, what comes next. */
  args: (folder: string, record: 'killed' | 'next') => string[];
  env?: (folder: string, instant: number) => Record<string, string>;
  /** What is wrong with what was left, and with what there is in the end; null when nothing is. */
  wrong: (folder: string, isOver: boolean) => string | null;
  /** Between the two. */
  between?: (folder: string) => void;
  after?: (folder: string) => Promise<void>;
};

const [old, killed, next] = [0, 1, 2].map((number) => formatRecord(recordOf(number, { suite: 's' })));
const files = { old: `${old}\n`, killed: `${killed}\n`, next: `${next}\n` };
const accepted = (lines: string): number[] =>
  lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const parsed = parseRecord(line);
      if ('reason' in parsed) throw new Error(`half a record: ${parsed.reason}`);
      return Number.parseInt(parsed.record.commit!, 16);
    });
/** Records 0, 1 and 2 are the old one, that of who was killed, and that of who came next. */
const wrongRecords = (lines: string, isOver: boolean, hasOld = true): string | null => {
  const found = accepted(lines);
  const wanted = [...(hasOld ? [0] : []), ...(isOver ? [2] : [])];
  const missing = wanted.filter((number) => !found.includes(number));
  if (missing.length > 0) return `records ${missing.join(', ')} are lost`;
  return new Set(found).size === found.length ? null : `a record is there twice: ${found.join(', ')}`;
};

const writeRecords = (folder: string): void => {
  writeFileSync(path.join(folder, 'tailgate.yml'), 'suites: []\n');
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, `${name}.jsonl`), text);
};
const accept = (record: string, baseline: string): string[] => [
  program,
  'baseline',
  'accept',
  `${record}.jsonl`,
  '--why',
  'x',
  '--by',
  'me',
  '--baseline',
  baseline,
];
const textOf = (folder: string, name: string): string =>
  existsSync(path.join(folder, name)) ? readFileSync(path.join(folder, name), 'utf8') : '';

/** Lets files have been left so long ago. */
const age = (folder: string, names: RegExp, ms: number): void => {
  const then = new Date(Date.now() - ms);
  for (const name of readdirSync(folder))
    if (names.test(name)) utimesSync(path.join(folder, name), then, then);
};

const inFile = (hasOld: boolean): Case => ({
  prepare: (folder) => {
    writeRecords(folder);
    if (hasOld) writeFileSync(path.join(folder, 'b.jsonl'), files.old);
  },
  args: (_, record) => accept(record, 'file:b.jsonl'),
  // A claim that is half names nobody: it is old before it is swept.
  between: (folder) => age(folder, /\.lock\./, 5_000),
  wrong: (folder, isOver) => {
    const lines = wrongRecords(textOf(folder, 'b.jsonl'), isOver, hasOld);
    const left = readdirSync(folder).filter((name) => /^b\.jsonl./.test(name));
    return lines ?? (isOver && left.length > 0 ? `left: ${left.join(', ')}` : null);
  },
});

const gitIn = (folder: string, ...args: string[]): string =>
  execFileSync('git', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const branchLines = (folder: string): string => {
  const repository = path.join(folder, 'remote.git');
  gitIn(repository, 'fsck', '--no-dangling');
  return gitIn(repository, 'show', 'tailgate:records/s/000001.jsonl');
};
let prepared: string | null = null;
const onBranch: Case = {
  // Made once, and copied.
  prepare: (folder) => {
    writeRecords(folder);
    writeFileSync(
      path.join(folder, 'tailgate.yml'),
      'suites: []\nbaseline: { mode: branch, remote: ./remote.git }\n',
    );
    const repository = path.join(folder, 'remote.git');
    if (prepared === null) {
      gitIn(folder, 'init', '-q', '--bare', '-b', 'main', 'remote.git');
      const ended = spawnSync(process.execPath, accept('old', 'branch'), { cwd: folder, encoding: 'utf8' });
      if (ended.status !== 0) throw new Error(ended.stderr);
      prepared = mkdtempSync(path.join(os.tmpdir(), 'tailgate-killed-remote-'));
      cpSync(repository, prepared, { recursive: true });
    } else cpSync(prepared, repository, { recursive: true });
  },
  args: (_, record) => accept(record, 'branch'),
  wrong: (folder, isOver) => wrongRecords(branchLines(folder), isOver),
};

/** Git itself is killed, at the n-th change of a file of each of its processes, in the program that is named. */
const inGit = (command: string): Case => ({
  ...onBranch,
  prepare: (folder) => {
    onBranch.prepare(folder);
    mkdirSync(path.join(folder, 'bin'));
    const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
    const changes = 'rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,fsync,fdatasync';
    writeFileSync(
      path.join(folder, 'bin/git'),
      `#!/bin/sh
case " $* " in *" ${command} "*) [ -n "$KILL_GIT_AT" ] &&
  exec strace -f -qq -o ${folder}/trace.$$ -e trace=${changes} -e inject=${changes}:signal=SIGKILL:when=$KILL_GIT_AT "${real}" "$@";;
esac
exec "${real}" "$@"
`,
      { mode: 0o755 },
    );
  },
  env: (folder, instant): Record<string, string> => ({
    PATH: `${folder}/bin:${process.env.PATH}`,
    ...(instant > 0 ? { KILL_GIT_AT: String(instant) } : {}),
  }),
  between: (folder) => {
    // Of the lock of a git that died the message says so; who removes it goes on.
    for (const name of readdirSync(path.join(folder, 'remote.git/refs/heads')))
      if (name.endsWith('.lock')) rmSync(path.join(folder, 'remote.git/refs/heads', name));
  },
});

const forms = ['json', 'html', 'junit'];
const reports: Case = {
  prepare: (folder) => {
    writeFileSync(path.join(folder, 'killed.json'), JSON.stringify(judgedReports.fail!()));
    writeFileSync(path.join(folder, 'next.json'), JSON.stringify(judgedReports.pass!()));
    for (const form of forms) writeFileSync(path.join(folder, `out.${form}`), `old ${form}`);
  },
  args: (_, record) => [
    program,
    'report',
    `${record}.json`,
    ...forms.flatMap((form) => [`--${form}`, `out.${form}`]),
  ],
  wrong: (folder, isOver) => {
    const half = forms.filter((form) => {
      const text = textOf(folder, `out.${form}`);
      const isOld = text === `old ${form}`;
      return isOver ? isOld || !isWhole(form, text) : !isOld && !isWhole(form, text);
    });
    const left = readdirSync(folder).filter((name) => name.endsWith('-tmp'));
    if (half.length > 0) return `half: ${half.join(', ')}`;
    return isOver && left.length > 0 ? `left: ${left.join(', ')}` : null;
  },
  // What was killed a while ago is removed.
  between: (folder) => age(folder, /-tmp$/, 120_000),
};
const isWhole = (form: string, text: string): boolean => {
  if (form === 'json') return JSON.parse(text) !== null;
  return text.trimEnd().endsWith(form === 'html' ? '</html>' : '</testsuites>');
};

const script = path.join(import.meta.dirname, 'killed-scripts.ts');
/** Files that are added to as they go: what was cut off is removed by who goes on. */
const lines = (kind: 'jobs' | 'bisect'): Case => ({
  prepare: (folder) => {
    const made = spawnSync(process.execPath, [script, kind, folder, 'old'], { encoding: 'utf8' });
    if (made.status !== 0) throw new Error(made.stderr);
  },
  args: (folder, record) => [script, kind, folder, record],
  wrong: (folder, isOver) => {
    const names = readdirSync(folder).filter((name) => name.endsWith('.jsonl'));
    const text = names.map((name) => textOf(folder, name)).join('');
    // The last line may be half until somebody goes on.
    const whole = isOver ? text : text.slice(0, text.lastIndexOf('\n') + 1);
    const found = whole
      .split('\n')
      .flatMap((line) => (line === '' ? [] : [JSON.stringify(JSON.parse(line))]));
    const isThere = (name: string): boolean => found.some((line) => line.includes(`"${name}"`));
    if (!isThere('old')) return 'what was there is lost';
    return isOver && !isThere('next') ? 'what came next is not there' : null;
  },
});

/** A branch behind the interface of a GitHub, with the old record, by the folder of the test. */
const githubs = new Map<string, GithubDouble>();
const api: Case = {
  prepare: async (folder) => {
    writeRecords(folder);
    const github = await startGithubDouble();
    githubs.set(folder, github);
    github.repository().commit('main', { 'README.md': 'Chat\n' });
    const made = await run([script, 'api', folder, 'old', github.url], folder, {});
    if (made.code !== 0) throw new Error(made.printed);
  },
  args: (folder, record) => [script, 'api', folder, record, githubs.get(folder)!.url],
  wrong: (folder, isOver) => {
    const text = githubs.get(folder)!.repository().files('tailgate')?.get('records/s/000001.jsonl');
    return wrongRecords(text ?? '', isOver);
  },
  after: async (folder) => {
    await githubs.get(folder)?.[Symbol.asyncDispose]();
    githubs.delete(folder);
  },
};

const settings: Case = {
  prepare: (folder) => {
    for (const name of ['killed', 'next'])
      writeFileSync(
        path.join(folder, `${name}.js`),
        `import ws from 'k6/ws';
export const options = { stages: [{ duration: '30s', target: 20 }] };
export default function () {
  ws.connect('ws://localhost:9000/${name}', {}, (socket) => {
    socket.on('open', () => socket.send(JSON.stringify({ type: 'join' })));
  });
}
`,
      );
    writeFileSync(path.join(folder, 'scenario.yml'), 'old: true\n');
  },
  args: (_, record) => [program, 'import', `${record}.js`, '--out', 'scenario.yml', '--force'],
  wrong: (folder, isOver) => {
    const text = textOf(folder, 'scenario.yml');
    const isMade = /scenarios:[\s\S]*join[\s\S]*\n$/.test(text) && (!isOver || text.includes('/next'));
    return isMade || (!isOver && text === 'old: true\n') ? null : `half: ${text.slice(-80)}`;
  },
};

const cases: Record<string, Case> = {
  file: inFile(true),
  'file-first': inFile(false),
  branch: onBranch,
  'git-fetch': inGit('fetch'),
  'git-import': inGit('fast-import'),
  'git-push': inGit('push'),
  api,
  reports,
  jobs: lines('jobs'),
  bisect: lines('bisect'),
  settings,
};

/** Runs it and waits for all that it started: a git goes on when who asked it is killed. */
const run = async (
  args: readonly string[],
  folder: string,
  env: Record<string, string>,
): Promise<{ code: number | null; printed: string }> => {
  const mark = randomUUID();
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { ...process.env, HOME: folder, TMPDIR: folder, GIT_CONFIG_NOSYSTEM: '1', ...env, FAULT: mark },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (part) => {
      printed += part;
    });
  const [code] = (await once(child, 'close')) as [number | null];
  const until = performance.now() + 5_000;
  while (processesOf(mark).length > 0 && performance.now() < until) await delay(20);
  return { code, printed };
};

/** What is wrong at one instant; `isOver` when there were not so many. */
const tryInstant = async (
  { prepare, args, env = () => ({}), wrong, between, after: end }: Case,
  instant: number,
): Promise<{ wrong: string | null; isOver: boolean }> => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tailgate-killed-'));
  try {
    await prepare(folder);
    const byStrace = 'KILL_GIT_AT' in env(folder, instant);
    const kill: Record<string, string> = byStrace ? {} : { KILL_AT: String(instant), KILL_WITHIN: folder };
    const preloaded = byStrace ? [] : ['--import', preload];
    const dead = await run([...preloaded, ...args(folder, 'killed')], folder, {
      ...env(folder, instant),
      ...kill,
    });
    const isOver = dead.code === 0;
    const half = safely(() => wrong(folder, false));
    if (half !== null) return { wrong: `after it was killed: ${half}`, isOver };
    between?.(folder);
    const startedAt = performance.now();
    const after = await run(args(folder, 'next'), folder, env(folder, 0));
    const ms = performance.now() - startedAt;
    if (after.code !== 0) return { wrong: `the next cannot: ${after.printed.slice(-300)}`, isOver };
    if (ms > nextWithinMs) return { wrong: `the next took ${Math.round(ms)} ms`, isOver };
    return { wrong: safely(() => wrong(folder, true)), isOver };
  } finally {
    await end?.(folder);
    rmSync(folder, { recursive: true, force: true });
  }
};

const safely = (look: () => string | null): string | null => {
  try {
    return look();
  } catch (error) {
    return String(error);
  }
};

/** Tries every instant of a case; gives how many there were, and what was wrong. */
export const killAtEveryWrite = async (name: string): Promise<{ instants: number; wrong: string[] }> => {
  const one = cases[name];
  if (one === undefined) throw new Error(`There is no case "${name}": ${Object.keys(cases).join(', ')}`);
  const wrong: string[] = [];
  let instants = mostInstants;
  let upcoming = 1;
  // What is made once is made by the first.
  const first = await tryInstant(one, upcoming++);
  if (first.wrong !== null) wrong.push(`1: ${first.wrong}`);
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (upcoming < instants) {
        const instant = upcoming++;
        const found = await tryInstant(one, instant);
        if (found.wrong !== null) wrong.push(`${instant}: ${found.wrong}`);
        if (found.isOver) instants = Math.min(instants, instant);
      }
    }),
  );
  if (prepared !== null) rmSync(prepared, { recursive: true, force: true });
  prepared = null;
  return { instants: instants - 1, wrong };
};

if (process.argv[1] === import.meta.filename) {
  const [name = ''] = process.argv.slice(2);
  const { instants, wrong } = await killAtEveryWrite(name);
  for (const each of wrong) console.log(`WRONG at ${each}`);
  console.log(`killed at every one of ${instants} instants`);
  process.exitCode = wrong.length === 0 && instants > 1 && instants < mostInstants ? 0 : 1;
}

/**
 * Runs the tests: `npm test` for all, `npm test -- test/verdict` for a folder, `npm test -- FILE...` for files. `--check`
 * checks types and style meanwhile, and ends all when they are not right.
 *
 * Two files more run at once than there are processors, four at least, for most of them wait for something. Those that
 * only compute take what these leave of the processors. A file that measures says so in a line of its own: `// Runs beside
 * one other: REASON` come next, two at once, and those that must have the machine to themselves, `// Runs alone: REASON`,
 * come last, one by one.
 *
 * Tests drive real servers in real time, and a machine that stands still for a second can fail one. Under CI, files
 * that failed are run once more, alone: what fails twice fails the run, what passes then is named as flaky.
 */
import { spawn } from 'node:child_process';
import { globSync, readFileSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { run } from 'node:test';
import { spec as Spec, type TestEvent } from 'node:test/reporters';

/** What a test file gave. */
type FileResult = { failed: boolean; counts: Counts; durationMs: number };
type Counts = Record<'tests' | 'suites' | 'passed' | 'failed' | 'cancelled' | 'skipped' | 'todo', number>;

const words = process.argv.slice(2);
const wanted = words.filter((word) => word !== '--check');
const files = (wanted.length === 0 ? ['test'] : wanted)
  .flatMap((place) => (statSync(place).isDirectory() ? globSync(`${place}/**/*.test.ts`) : [place]))
  .map((file) => path.resolve(file))
  .sort()
  // No lane is to end with a long file alone: those that start whole runs come first.
  .sort((one, other) => Number(startsRuns(other)) - Number(startsRuns(one)));

/** A file that ends before it has told what it ran. */
const crashed: Counts = { tests: 1, suites: 0, passed: 0, failed: 1, cancelled: 0, skipped: 0, todo: 0 };

const started = performance.now();
const results = new Map<string, FileResult>();
const failedFiles = (): string[] => files.filter((file) => results.get(file)?.failed ?? true);

/** Makes a process take what others leave of the processors. */
const lowestPriority = importing("import os from 'node:os'; os.setPriority(19);");
/** What one file has loaded, types taken out and compiled, is not made again for the next. What a test starts has no part in it. */
const shareCompiled = importing(
  `import { enableCompileCache } from 'node:module'; enableCompileCache(${JSON.stringify(path.resolve('node_modules/.cache/compiled-tests'))});`,
);

const stopping = new AbortController();
const checked = words.includes('--check') ? check() : Promise.resolve(true);

type Company = 'many' | 'one other' | 'none';
const companyOf = (file: string): Company => {
  const [, marked] = /^\/\/ Runs (alone|beside one other): \S/m.exec(readFileSync(file, 'utf8')) ?? [];
  if (marked === undefined) return 'many';
  return marked === 'alone' ? 'none' : 'one other';
};
const inCompany = (company: Company): string[] => files.filter((file) => companyOf(file) === company);
const many = inCompany('many');
await show([
  {
    chosen: many.filter((file) => !computes(file)),
    atOnce: Math.max(4, os.availableParallelism() + 2),
    meanwhile: {
      chosen: many.filter(computes),
      atOnce: os.availableParallelism(),
      execArgv: [lowestPriority],
    },
  },
  { chosen: inCompany('one other'), atOnce: 2 },
  { chosen: inCompany('none'), atOnce: 1 },
]);
if (!(await checked)) process.exit(1);
const failed = failedFiles();
if (failed.length > 0 && process.env.CI !== undefined) {
  console.log(`\nFailed, and run once more: ${relative(failed)}\n`);
  await show([{ chosen: failed, atOnce: 1 }], failed);
}
process.exit(failedFiles().length > 0 ? 1 : 0);

/** The argument that makes node run a module before all others. */
function importing(code: string): string {
  return `--import=data:text/javascript,${encodeURIComponent(code)}`;
}

function startsRuns(file: string): boolean {
  return /[\\/]test[\\/](e2e|faults)[\\/]/.test(file);
}

/** Whether nothing that it tests happens in real time. */
function computes(file: string): boolean {
  return /[\\/]test[\\/](metrics|report|settings|verdict)[\\/]/.test(file);
}

/** Checks types and style, and stops the tests when something is wrong with them. */
async function check(): Promise<boolean> {
  const { status, output } = await new Promise<{ status: number | null; output: string }>((resolve) => {
    const child = spawn('npm', ['run', '--silent', 'check'], {
      shell: process.platform === 'win32',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    child.once('error', (error) => resolve({ status: null, output: error.message }));
    child.once('close', (status) => resolve({ status, output }));
  });
  if (status === 0) return true;
  console.error(output);
  stopping.abort();
  return false;
}

type Lane = {
  chosen: readonly string[];
  atOnce: number;
  /** Told to node. */
  execArgv?: string[];
  /** Runs at the same time. */
  meanwhile?: Lane;
};

/** Runs test files, lane after lane, and prints what comes of them and the sum of all results, as `node --test` does. */
async function show(lanes: readonly Lane[], again: readonly string[] = []): Promise<void> {
  const reporter = new Spec();
  const ended = new Promise((resolve) => reporter.on('end', resolve));
  Readable.from(eventsOf(lanes, again)).pipe(reporter).pipe(process.stdout, { end: false });
  await ended;
}

async function* eventsOf(lanes: readonly Lane[], again: readonly string[]): AsyncGenerator<TestEvent> {
  for (const lane of lanes) {
    // A reporter takes one after the other.
    const meanwhile = lane.meanwhile === undefined ? [] : allOf(eventsOfLane(lane.meanwhile));
    yield* eventsOfLane(lane);
    yield* await meanwhile;
  }
  const flaky = again.filter((file) => results.get(file)?.failed === false);
  if (flaky.length > 0) yield line(`flaky, for they passed the second time: ${relative(flaky)}`);
  if (results.size > 20) for (const text of slowest(10)) yield line(text);
  const sum = (key: keyof Counts): number =>
    [...results.values()].reduce((total, { counts }) => total + counts[key], 0);
  yield line(`tests ${sum('tests')}`);
  yield line(`suites ${sum('suites')}`);
  yield line(`pass ${sum('passed')}`);
  yield line(`fail ${sum('failed')}`);
  yield line(`cancelled ${sum('cancelled')}`);
  yield line(`skipped ${sum('skipped')}`);
  yield line(`todo ${sum('todo')}`);
  yield line(`duration_ms ${performance.now() - started}`);
}

async function allOf<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

async function* eventsOfLane({ chosen, atOnce, execArgv = [] }: Lane): AsyncGenerator<TestEvent> {
  for (const file of chosen) results.set(file, { failed: false, counts: crashed, durationMs: 0 });
  const { signal } = stopping;
  if (chosen.length === 0 || signal.aborted) return;
  for await (const event of run({
    files: [...chosen],
    concurrency: atOnce,
    timeout: 300_000,
    signal,
    execArgv: [shareCompiled, ...execArgv],
  })) {
    const { type, data } = event as TestEvent;
    const result = data !== undefined && 'file' in data ? results.get(data.file ?? '') : undefined;
    if (type === 'test:fail' && result !== undefined && data.todo === undefined) result.failed = true;
    if (type === 'test:summary' && result !== undefined) {
      result.counts = data.counts as unknown as Counts;
      result.durationMs = data.duration_ms;
    }
    // The counts of a lane are added up with those of the others.
    const isCount = type === 'test:diagnostic' && result === undefined && data.nesting === 0;
    if (!isCount && !(type === 'test:summary' && result === undefined)) yield event;
  }
}

/** The files that took longest: where the time of the whole goes. */
function slowest(count: number): string[] {
  return [...results]
    .sort(([, one], [, other]) => other.durationMs - one.durationMs)
    .slice(0, count)
    .map(([file, { durationMs }]) => `${(durationMs / 1000).toFixed(1)} s in ${relative([file])}`);
}

function line(message: string): TestEvent {
  return { type: 'test:diagnostic', data: { nesting: 0, message, level: 'info' } } as TestEvent;
}

function relative(paths: readonly string[]): string {
  return paths.map((file) => path.relative(process.cwd(), file)).join(', ');
}

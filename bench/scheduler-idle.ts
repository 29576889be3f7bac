import { setTimeout as delay } from 'node:timers/promises';
import { median } from '../src/metrics/averages.ts';
import { treeCpuSeconds } from '../src/side/target/process-tree-usage.ts';
import { startGenerator } from './engine-load/processes.ts';
import { startSession } from './engine-load/session.ts';
import { type Figure, figure } from './figure.ts';

export const about = 'CPU time of the scheduling itself: 6 s of 250 arrivals a second whose users do nothing';

const measuredMs = 6_500;
const arrivals = 1_500;

const scenario = {
  config: {
    target: 'http://127.0.0.1:9',
    phases: [{ duration: 6, arrivalRate: 250 }],
    processor: './processor.cjs',
  },
  scenarios: [{ name: 'nothing', engine: 'http', flow: [{ function: 'noop' }] }],
};
const processor = 'exports.noop = (context, events, done) => done();';

/** CPU seconds of a process over the time of the load. */
const measure = async (pid: number, start: () => Promise<unknown>): Promise<number> => {
  const before = treeCpuSeconds(pid)!;
  await start();
  await delay(measuredMs);
  return treeCpuSeconds(pid)! - before;
};

const measureOurs = async (): Promise<number> => {
  await using session = await startSession(scenario.config.target, { scenario, processor });
  const cpuSeconds = await measure(session.pid, () => session.resume());
  const { counters } = await session.collect();
  if (counters['users.completed'] !== arrivals)
    throw new Error(`${counters['users.completed']} users came, not ${arrivals}`);
  return cpuSeconds;
};

const measureArtillery = async (): Promise<number> => {
  await using generator = await startGenerator('artillery-program.ts', scenario);
  const cpuSeconds = await measure(generator.pid, () => generator.ask('run'));
  await delay(1_000);
  if (!(await generator.ask('isOver'))) throw new Error('Artillery did not end in time');
  return cpuSeconds;
};

/** `args[0]`: rounds, 3 if not given. */
export const run = async (args: readonly string[]): Promise<Figure[]> => {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < Number(args[0] ?? 3); round += 1) {
    ours.push(await measureOurs());
    theirs.push(await measureArtillery());
    process.stderr.write(
      `CPU seconds: ours ${ours.at(-1)!.toFixed(2)}, Artillery ${theirs.at(-1)!.toFixed(2)}\n`,
    );
  }
  return [
    figure(
      'CPU of 6 s of 250 arrivals/s with users who do nothing',
      median(ours) / median(theirs),
      'ratio',
      '<=',
      0.35,
      "Artillery's own runner and scheduler",
    ),
  ];
};

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { parseReport } from '../../src/report/parse-report.ts';
import type { Report, SuiteReport } from '../../src/report/report-model.ts';
import { root, startTailgate } from './runner.ts';

type Settings = Record<string, Record<string, unknown>> & {
  suites: Record<string, unknown>[];
  thresholds?: string[];
};

export type WorkloadRun = {
  exitCode: number | null;
  log: string;
  report: Report;
  suite: SuiteReport;
  /** Value of a counter at the head. */
  counter(name: string): number;
  /** Summary of a latency at the head. */
  latency(id: string): NonNullable<SuiteReport['metrics'][number]['head']>;
  /** Value of a counter, rate, resource or custom metric that has a limit, at the head. */
  value(id: string): number | null;
  /** A file of the report folder. */
  file(name: string): string;
};

/** Ends a run that hangs, with its servers. */
const timeoutMs = 240_000;

/** A machine that is busy with other things delays the load generator; the run is invalid then, and is repeated. */
const attempts = 4;
const machineWasBusy = ({ suite }: WorkloadRun): boolean =>
  suite.problems.some(({ code }) => code === 'GENERATOR_BOTTLENECK');

/**
 * Runs the settings file of an example through the command line of the bundle, from the root of the repository, as a
 * user does. `change` makes it smaller, or different, first.
 */
export const runWorkload = async (
  file: string,
  change: (settings: Settings) => void,
  env: Record<string, string> = {},
): Promise<WorkloadRun> => {
  let result = await runOnce(file, change, env);
  for (let attempt = 1; attempt < attempts && machineWasBusy(result); attempt += 1)
    result = await runOnce(file, change, env);
  return result;
};

const runOnce = async (
  file: string,
  change: (settings: Settings) => void,
  env: Record<string, string>,
): Promise<WorkloadRun> => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'workload-run-'));
  try {
    const settings = parse(readFileSync(path.join(root, file), 'utf8')) as Settings;
    for (const suite of settings.suites)
      suite.scenario = path.resolve(root, path.dirname(file), String(suite.scenario));
    settings.baseline ??= { mode: 'none' };
    change(settings);
    const config = path.join(folder, 'tailgate.yml');
    writeFileSync(config, JSON.stringify(settings));
    const reports = path.join(folder, 'reports');
    const args = ['run', '--config', config, '--report-dir', reports];
    const { exitCode, log } = await run(args, env);
    const read = (name: string): string => readFileSync(path.join(reports, name), 'utf8');
    const text = tried(() => read('report.json'));
    if (text === null) throw new Error(`There is no report; exit code ${exitCode}:\n${log}`);
    const report = parseReport(text, 'report.json');
    const suite = report.suites[0];
    if (suite === undefined) throw new Error(`The report has no suite:\n${log}`);
    const metric = (id: string) => suite.metrics.find((each) => each.id === id);
    const names = ['report.json', 'report.md', 'report.html', 'junit.xml'];
    const files = new Map(names.map((name) => [name, read(name)]));
    return {
      exitCode,
      log,
      report,
      suite,
      counter: (name) => suite.counters[name]?.head ?? Number.NaN,
      latency: (id) => {
        const head = metric(id)?.head;
        if (head === undefined || head === null) throw new Error(`"${id}" was not measured:\n${log}`);
        return head;
      },
      value: (id) => metric(id)?.headValue ?? null,
      file: (name) => files.get(name) ?? '',
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const tried = (read: () => string): string | null => {
  try {
    return read();
  } catch {
    return null;
  }
};

const run = async (
  args: string[],
  env: Record<string, string>,
): Promise<{ exitCode: number | null; log: string }> => {
  // RabbitMQ keeps its cookie in the home directory.
  const { child, log, ended } = startTailgate(root, args, {
    env: { HOME: process.env.HOME ?? '', ...env },
    timeoutMs: timeoutMs + 10_000,
  });
  // Before the time is up: the run then stops its servers.
  const timer = setTimeout(() => child.kill('SIGINT'), timeoutMs);
  const { exitCode } = await ended;
  clearTimeout(timer);
  return { exitCode, log: log() };
};

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import type { GithubDouble } from './double/github-double.ts';

const root = path.resolve(import.meta.dirname, '../..');

type ActionFile = { inputs: Record<string, { default?: string }> };

/** The inputs of `report/action.yml` with their defaults. */
export const reportActionFile = (): ActionFile =>
  parse(readFileSync(path.join(root, 'report/action.yml'), 'utf8')) as ActionFile;

export type ReportStep = {
  exitCode: number | null;
  log: string;
  outputs: Record<string, string>;
  summary: string;
};

export type Workspace = { dir: string; write(name: string, content: string | object): string } & Disposable;

/** A folder of a job, with the artifacts in `artifacts/`. */
export const workspace = (): Workspace => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'tailgate-report-action-'));
  mkdirSync(path.join(dir, 'artifacts'));
  return {
    dir,
    write: (name, content) => {
      const file = path.join(dir, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
      return file;
    },
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
};

/** Runs the entry of the report action as a step does: from its action.yml, with its inputs and command files. */
export const runReportAction = async (options: {
  double: GithubDouble;
  at: Workspace;
  inputs: Record<string, string>;
  eventName: string;
  event: object;
  env?: Record<string, string>;
}): Promise<ReportStep> => {
  const { double, at } = options;
  const files = Object.fromEntries(
    ['GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY'].map((name) => [
      name,
      at.write(`runner/${name}`, ''),
    ]),
  );
  const inputs: Record<string, string> = {};
  for (const [name, { default: fallback = '' }] of Object.entries(reportActionFile().inputs)) {
    const given = options.inputs[name] ?? (fallback.includes('github.token') ? 'token' : fallback);
    inputs[`INPUT_${name.toUpperCase()}`] = given;
  }
  const child = spawn(process.execPath, [path.join(root, 'src/entry/report.ts')], {
    cwd: at.dir,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      GITHUB_ACTIONS: 'true',
      GITHUB_WORKSPACE: at.dir,
      GITHUB_REPOSITORY: 'acme/chat',
      GITHUB_API_URL: double.url,
      GITHUB_RUN_ID: '5000',
      GITHUB_RUN_ATTEMPT: '1',
      GITHUB_WORKFLOW: 'Performance',
      GITHUB_JOB: 'report',
      GITHUB_EVENT_NAME: options.eventName,
      GITHUB_EVENT_PATH: at.write('runner/event.json', options.event),
      ...files,
      ...inputs,
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  child.stdout.on('data', (chunk: Buffer) => {
    log += chunk;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk;
  });
  const [exitCode] = (await once(child, 'close')) as [number | null];
  const outputs: Record<string, string> = {};
  for (const match of readFileSync(files.GITHUB_OUTPUT!, 'utf8').matchAll(
    /^([^\n=<]+)<<(\S+)\n([\s\S]*?)\n\2$/gm,
  ))
    outputs[match[1] ?? ''] = match[3] ?? '';
  return { exitCode, log, outputs, summary: readFileSync(files.GITHUB_STEP_SUMMARY!, 'utf8') };
};

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { readGithubContext } from '../../src/github/github-context.ts';
import type { Host } from '../../src/host/host.ts';
import type { Report } from '../../src/report/report-model.ts';
import { reportAction } from '../../src/run/report-action.ts';
import { readReportInputs } from '../../src/run/report-inputs.ts';
import type { GithubDouble } from './double/github-double.ts';
import { clientOf, headSha } from './pull-request.ts';

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

/** The report as a job of this run made it on the head of the pull request. */
export const ofRun = (report: Report, runId = 5000): Report => ({
  ...report,
  commits: { ...report.commits, head: headSha },
  runUrl: `https://github.com/acme/chat/actions/runs/${runId}`,
});

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

export type ReportRequest = {
  double: GithubDouble;
  at: Workspace;
  inputs: Record<string, string>;
  eventName: string;
  event: object;
};

const environmentOf = ({ double, at, eventName, event, inputs }: ReportRequest): Record<string, string> => {
  const given: Record<string, string> = {};
  for (const [name, { default: fallback = '' }] of Object.entries(reportActionFile().inputs)) {
    given[`INPUT_${name.toUpperCase()}`] =
      inputs[name] ?? (fallback.includes('github.token') ? 'token' : fallback);
  }
  return {
    GITHUB_ACTIONS: 'true',
    GITHUB_WORKSPACE: at.dir,
    GITHUB_REPOSITORY: 'acme/chat',
    GITHUB_API_URL: double.url,
    GITHUB_RUN_ID: '5000',
    GITHUB_RUN_ATTEMPT: '1',
    GITHUB_WORKFLOW: 'Performance',
    GITHUB_JOB: 'report',
    GITHUB_EVENT_NAME: eventName,
    GITHUB_EVENT_PATH: at.write('runner/event.json', event),
    ...given,
  };
};

/** A host that keeps what a step would print, put out and summarise. */
const recordingHost = (env: Record<string, string>, step: ReportStep): Host => {
  const print = (text: string, place?: { file?: string | undefined; line?: number | undefined }): void => {
    step.log += `${text}${place?.file === undefined ? '' : ` @${place.file}:${place.line}`}\n`;
  };
  return {
    kind: 'actions',
    env,
    cwd: env.GITHUB_WORKSPACE!,
    columns: 100,
    interactive: false,
    result: { columns: 120, color: false, unicode: true },
    info: print,
    warn: print,
    error: print,
    debug: () => {},
    progress: () => {},
    group: () => () => {},
    secret: () => {},
    secrets: [],
    mask: (text) => text,
    output: (name, value) => {
      step.outputs[name] = value;
    },
    summary: async (markdown) => {
      step.summary += markdown;
    },
    saveState: () => {},
    signal: new AbortController().signal,
  };
};

/** Runs the report action in this process, from the inputs of its action.yml, with short waits. */
export const runReportAction = async (request: ReportRequest): Promise<ReportStep> => {
  const env = environmentOf(request);
  const step: ReportStep = { exitCode: null, log: '', outputs: {}, summary: '' };
  step.exitCode = await reportAction({
    host: recordingHost(env, step),
    inputs: readReportInputs(env, request.at.dir),
    github: { context: readGithubContext(env), client: clientOf(request.double), matrix: null },
    verifyAfterMs: [0],
  });
  return step;
};

/** Runs the entry of the report action as a step does: a process of its own, with inputs and command files. */
export const runReportStep = async (request: ReportRequest): Promise<ReportStep> => {
  const { at } = request;
  const files = Object.fromEntries(
    ['GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY'].map((name) => [
      name,
      at.write(`runner/${name}`, ''),
    ]),
  );
  const child = spawn(process.execPath, [path.join(root, 'src/entry/report.ts')], {
    cwd: at.dir,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environmentOf(request), ...files },
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

import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { access, constants, mkdir } from 'node:fs/promises';
import { availableParallelism, freemem, loadavg } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { exitCodes, problemsOf } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { isCi } from '../host/is-ci.ts';
import { decidePinning } from '../host/processes/core-pinning.ts';
import type { RawInputs } from '../settings/inputs.ts';
import { loadSettings } from '../settings/load-settings.ts';
import { machineLimits } from '../side/target/limits.ts';
import { portHolder } from '../side/target/port-holder.ts';
import { isPortFree } from '../side/target/ports.ts';
import { validateCommand } from './validate-command.ts';

type Finding = { state: 'ok' | 'mind' | 'bad'; what: string; fix?: string };

const marks = { ok: 'ok  ', mind: 'mind', bad: 'bad ' } as const;

/**
 * `tailgate doctor`: whether this machine, this repository, its workflow and its settings can give verdicts to be
 * trusted. Starts nothing. `usage` when something would keep a run from working.
 */
export const doctorCommand = async (options: {
  host: Host;
  print: (text: string) => void;
  inputs: RawInputs;
}): Promise<number> => {
  const { host, print, inputs } = options;
  const findings = [
    ...(await machine(host)),
    ...(await repository(host)),
    ...workflows(host),
    ...(await settings(host, inputs)),
  ];
  for (const { state, what, fix } of findings)
    print(
      `${marks[state]}  ${what}${fix === undefined ? '' : `\n      ${fix.replaceAll('\n', '\n      ')}`}`,
    );
  const bad = findings.filter(({ state }) => state === 'bad').length;
  print(bad === 0 ? 'A run can work here.' : `${bad} of these would keep a run from working.`);
  return bad === 0 ? exitCodes.pass : exitCodes.usage;
};

async function machine({ cwd }: Host): Promise<Finding[]> {
  const cores = availableParallelism();
  const busy = loadavg()[0]!;
  const { openFiles, ephemeralPorts } = machineLimits();
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const { pinning, description } = await decidePinning(null);
  const free = freemem() / 2 ** 20;
  const folder = path.join(cwd, '.tailgate');
  const writable = await mkdir(folder, { recursive: true })
    .then(() => access(folder, constants.W_OK))
    .then(() => true)
    .catch(() => false);
  return [
    major > 20 || (major === 20 && minor >= 19)
      ? { state: 'ok', what: `Node ${process.versions.node}` }
      : { state: 'bad', what: `Node ${process.versions.node}`, fix: 'Install Node 20.19 or newer.' },
    cores >= 2
      ? { state: 'ok', what: `${cores} cores; ${description}` }
      : {
          state: 'mind',
          what: 'One core: the load is read as the latency of the server.',
          fix: 'Use a machine with two or more.',
        },
    ...(pinning === null && cores >= 2
      ? [{ state: 'mind', what: 'Server and load are not kept on separate cores.' } as const]
      : []),
    busy < cores * 0.3
      ? { state: 'ok', what: `The machine is quiet (load ${busy.toFixed(1)})` }
      : {
          state: 'mind',
          what: `The machine is busy (load ${busy.toFixed(1)} on ${cores} cores): runs are noisy.`,
          fix: 'Measure when nothing else runs.',
        },
    free > 500
      ? { state: 'ok', what: `${Math.round(free)} MB of memory free` }
      : { state: 'mind', what: `Only ${Math.round(free)} MB of memory free.` },
    ...(openFiles === null
      ? []
      : [
          openFiles.hard >= 4_096
            ? ({
                state: 'ok',
                what: `${openFiles.hard} open files, ${ephemeralPorts[1] - ephemeralPorts[0] + 1} ports for connections`,
              } as const)
            : ({
                state: 'mind',
                what: `At most ${openFiles.hard} open files: some ${Math.floor(openFiles.hard / 2)} users at a time.`,
                fix: 'Raise the hard limit (ulimit -Hn).',
              } as const),
        ]),
    writable
      ? { state: 'ok', what: 'Reports can be written to .tailgate' }
      : {
          state: 'bad',
          what: '.tailgate cannot be written.',
          fix: 'Let this user write there, or name another folder with --report-dir.',
        },
  ];
}

async function repository({ cwd }: Host): Promise<Finding[]> {
  const git = async (...args: string[]): Promise<string | null> =>
    promisify(execFile)('git', args, { cwd, timeout: 5_000 })
      .then(({ stdout }) => stdout.trim())
      .catch(() => null);
  if ((await git('--version')) === null)
    return [
      {
        state: 'mind',
        what: 'There is no git here: only absolute limits and --baseline-dir work.',
        fix: 'Install git.',
      },
    ];
  if ((await git('rev-parse', '--is-inside-work-tree')) === null)
    return [
      {
        state: 'mind',
        what: 'This is no git repository, or git does not trust it: there is no commit to compare with.',
      },
    ];
  const commits = Number((await git('rev-list', '--count', 'HEAD')) ?? 0);
  const remote = await git('remote', 'get-url', 'origin');
  const shallow = (await git('rev-parse', '--is-shallow-repository')) === 'true';
  return [
    commits > 0
      ? {
          state: 'ok',
          what: `git: ${commits} ${commits === 1 ? 'commit' : 'commits'}${shallow ? ', a shallow clone' : ''}`,
        }
      : { state: 'mind', what: 'git: no commit yet, so nothing to compare with.' },
    remote === null
      ? { state: 'mind', what: 'There is no remote "origin": a base that is not here cannot be fetched.' }
      : { state: 'ok', what: 'A remote "origin" to fetch the base from' },
  ];
}

type Job = {
  steps?: { uses?: string; with?: Record<string, unknown> }[];
  permissions?: unknown;
  'runs-on'?: unknown;
  'timeout-minutes'?: unknown;
};

function workflows({ cwd, env }: Host): Finding[] {
  const folder = path.join(cwd, '.github', 'workflows');
  const found: Finding[] = [];
  for (const file of existsSync(folder) ? readdirSync(folder).filter((name) => /\.ya?ml$/.test(name)) : []) {
    let workflow: { jobs?: Record<string, Job>; permissions?: unknown };
    try {
      workflow = parse(readFileSync(path.join(folder, file), 'utf8')) as typeof workflow;
    } catch {
      found.push({ state: 'bad', what: `.github/workflows/${file} is no YAML.` });
      continue;
    }
    for (const [name, job] of Object.entries(workflow?.jobs ?? {})) {
      const step = job.steps?.find(({ uses }) => /(^|\/)tailgate@/.test(uses ?? ''));
      if (step === undefined) continue;
      const permissions = job.permissions ?? workflow.permissions;
      const may = (scope: string): boolean =>
        permissions === 'write-all' ||
        (permissions as Record<string, string> | undefined)?.[scope] === 'write';
      const place = `.github/workflows/${file}, job "${name}"`;
      const wantsComment = step.with?.comment !== 'never';
      found.push(
        wantsComment && !may('pull-requests')
          ? {
              state: 'mind',
              what: `${place}: it may not comment.`,
              fix: 'permissions:\n  contents: read\n  pull-requests: write',
            }
          : { state: 'ok', what: `${place}: permissions` },
      );
      if (String(step.with?.baseline ?? '').startsWith('branch') && !may('contents'))
        found.push({
          state: 'mind',
          what: `${place}: it may not store a baseline.`,
          fix: 'permissions:\n  contents: write',
        });
      if (job['timeout-minutes'] === undefined)
        found.push({ state: 'mind', what: `${place}: no timeout.`, fix: 'timeout-minutes: 40' });
      if (!job.steps?.some(({ uses }) => uses?.startsWith('actions/checkout@')))
        found.push({
          state: 'bad',
          what: `${place}: it checks nothing out.`,
          fix: '- uses: actions/checkout@v7',
        });
    }
  }
  if (isCi(env))
    found.push({
      state: env.RUNNER_ENVIRONMENT === 'github-hosted' ? 'mind' : 'ok',
      what:
        env.RUNNER_ENVIRONMENT === 'github-hosted'
          ? 'A shared runner: compare side by side, absolute limits need room.'
          : 'A CI runner',
    });
  return found;
}

async function settings(host: Host, inputs: RawInputs): Promise<Finding[]> {
  const found: Finding[] = [];
  try {
    const { settings: loaded } = await loadSettings({
      cwd: host.cwd,
      inputs,
      readFile: async (file) => readFileSync(file, 'utf8'),
    });
    const port = loaded.target.start === undefined ? undefined : loaded.target.port;
    if (port !== undefined && !(await isPortFree(port)))
      found.push({
        state: 'bad',
        what: `Port ${port} is in use${portHolder(port) === null ? '' : `, by ${portHolder(port)!.description}`}.`,
        fix: 'End what listens there, or let the server take a free port: leave "target.port" out.',
      });
    if (port !== undefined && loaded.baseline.mode === 'side-by-side')
      found.push({
        state: 'bad',
        what: `Two versions cannot both listen on port ${port}.`,
        fix: 'Leave "target.port" out, and let the server read PORT.',
      });
    await validateCommand({ host, print: () => {}, inputs });
    found.push({ state: 'ok', what: 'Settings, secrets and scenarios' });
  } catch (failure) {
    for (const { what, fix } of problemsOf(failure)) found.push({ state: 'bad', what, fix });
  }
  return found;
}

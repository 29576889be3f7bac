import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { availableParallelism, freemem, loadavg } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import * as z from 'zod';
import { exitCodes, problemsOf } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { isCi } from '../host/is-ci.ts';
import { decidePinning } from '../host/processes/core-pinning.ts';
import { plural } from '../metrics/notation.ts';
import type { RawInputs } from '../settings/inputs.ts';
import { loadSettings } from '../settings/load-settings.ts';
import { machineLimits } from '../side/target/limits.ts';
import { portHolder } from '../side/target/port-holder.ts';
import { isPortFree } from '../side/target/ports.ts';
import { type Finding, machineFindings } from './machine-findings.ts';
import { validateCommand } from './validate-command.ts';

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
  const { openFiles, ephemeralPorts } = machineLimits();
  const { pinning, description } = await decidePinning(null);
  const folder = path.join(cwd, '.tailgate');
  // A run makes it, and has it ignore itself.
  const writable = await access(existsSync(folder) ? folder : cwd, constants.W_OK).then(
    () => true,
    () => false,
  );
  return machineFindings({
    node: process.versions.node,
    cores: availableParallelism(),
    pinning: pinning === null ? null : description,
    busy: loadavg()[0]!,
    freeMb: freemem() / 2 ** 20,
    openFiles: openFiles?.hard ?? null,
    ports: ephemeralPorts[1] - ephemeralPorts[0] + 1,
    writable,
  });
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
          what: `git: ${plural(commits, 'commit')}${shallow ? ', a shallow clone' : ''}`,
        }
      : { state: 'mind', what: 'git: no commit yet, so nothing to compare with.' },
    remote === null
      ? { state: 'mind', what: 'There is no remote "origin": a base that is not here cannot be fetched.' }
      : { state: 'ok', what: 'A remote "origin" to fetch the base from' },
  ];
}

/** Jobs as far as they can be read: whatever else stands there is GitHub's to refuse. */
const workflowSchema = z.object({
  permissions: z.unknown().optional(),
  jobs: z
    .record(
      z.string(),
      z
        .object({
          steps: z
            .array(
              z
                .object({
                  uses: z.string().optional().catch(undefined),
                  with: z.record(z.string(), z.unknown()).optional().catch(undefined),
                })
                .catch({}),
            )
            .catch([]),
          permissions: z.unknown().optional(),
          'timeout-minutes': z.unknown().optional(),
        })
        .catch({ steps: [] }),
    )
    .catch({}),
});

function workflows({ cwd, env }: Host): Finding[] {
  const folder = path.join(cwd, '.github', 'workflows');
  const found: Finding[] = [];
  for (const file of existsSync(folder) ? readdirSync(folder).filter((name) => /\.ya?ml$/.test(name)) : []) {
    let workflow: z.output<typeof workflowSchema>;
    try {
      const text = readFileSync(path.join(folder, file), 'utf8');
      workflow = workflowSchema.catch({ jobs: {} }).parse(parse(text));
    } catch {
      found.push({ state: 'bad', what: `.github/workflows/${file} is no YAML.` });
      continue;
    }
    for (const [name, job] of Object.entries(workflow.jobs)) {
      const step = job.steps.find(({ uses }) => /(^|\/)tailgate@/.test(uses ?? ''));
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
      if (!job.steps.some(({ uses }) => uses?.startsWith('actions/checkout@')))
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
    const { settings: loaded } = await loadSettings({ cwd: host.cwd, inputs });
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
    if (host.signal.aborted) throw failure;
    for (const { what, fix } of problemsOf(failure)) found.push({ state: 'bad', what, fix });
  }
  return found;
}

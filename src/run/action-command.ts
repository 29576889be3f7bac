import path from 'node:path';
import { problemsOf } from '../errors.ts';
import { createGithubClient } from '../github/client.ts';
import { readGithubContext } from '../github/github-context.ts';
import { createActionsHost } from '../host/actions-host.ts';
import type { Host } from '../host/host.ts';
import { endOfProcess } from '../host/process-guard.ts';
import { persistRegistry } from '../host/processes/process-registry.ts';
import { actionMode } from '../settings/action-mode.ts';
import { readActionInputs } from '../settings/input-overlay.ts';
import { capacityCommand } from './capacity-command.ts';
import { showProblems } from './deliver.ts';
import { exitCodeOfProblems } from './exit-code.ts';
import { gateCommand } from './gate-command.ts';

/**
 * The step of a workflow, from what its environment says to its exit code: measures, compares, judges, reports and
 * publishes. What is known to go wrong is shown, and never thrown.
 */
export const actionCommand = async (env: NodeJS.ProcessEnv): Promise<number> => {
  const signal = endOfProcess();
  const host = createActionsHost({ env, cwd: env.GITHUB_WORKSPACE ?? '.', signal });
  try {
    return await perform(env, host);
  } catch (failure) {
    const problems = problemsOf(failure);
    showProblems(host, problems);
    host.output('verdict', 'invalid');
    return exitCodeOfProblems(problems);
  }
};

async function perform(env: NodeJS.ProcessEnv, host: Host): Promise<number> {
  const registry = path.join(env.RUNNER_TEMP ?? '.tailgate', `tailgate-processes-${process.pid}.jsonl`);
  persistRegistry(registry);
  host.saveState('processes', registry);
  const token = env['INPUT_GITHUB-TOKEN'] ?? '';
  if (token !== '') host.secret(token);
  const context = readGithubContext(env);
  for (const warning of context.warnings) host.warn(warning);
  const client =
    token === ''
      ? null
      : createGithubClient({ token, apiUrl: context.apiUrl, onNote: (note) => host.debug(note) });
  const { inputs, problems } = readActionInputs(env);
  const { mode, problems: ofMode } = actionMode(inputs);
  const command = mode === 'capacity' ? capacityCommand : gateCommand;
  return command({
    host,
    print: (text) => host.info(text),
    inputs,
    wrongInputs: [...problems, ...ofMode],
    files: {},
    github: client === null ? null : { context, client, matrix: env.INPUT_MATRIX ?? null },
  });
}

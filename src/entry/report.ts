import { problemsOf } from '../errors.ts';
import { createGithubClient } from '../github/client.ts';
import { readGithubContext } from '../github/github-context.ts';
import { createActionsHost } from '../host/actions-host.ts';
import { guardProcess } from '../host/process-guard.ts';
import { showProblems } from '../run/deliver.ts';
import { exitCodeOfProblems } from '../run/exit-code.ts';
import { reportAction } from '../run/report-action.ts';
import { readReportInputs } from '../run/report-inputs.ts';

/** The action in `report/`: merges the reports of a matrix, or publishes those of runs from forks. */
guardProcess();

const { env } = process;

const cwd = env.GITHUB_WORKSPACE ?? process.cwd();

const host = createActionsHost({ env, cwd, signal: new AbortController().signal });

try {
  process.exitCode = await main();
} catch (failure) {
  const problems = problemsOf(failure);
  showProblems(host, problems);
  process.exitCode = exitCodeOfProblems(problems);
}

async function main(): Promise<number> {
  const token = env['INPUT_GITHUB-TOKEN'] ?? '';
  if (token !== '') host.secret(token);
  const context = readGithubContext(env);
  for (const warning of context.warnings) host.warn(warning);
  const onNote = (note: string): void => host.debug(note);
  const client = token === '' ? null : createGithubClient({ token, apiUrl: context.apiUrl, onNote });
  const inputs = readReportInputs(env, cwd);
  return reportAction({ host, inputs, github: client === null ? null : { context, client, matrix: null } });
}

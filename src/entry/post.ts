import { createActionsHost } from '../host/actions-host.ts';
import { guardProcess } from '../host/process-guard.ts';
import { killRegistered } from '../host/processes/process-registry.ts';

/** After the job, whatever happened to the step: ends what it left running. Warns, and never fails the job. */
guardProcess();
const { env } = process;
const host = createActionsHost({ env, cwd: '.', signal: new AbortController().signal });
const registry = env.STATE_processes;
try {
  const killed = registry === undefined || registry === '' ? [] : killRegistered(registry);
  for (const process of killed)
    host.warn(`Tailgate left a process running and has ended it now: ${process}.`);
} catch (failure) {
  host.warn(`Tailgate could not look for processes that it left running: ${failure}`);
}

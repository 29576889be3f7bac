import { readFile } from 'node:fs/promises';
import { openBaseCommit } from '../baseline/base-commit.ts';
import { problemsOf } from '../errors.ts';
import { maskStrings } from '../host/mask-strings.ts';
import { type LoadedSettings, loadSettings } from '../settings/load-settings.ts';
import { deliver, showProblems } from './deliver.ts';
import { exitCodeOf, exitCodeOfProblems } from './exit-code.ts';
import { deliveryOf, type GateCommand } from './gate-command.ts';
import { findProvenance } from './provenance.ts';
import { runCapacity } from './run-capacity.ts';

/** What a search is asked for, which is what the gate is asked for. */
export type CapacityCommand = Omit<GateCommand, 'record'>;

/** Searches and judges, then delivers, then, last, gives the exit code. */
const perform = async (command: CapacityCommand, loaded: LoadedSettings): Promise<number> => {
  const { host, github } = command;
  const { settings, cwd } = loaded;
  const context = github?.context ?? null;
  const found = await runCapacity({
    loaded,
    host,
    provenance: await findProvenance(cwd, host.env, context),
    openBase: () => openBaseCommit(settings.baseline, { cwd, env: host.env, context, signal: host.signal }),
  });
  const report = maskStrings(found, (text) => host.mask(text));
  const { holds } = report.head.edge;
  await deliver(report, {
    ...deliveryOf(command, loaded, `${report.suite} (capacity)`),
    outputs: {
      verdict: report.verdict,
      capacity: holds === null ? '' : String(holds),
      regressions: JSON.stringify(report.verdict === 'fail' ? [report.reason] : []),
      'baseline-commit': report.commits.base ?? '',
    },
  });
  return exitCodeOf({ ...report, failOn: settings.failOn, suites: [] });
};

/** `tailgate capacity` from its inputs to its exit code. What is known to go wrong is shown, and never thrown. */
export const capacityCommand = async (command: CapacityCommand): Promise<number> => {
  const { host } = command;
  try {
    const loaded = await loadSettings({
      cwd: host.cwd,
      inputs: command.inputs,
      readFile: (file) => readFile(file, 'utf8'),
    });
    return await perform(command, loaded);
  } catch (failure) {
    const problems = problemsOf(failure);
    showProblems(host, problems);
    host.output('verdict', 'invalid');
    return exitCodeOfProblems(problems);
  }
};

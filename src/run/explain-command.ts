import { existsSync } from 'node:fs';
import path from 'node:path';
import { type BaseCommit, openBaseCommit } from '../baseline/base-commit.ts';
import { GitCheckout } from '../baseline/git-checkout.ts';
import { exitCodes, problemsOf } from '../errors.ts';
import type { Sentence } from '../explain/explain-work.ts';
import type { Host } from '../host/host.ts';
import { maskStrings } from '../host/mask-strings.ts';
import { ResourceStack } from '../host/resource-stack.ts';
import { shownFile } from '../report/document.ts';
import { sliceObstacle } from '../scenario/slice-obstacle.ts';
import type { RawInputs } from '../settings/inputs.ts';
import { loadSettings } from '../settings/load-settings.ts';
import { showProblems } from './deliver.ts';
import { exitCodeOfProblems } from './exit-code.ts';
import { explainSuite, type SuiteExplanation } from './explain-suite.ts';
import { contextOf, prepareRun } from './prepare-run.ts';
import { prepareSides } from './prepare-sides.ts';
import { changeRoots } from './read-change.ts';
import { suiteLabel } from './suite-run.ts';
import { writeProfiles } from './write-profiles.ts';
import { writeText } from './write-reports.ts';

export type ExplainCommand = {
  host: Host;
  print: (text: string) => void;
  inputs: RawInputs;
  /** Commits or folders; the base that side by side would take, and the working directory, if not given. */
  base: string | undefined;
  head: string | undefined;
  json: string | undefined;
};

/**
 * Counts the work of two versions of the server and says which function does more, and on which line. Judges nothing:
 * the exit code only tells whether it could look.
 */
export const explainCommand = async (command: ExplainCommand): Promise<number> => {
  const { host } = command;
  try {
    return await perform(command);
  } catch (failure) {
    const problems = problemsOf(failure);
    showProblems(host, problems);
    return exitCodeOfProblems(problems);
  }
};

async function perform(command: ExplainCommand): Promise<number> {
  const { host, print } = command;
  const loaded = await loadSettings({ cwd: host.cwd, inputs: command.inputs });
  const stage = await prepareRun(loaded, host);
  const { plan } = stage;
  await using resources = new ResourceStack();
  const base = resources.use(await openVersion(command.base, loaded.cwd, host, loaded.settings.baseline));
  const head =
    command.head === undefined || (await isCheckedOut(command.head, loaded.cwd, host))
      ? null
      : resources.use(await openVersion(command.head, loaded.cwd, host, {}));
  const headCwd = head?.dir ?? loaded.cwd;
  const sides = await prepareSides(plan, { cwd: headCwd, base, logDir: stage.logDir, host });
  const roots = await changeRoots(headCwd, base, host);
  const found: { suite: string; explanation: SuiteExplanation }[] = [];
  for (const suite of plan.suites) {
    const { scenario, outline } = stage.scenarios.get(suite.name)!;
    const explanation = await explainSuite({
      suite,
      baseline: sides.baseline!,
      head: sides.head,
      context: contextOf(stage, suite, host),
      label: suiteLabel(suite),
      sliced: sliceObstacle(scenario) === null,
      guardMs: plan.verdict.guardMs,
      warmUpMs: plan.verdict.warmUpMs,
      plannedMs: outline.plannedMs,
      profile: true,
      roots,
      budgetMs: longestMs,
      repeated: false,
      evidence: null,
      onProgress: () => {},
    });
    found.push({ suite: suite.name, explanation });
    print(host.mask(`${suite.name}: ${inWords(explanation)}`));
    if ('work' in explanation) {
      const files = await writeProfiles(explanation, path.join(plan.reportDir, 'profiles'), suite);
      if (files.length > 0)
        host.info(`Profiles: ${files.map((file) => path.relative(host.cwd, file)).join(', ')}`);
    }
  }
  if (command.json !== undefined)
    await writeText(
      path.resolve(host.cwd, command.json),
      `${JSON.stringify(
        maskStrings(found.map(plain), (text) => host.mask(text)),
        null,
        2,
      )}\n`,
    );
  return found.some(({ explanation }) => 'unavailable' in explanation) ? exitCodes.invalid : exitCodes.pass;
}

/** Far more than a counted pair takes. */
const longestMs = 300_000;

/** Whether a commit is the one of the working directory, with nothing changed since. */
async function isCheckedOut(version: string, cwd: string, host: Host): Promise<boolean> {
  const checkout = new GitCheckout({ cwd, env: host.env, serverUrl: null, token: null, signal: host.signal });
  const [wanted, present] = [await checkout.commitOf(version), await checkout.commitOf('HEAD')];
  return wanted !== null && wanted === present && !(await checkout.isDirty());
}

function openVersion(
  version: string | undefined,
  cwd: string,
  host: Host,
  fallback: { dir?: string | undefined; ref?: string | undefined },
): Promise<BaseCommit> {
  const options = { cwd, env: host.env, context: null, signal: host.signal };
  if (version === undefined) return openBaseCommit(fallback, options);
  // A branch may have a slash in its name too.
  const isFolder =
    /^(\.{1,2}$|\.{0,2}\/)/.test(version) ||
    (version.includes('/') && existsSync(path.resolve(cwd, version)));
  return openBaseCommit(isFolder ? { dir: version } : { ref: version }, options);
}

function inWords(explanation: SuiteExplanation): string {
  return 'unavailable' in explanation
    ? `could not be explained, because ${explanation.unavailable}.`
    : explanation.explained.sentences.map(withPlace).join(' ');
}

function plain({ suite, explanation }: { suite: string; explanation: SuiteExplanation }): unknown {
  return 'unavailable' in explanation ? { suite, ...explanation } : { suite, ...explanation.explained };
}

function withPlace({ text, place }: Sentence): string {
  return place === undefined ? text : `${text.replace(/\.$/, '')} (${shownFile(place.file)}:${place.line}).`;
}

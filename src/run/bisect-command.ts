import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { type CommitRange, readCommitRange } from '../baseline/commit-range.ts';
import { settingsHash } from '../baseline/fingerprint.ts';
import { jobCheckout } from '../baseline/git-checkout.ts';
import { exitCodes, problemsOf, tailgateError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { maskStrings } from '../host/mask-strings.ts';
import { mean } from '../metrics/averages.ts';
import { formatShare, plural } from '../metrics/notation.ts';
import {
  type BisectReport,
  type MeasuredVersion,
  renderBisect,
  type ShownCommit,
} from '../report/render-bisect.ts';
import { sliceObstacle } from '../scenario/slice-obstacle.ts';
import type { RawInputs } from '../settings/inputs.ts';
import { loadSettings } from '../settings/load-settings.ts';
import { chooseStatistic } from '../verdict/bisect/choose-statistic.ts';
import { type Candidate, mergeVersions, type Version } from '../verdict/bisect/merge-versions.ts';
import { type BisectAnswer, type BisectStep, nextStep, provingPairs } from '../verdict/bisect/next-step.ts';
import { type Posterior, witnessRange } from '../verdict/bisect/posterior.ts';
import { type BisectFile, type BisectRecord, openBisectFile } from './bisect-file.ts';
import { CommitBuilds, shortName } from './commit-builds.ts';
import { showProblems } from './deliver.ts';
import { exitCodeOfProblems } from './exit-code.ts';
import { CommitMeter } from './measure-commit.ts';
import { onlySuite, startedHere } from './only-suite.ts';
import { contextOf, prepareRun } from './prepare-run.ts';
import { couldBeRead } from './same-code.ts';
import { writeText } from './write-reports.ts';

export type BisectCommand = {
  host: Host;
  print: (text: string) => void;
  inputs: RawInputs;
  good: string;
  bad: string;
  /** This job of a matrix measures its share alone, which a search without `job` then finds in the report folder. */
  job: { number: number; of: number } | undefined;
  /** The search ends after this time and goes on when it is called again. */
  minutes: number;
  json: string | undefined;
};

/**
 * Finds the commit that made the server slower. The exit code tells whether there is an answer. What is known to go
 * wrong is shown, and never thrown.
 */
export const bisectCommand = async (command: BisectCommand): Promise<number> => {
  try {
    return await bisect(command);
  } catch (failure) {
    const problems = problemsOf(failure);
    showProblems(command.host, problems);
    return exitCodeOfProblems(problems);
  }
};

async function bisect(command: BisectCommand): Promise<number> {
  const { host, job } = command;
  const started = performance.now();
  const loaded = startedHere(await loadSettings({ cwd: host.cwd, inputs: command.inputs }));
  const stage = await prepareRun(loaded, host);
  const { plan, logDir } = stage;
  const suite = onlySuite(plan, 'bisect', 'searched');
  if (suite.target.start === undefined) {
    const problem =
      'the server must be started here, commit by commit, and the settings name no "target.start"';
    throw tailgateError('ARGUMENTS_INVALID', { command: 'bisect', problem });
  }
  const checkout = jobCheckout({ cwd: loaded.cwd, env: host.env, signal: host.signal });
  const range = await readCommitRange(checkout, command.good, command.bad);
  const top = await checkout.root();
  const root = await realpath('root' in top ? top.root : loaded.cwd);
  // A checkout may lie behind a link, of which git knows nothing.
  const inRepository = async (file: string): Promise<string> =>
    path.relative(root, await realpath(file).catch(() => file));
  const { scenario, outline } = stage.scenarios.get(suite.name)!;
  const file = await openBisectFile(
    path.join(plan.reportDir, 'bisect'),
    {
      good: range.good,
      bad: range.bad,
      suite: suite.name,
      scenarioHash: scenario.hash,
      settingsHash: settingsHash(suite),
    },
    job === undefined ? '' : `-${job.number}-of-${job.of}`,
  );
  await using builds = await CommitBuilds.open(suite, range.good, {
    cwd: loaded.cwd,
    host,
    logDir,
    list: file.path.replace(/\.jsonl$/, '-builds.json'),
  });
  const search = new Search(range, file, {
    folder: await inRepository(path.resolve(loaded.cwd, suite.target.cwd)),
    own: await Promise.all(
      [suite.scenarioPath, ...loaded.extended, ...(loaded.file === null ? [] : [loaded.file])].map(
        inRepository,
      ),
    ),
    host,
    suite: suite.name,
    meter: new CommitMeter({
      suite,
      plan,
      plannedMs: outline.plannedMs,
      obstacle: sliceObstacle(scenario),
      context: contextOf(stage, suite, host),
      builds,
    }),
  });
  if (file.records.length > 0)
    host.info(
      `${plural(file.records.length, 'result')} of an earlier search are in ${path.relative(host.cwd, path.dirname(file.path))}: it goes on from there.`,
    );
  if (job !== undefined) {
    await search.measureShare(job);
    command.print(`${plural(file.records.length, 'result')} in ${path.relative(host.cwd, file.path)}.`);
    return exitCodes.pass;
  }
  const { answer, posterior, versions } = await search.run(started + command.minutes * 60_000);
  if (answer === null && versions.length > 0) builds.keep();
  const proofs = proofsOf(answer, versions, range.good);
  const explanations: string[][] = [];
  for (const { before, commit } of proofs) explanations.push(await search.explain(before, commit));
  const report: BisectReport = {
    ...search.told(versions),
    suite: suite.name,
    answer,
    probabilities: posterior?.culprit ?? [],
    explanations,
    elapsedMs: performance.now() - started,
    proofs: proofs.map(({ before, commit }) => proofCommand(before, commit, suite.name, command.inputs)),
  };
  const text = renderBisect(report);
  await writeText(path.join(plan.reportDir, 'bisect.md'), `${host.mask(text)}\n`);
  if (command.json !== undefined)
    await writeText(
      path.resolve(host.cwd, command.json),
      `${JSON.stringify(
        maskStrings(report, (secret) => host.mask(secret)),
        null,
        2,
      )}\n`,
    );
  command.print(host.mask(text));
  return answer === null && versions.length > 0 ? exitCodes.inconclusive : exitCodes.pass;
}

/** Weight of a commit that touches what the explanation names, against 1 for any other. */
const namedWeight = 10;
const lockfile = /(^|\/)(package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml)$/;

type Places = {
  /** Folder of the server and files that today's run reads, from the root of the repository. */
  folder: string;
  own: readonly string[];
  host: Host;
  meter: CommitMeter;
  suite: string;
};

type Witness = { name: string; file: string; difference: number };

/** A search: what is known of the commits, and the steps that add to it. */
class Search {
  readonly #range: CommitRange;
  readonly #file: BisectFile;
  readonly #places: Places;

  constructor(range: CommitRange, file: BisectFile, places: Places) {
    this.#range = range;
    this.#file = file;
    this.#places = places;
  }

  /** Measures until there is an answer or the time is over (by `performance.now()`). */
  async run(
    endsAtMs: number,
  ): Promise<{ answer: BisectAnswer | null; posterior: Posterior | null; versions: Version[] }> {
    const { host } = this.#places;
    if (this.#counted() === null && this.#versions().length > 0)
      await this.#step({ kind: 'count', version: this.#versions().length }, this.#versions());
    let longestMs = 0;
    for (;;) {
      const versions = this.#versions();
      if (versions.length === 0) return { answer: null, posterior: null, versions };
      const { step, posterior } = this.#next(versions);
      if (step.kind === 'answer') return { answer: step.answer, posterior, versions };
      const likeliest = Math.max(...posterior.culprit);
      const suspect = versions[posterior.culprit.indexOf(likeliest)]!.commits.at(-1)!;
      host.info(
        `${plural(versions.length, 'version')}; likeliest: ${shortName(suspect)}, ${formatShare(likeliest)}.`,
      );
      const began = performance.now();
      if (began + longestMs > endsAtMs) return { answer: null, posterior, versions };
      await this.#step(step, versions);
      longestMs = Math.max(longestMs, performance.now() - began);
      if (host.signal.aborted) throw tailgateError('CANCELLED', { signal: String(host.signal.reason) });
    }
  }

  /** What one of several jobs adds: each looks at a version of its own, which together divide the range evenly. */
  async measureShare({ number, of }: { number: number; of: number }): Promise<void> {
    for (;;) {
      const versions = this.#versions();
      if (versions.length === 0) return;
      const version = Math.max(1, Math.ceil((versions.length * number) / of));
      const commit = versions[version - 1]!.commits.at(-1)!;
      const known = this.#of(commit);
      const pairs = known.filter(({ kind }) => kind === 'pair').length;
      if (!known.some(({ kind }) => kind === 'counted'))
        await this.#step({ kind: 'count', version }, versions);
      else if (pairs < provingPairs)
        await this.#step({ kind: 'pairs', version, count: provingPairs - pairs }, versions);
      else return;
    }
  }

  /** What the counts say of a culprit, as sentences. */
  async explain(before: string, commit: string): Promise<string[]> {
    const { explanation } = await this.#places.meter.explain(before, commit, true);
    if ('unavailable' in explanation)
      return [`Which function does more cannot be told, because ${explanation.unavailable}.`];
    return explanation.explained.sentences.map(({ text, place }) =>
      place === undefined ? text : `${text.replace(/\.$/, '')} (${place.file}:${place.line}).`,
    );
  }

  /** What the report says of the search itself. */
  told(
    versions: readonly Version[],
  ): Omit<BisectReport, 'suite' | 'answer' | 'probabilities' | 'explanations' | 'elapsedMs' | 'proofs'> {
    const { commits, good, bad } = this.#range;
    const subjects = new Map(commits.map(({ sha, subject }) => [sha, subject]));
    const shown = (sha: string): ShownCommit => ({ sha, subject: subjects.get(sha) ?? '' });
    const statistic = this.#statistic();
    const witness = this.#witness();
    const measured = versions.flatMap(({ commits: own }): MeasuredVersion[] => {
      const sha = own.at(-1)!;
      const values = this.#values(sha, statistic);
      const share = witness === null ? null : this.#shareAt(sha, witness);
      if (values.length === 0 && share === null) return [];
      return [
        {
          ...shown(sha),
          pairs: values.length,
          change: values.length === 0 ? null : Math.expm1(mean(values)),
          rate: this.#rateAt(sha, statistic),
          calls: share === null || witness === null ? null : share * witness.difference,
        },
      ];
    });
    const candidates = this.#candidates();
    return {
      good: shown(good),
      bad: shown(bad),
      statistic,
      goodRate: this.#rateAt(good, statistic),
      versions: versions.map(({ commits: own }) => own.map(shown)),
      measured,
      witness: witness?.name ?? null,
      broken: this.#file.records.flatMap((record) =>
        record.kind === 'broken' ? [{ ...shown(record.commit), reason: record.reason }] : [],
      ),
      unchanged: candidates.filter(({ changesServer }) => !changesServer).length,
      commits: candidates.length,
      pairs: this.#file.records.filter(({ kind }) => kind === 'pair').length,
    };
  }

  #next(versions: readonly Version[]): { step: BisectStep; posterior: Posterior } {
    const statistic = this.#statistic();
    const witness = this.#witness();
    const commits = versions.map((version) => version.commits.at(-1)!);
    const readings = commits.flatMap((commit, index) => {
      const share = witness === null ? null : this.#shareAt(commit, witness);
      return share === null ? [] : [{ version: index + 1, share }];
    });
    // Once something could not be counted, nothing else will be.
    const counts = this.#file.records.every(
      (record) => record.kind !== 'counted' || record.functions !== null,
    );
    return nextStep({
      priors: versions.map(({ prior }) => prior),
      pairs: new Map(commits.map((commit, index) => [index + 1, this.#values(commit, statistic)])),
      witness: witness === null || !counts ? null : witnessRange(readings, versions.length),
    });
  }

  /** Does a step and notes what it gave; a commit that cannot be measured is noted as such. */
  async #step(step: Exclude<BisectStep, { kind: 'answer' }>, versions: readonly Version[]): Promise<void> {
    const { host, meter } = this.#places;
    const { good, commits } = this.#range;
    const commit = versions[step.version - 1]!.commits.at(-1)!;
    const subject = commits.find(({ sha }) => sha === commit)?.subject ?? '';
    const what = step.kind === 'count' ? 'counting its work' : `measuring ${plural(step.count, 'pair')}`;
    const end = host.group(`${shortName(commit)} (${subject}): ${what}`);
    try {
      if (step.kind === 'count') await this.#file.append((await meter.explain(good, commit, false)).record);
      else
        for (let pair = 0; pair < step.count; pair += 1) {
          const number = this.#file.records.length;
          const outcome = await meter.pair(good, commit, number);
          const statistic = this.#statistic();
          if (statistic !== null && outcome.values[statistic] === undefined)
            throw tailgateError('NOTHING_MEASURED', { suite: this.#places.suite });
          await this.#file.append({ kind: 'pair', commit, ...outcome });
        }
    } catch (failure) {
      const [problem] = problemsOf(failure);
      if (problem === undefined || host.signal.aborted || !ofCommit.has(problem.code)) throw failure;
      const reason = (problem.what.split('\n')[0] ?? problem.code).replace(/\.$/, '');
      // The good commit is one side of everything: a fault that names it is not that of the other.
      if (commit === versions.at(-1)!.commits.at(-1) || reason.includes(shortName(good)))
        throw tailgateError('BISECT_END_UNMEASURABLE', {
          commit: (reason.includes(shortName(good)) ? good : commit).slice(0, 10),
          reason,
        });
      await this.#file.append({ kind: 'broken', commit, reason });
      host.info(`${shortName(commit)} cannot be measured: ${reason}.`);
    } finally {
      end();
    }
  }

  #of(commit: string): BisectRecord[] {
    return this.#file.records.filter((record) => record.commit === commit);
  }

  #values(commit: string, statistic: string | null): number[] {
    return this.#of(commit).flatMap((record) => {
      if (record.kind !== 'pair') return [];
      // Before a statistic is chosen, any tells how many pairs there are.
      const value = statistic === null ? Object.values(record.values)[0] : record.values[statistic];
      return value === undefined ? [] : [value];
    });
  }

  /** The rate of failures at a commit, or at the good one, over all pairs; null where the statistic is no such rate. */
  #rateAt(commit: string, statistic: string | null): number | null {
    if (statistic === null) return null;
    const isGood = commit === this.#range.good;
    const rates = this.#file.records.flatMap((record) => {
      if (record.kind !== 'pair' || !(isGood || record.commit === commit)) return [];
      const rate = record.rates[statistic];
      return rate === undefined ? [] : [isGood ? rate.good : rate.commit];
    });
    return rates.length === 0 ? null : mean(rates);
  }

  #statistic(): string | null {
    const bad = this.#versions().at(-1)?.commits.at(-1);
    if (bad === undefined) return null;
    return chooseStatistic(
      this.#of(bad).flatMap((record) => (record.kind === 'pair' ? [record.values] : [])),
    );
  }

  /** The function that does more at the bad end, by which versions are told apart. */
  #witness(): Witness | null {
    const counted = this.#counted();
    const named = counted?.named[0];
    const risen = counted?.functions?.find(({ name, file }) => name === named?.name && file === named.file);
    return risen ?? null;
  }

  /** How much of the rise of the witness a version has; null where it was not counted. */
  #shareAt(commit: string, { name, file, difference }: Witness): number | null {
    const counted = this.#of(commit).find((record) => record.kind === 'counted');
    if (counted?.kind !== 'counted' || counted.functions === null) return null;
    const own = counted.functions.find((one) => one.name === name && one.file === file);
    return (own?.difference ?? 0) / difference;
  }

  #counted(): (BisectRecord & { kind: 'counted' }) | null {
    const bad = this.#changing().at(-1)?.commit;
    const record = this.#file.records.find((one) => one.kind === 'counted' && one.commit === bad);
    return record?.kind === 'counted' ? record : null;
  }

  #versions(): Version[] {
    const broken = this.#file.records.flatMap(({ kind, commit }) => (kind === 'broken' ? [commit] : []));
    return mergeVersions(this.#candidates(), new Set(broken));
  }

  #changing(): Candidate[] {
    return this.#range.commits
      .filter(({ files }) => files.some((file) => this.#couldRead(file, true)))
      .map(({ sha }) => ({ commit: sha, changesServer: true, prior: 1 }));
  }

  #candidates(): Candidate[] {
    const counted = this.#counted();
    const reachesOut = counted?.reachesOut ?? true;
    const named = new Set(counted?.named.map(({ file }) => file));
    const last = this.#changing().at(-1)?.commit;
    return this.#range.commits.map(({ sha, files }) => ({
      commit: sha,
      // The last one that may differ stands for the bad commit, however the others are read.
      changesServer: sha === last || files.some((file) => this.#couldRead(file, reachesOut)),
      prior: files.some((file) => named.has(file) || lockfile.test(file)) && named.size > 0 ? namedWeight : 1,
    }));
  }

  /** `reachesOut`: whether the server runs code from outside of its folder. */
  #couldRead(file: string, reachesOut: boolean): boolean {
    const { folder, own } = this.#places;
    return !own.includes(file) && couldBeRead(file, { folder, reachesOut });
  }
}

/** What may be the fault of one commit; anything else would happen with the next one as well. */
const ofCommit: ReadonlySet<string> = new Set([
  'BUILD_FAILED',
  'BASE_ABSENT',
  'TARGET_EXITED',
  'TARGET_UNSUPPORTED',
  'TARGET_NOT_READY',
  'TARGET_DIED',
  'ROOM_CONNECT_FAILED',
  'ROOM_REFUSED',
  'ROOM_UNANSWERED',
  'ROOM_LOST',
  'NOTHING_MEASURED',
]);

/** What each claim rests on: a culprit and the version before it. */
function proofsOf(
  answer: BisectAnswer | null,
  versions: readonly Version[],
  good: string,
): { before: string; commit: string }[] {
  const culprits =
    answer?.kind === 'one'
      ? [answer.version]
      : answer?.kind === 'two'
        ? answer.culprits.map(({ version }) => version)
        : [];
  return culprits.map((version) => ({
    before: versions[version - 2]?.commits.at(-1) ?? good,
    commit: versions[version - 1]!.commits.at(-1)!,
  }));
}

/** The command that shows a claim again: with all that this search was told, between two commits. */
function proofCommand(before: string, commit: string, suite: string, { values }: RawInputs): string {
  const given = Object.entries({ ...values, suite }).map(([name, value]) => `--${name} ${quoted(value)}`);
  return ['tailgate bisect', ...given, `--good ${before.slice(0, 12)} --bad ${commit.slice(0, 12)}`].join(
    ' ',
  );
}

/** A word as a shell takes it. */
function quoted(word: string): string {
  return /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

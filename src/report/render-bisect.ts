import { formatElapsed, formatPercentChange, formatShare, plural, subjectName } from '../metrics/notation.ts';
import { rateAtAngle } from '../verdict/bisect/choose-statistic.ts';
import { type BisectAnswer, immaterial } from '../verdict/bisect/next-step.ts';
import { visibleText } from '../visible-text.ts';
import { codeSpan, tableCell } from './escape-markdown.ts';

/** A commit as it is shown. */
export type ShownCommit = { sha: string; subject: string };

/** One version that was looked at: its last commit, and what was found. */
export type MeasuredVersion = ShownCommit & {
  pairs: number;
  /** Mean relative change against the good commit; null without pairs. */
  change: number | null;
  /** Where the statistic is a rate of failures, that rate; else null, and `change` is relative. */
  rate: number | null;
  /** Calls of the witness for each message, more than at the good commit; null where they were not counted. */
  calls: number | null;
};

export type BisectReport = {
  good: ShownCommit;
  bad: ShownCommit;
  suite: string;
  /** The statistic that decided, for example `chat.ack p5`; null before one was chosen. */
  statistic: string | null;
  /** Rate of failures at the good commit, where the statistic is one; else null. */
  goodRate: number | null;
  /** Null when the search ended before an answer. */
  answer: BisectAnswer | null;
  /** Commits of each version, in the order of history; index 0 stands for version 1. */
  versions: readonly (readonly ShownCommit[])[];
  /** Probability of each version to be a culprit. */
  probabilities: readonly number[];
  /** Of culprits, in order: what the counts say, as sentences. */
  explanations: readonly string[][];
  measured: readonly MeasuredVersion[];
  /** Name of the function whose calls guided the search. */
  witness: string | null;
  broken: readonly (ShownCommit & { reason: string })[];
  /** Commits that leave what the server can read as it was. */
  unchanged: number;
  commits: number;
  pairs: number;
  elapsedMs: number;
  /** One for each culprit: repeats what the claim rests on. */
  proofs: readonly string[];
};

/** What a search found, as Markdown that reads well on a terminal too. */
export const renderBisect = (report: BisectReport): string =>
  [
    ...headline(report),
    ...report.explanations.flatMap((sentences) =>
      sentences.length === 0 ? [] : ['', `Why: ${visibleText(sentences.join(' '))}`],
    ),
    ...(report.proofs.length === 0
      ? []
      : ['', 'To repeat the proof:', '', ...report.proofs.map((line) => `    ${line}`)]),
    '',
    ...measuredTable(report),
    ...brokenList(report),
    '',
    costOf(report),
  ].join('\n');

function headline(report: BisectReport): string[] {
  const { answer, good, bad, versions } = report;
  const { goodRate } = report;
  const named = report.statistic === null ? '' : `${statisticOf(report.statistic)} `;
  let rate = goodRate;
  /** Each change of a rate counts from where those before it had led to. */
  const changed = (relative: number): string => {
    if (rate === null) return `${named}${formatPercentChange(relative)}`;
    const before = rate;
    rate = rateAtAngle(before, Math.log1p(relative));
    return `${named}from ${formatShare(before)} to ${formatShare(rate)}`;
  };
  const [made, worse] = effectOf(report.statistic);
  if (versions.length === 0)
    return [
      `No commit from ${idOf(good)} to ${idOf(bad)} changes what the server can read, so none made it slower.`,
    ];
  if (answer === null) return undecided(report);
  switch (answer.kind) {
    case 'none':
      return [
        goodRate === null
          ? `**Neither is ${worse}**: ${idOf(bad)} is not ${worse} than ${idOf(good)} by ${percent(immaterial)} or more (${changed(answer.change)}; probability ${chance(answer.probability)}).`
          : `**Neither is worse**: no more fails at ${idOf(bad)} than at ${idOf(good)} (${changed(answer.change)}; probability ${chance(answer.probability)}), and it is not slower.`,
      ];
    case 'gradual':
      return [
        `**No single commit ${made}**: it rose over all ${versions.length} versions, to ${changed(answer.change)} (probability ${chance(answer.probability)}).`,
        'Look for what every commit adds to, such as a growing list of handlers, or bisect a shorter range.',
      ];
    case 'one':
      return [
        `${culpritOf(versions[answer.version - 1]!)} ${made}: ${changed(answer.change)} (probability ${chance(answer.probability)}).`,
        ...(answer.other >= 0.01
          ? [`A second commit adds to it with a probability of ${chance(answer.other)}.`]
          : []),
      ];
    case 'two':
      return [
        '**Two commits changed its speed**:',
        ...answer.culprits.map(
          ({ version, change, probability }) =>
            `- ${culpritOf(versions[version - 1]!)}: ${changed(change)} (probability ${chance(probability)}).`,
        ),
      ];
  }
}

/** What a commit did that made the statistic rise, and what the server then is. */
function effectOf(statistic: string | null): [made: string, worse: string] {
  if (statistic === 'errors.rate') return ['made more fail', 'worse'];
  if (statistic === 'deliveries.lost.rate') return ['lost deliveries', 'worse'];
  if (statistic === 'server.rss max') return ['made it take more memory', 'larger'];
  return ['made it slower', 'slower'];
}

function undecided({ versions, probabilities }: BisectReport): string[] {
  const likely = versions
    .map((commits, index) => ({ commits, probability: probabilities[index] ?? 0 }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, 3)
    .filter(({ probability }) => probability >= 0.01);
  return [
    '**Not decided yet**: the time was over before one commit was likely enough. The same command goes on where this one ended.',
    ...likely.map(
      ({ commits, probability }) => `- ${culpritOf(commits)} with a probability of ${chance(probability)}`,
    ),
  ];
}

function culpritOf(commits: readonly ShownCommit[]): string {
  const last = commits.at(-1)!;
  if (commits.length === 1) return `Commit ${idOf(last)} (${subjectOf(last)})`;
  return `One of ${commits.length} commits that cannot be told apart, because all but the last cannot be measured, ${commits.map(idOf).join(', ')},`;
}

function measuredTable({ measured, witness, statistic }: BisectReport): string[] {
  if (measured.length === 0) return [];
  const counted = witness !== null && measured.some(({ calls }) => calls !== null);
  const head = ['Commit', 'Pairs', statistic === null ? 'Change' : statisticOf(statistic)];
  const rows = measured.map((one) => [
    `${idOf(one)} ${subjectOf(one)}`,
    one.pairs === 0 ? '–' : String(one.pairs),
    one.rate !== null ? formatShare(one.rate) : one.change === null ? '–' : formatPercentChange(one.change),
    ...(counted ? [one.calls === null ? '–' : `+${one.calls.toFixed(2)}`] : []),
  ]);
  const columns = counted ? [...head, `Calls of ${codeSpan(witness, 60)} a message`] : head;
  return [columns, columns.map((_, index) => (index === 0 ? '---' : '--:')), ...rows].map(
    (cells) => `| ${cells.map(tableCell).join(' | ')} |`,
  );
}

function brokenList({ broken }: BisectReport): string[] {
  if (broken.length === 0) return [];
  return [
    '',
    'Could not be measured:',
    ...broken.map((one) => `- ${idOf(one)} (${subjectOf(one)}): ${visibleText(one.reason)}`),
  ];
}

function costOf({ measured, commits, unchanged, pairs, elapsedMs, good, suite }: BisectReport): string {
  const left = unchanged === 0 ? '' : `; ${plural(unchanged, 'commit')} left the server as it was`;
  return `Suite "${suite}", against ${idOf(good)}: ${measured.length} of ${plural(commits, 'commit')} looked at, ${plural(pairs, 'pair')}, ${formatElapsed(elapsedMs)}${left}.`;
}

function statisticOf(name: string): string {
  const [metric = '', statistic = 'value'] = name.split(' ');
  return subjectName(metric, statistic);
}

const idOf = ({ sha }: { sha: string }): string => sha.slice(0, 10);

const subjectOf = ({ subject }: ShownCommit): string => codeSpan(subject, 72);

const percent = (share: number): string => `${Math.round(100 * share)}%`;

/** Never certain: what rounds to it is said to be beyond the last value that is shown. */
function chance(probability: number): string {
  if (probability > 0.995) return 'over 99%';
  return percent(probability);
}

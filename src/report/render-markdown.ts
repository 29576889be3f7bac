import { plural } from '../metrics/notation.ts';
import type { Verdict } from '../verdict/verdict.ts';
import { codeSpan, htmlText, prose, safeUrl } from './escape-markdown.ts';
import { fitSections, type Section } from './fit-sections.ts';
import { headlineOf, verdictEmoji, verdictWord } from './headline.ts';
import { groupLevels, isLevelGroup, type LevelGroup } from './level-groups.ts';
import { details, shrinkingSizes, table } from './markdown-blocks.ts';
import { type MarkdownOptions, markdownFooter, maxCommentLength } from './markdown-footer.ts';
import { levelTables } from './markdown-levels.ts';
import { problemSections } from './markdown-problems.ts';
import { suiteSections } from './markdown-suite.ts';
import { metricRows } from './metric-rows.ts';
import type { Report, SuiteReport } from './report-model.ts';

const groupVerdict = (group: LevelGroup): Verdict => {
  const verdicts = group.levels.map(({ suite }) => suite.verdict);
  return (['fail', 'invalid', 'inconclusive'] as const).find((one) => verdicts.includes(one)) ?? 'pass';
};

/** Verdicts of all suites in one table, when there are several. */
const overview = (entries: readonly (SuiteReport | LevelGroup)[]): Section[] => {
  if (entries.length < 2) return [];
  const lines = entries.map((entry) =>
    isLevelGroup(entry)
      ? { name: entry.name, verdict: groupVerdict(entry), reason: plural(entry.levels.length, 'level') }
      : entry,
  );
  const worstFirst = [...lines].sort((a, b) => Number(a.verdict === 'pass') - Number(b.verdict === 'pass'));
  const rows = worstFirst.map((line) => [
    codeSpan(line.name, 100),
    `${verdictEmoji[line.verdict]} ${verdictWord[line.verdict]}`,
    prose(line.reason, 300, false),
  ]);
  const variant = (count: number): string => {
    const left = rows.length - count;
    const shown = table([['Suite', 'Verdict', 'Why'], ...rows.slice(0, count)], ['l', 'l', 'l']);
    return left > 0 ? `${shown}\n\n*and ${plural(left, 'more suite')}*` : shown;
  };
  return [{ variants: shrinkingSizes(rows.length, [60, 30, 10]).map(variant), importance: 96 }];
};

const heading = (name: string, verdict: SuiteReport['verdict'], importance: number): Section => ({
  variants: [`### ${verdictEmoji[verdict]} ${codeSpan(name, 100)}`, ''],
  importance,
});

/** A heading goes only after everything under it has gone. */
const under = (title: Section, sections: readonly Section[]): Section[] => {
  const most = Math.max(title.importance, ...sections.map((section) => section.importance));
  return [{ ...title, importance: Math.min(most + 1, 95) }, ...sections];
};

const levelSections = (group: LevelGroup, headLabel: string): Section[] => {
  const verdict = groupVerdict(group);
  const base = verdict === 'pass' ? 60 : 88;
  return under(heading(group.name, verdict, base), [
    { variants: [...levelTables(group, headLabel), ''], importance: base },
    ...group.levels.map(({ name, suite }) =>
      collapsed(
        `Level <code>${htmlText(name, 80)}</code>: ${verdictEmoji[suite.verdict]} ${verdictWord[suite.verdict]}`,
        suite,
        headLabel,
        base - 20,
      ),
    ),
  ]);
};

/** Several suites' blocks in one collapsed block, so that each stays whole when others are left out. */
const collapsed = (summary: string, suite: SuiteReport, headLabel: string, importance: number): Section => {
  const inner = fitSections(
    suiteSections(suite, headLabel),
    12_000,
    '*Shortened; the full report has the rest.*',
  );
  return { variants: [details(summary, inner.text), details(summary, ''), ''], importance };
};

const oneSuite = (suite: SuiteReport, headLabel: string, isAlone: boolean): Section[] => {
  const sections = suiteSections(suite, headLabel);
  if (isAlone) return sections;
  const isQuiet = suite.verdict === 'pass' && !metricRows(suite).some((row) => row.notable);
  return isQuiet
    ? [collapsed(`✅ <code>${htmlText(suite.name, 100)}</code>: no change`, suite, headLabel, 45)]
    : under(heading(suite.name, suite.verdict, 50), sections);
};

/** Whether the problem that the headline would name stands right under it anyway. */
const isSaidBelow = (report: Report): boolean =>
  report.verdict === 'invalid' &&
  report.failOn.includes('invalid') &&
  (report.problems.length > 0 || (report.suites.length === 1 && report.suites[0]!.problems.length > 0));

/**
 * The report as GitHub Flavored Markdown: the comment on the pull request and the job summary. Foreign text in it is
 * inert; it is never longer than asked for, and never cut inside a table, a tag, a fence or a character.
 */
export const renderMarkdown = (report: Report, options: MarkdownOptions = {}): string => {
  const headLabel = options.headLabel ?? 'This PR';
  const { title, detail } = headlineOf(report);
  const entries = groupLevels(report.suites);
  const head = `## ${verdictEmoji[report.verdict]} ${prose(title, 300, false)}`;
  const marker = options.marker === undefined ? '' : `${options.marker}\n`;
  const sections: Section[] = [
    { variants: [`${marker}${head}`], importance: 100 },
    ...(isSaidBelow(report) ? [] : [{ variants: [prose(detail, 900), ''], importance: 98 }]),
    ...problemSections(report.problems, 94),
    ...overview(entries),
    ...entries.flatMap((entry) =>
      isLevelGroup(entry)
        ? levelSections(entry, headLabel)
        : oneSuite(entry, headLabel, report.suites.length === 1),
    ),
    markdownFooter(report, options),
  ];
  const reportUrl = safeUrl(options.links?.report) ?? safeUrl(options.links?.run);
  const note =
    reportUrl === null
      ? '*Shortened to fit; the report files of the run have everything.*'
      : `*Shortened to fit; [the full report](${reportUrl}) has everything.*`;
  return `${fitSections(sections, (options.maxLength ?? maxCommentLength) - 1, note).text}\n`;
};

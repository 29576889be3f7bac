import { formatCount, plural } from '../metrics/notation.ts';
import { codeSpan, fenced, prose } from './escape-markdown.ts';
import type { Section } from './fit-sections.ts';
import { details, itemVariants } from './markdown-blocks.ts';
import { placeOf } from './metric-rows.ts';
import type { ErrorReport, ProblemReport, SuiteReport } from './report-model.ts';

/** A problem of the catalogue: what, where, and what to do; a server's output or lines to add are kept as blocks. */
export const problemBlock = (problem: ProblemReport): string => {
  const [what = '', ...tail] = problem.what.split('\n');
  const [fix = '', ...lines] = problem.fix.split('\n');
  const where = placeOf(problem);
  const place = where === null ? '' : ` ${codeSpan(where)}`;
  const blocks = [`⛔ **Problem** ${codeSpan(problem.code, 60)}${place}: ${prose(what, 600, false)}`];
  if (tail.some((line) => line.trim() !== '')) blocks.push(fenced(tail.join('\n')));
  blocks.push(`**What to do:** ${prose(fix, 600, false)}`);
  if (lines.length > 0) blocks.push(fenced(lines.join('\n')));
  return blocks.join('\n\n');
};

/** One section per problem, so that many of them can be left out one by one. */
export const problemSections = (problems: readonly ProblemReport[], importance: number): Section[] =>
  problems.map((problem, index) => {
    const short = `⛔ **Problem** ${codeSpan(problem.code, 60)}: ${prose(problem.what.split('\n')[0] ?? '', 300, false)}`;
    return { variants: [problemBlock(problem), short, ''], importance: importance - Math.min(index, 5) };
  });

const errorItem = (error: ErrorReport): string => {
  const before = error.baselineCount === null ? '' : ` (baseline ${formatCount(error.baselineCount)})`;
  const steps =
    error.steps.length === 0 ? '' : ` in ${error.steps.map((step) => codeSpan(step, 100)).join(', ')}`;
  const messages = error.messages.map((message) => `\n  - ${codeSpan(message)}`).join('');
  return `- ${codeSpan(error.name, 200)} × ${formatCount(error.count)}${before}${steps}${messages}`;
};

const isMoreThanBefore = (error: ErrorReport): boolean => error.count > (error.baselineCount ?? 0);

/** Errors with their first messages: open when the head has more of them than the baseline and did not pass. */
export const errorSections = (suite: SuiteReport, importance: number): Section[] => {
  const { errors } = suite;
  if (errors.length === 0) return [];
  const total = errors.reduce((sum, error) => sum + error.count, 0);
  const title = `Errors: ${formatCount(total)}, ${plural(errors.length, 'kind')}`;
  const isOpen = suite.verdict !== 'pass' && errors.some(isMoreThanBefore);
  const worst = [...errors].sort(
    (a, b) => b.count - (b.baselineCount ?? 0) - (a.count - (a.baselineCount ?? 0)),
  );
  const items = worst.map(errorItem);
  const wrap = isOpen ? (list: string) => `**${title}**\n\n${list}` : (list: string) => details(title, list);
  return [
    {
      variants: [...itemVariants(items, wrap), `**${title}**`, ''],
      importance: isOpen ? importance : importance - 40,
    },
  ];
};

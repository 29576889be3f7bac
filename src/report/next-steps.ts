import { formatElapsed, formatLimit, plural } from '../metrics/notation.ts';
import { isInWaves } from './describe-comparison.ts';
import type { Block } from './document.ts';
import { metricRows } from './metric-rows.ts';
import type { LimitReport, Report, SuiteReport } from './report-model.ts';

/** Beyond this many pairs more time is no advice. */
const mostPairs = 200;

/** What to do about a suite that is undecided, with the time it would take; nothing for the others. */
export function nextSteps(suite: SuiteReport, report: Report, importance: number): Block[] {
  if (suite.verdict !== 'inconclusive') return [];
  const content = ['Next: ', ...advice(suite, report)].join('');
  return [{ kind: 'paragraph', content: [content], importance }];
}

function advice(suite: SuiteReport, report: Report): string {
  if (suite.suspect === true)
    return 'measure it again on another machine; stored runs make it look slower, and only that can tell.';
  if (isInWaves(suite))
    return 'let the users come and go for longer: raise minutes of the suite, and maxMinutes if that ends the waves first.';
  if (suite.comparison !== 'side-by-side')
    return 'compare side by side with the base commit (baseline: side-by-side): on one machine, much smaller changes can be told.';
  const pairs = suite.rounds.filter(({ side }) => side === 'head').length;
  const [hardest] = undecidedLimits(suite).sort((a, b) => pairsNeeded(b, pairs) - pairsNeeded(a, pairs));
  const needed = hardest === undefined ? 0 : pairsNeeded(hardest, pairs);
  const margin = hardest?.margin ?? null;
  if (needed <= pairs || margin === null)
    return 'give it more time (maxMinutes, verdict.maxPairs) or more messages.';
  const more = ((needed - pairs) * wallMs(suite, report)) / Math.max(pairs, 1);
  if (needed > mostPairs)
    return `a change of ${formatLimit(margin)} is too small for the noise here (it would take about ${formatElapsed(more)} more). A higher message rate, a quieter machine or a wider limit help; so do more cores.`;
  return `about ${plural(needed, 'pair')} instead of ${pairs} should settle it, some ${coarse(more)} more: raise maxMinutes and verdict.maxPairs. A wider limit or more messages need less.`;
}

const undecidedLimits = (suite: SuiteReport): LimitReport[] =>
  metricRows(suite)
    .flatMap(({ limits }) => limits)
    .filter(({ verdict, detectable }) => verdict === 'inconclusive' && detectable !== null);

/** The noise of a mean falls with the square root of the pairs. */
function pairsNeeded(limit: LimitReport, pairs: number): number {
  const { margin = null, detectable } = limit;
  if (margin === null || margin <= 0 || detectable === null) return 0;
  return Math.ceil(pairs * (Math.log1p(detectable) / Math.log1p(margin)) ** 2);
}

/** How long the pairs of a suite took, with starting and stopping the servers. */
function wallMs(suite: SuiteReport, report: Report): number {
  const { totalMs, buildMs, loadMs, explainMs = 0 } = report.durations;
  const activeMs = suite.rounds.reduce((sum, round) => sum + round.activeMs, 0);
  return loadMs > 0 ? (activeMs / loadMs) * Math.max(totalMs - buildMs - explainMs, loadMs) : activeMs;
}

const coarse = (ms: number): string =>
  formatElapsed(ms < 90_000 ? Math.ceil(ms / 10_000) * 10_000 : Math.ceil(ms / 60_000) * 60_000);

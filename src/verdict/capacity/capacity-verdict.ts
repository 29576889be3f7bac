import { formatCount, formatPercentChange, plural } from '../../metrics/notation.ts';
import type { CapacitySettings } from '../../settings/settings-schema.ts';
import type { Verdict } from '../verdict.ts';
import type { SearchResult } from './search.ts';

/** Why a search ended: it found the edge, or something kept it from going on. */
export type SearchEnd = 'found' | 'top' | 'generator' | 'unjudged' | 'time' | 'problem';

/** What a search found on one side, and how it ended. */
export type SideResult = SearchResult & { end: SearchEnd };

type Judged = { verdict: Verdict; reason: string };

const worst: readonly Verdict[] = ['fail', 'invalid', 'inconclusive', 'pass'];

/**
 * The verdict on a capacity: by the least that is wanted (`atLeast`) and by the baseline, where there are any; a capacity
 * that was found and has nothing to be judged by passes. Invalid when nothing could be said of any load at head. `searched` is the number of
 * measurements behind it.
 */
export const capacityVerdict = (
  settings: Pick<CapacitySettings, 'atLeast' | 'maxDropPercent'>,
  sides: { head: SideResult; baseline: SideResult | null },
  searched: number,
): Judged => {
  const { head, baseline } = sides;
  if (head.holds === null && head.breaks === null)
    return { verdict: 'invalid', reason: 'No load could be measured in this PR.' };
  const judged = [
    ...(settings.atLeast === undefined ? [] : [byMinimum(head, settings.atLeast)]),
    ...(baseline === null ? [] : [byBaseline(head, baseline, settings.maxDropPercent)]),
  ];
  if (judged.length > 0) {
    const verdict = worst.find((candidate) => judged.some((one) => one.verdict === candidate)) ?? 'pass';
    return { verdict, reason: judged.map(({ reason }) => reason).join(' ') };
  }
  const open = whyOpen(head) === '' ? '' : `; ${whyOpen(head)}`;
  return {
    verdict: 'pass',
    reason: `By ${plural(searched, 'measurement')} the server ${found(head)}${open}.`,
  };
};

function byMinimum(head: SideResult, atLeast: number): Judged {
  const wanted = `at least ${users(atLeast)} are wanted`;
  if (head.holds !== null && head.holds >= atLeast)
    return { verdict: 'pass', reason: `This PR ${found(head)}, and ${wanted}.` };
  if (head.breaks !== null && head.breaks <= atLeast)
    return { verdict: 'fail', reason: `This PR ${found(head)}, and ${wanted}.` };
  const why = whyOpen(head) || `it was not measured at ${users(atLeast)}`;
  return { verdict: 'inconclusive', reason: `This PR ${found(head)} and ${wanted}, but ${why}.` };
}

function users(load: number): string {
  return `${formatCount(load)} users/s`;
}

/** "holds 380 users/s", "holds at least 800 users/s", "does not hold 50 users/s". */
function found({ holds, breaks, ceiling }: SideResult): string {
  if (holds === null) return breaks === null ? 'could not be measured' : `does not hold ${users(breaks)}`;
  if (breaks === null) return `holds at least ${users(holds)}`;
  return ceiling === null
    ? `holds ${users(holds)}`
    : `holds ${users(holds)} and does not hold ${users(breaks)}`;
}

/** Why more is not known; empty when the search found what it looked for. */
function whyOpen({ end, breaks }: SideResult): string {
  const atLeast = breaks === null ? ', so the true capacity is at least that' : '';
  switch (end) {
    case 'found':
      return '';
    case 'top':
      return `the search ended at "capacity.to"${atLeast}`;
    case 'generator':
      return breaks === null
        ? `the load generator ended the search${atLeast}`
        : 'the load generator kept what lies between from being measured';
    case 'unjudged':
      return breaks === null
        ? `more than that could not be judged${atLeast}`
        : 'what lies between could not be judged';
    case 'time':
      return `the time budget ended the search${atLeast}`;
    case 'problem':
      return `a problem ended the search${atLeast}`;
  }
}

/**
 * Head against base. Each capacity is known to lie between the highest load that held and the lowest that broke, so that
 * only intervals that do not overlap prove a loss; it fails when it is more than `maxDropPercent` as well.
 */
function byBaseline(head: SideResult, baseline: SideResult, maxDropPercent: number): Judged {
  const both = `This PR ${found(head)}; the baseline ${found(baseline)}`;
  if (baseline.holds === null)
    return { verdict: 'inconclusive', reason: `${both}, so there is nothing to compare with.` };
  const floor = baseline.holds * (1 - maxDropPercent / 100);
  const allowed = `${maxDropPercent}% less is allowed`;
  if (head.holds !== null && head.holds >= floor)
    return {
      verdict: baseline.breaks === null && head.breaks !== null ? 'inconclusive' : 'pass',
      reason:
        baseline.breaks === null && head.breaks !== null
          ? `${both}, whose true capacity is not known: ${whyOpen(baseline)}.`
          : `${both} (${formatPercentChange(head.holds / baseline.holds - 1)}; ${allowed}).`,
    };
  if (head.breaks === null)
    return {
      verdict: 'inconclusive',
      reason: `${both}, and more was not tried in this PR: ${whyOpen(head)}.`,
    };
  if (head.breaks < baseline.holds)
    return {
      verdict: 'fail',
      reason:
        head.holds === null
          ? `${both} (${allowed}).`
          : `${both}: ${formatPercentChange(head.holds / baseline.holds - 1)}, and ${allowed}.`,
    };
  return {
    verdict: 'pass',
    reason: `${both}, which is no more than the precision of the search can tell apart.`,
  };
}

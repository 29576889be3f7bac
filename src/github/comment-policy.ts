import type { Report } from '../report/report-model.ts';

/** When a pull request gets a comment: the setting `comment`. */
export type CommentWhen = 'always' | 'on-change' | 'on-fail' | 'never';

/**
 * Whether to publish, and whether a comment may be made for it. A comment that is there is always brought up to date:
 * one that still said "fail" after the repair would be wrong.
 */
export const commentPolicy = (
  when: CommentWhen,
  report: Pick<Report, 'verdict' | 'failOn' | 'suites'>,
): { publish: boolean; create: boolean } => {
  const failing =
    report.verdict === 'fail' || (report.verdict !== 'pass' && report.failOn.includes(report.verdict));
  switch (when) {
    case 'never':
      return { publish: false, create: false };
    case 'always':
      return { publish: true, create: true };
    case 'on-fail':
      return { publish: true, create: failing };
    case 'on-change':
      return { publish: true, create: report.verdict !== 'pass' || hasGatedChange(report) };
  }
};

/** The interval of a gated metric that leaves out "no change", in either direction. */
function hasGatedChange(report: Pick<Report, 'suites'>): boolean {
  return report.suites.some((suite) =>
    suite.metrics.some(
      (metric) =>
        metric.limit.length > 0 &&
        metric.change.some(({ low, high }) => (low !== null && low > 0) || (high !== null && high < 0)),
    ),
  );
}

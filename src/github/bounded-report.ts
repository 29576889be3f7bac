import { clip } from '../report/clean-text.ts';
import type { Report } from '../report/report-model.ts';

/** Longer texts and lists than any real report has only cost time and hide what matters. */
const maxText = 4_000;
const maxItems = 500;
export const maxSuites = 60;

const bounded = (value: unknown): unknown => {
  if (typeof value === 'string') return clip(value, maxText);
  if (Array.isArray(value)) return value.slice(0, maxItems).map(bounded);
  if (value === null || typeof value !== 'object') return value;
  const result: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value).slice(0, maxItems)) {
    // A key of this name would change what the object is.
    if (key !== '__proto__') result[clip(key, maxText)] = bounded(inner);
  }
  return result;
};

/** Places are links into the repository: those of a report from elsewhere are not followed. */
const withoutPlaces = <T extends { file: string | null; line: number | null }>(item: T): T => ({
  ...item,
  file: null,
  line: null,
});

/**
 * A report that fits the schema, with its texts and lists cut to what can be shown, and without files and lines unless
 * `places` says that they are ours. What its texts say is still foreign; the renderers escape it.
 */
export const boundedReport = (
  report: Report,
  { places }: { places: boolean } = { places: false },
): Report => {
  const cut = bounded({ ...report, suites: report.suites.slice(0, maxSuites) }) as Report;
  if (places) return cut;
  return {
    ...cut,
    problems: cut.problems.map(withoutPlaces),
    suites: cut.suites.map((suite) => ({
      ...suite,
      problems: suite.problems.map(withoutPlaces),
      metrics: suite.metrics.map((metric) => ({ ...metric, limit: metric.limit.map(withoutPlaces) })),
    })),
  };
};

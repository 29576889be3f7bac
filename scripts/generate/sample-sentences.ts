import { judgedReports } from '../../test/report/judged-report.ts';

/** What the judge says of the median of simulated jobs that failed, passed and stayed open, as quotations. */
export function renderSampleSentences(): string {
  return (['fail', 'pass', 'inconclusive'] as const)
    .map((verdict) => {
      const [suite] = judgedReports[verdict]!().suites;
      const limits = suite?.metrics.flatMap(({ id, limit }) => (id === suite.main ? limit : [])) ?? [];
      const told = limits.find((limit) => limit.verdict === verdict && /% \(/.test(limit.explanation));
      if (told === undefined) throw new Error(`no limit of the sample "${verdict}" came out so`);
      return `> ${told.explanation}`;
    })
    .join('\n>\n');
}

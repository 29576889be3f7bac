import type { Report, SuiteReport } from '../../src/report/report-model.ts';
import { judgedReports } from './judged-report.ts';

/**
 * A report in which every foreign string is `hostile(n)`: what a hostile artifact, server or scenario could put there.
 * Numbers and structure are those of a report that is not hostile.
 */
export const hostileReport = (
  hostile: (place: number) => string,
  base: Report = judgedReports.fail!(),
): Report => {
  let place = 0;
  const next = (): string => {
    place += 1;
    return hostile(place);
  };
  const suite = (one: SuiteReport): SuiteReport => {
    const ids = new Map(one.metrics.map((metric) => [metric.id, next()]));
    const idOf = (id: string): string => ids.get(id) ?? next();
    return {
      ...one,
      name: next(),
      reason: next(),
      scenario: next(),
      main: one.main ? idOf(one.main) : null,
      metrics: one.metrics.map((metric) => ({
        ...metric,
        id: idOf(metric.id),
        limit: metric.limit.map((limit) => ({
          ...limit,
          rule: `${idOf(metric.id)} < ${next()}`,
          explanation: next(),
          file: next(),
        })),
      })),
      errors: one.errors.map((error) => ({
        ...error,
        name: next(),
        messages: error.messages.map(next),
        steps: error.steps.map(next),
      })),
      unmeasured: one.unmeasured.map((emit) => ({ ...emit, event: next(), step: next() })),
      rounds: one.rounds.map((round) => ({
        ...round,
        metrics: Object.fromEntries(Object.entries(round.metrics).map(([id, value]) => [idOf(id), value])),
      })),
      generator: one.generator === null ? null : { ...one.generator, bottleneck: next() },
      problems: [
        {
          code: next(),
          what: `${next()}\n${next()}\n${next()}`,
          fix: `${next()}\n${next()}`,
          file: next(),
          line: 3,
        },
      ],
      warnings: [next(), next()],
      trend: one.trend === null ? null : { ...one.trend, metric: next(), statistic: next() },
    };
  };
  return {
    ...base,
    suites: base.suites.map(suite),
    problems: [{ code: next(), what: `${next()}\n${next()}`, fix: next(), file: next(), line: 1 }],
    environment: {
      ...base.environment,
      cpuModel: next(),
      os: next(),
      node: next(),
      tailgate: next(),
      artillery: next(),
      pinning: next(),
    },
    commits: { head: next(), base: next() },
    runUrl: next(),
    startedAt: next(),
  };
};

import path from 'node:path';
import type { Report } from '../report/report-model.ts';
import type { CheckAnnotation } from './publish-check.ts';

/**
 * The lines that a failure concerns: of settings and scenarios, limits that were missed and problems that name their
 * place; of the change itself, what makes a message cost more. `root` is the folder of the checkout, to which the paths of the report are relative or below which they are.
 */
export const annotationsOf = (
  report: Pick<Report, 'suites' | 'problems' | 'failOn'>,
  root: string,
): CheckAnnotation[] => {
  const annotations: CheckAnnotation[] = [];
  const add = (file: string | null, line: number | null, title: string, message: string, fails: boolean) => {
    const inside = file === null ? null : repositoryPath(file, root);
    if (inside === null || line === null || line < 1) return;
    annotations.push({ path: inside, line, level: fails ? 'failure' : 'warning', title, message });
  };
  const problems = [...report.problems, ...report.suites.flatMap((suite) => suite.problems)];
  for (const problem of problems)
    add(problem.file, problem.line, problem.code, `${problem.what}\n${problem.fix}`, true);
  for (const suite of report.suites) {
    const { explanation } = suite;
    // The last place is the line of the change that did it; the others say what runs more because of it.
    const place = explanation?.sentences.findLast((sentence) => sentence.place !== undefined)?.place;
    if (explanation !== undefined && place !== undefined)
      add(
        place.file,
        place.line,
        `${suite.name}: why it changed`,
        explanation.sentences.map(({ text }) => text.replaceAll('`', '')).join(' '),
        suite.verdict === 'fail',
      );
    for (const metric of suite.metrics) {
      for (const limit of metric.limit) {
        if (limit.verdict === 'pass') continue;
        const fails = limit.verdict === 'fail' || report.failOn.includes(limit.verdict);
        add(
          limit.file,
          limit.line,
          `${suite.name}: ${metric.id} ${limit.statistic}`,
          limit.explanation,
          fails,
        );
      }
    }
  }
  return annotations;
};

/** The path as GitHub wants it: relative to the root of the repository; null when the file is not in it. */
function repositoryPath(file: string, root: string): string | null {
  const relative = path.relative(root, path.resolve(root, file));
  if (relative === '' || relative.startsWith('..') || path.isAbsolute(relative)) return null;
  return relative.split(path.sep).join('/');
}

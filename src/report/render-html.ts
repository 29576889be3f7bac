import { durationLine, environmentLine } from './describe-comparison.ts';
import { safeUrl } from './escape-markdown.ts';
import { headlineOf } from './headline.ts';
import { htmlCode, htmlPage } from './html-page.ts';
import { levelsHtml, problemHtml, suiteHtml } from './html-suite.ts';
import { groupLevels, isLevelGroup } from './level-groups.ts';
import type { Report } from './report-model.ts';
import { xmlText } from './xml-text.ts';

/**
 * The report as one HTML file that needs nothing else: no script, no request, drawings inline, for light and dark
 * screens. Foreign text in it is inert.
 */
export const renderHtml = (report: Report): string => {
  const { title, detail } = headlineOf(report);
  const { head, base } = report.commits;
  const runUrl = safeUrl(report.runUrl);
  const origin = [
    ...(head === null
      ? []
      : [`${htmlCode(head, 64)}${base === null ? '' : ` against ${htmlCode(base, 64)}`}`]),
    xmlText(report.startedAt, 40),
    ...(runUrl === null ? [] : [`<a href="${xmlText(runUrl, 600)}" rel="noopener noreferrer">run</a>`]),
  ].join(' · ');
  const body = [
    `<header class="banner ${report.verdict}"><h1><span>${xmlText(title, 300)}</span></h1>`,
    `<p>${xmlText(detail, 900)}</p></header>`,
    ...report.problems.slice(0, 100).map(problemHtml),
    ...groupLevels(report.suites).flatMap((entry, index) =>
      isLevelGroup(entry)
        ? [
            levelsHtml(entry),
            ...entry.levels.map(({ suite }, level) => suiteHtml(suite, `s${index}-${level}`)),
          ]
        : [suiteHtml(entry, `s${index}`)],
    ),
    `<h2>Environment</h2><p>${origin}</p><p>${xmlText(environmentLine(report.environment), 400)} · ${durationLine(report.durations)}</p>`,
  ];
  return htmlPage(`Tailgate: ${title}`, body.join('\n'));
};

import { formatCount, sideName } from '../metrics/notation.ts';
import { axisText, type Chart } from './chart.ts';
import { chartSvg } from './chart-svg.ts';
import { durationLine, environmentLine } from './describe-comparison.ts';
import {
  type Block,
  blocksFor,
  type Document,
  type FigureBlock,
  type Inline,
  type ListBlock,
  outcomeWord,
  placeOf,
  plainText,
  type TableBlock,
} from './document.ts';
import { type AnyReport, documentOf } from './document-of.ts';
import { safeUrl } from './escape-markdown.ts';
import { flameSvg } from './flame-svg.ts';
import { htmlPage, type LivePage, type PageScript } from './html-page.ts';
import type { ProblemReport } from './report-model.ts';
import { xmlLines, xmlText } from './xml-text.ts';

/** Rows beyond this are for the JSON report: a page must stay a page. */
const maxRows = 2000;
const maxProblems = 100;

/** A page has at most 1.5 MB: of drawings so many characters, and then the JSON report has the rest. */
const maxDrawn = 900_000;
/** More points than a drawing is wide in pixels are not seen. */
const maxPointsDrawn = 300;

/** What the drawings of a page may still take. */
type Page = { left: number; interactive: boolean };

/**
 * A report as one HTML file that needs nothing else: no request, drawings inline, for light and dark screens. With the
 * script its charts and tables answer; without one everything is there to read. Foreign text in it is inert.
 */
export function renderHtml(
  report: AnyReport,
  options: { script?: PageScript | null; live?: LivePage | null } = {},
): string {
  const document = documentOf(report);
  const { verdict, title, detail } = document.headline;
  const page: Page = { left: maxDrawn, interactive: (options.script ?? null) !== null };
  const body = [
    `<header class="banner ${verdict}"><h1><strong class="verdict">${(options.live ?? null) === null ? '' : 'so far '}${verdict}</strong> <span>${inline(title, 300)}</span></h1></header>`,
    `<p>${inline(detail, 1500)}</p>`,
    blocksHtml(document.blocks, page, 2),
    originHtml(document),
  ];
  return htmlPage(`Tailgate: ${plainText(title)}`, body.join('\n'), options);
}

/** The page before there is anything to report. */
export const waitingPage = (script: PageScript | null, progress: string): string =>
  htmlPage(
    'Tailgate: measuring',
    '<h1>Measuring</h1><p>The first comparison comes with the first pair.</p>',
    {
      script,
      live: { progress, version: 0 },
    },
  );

function originHtml({ origin }: Document): string {
  const { head, base } = origin.commits;
  const runUrl = safeUrl(origin.runUrl);
  const parts = [
    ...(head === null ? [] : [`${code(head, 64)}${base === null ? '' : ` against ${code(base, 64)}`}`]),
    xmlText(origin.startedAt, 40),
    ...(runUrl === null ? [] : [`<a href="${xmlText(runUrl, 600)}" rel="noopener noreferrer">run</a>`]),
  ];
  return `<h2>Environment</h2><p>${parts.join(' · ')}</p><p>${xmlText(environmentLine(origin.environment), 400)} · ${durationLine(origin.durations)}</p>`;
}

const code = (text: string, maxLength = 120): string => `<code>${xmlText(text, maxLength)}</code>`;

/** The spans as HTML. */
function inline(content: Inline, maxLength = 600): string {
  return content
    .map((span) => {
      if (typeof span === 'string')
        return `${/^\s/.test(span) ? ' ' : ''}${xmlText(span, maxLength)}${/\S\s+$/.test(span) ? ' ' : ''}`;
      if ('code' in span) return code(span.code, span.maxLength);
      if ('strong' in span) return `<strong>${xmlText(span.strong)}</strong>`;
      return span.outcome === 'advisory'
        ? ''
        : `<span class="verdict ${span.outcome}">${outcomeWord[span.outcome]}</span>`;
    })
    .join('')
    .trim();
}

/** Blocks one after the other; drawings that follow each other stand side by side. */
function blocksHtml(blocks: readonly Block[], page: Page, level: number): string {
  const shown = blocksFor('page', blocks);
  const problems = shown.filter(({ kind }) => kind === 'problem').slice(0, maxProblems);
  const parts: string[] = [];
  let figures: string[] = [];
  const flush = () => {
    if (figures.length > 0) parts.push(`<div class="charts">${figures.join('\n')}</div>`);
    figures = [];
  };
  for (const block of shown) {
    if (block.kind === 'problem' && !problems.includes(block)) continue;
    if (block.kind === 'figure') {
      figures.push(figureHtml(block, page));
      continue;
    }
    flush();
    parts.push(blockHtml(block, page, level));
  }
  flush();
  return parts.filter((part) => part !== '').join('\n');
}

function blockHtml(block: Exclude<Block, FigureBlock>, page: Page, level: number): string {
  switch (block.kind) {
    case 'paragraph':
      return `<p${block.tone === 'quiet' ? ' class="muted"' : ''}>${inline(block.content)}</p>`;
    case 'table':
      return tableHtml(block);
    case 'list':
      return listHtml(block);
    case 'problem':
      return problemHtml(block.problem);
    case 'details':
      return `<details${block.open?.includes('page') ? ' open' : ''}><summary>${inline(block.summary)}</summary>\n${blocksHtml(block.blocks, page, level + 1)}</details>`;
    case 'section': {
      const inner = blocksHtml(block.blocks, page, level + 1);
      const hasHeading = block.headingIn === undefined || block.headingIn.includes('page');
      return `<section>${hasHeading ? `<h${level}>${inline(block.heading)}</h${level}>\n` : ''}${inner}</section>`;
    }
  }
}

function tableHtml({ columns, rows, noun, caption, searchable = false }: TableBlock): string {
  const cell = (tag: 'th' | 'td', html: string, index: number): string =>
    `<${tag}${tag === 'th' ? ' scope="col"' : ''}${columns[index]?.align === 'right' ? ' class="number"' : ''}>${html}</${tag}>`;
  const head = columns.map(({ title }, index) => cell('th', xmlText(title), index)).join('');
  const body = rows
    .slice(0, maxRows)
    .map((row) => `<tr>${row.map((content, index) => cell('td', inline(content), index)).join('')}</tr>`);
  const left = rows.length - maxRows;
  return `${caption === undefined ? '' : `<p>${inline(caption)}</p>`}<div class="scroll" tabindex="0" role="group" aria-label="Table"><table${searchable && body.length > 4 ? ' class="searchable"' : ''}>
<thead><tr>${head}</tr></thead>
<tbody>
${body.join('\n')}
</tbody>
</table></div>${left > 0 ? `<p class="muted">and ${formatCount(left)} more ${noun}s in the JSON report</p>` : ''}`;
}

function listHtml({ title, items }: ListBlock): string {
  const lines = items.slice(0, maxRows).map(({ content, children = [] }) => {
    const inner = children.map((child) => `<li>${inline(child)}</li>`).join('');
    return `<li>${inline(content)}${inner === '' ? '' : `<ul>${inner}</ul>`}</li>`;
  });
  return `${title === undefined ? '' : `<h3>${xmlText(title)}</h3>`}<ul>${lines.join('\n')}</ul>`;
}

function problemHtml(problem: ProblemReport): string {
  const [what = '', ...tail] = problem.what.split('\n');
  const [fix = '', ...lines] = problem.fix.split('\n');
  const where = placeOf(problem);
  const place = where === null ? '' : ` ${code(where, 300)}`;
  return `<div class="problem"><p><strong class="fail">${xmlText(problem.code, 60)}</strong>${place} ${xmlText(what, 600)}</p>${
    tail.length > 0 ? `<pre>${xmlLines(tail.join('\n'), 60)}</pre>` : ''
  }<p><strong>What to do:</strong> ${xmlText(fix, 600)}</p>${lines.length > 0 ? `<pre>${xmlLines(lines.join('\n'), 60)}</pre>` : ''}</div>`;
}

/** A drawing with what it shows and which colour is which side; with its numbers, for the script. */
function figureHtml({ caption, sides, chart, flame, text }: FigureBlock, page: Page): string {
  if (flame !== undefined) {
    const svg = flameSvg(flame, `${plainText(caption)}; the table of functions has the numbers`);
    if (svg === '' || svg.length > page.left) return '';
    page.left -= svg.length;
    return `<figure class="wide"><figcaption>${inline(caption)}</figcaption><div class="scroll flame" tabindex="0" role="group" aria-label="${xmlText(plainText(caption))}">${svg}</div></figure>`;
  }
  if (chart === undefined) return text === undefined ? '' : `<p>${inline(caption)}: ${xmlText(text)}</p>`;
  const drawn = thinned(chart);
  const svg = chartSvg(drawn, { label: `${plainText(caption)}. ${inWords(drawn)}` });
  // Of one side alone nobody asks which it is.
  const keys = (sides.length < 2 ? [] : sides)
    .map((side) => `<span class="key ${side}" data-side="${side}">${sideName(side)}</span>`)
    .join('');
  const data = JSON.stringify(drawn).replaceAll('<', '\\u003c');
  const figure = (inner: string): string =>
    `<figure><figcaption>${inline(caption)}</figcaption>${keys}<div class="drawing">${svg}</div>${inner}</figure>`;
  const html = figure(page.interactive ? `<script type="application/json">${data}</script>` : '');
  if (html.length > page.left) return `<p class="muted">${inline(caption)}: in the JSON report.</p>`;
  page.left -= html.length;
  return html;
}

/** The same lines with at most so many points, evenly taken, and the last. */
function thinned(chart: Chart): Chart {
  return {
    ...chart,
    lines: chart.lines.map((line) => {
      const step = Math.ceil(line.points.length / maxPointsDrawn);
      const isKept = (index: number): boolean => index % step === 0 || index === line.points.length - 1;
      return step <= 1 ? line : { ...line, points: line.points.filter((_, index) => isKept(index)) };
    }),
  };
}

/** What the lines of a drawing do, for who cannot see them: "head: 24 ms to 29 ms, at most 31 ms". */
function inWords({ lines, y }: Chart): string {
  return lines
    .flatMap(({ name, points }) => {
      const values = points.map(([, value]) => value);
      if (values.length === 0) return [];
      const [first, last] = [values[0]!, values.at(-1)!].map((value) => axisText(value, y));
      const most = axisText(
        values.reduce((highest, value) => Math.max(highest, value)),
        y,
      );
      return [
        values.length === 1 ? `${name}: ${first}` : `${name}: from ${first} to ${last}, at most ${most}`,
      ];
    })
    .join('; ');
}

import { formatCount } from '../metrics/notation.ts';
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
import { htmlPage } from './html-page.ts';
import { lineChart } from './line-chart.ts';
import type { ProblemReport } from './report-model.ts';
import { xmlLines, xmlText } from './xml-text.ts';

/** Rows beyond this are for the JSON report: a page must stay a page. */
const maxRows = 2000;
const maxProblems = 100;

/** Numbers the drawings of a page, whose ids must not meet. */
type Page = { drawings: number };

/**
 * A report as one HTML file that needs nothing else: no script, no request, drawings inline, for light and dark
 * screens. Foreign text in it is inert.
 */
export function renderHtml(report: AnyReport): string {
  const document = documentOf(report);
  const { verdict, title, detail } = document.headline;
  const page: Page = { drawings: 0 };
  const body = [
    `<header class="banner ${verdict}"><h1><span>${inline(title, 300)}</span></h1>`,
    `<p>${inline(detail, 1500)}</p></header>`,
    blocksHtml(document.blocks, page, 2),
    originHtml(document),
  ];
  return htmlPage(`Tailgate: ${plainText(title)}`, body.join('\n'));
}

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

function tableHtml({ columns, rows, noun, caption }: TableBlock): string {
  const cell = (tag: 'th' | 'td', html: string, index: number): string =>
    `<${tag}${tag === 'th' ? ' scope="col"' : ''}${columns[index]?.align === 'right' ? ' class="number"' : ''}>${html}</${tag}>`;
  const head = columns.map(({ title }, index) => cell('th', xmlText(title), index)).join('');
  const body = rows
    .slice(0, maxRows)
    .map((row) => `<tr>${row.map((content, index) => cell('td', inline(content), index)).join('')}</tr>`);
  const left = rows.length - maxRows;
  return `${caption === undefined ? '' : `<p>${inline(caption)}</p>`}<div class="scroll"><table>
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

/** A drawing with what it shows and which colour is which side. */
function figureHtml({ caption, sides, chart, text }: FigureBlock, page: Page): string {
  if (chart === undefined) return text === undefined ? '' : `<p>${inline(caption)}: ${xmlText(text)}</p>`;
  page.drawings += 1;
  const svg = lineChart({ ...chart, id: `f${page.drawings}` });
  const keys = sides.map((side) => `<span class="key ${side}">${side}</span>`).join('');
  return `<figure><figcaption>${inline(caption)}</figcaption>${keys}<div>${svg}</div></figure>`;
}

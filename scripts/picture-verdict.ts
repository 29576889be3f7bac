/**
 * Draws the pictures of docs/how-it-decides.md into docs/images, from simulated jobs that the shipped code decides.
 *
 *     node scripts/picture-verdict.ts
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { judgeSuite } from '../src/verdict/judge-suite.ts';
import { scheduledLooks } from '../src/verdict/look-schedule.ts';
import { ratesOf, runJobs, typicalJob } from '../test/verdict/series-simulator.ts';
import {
  defaultSettings,
  evidenceOf,
  metricId,
  noRegression,
  quietWorld,
  simulatePairs,
} from '../test/verdict/simulator.ts';

const folder = path.resolve(import.meta.dirname, '../docs/images');
const font = 'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif"';
const ink = '#1f2328';
const faint = '#8c959f';
const colours = { pass: '#1a7f37', fail: '#cf222e', inconclusive: '#9a6700', open: '#57606a' };

type TextStyle = { size?: number; colour?: string; anchor?: 'start' | 'middle' | 'end'; bold?: boolean };

const text = (x: number, y: number, words: string, style: TextStyle = {}): string => {
  const { size = 13, colour = ink, anchor = 'start', bold = false } = style;
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${font} font-size="${size}" fill="${colour}" text-anchor="${anchor}"${bold ? ' font-weight="600"' : ''}>${words}</text>`;
};

const line = (x1: number, y1: number, x2: number, y2: number, more: string): string =>
  `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" ${more}/>`;

const svg = (width: number, height: number, title: string, parts: readonly string[]): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${title}</title>`,
    `<rect width="${width}" height="${height}" rx="8" fill="#ffffff"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');

type Look = { pairs: number; low: number; high: number; relative: number };
type Panel = { title: string; looks: Look[]; verdict: 'pass' | 'fail' | 'inconclusive' };

/** One simulated job, judged as a run judges it; the interval of its p50 at every look until the verdict. */
const panelOf = (title: string, processDeviation: number, slower: number, seed: number): Panel => {
  const world = { ...quietWorld, processDeviation, burstShare: 0, rate: 100 };
  const pairs = simulatePairs(world, { ...noRegression, slower }, defaultSettings.maxPairs, seed);
  const looks: Look[] = [];
  for (const count of scheduledLooks(defaultSettings)) {
    const final = count === defaultSettings.maxPairs;
    const judgement = judgeSuite(evidenceOf({ pairs: pairs.slice(0, count), final }));
    const change = judgement.metrics
      .find(({ id }) => id === metricId)!
      .change.find(({ statistic }) => statistic === 'p50')!;
    looks.push({ pairs: count, low: change.low!, high: change.high!, relative: change.relative });
    if (judgement.next === 'decided') return { title, looks, verdict: judgement.verdict as Panel['verdict'] };
  }
  throw new Error('the last look settles');
};

const drawJobs = (panels: readonly Panel[]): string => {
  const [width, height, top, bottom, left, gap] = [960, 390, 64, 72, 64, 26];
  const panelWidth = (width - left - 24 - gap * (panels.length - 1)) / panels.length;
  const range = { low: -0.2, high: 0.3 };
  const y = (change: number): number => {
    const clipped = Math.max(range.low, Math.min(range.high, change));
    return top + ((range.high - clipped) / (range.high - range.low)) * (height - top - bottom);
  };
  const parts: string[] = [
    text(left, 26, 'What the change of the median (p50) may be, after each look', { bold: true, size: 15 }),
  ];
  for (const change of [-0.2, -0.1, 0, 0.1, 0.2, 0.3])
    parts.push(
      text(
        left - 8,
        y(change) + 4,
        `${change > 0 ? '+' : change < 0 ? '−' : ''}${Math.abs(Math.round(change * 100))}%`,
        { anchor: 'end', colour: faint },
      ),
    );
  for (const [index, panel] of panels.entries()) {
    const from = left + index * (panelWidth + gap);
    const x = (pairs: number): number => from + ((pairs - 5) / 16) * panelWidth;
    parts.push(
      `<rect x="${from}" y="${y(0.1)}" width="${panelWidth}" height="${y(range.low) - y(0.1)}" fill="#eaf6ec"/>`,
    );
    parts.push(
      `<rect x="${from}" y="${y(range.high)}" width="${panelWidth}" height="${y(0.1) - y(range.high)}" fill="#fdf0f0"/>`,
    );
    parts.push(line(from, y(0), from + panelWidth, y(0), `stroke="${ink}" stroke-width="1.2"`));
    parts.push(line(from, y(0.1), from + panelWidth, y(0.1), `stroke="${faint}" stroke-dasharray="5 4"`));
    for (const [at, look] of panel.looks.entries()) {
      const last = at === panel.looks.length - 1;
      const colour = last ? colours[panel.verdict] : colours.open;
      parts.push(
        line(
          x(look.pairs),
          y(look.low),
          x(look.pairs),
          y(look.high),
          `stroke="${colour}" stroke-width="${last ? 5 : 3}" stroke-linecap="round"`,
        ),
        `<circle cx="${x(look.pairs).toFixed(1)}" cy="${y(look.relative).toFixed(1)}" r="${last ? 5 : 4}" fill="${colour}" stroke="#ffffff" stroke-width="1.5"/>`,
      );
    }
    for (const pairs of [6, 10, 14, 20])
      parts.push(text(x(pairs), height - bottom + 18, String(pairs), { anchor: 'middle', colour: faint }));
    const words = { pass: 'passes', fail: 'fails', inconclusive: 'undecided' }[panel.verdict];
    const count = panel.looks.at(-1)!.pairs;
    parts.push(text(from, top - 12, panel.title, { bold: true }));
    parts.push(
      text(from + panelWidth / 2, height - 18, `${words} after ${count} pairs (${count / 2} min)`, {
        anchor: 'middle',
        bold: true,
        colour: colours[panel.verdict],
      }),
    );
    if (index === 0) {
      parts.push(
        text(from + panelWidth - 6, y(0.1) - 6, 'limit +10%', { anchor: 'end', size: 12, colour: faint }),
      );
      parts.push(
        text(from + panelWidth - 6, y(0) + 15, 'no change', { anchor: 'end', size: 12, colour: faint }),
      );
    }
  }
  parts.push(text(left, height - bottom + 34, 'pairs', { size: 12, colour: faint }));
  return svg(
    width,
    height,
    'Three jobs: the interval shrinks with every pair until the verdict stands',
    parts,
  );
};

const drawPower = (jobs: number): string => {
  const [width, height, top, bottom, left, right] = [960, 400, 60, 62, 64, 210];
  const most = 0.24;
  const x = (change: number): number => left + (change / most) * (width - left - right);
  const y = (share: number): number => top + (1 - share) * (height - top - bottom);
  const parts: string[] = [
    text(left, 26, 'Share of jobs that fail, by how much slower the server really is', {
      bold: true,
      size: 15,
    }),
  ];
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    parts.push(line(left, y(share), width - right, y(share), 'stroke="#eaeef2"'));
    parts.push(text(left - 8, y(share) + 4, `${share * 100}%`, { anchor: 'end', colour: faint }));
  }
  for (const change of [0, 0.05, 0.1, 0.15, 0.2])
    parts.push(
      text(x(change), height - bottom + 20, `+${Math.round(change * 100)}%`, {
        anchor: 'middle',
        colour: faint,
      }),
    );
  parts.push(text(x(0.1), height - 16, 'true change of the server', { anchor: 'middle', colour: faint }));
  parts.push(text(width - right + 20, top + 14, 'noise between pairs', { size: 12, bold: true }));
  const noises = [
    [0.02, '2%, a quiet machine', '#0969da'],
    [0.05, '5%, the usual one', '#1a7f37'],
    [0.1, '10%, a noisy one', '#9a6700'],
    [0.2, '20%, a very noisy one', '#cf222e'],
  ] as const;
  const changes = Array.from({ length: 25 }, (_, index) => 0.01 * index);
  for (const [row, [deviation, name, colour]] of noises.entries()) {
    const points = changes.map((change, index) => {
      const rates = ratesOf(runJobs(typicalJob(change, deviation), jobs, 100 * row + index + 1));
      return `${x(change).toFixed(1)},${y(rates.fail).toFixed(1)}`;
    });
    parts.push(
      `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="2.5" stroke-linejoin="round"/>`,
    );
    const at = top + 44 + 24 * row;
    parts.push(
      line(width - right + 20, at - 4, width - right + 44, at - 4, `stroke="${colour}" stroke-width="3"`),
    );
    parts.push(text(width - right + 50, at, name, { size: 12 }));
  }
  return svg(
    width,
    height,
    'Power: the share of jobs that fail against the true change, at four noise levels',
    parts,
  );
};

mkdirSync(folder, { recursive: true });
const panels = [
  panelOf('Nothing changed', 0.03, 1, 8),
  panelOf('The server is 12% slower', 0.03, 1.12, 3),
  panelOf('Nothing changed, very noisy machine', 0.22, 1, 5),
];
writeFileSync(path.join(folder, 'verdict-three-jobs.svg'), drawJobs(panels));
writeFileSync(path.join(folder, 'verdict-power.svg'), drawPower(500));

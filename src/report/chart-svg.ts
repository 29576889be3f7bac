import { axisText, type Chart, type ChartLine, type ChartMark, rangeOf, ticksOf } from './chart.ts';
import { xmlText } from './xml-text.ts';

export type SvgOptions = {
  /** What is shown, for who cannot see it. */
  label: string;
  width?: number;
  height?: number;
};

/** Custom properties of the page, so that one drawing serves light and dark pages. */
const colorOf: Record<ChartMark['tone'], string> = {
  baseline: 'var(--baseline)',
  head: 'var(--head)',
  fail: 'var(--fail)',
  muted: 'var(--muted)',
};
const margin = { left: 66, right: 18, top: 22, bottom: 46 };
const fontSize = 13;
/** About the width of a character, for what must not be cut. */
const characterWidth = 7.2;

/** A chart as an SVG element, without scripts and external resources. Same input, same text. */
export function chartSvg(chart: Chart, options: SvgOptions): string {
  const { width = 560, height = 260 } = options;
  const points = chart.lines.flatMap((line) => line.points);
  const marks = chart.marks ?? [];
  const xRange = rangeOf(chart.x, [...points.map(([x]) => x), ...marks.flatMap(({ x }) => x ?? [])]);
  const yRange = rangeOf(chart.y, [
    ...points.flatMap(([, y, low = y, high = y]) => [y, low, high]),
    ...marks.flatMap(({ y }) => y ?? []),
  ]);
  const plot = {
    left: margin.left,
    right: width - margin.right,
    top: margin.top,
    bottom: height - margin.bottom,
  };
  const x = scale(chart.x.logarithmic === true, xRange, plot.left, plot.right);
  const y = scale(chart.y.logarithmic === true, yRange, plot.bottom, plot.top);
  const parts = [
    ...ticksOf(chart.y, yRange, 4).flatMap((tick) => [
      `<path d="M${plot.left} ${at(y(tick))}H${plot.right}" stroke="var(--line)"/>`,
      text(plot.left - 8, y(tick) + 4, axisText(tick, chart.y), 'end'),
    ]),
    ...apart(
      ticksOf(chart.x, xRange, 6),
      (tick) => x(tick),
      (tick) => axisText(tick, chart.x),
    ).map((tick) => text(x(tick), plot.bottom + 18, axisText(tick, chart.x), 'middle')),
    text((plot.left + plot.right) / 2, height - 6, chart.x.title, 'middle'),
    ...drawMarks(marks, { x, y, plot }),
    ...chart.lines.map((line) => drawLine(line, x, y)),
  ];
  return `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${xmlText(options.label, 600)}" font-size="${fontSize}" fill="none">${parts.join('')}</svg>`;
}

type Scale = (value: number) => number;

function scale(
  logarithmic: boolean,
  [low, high]: readonly [number, number],
  from: number,
  to: number,
): Scale {
  const of = logarithmic ? Math.log : (value: number) => value;
  const span = of(high) - of(low) || 1;
  return (value) => from + ((of(value) - of(low)) / span) * (to - from);
}

const at = (value: number): string => String(Number(value.toFixed(1)));

function text(
  x: number,
  y: number,
  words: string,
  anchor: 'start' | 'middle' | 'end',
  color = 'var(--muted)',
): string {
  return words === ''
    ? ''
    : `<text x="${at(x)}" y="${at(y)}" text-anchor="${anchor}" fill="${color}">${xmlText(words, 80)}</text>`;
}

/** The ticks whose labels do not run into the one before. */
function apart(ticks: readonly number[], x: Scale, label: (tick: number) => string): number[] {
  let end = Number.NEGATIVE_INFINITY;
  return ticks.filter((tick) => {
    const half = (label(tick).length * characterWidth) / 2;
    if (x(tick) - half < end + 6) return false;
    end = x(tick) + half;
    return true;
  });
}

function drawLine({ side, points, style = 'line' }: ChartLine, x: Scale, y: Scale): string {
  const color = colorOf[side];
  const drawn = points.filter(([, value]) => Number.isFinite(y(value)));
  const bars = drawn.flatMap(([place, , low, high]) =>
    low === undefined || high === undefined ? [] : [`M${at(x(place))} ${at(y(low))}V${at(y(high))}`],
  );
  const path = drawn.map(([place, value]) => `${at(x(place))} ${at(y(value))}`).join('L');
  return [
    bars.length === 0 ? '' : `<path d="${bars.join('')}" stroke="${color}" stroke-width="2"/>`,
    style === 'dots' || drawn.length < 2
      ? ''
      : `<path d="M${path}" stroke="${color}" stroke-width="2"${style === 'dashed' ? ' stroke-dasharray="5 4"' : ''}/>`,
    style === 'dots' || style === 'both' || drawn.length === 1
      ? drawn
          .map(
            ([place, value]) => `<circle cx="${at(x(place))}" cy="${at(y(value))}" r="3.5" fill="${color}"/>`,
          )
          .join('')
      : '',
  ].join('');
}

/** Lines across, each with its text where it neither leaves the drawing nor covers another. */
function drawMarks(
  marks: readonly ChartMark[],
  { x, y, plot }: { x: Scale; y: Scale; plot: { left: number; right: number; top: number; bottom: number } },
): string[] {
  const upright = marks.filter((mark) => mark.x !== undefined).sort((a, b) => a.x! - b.x!);
  const level = marks.filter((mark) => mark.y !== undefined).sort((a, b) => a.y! - b.y!);
  let lastText = Number.POSITIVE_INFINITY;
  let lastEnd = Number.NEGATIVE_INFINITY;
  let row = 0;
  return [
    ...level.map((mark) => {
      const place = y(mark.y!);
      // From below upwards, so that the text of one never covers that of another.
      const textAt = Math.min(place - 4, lastText - 15);
      lastText = textAt;
      return `<path d="M${plot.left} ${at(place)}H${plot.right}" stroke="${colorOf[mark.tone]}" stroke-dasharray="4 4"/>${text(plot.right - 4, textAt, mark.text, 'end', colorOf[mark.tone])}`;
    }),
    ...upright.map((mark, index) => {
      const place = x(mark.x!);
      const size = mark.text.length * characterWidth;
      const next = upright[index + 1]?.x;
      const end = next === undefined ? plot.right : x(next);
      // Beside its line where nothing else is: on the left where the next mark, or the end, is too near.
      const isLeft = place + 4 + size > end && place - 4 - size > plot.left;
      const start = isLeft ? place - 4 - size : place + 4;
      row = start < lastEnd + 6 ? row + 1 : 0;
      lastEnd = Math.max(lastEnd, start + size);
      return `<path d="M${at(place)} ${plot.top}V${plot.bottom}" stroke="${colorOf[mark.tone]}" stroke-dasharray="4 4"/>${text(isLeft ? place - 4 : place + 4, plot.top + 12 + 15 * row, mark.text, isLeft ? 'end' : 'start', colorOf[mark.tone])}`;
    }),
  ];
}

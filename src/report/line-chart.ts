import { LineChart, ScatterChart } from 'echarts/charts';
import { GridComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

use([LineChart, ScatterChart, GridComponent, SVGRenderer]);

export type Series = {
  /** Which side it shows; decides the colour. */
  side: 'baseline' | 'head';
  points: (readonly [x: number, y: number])[];
  /** Points alone, without a line between them. */
  dots?: boolean;
};

export type ChartAxis = {
  title: string;
  format: (value: number) => string;
  /** Where the labels stand; chosen by the chart if not given. */
  ticks?: number[];
  logarithmic?: boolean;
  /** Begin at zero. */
  fromZero?: boolean;
};

export type LineChartOptions = {
  /** Sets the ids in the drawing apart from those of other drawings on the page: letters, digits, dashes. */
  id: string;
  x: ChartAxis;
  y: ChartAxis;
  series: Series[];
  /** Vertical line, for example the knee of a capacity curve. */
  marks?: { x: number; text: string; side: 'baseline' | 'head' }[];
  width?: number;
  height?: number;
};

/** Custom properties of the page, so that one drawing serves light and dark pages. */
const colorOf = { baseline: 'var(--baseline)', head: 'var(--head)' };
const textColor = 'var(--muted)';
const lineColor = 'var(--line)';

const axisOption = (axis: ChartAxis, isX: boolean) => ({
  type: axis.logarithmic ? ('log' as const) : ('value' as const),
  name: axis.title,
  nameLocation: 'middle' as const,
  nameGap: isX ? 28 : 52,
  nameTextStyle: { color: textColor, fontSize: 11 },
  scale: !axis.fromZero,
  axisLine: { show: isX, lineStyle: { color: lineColor } },
  axisTick: { show: false, ...(axis.ticks === undefined ? {} : { customValues: axis.ticks }) },
  splitLine: { show: !isX, lineStyle: { color: lineColor } },
  axisLabel: {
    color: textColor,
    fontSize: 11,
    hideOverlap: true,
    formatter: axis.format,
    ...(axis.ticks === undefined ? {} : { customValues: axis.ticks }),
  },
  ...(axis.ticks === undefined || axis.ticks.length < 2
    ? {}
    : { min: axis.ticks[0]!, max: axis.ticks[axis.ticks.length - 1]! }),
});

/** A drawing of one or two lines as an SVG element, without scripts and external resources. Same input, same text. */
export const lineChart = (options: LineChartOptions): string => {
  const { id, series, marks = [] } = options;
  const chart = init(null, null, {
    renderer: 'svg',
    ssr: true,
    width: options.width ?? 560,
    height: options.height ?? 240,
  });
  chart.setOption({
    animation: false,
    textStyle: { fontFamily: 'inherit' },
    grid: { left: 64, right: 20, top: 14, bottom: 44, outerBoundsMode: 'none' as const },
    xAxis: axisOption(options.x, true),
    yAxis: axisOption(options.y, false),
    series: [
      ...series.map((one) => ({
        type: one.dots ? ('scatter' as const) : ('line' as const),
        silent: true,
        z: one.dots ? 4 : 2,
        symbol: 'circle',
        symbolSize: 6,
        itemStyle: { color: colorOf[one.side] },
        ...(one.dots ? {} : { lineStyle: { color: colorOf[one.side], width: 2 } }),
        data: one.points.map(([x, y]) => [x, y]),
      })),
    ],
  });
  const places = marks.flatMap((mark) => {
    const place = chart.convertToPixel({ xAxisIndex: 0 }, mark.x);
    return typeof place === 'number' && Number.isFinite(place) ? { mark, place } : [];
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  const bottom = (options.height ?? 240) - 44;
  const leftmost = Math.min(...places.map(({ place }) => place));
  const lines = places
    .map(({ mark, place }) => {
      // Of two marks, the left one is labelled to its left, so that neither text crosses the other's line.
      const isLeft = places.length > 1 && place === leftmost;
      const color = colorOf[mark.side];
      const x = (place + (isLeft ? -4 : 4)).toFixed(1);
      return `<path d="M${place.toFixed(1)} 14V${bottom}" stroke="${color}" stroke-dasharray="4 4" fill="none"/><text x="${x}" y="24" text-anchor="${isLeft ? 'end' : 'start'}" fill="${color}" font-size="11">${mark.text}</text>`;
    })
    .join('');
  // The ids that the library counts up would differ from call to call, and two drawings must not share one. Classes and
  // their style are only for a pointer that hovers.
  return svg
    .replaceAll(/zr\d+-/g, `${id}-`)
    .replaceAll(/ (class|pointer-events|ecmeta_[a-z_]+)="[^"]*"/g, '')
    .replaceAll(/<style[^>]*>[\s\S]*?<\/style>/g, '')
    .replace(/<\/svg>\s*$/, `${lines}</svg>`);
};

/**
 * Brings the page to life where scripts run: charts to hover, zoom and walk with the keyboard, sides to switch off,
 * tables to sort and filter. What it replaces stands in the page without it. Runs in the browser.
 */
import uPlot from 'uplot';
import style from 'uplot/dist/uPlot.min.css';
import { axisText, rangeOf, ticksOf } from '../chart.ts';

const chartHeight = 280;
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

const make = (tag, attributes, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};

/** Every plot that is drawn, so that a change of light redraws it. */
const plots = new Set();

const valuesOf = (chart) => {
  const points = chart.lines.flatMap((line) => line.points);
  const marks = chart.marks ?? [];
  return {
    x: rangeOf(chart.x, [...points.map(([x]) => x), ...marks.flatMap(({ x }) => x ?? [])]),
    y: rangeOf(chart.y, [
      ...points.flatMap(([, y, low = y, high = y]) => [y, low, high]),
      ...marks.flatMap(({ y }) => y ?? []),
    ]),
  };
};

const seriesOf = ({ name, side, style: kind = 'line' }) => ({
  label: name,
  stroke: () => colour(side),
  width: 2,
  spanGaps: true,
  ...(kind === 'dashed' ? { dash: [6, 4] } : {}),
  ...(kind === 'dots' ? { paths: () => null } : {}),
  points: { show: kind === 'dots' || kind === 'both', size: 8, fill: () => colour(side) },
});

/** Draws intervals and marks, which the library does not know. */
const drawExtras = (chart) => (plot) => {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.lineWidth = 2 * ratio;
  chart.lines.forEach((line, index) => {
    if (!plot.series[index + 1].show) return;
    ctx.strokeStyle = colour(line.side);
    for (const [x, , low, high] of line.points) {
      if (low === undefined || high === undefined) continue;
      const place = plot.valToPos(x, 'x', true);
      ctx.beginPath();
      ctx.moveTo(place, plot.valToPos(low, 'y', true));
      ctx.lineTo(place, plot.valToPos(high, 'y', true));
      ctx.stroke();
    }
  });
  ctx.lineWidth = ratio;
  ctx.setLineDash([4 * ratio, 4 * ratio]);
  ctx.font = `${13 * ratio}px system-ui, sans-serif`;
  ctx.textBaseline = 'alphabetic';
  ctx.textAlign = 'left';
  let lastEnd = Number.NEGATIVE_INFINITY;
  let row = 0;
  let lastText = Number.POSITIVE_INFINITY;
  const texts = [];
  const marks = [...(chart.marks ?? [])].sort((a, b) => (a.x ?? a.y) - (b.x ?? b.y));
  marks.forEach((mark, index) => {
    ctx.strokeStyle = colour(mark.tone);
    ctx.beginPath();
    if (mark.x === undefined) {
      const y = plot.valToPos(mark.y, 'y', true);
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      lastText = Math.min(y - 4 * ratio, lastText - 15 * ratio);
      const size = ctx.measureText(mark.text).width;
      texts.push({ mark, x: bbox.left + bbox.width - 4 * ratio - size, y: lastText });
    } else {
      const x = plot.valToPos(mark.x, 'x', true);
      const next = marks[index + 1]?.x;
      const end = next === undefined ? bbox.left + bbox.width : plot.valToPos(next, 'x', true);
      const size = ctx.measureText(mark.text).width;
      const [before, after] = [x - 4 * ratio - size, x + 4 * ratio];
      // Beside its line where nothing else is: on the left where the next mark, or the end, is too near.
      const isLeft = after + size > end && before > bbox.left;
      const start = isLeft ? before : after;
      row = start < lastEnd + 6 * ratio ? row + 1 : 0;
      lastEnd = Math.max(lastEnd, start + size);
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      texts.push({ mark, x: start, y: bbox.top + (12 + 15 * row) * ratio });
    }
    ctx.stroke();
  });
  // Lines must not go through words.
  ctx.setLineDash([]);
  ctx.lineJoin = 'round';
  ctx.lineWidth = 4 * ratio;
  ctx.strokeStyle = colour('bg');
  for (const { mark, x, y } of texts) ctx.strokeText(mark.text, x, y);
  for (const { mark, x, y } of texts) {
    ctx.fillStyle = colour(mark.tone);
    ctx.fillText(mark.text, x, y);
  }
  ctx.restore();
};

const axisOf = (axis, which) => ({
  scale: which,
  stroke: () => colour('muted'),
  grid: { show: which === 'y', stroke: () => colour('line'), width: 1 },
  ticks: { show: false },
  // On a logarithmic axis the library would leave labels out, and ours are few.
  filter: (_plot, splits) => splits,
  font: '13px system-ui, sans-serif',
  ...(which === 'x'
    ? { label: axis.title, labelFont: '13px system-ui, sans-serif', labelSize: 20, size: 34 }
    : { size: 66 }),
  splits: (plot, _index, low, high) =>
    ticksOf(axis, [low, high], which === 'x' ? Math.max(2, Math.floor(plot.width / 110)) : 4).filter(
      (tick) => tick >= low - 1e-9 && tick <= high + 1e-9,
    ),
  values: (_plot, splits) => splits.map((value) => axisText(value, axis)),
});

/** What the drawing says where the cursor is. */
const textAt = (chart, plot, index) => {
  if (index === null || index === undefined) return '';
  const parts = chart.lines.flatMap((line, number) => {
    const value = plot.data[number + 1][index];
    if (value === null || value === undefined || !plot.series[number + 1].show) return [];
    const point = line.points.find(([x]) => x === plot.data[0][index]);
    const interval =
      point?.[2] === undefined ? '' : ` (${axisText(point[2], chart.y)} to ${axisText(point[3], chart.y)})`;
    return [`${line.name} ${axisText(value, chart.y)}${interval}`];
  });
  const where = axisText(plot.data[0][index], chart.x);
  return parts.length === 0
    ? ''
    : [`${where}${chart.x.unit === 'count' ? ` ${chart.x.title}` : ''}`, ...parts].join(' · ');
};

const drawChart = (figure) => {
  const source = figure.querySelector('script[type="application/json"]');
  const drawing = figure.querySelector('.drawing');
  if (source === null || drawing === null) return;
  const chart = JSON.parse(source.textContent);
  const range = valuesOf(chart);
  const data = uPlot.join(
    chart.lines.map((line) => {
      const points = [...line.points].sort((a, b) => a[0] - b[0]);
      return [points.map(([x]) => x), points.map(([, y]) => y)];
    }),
  );
  const [first, last] = [data[0][0], data[0].at(-1)];
  const caption = figure.querySelector('figcaption')?.textContent ?? '';
  const holder = make('div', {
    class: 'plot',
    tabindex: '0',
    role: 'group',
    'aria-label': `${caption}. Arrow keys read it, plus and minus zoom, Escape shows all.`,
  });
  const reading = make('output', { class: 'reading', 'aria-live': 'polite' });
  drawing.before(holder, reading);
  const plot = new uPlot(
    {
      width: holder.clientWidth,
      height: chartHeight,
      legend: { show: false },
      cursor: { drag: { x: true, y: false }, points: { size: 8 } },
      scales: {
        x: {
          time: false,
          distr: chart.x.logarithmic ? 3 : 1,
          range: (_plot, low, high) =>
            low === null || (low <= first && high >= last) ? range.x : [low, high],
        },
        y: { distr: chart.y.logarithmic ? 3 : 1, range: () => range.y },
      },
      axes: [axisOf(chart.x, 'x'), axisOf(chart.y, 'y')],
      series: [{}, ...chart.lines.map(seriesOf)],
      hooks: {
        draw: [drawExtras(chart)],
        setCursor: [
          (self) => {
            reading.textContent = textAt(chart, self, self.cursor.idx);
          },
        ],
      },
    },
    data,
    holder,
  );
  figure.classList.add('live');
  plots.add(plot);
  new ResizeObserver(() => {
    const width = holder.clientWidth;
    if (width > 0 && width !== plot.width) plot.setSize({ width, height: chartHeight });
  }).observe(holder);
  withKeys(holder, plot, data[0]);
  withSides(figure, chart, plot);
};

const withKeys = (holder, plot, xs) => {
  let index = -1;
  const zoom = (factor) => {
    const { min, max } = plot.scales.x;
    const middle = xs[index] ?? (min + max) / 2;
    plot.setScale('x', { min: middle - (middle - min) * factor, max: middle + (max - middle) * factor });
  };
  holder.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step !== undefined) {
      index = Math.min(Math.max(index + step, 0), xs.length - 1);
      const left = plot.valToPos(xs[index], 'x');
      plot.setCursor({ left, top: plot.over.clientHeight / 2 });
    } else if (event.key === '+' || event.key === '=') zoom(0.5);
    else if (event.key === '-') zoom(2);
    else if (event.key === 'Escape') plot.setScale('x', { min: xs[0], max: xs.at(-1) });
    else return;
    event.preventDefault();
  });
};

/** Makes the keys of the sides buttons that show and hide them. */
const withSides = (figure, chart, plot) => {
  for (const key of figure.querySelectorAll('.key')) {
    const side = key.dataset.side;
    const button = make(
      'button',
      { type: 'button', class: key.className, 'aria-pressed': 'true' },
      key.textContent,
    );
    button.addEventListener('click', () => {
      const shown = button.getAttribute('aria-pressed') !== 'true';
      button.setAttribute('aria-pressed', String(shown));
      chart.lines.forEach((line, index) => {
        if (line.side === side) plot.setSeries(index + 1, { show: shown });
      });
    });
    key.replaceWith(button);
  }
};

const units = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, ms: 1, s: 1e3, min: 6e4, h: 3.6e6 };

/** The last number of a cell, in one unit: "41.2 → 48.7 ms" is 48.7. NaN where there is none. */
const numberOf = (text) => {
  const found = [
    ...text.replaceAll(',', '').matchAll(/([+−-]?\d+(?:\.\d+)?)\s*(kB|MB|GB|TB|B|ms|min|s|h)?\b/g),
  ];
  const change = /^[+−]/.test(text.trim());
  const chosen = change ? found[0] : /→/.test(text) ? found.at(-1) : found[0];
  return chosen === undefined ? Number.NaN : Number(chosen[1].replace('−', '-')) * (units[chosen[2]] ?? 1);
};

const withSorting = (table) => {
  const body = table.tBodies[0];
  const headers = [...table.tHead.rows[0].cells];
  headers.forEach((header, column) => {
    const button = make('button', { type: 'button', class: 'sort' }, header.textContent);
    header.replaceChildren(button);
    button.addEventListener('click', () => {
      const isUp = header.getAttribute('aria-sort') === 'descending';
      for (const other of headers) other.removeAttribute('aria-sort');
      header.setAttribute('aria-sort', isUp ? 'ascending' : 'descending');
      const keyed = [...body.rows].map((row) => {
        const text = row.cells[column]?.textContent ?? '';
        return { row, text, number: header.classList.contains('number') ? numberOf(text) : Number.NaN };
      });
      keyed.sort((a, b) => {
        if (Number.isNaN(a.number) !== Number.isNaN(b.number)) return Number.isNaN(a.number) ? 1 : -1;
        const order = Number.isNaN(a.number) ? a.text.localeCompare(b.text) : a.number - b.number;
        return isUp ? order : -order;
      });
      body.append(...keyed.map(({ row }) => row));
    });
  });
};

const withFilter = (table) => {
  const input = make('input', { type: 'search', placeholder: 'Filter rows', 'aria-label': 'Filter rows' });
  const count = make('output', { class: 'muted' });
  input.addEventListener('input', () => {
    const wanted = input.value.trim().toLowerCase();
    const rows = [...table.tBodies[0].rows];
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
    const shown = rows.filter((row) => !row.hidden).length;
    count.textContent = wanted === '' ? '' : `${shown} of ${rows.length}`;
  });
  table.parentElement.before(make('p', { class: 'filter' }, input, ' ', count));
};

const enliven = () => {
  for (const table of document.querySelectorAll('table.searchable')) {
    withSorting(table);
    withFilter(table);
  }
  // A chart has a width only where it is shown.
  const shown = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting) continue;
        shown.unobserve(target);
        drawChart(target);
      }
    },
    { rootMargin: '400px' },
  );
  for (const figure of document.querySelectorAll('figure')) shown.observe(figure);
};

/** While it is measured: the page as it is now, in the place of what is shown, without losing what is open. */
const follow = async () => {
  const answer = await fetch(location.href, { cache: 'no-store' }).catch(() => null);
  if (answer === null || !answer.ok) {
    document.querySelector('#live').textContent =
      'The run is over, or was stopped: the page is no longer brought up to date.';
    return;
  }
  const next = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const isOver = !next.body.hasAttribute('data-live');
  const stamp = next.body.dataset.version;
  if (stamp !== document.body.dataset.version || isOver) {
    const open = [...document.querySelectorAll('details')].map((details) => details.open);
    for (const plot of plots) plot.destroy();
    plots.clear();
    document.body.dataset.version = stamp;
    document.querySelector('#report').replaceWith(next.querySelector('#report'));
    document.querySelectorAll('details').forEach((details, index) => {
      details.open = open[index] ?? details.open;
    });
    enliven();
  }
  const live = next.querySelector('#live');
  document.querySelector('#live').textContent = live === null ? '' : live.textContent;
  if (!isOver) setTimeout(follow, 2_000);
};

document.head.append(make('style', {}, style));
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  for (const plot of plots) plot.redraw();
});
enliven();
if (document.body.hasAttribute('data-live')) setTimeout(follow, 2_000);

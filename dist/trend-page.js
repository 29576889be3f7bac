/** The page of trends: reads data/*.json beside it and draws what is chosen. Runs in the browser as it is. */
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatPercentChange,
  formatShare,
  formatValue,
  plural,
} from './notation.js';

const statistics = ['p50', 'p95', 'p99'];
const shownRuns = 100;

const byId = (id) => document.getElementById(id);

const svg = (name, attributes, ...children) => {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
};

const html = (name, attributes, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
};

/** Only plain web addresses become links. */
const webAddress = (url) => (typeof url === 'string' && /^https?:\/\/[^\s"'<>]+$/.test(url) ? url : null);

const link = (url, text) => {
  const address = webAddress(url);
  return address === null ? text : html('a', { href: address, rel: 'noreferrer' }, text);
};

/** Round values between which all points lie. */
const scaleOf = (values) => {
  const most = Math.max(...values);
  const step = 10 ** Math.floor(Math.log10(most || 1));
  const unit =
    [0.2, 0.25, 0.5, 1, 2].map((part) => part * step).find((candidate) => most / candidate <= 6) ?? step * 2;
  const top = Math.ceil(most / unit) * unit;
  return { top, ticks: Array.from({ length: Math.round(top / unit) + 1 }, (_, index) => index * unit) };
};

/** Text and room are the same at every width: the drawing is made as wide as it is shown. */
const sizeIn = (holder, height) => ({
  width: Math.max(300, Math.round(holder.clientWidth || 960)),
  height,
  left: 78,
  right: 14,
  top: 28,
  bottom: 30,
});

const day = 86_400_000;
const dateText = (ms, span) =>
  new Date(ms).toISOString().slice(span < 2 * day ? 11 : 0, span < 2 * day ? 16 : 10);

/**
 * Points over time: `points` have `at` (milliseconds), `values` (one for each series) and what tells of them. What is
 * dragged over is zoomed into.
 */
const drawChart = (holder, { points, series, format, label, range, changes = [], height = 320, onZoom }) => {
  const size = sizeIn(holder, height);
  const inner = { width: size.width - size.left - size.right, height: size.height - size.top - size.bottom };
  const [from, to] = range;
  const span = Math.max(1, to - from);
  const { top, ticks } = scaleOf(points.flatMap((point) => [...point.values, point.range?.[1] ?? 0]));
  const x = (at) => size.left + ((at - from) / span) * inner.width;
  const y = (value) => size.top + (1 - value / (top || 1)) * inner.height;
  const chart = svg('svg', {
    viewBox: `0 0 ${size.width} ${size.height}`,
    height: size.height,
    role: 'img',
    'aria-label': label,
  });
  for (const tick of ticks) {
    chart.append(
      svg('line', { class: 'grid', x1: size.left, x2: size.width - size.right, y1: y(tick), y2: y(tick) }),
      svg('text', { x: size.left - 8, y: y(tick) + 4, 'text-anchor': 'end' }, format(tick)),
    );
  }
  const dates = Math.max(2, Math.min(6, Math.floor(inner.width / 110)));
  for (let index = 0; index < dates; index += 1) {
    const at = from + (span * index) / (dates - 1);
    const anchor = index === 0 ? 'start' : index === dates - 1 ? 'end' : 'middle';
    chart.append(svg('text', { x: x(at), y: size.height - 8, 'text-anchor': anchor }, dateText(at, span)));
  }
  for (const { at, relative } of changes) {
    chart.append(
      svg('line', { class: 'change', x1: x(at), x2: x(at), y1: size.top, y2: size.height - size.bottom }),
      svg(
        'text',
        { class: 'change', x: x(at), y: size.top - 8, 'text-anchor': 'middle' },
        formatPercentChange(relative),
      ),
    );
  }
  // What is known of a number: up to where it may reach, open at the top where it has no end.
  for (const { at, values, range: known } of points) {
    if (known === undefined) continue;
    const end = known[1] ?? top;
    chart.append(
      svg('line', {
        class: known[1] === null ? 'range open' : 'range',
        x1: x(at),
        x2: x(at),
        y1: y(values[0]),
        y2: y(end),
      }),
    );
    if (known[1] !== null)
      chart.append(svg('line', { class: 'range', x1: x(at) - 4, x2: x(at) + 4, y1: y(end), y2: y(end) }));
  }
  series.forEach((name, which) => {
    const path = points
      .map((point, place) => `${place === 0 ? 'M' : 'L'}${x(point.at)} ${y(point.values[which])}`)
      .join('');
    chart.append(svg('path', { class: `series ${name}`, d: path }));
  });
  for (const point of points)
    series.forEach((name, which) => {
      const value = format(point.values[which]);
      const high = point.range?.[1];
      const known =
        high === undefined ? value : high === null ? `at least ${value}` : `${value} to ${format(high)}`;
      const title = svg(
        'title',
        {},
        `${name === 'number' ? '' : `${name} `}${known}, ${point.run.at}, ${point.run.commit ?? 'no commit'}`,
      );
      const circle = svg(
        'circle',
        { class: `point ${name}`, cx: x(point.at), cy: y(point.values[which]), r: 4 },
        title,
      );
      const address = webAddress(point.run.commitUrl);
      chart.append(address === null ? circle : svg('a', { href: address }, circle));
    });
  const box = svg('rect', { class: 'zoom', y: size.top, height: inner.height, width: 0 });
  chart.append(box);
  let start = null;
  const placeOf = (event) => {
    const { left, width } = chart.getBoundingClientRect();
    return Math.min(
      Math.max(((event.clientX - left) / width) * size.width, size.left),
      size.width - size.right,
    );
  };
  chart.addEventListener('pointerdown', (event) => {
    if (event.target.closest('a') === null) start = placeOf(event);
  });
  chart.addEventListener('pointermove', (event) => {
    if (start === null) return;
    const end = placeOf(event);
    box.setAttribute('x', String(Math.min(start, end)));
    box.setAttribute('width', String(Math.abs(end - start)));
  });
  chart.addEventListener('pointerup', (event) => {
    if (start === null) return;
    const [low, high] = [start, placeOf(event)].sort((a, b) => a - b);
    start = null;
    box.setAttribute('width', '0');
    const at = (place) => from + ((place - size.left) / inner.width) * span;
    if (high - low > 8) onZoom([at(low), at(high)]);
  });
  chart.addEventListener('dblclick', () => onZoom(null));
  holder.replaceChildren(chart);
};

const formats = {
  ms: formatDuration,
  bytes: formatBytes,
  ratio: formatShare,
  cores: (value) => formatValue(value, 'cores'),
  perSecond: (value) => formatValue(value, 'perSecond'),
  count: formatCount,
};

/** The points as CSV, for whoever wants to look at them elsewhere. */
const csvOf = (data) => {
  const latencies = data.metrics.flatMap((metric) => statistics.map((name) => [metric, name]));
  const numbers = (data.numbers ?? []).map(({ id }) => id);
  const ranged = numbers.filter((id) => data.points.some(({ ranges }) => ranges?.[id] !== undefined));
  const quoted = (value) => {
    const text = String(value ?? '');
    const inert = typeof value === 'string' && /^[=+\-@]/.test(text) ? `'${text}` : text;
    return /[",\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
  };
  const head = [
    'at',
    'commit',
    'verdict',
    'kind',
    ...latencies.map(([metric, name]) => `${metric}.${name} (ms)`),
    ...numbers,
    ...ranged.map((id) => `${id} at most`),
  ];
  const rows = data.points.map((point) => [
    point.at,
    point.commit,
    point.verdict,
    point.kind,
    ...latencies.map(([metric, name]) => point.values[metric]?.[statistics.indexOf(name)]),
    ...numbers.map((id) => point.numbers?.[id]),
    ...ranged.map((id) => point.ranges?.[id]?.[1]),
  ]);
  return [head, ...rows].map((row) => row.map(quoted).join(',')).join('\r\n');
};

const isCapacity = ({ id }) => id.startsWith('capacity.');

const drawLegend = () =>
  statistics.map((name) => {
    const swatch = html('span', { class: 'swatch' });
    swatch.style.background = `var(--${name})`;
    return html('span', {}, swatch, name);
  });

const runRow = (point, metric) => {
  const values = point.values[metric];
  const commit = point.commit === null ? '' : point.commit.slice(0, 9);
  const verdict = html(
    'td',
    { class: point.verdict === 'fail' ? 'fail' : '' },
    link(point.runUrl, point.verdict),
  );
  const note = point.accepted === null ? '' : `accepted by ${point.accepted.by}: ${point.accepted.why}`;
  return html(
    'tr',
    {},
    html('td', {}, point.at.slice(0, 16).replace('T', ' ')),
    html('td', {}, link(point.commitUrl, commit)),
    verdict,
    ...statistics.map((_, which) =>
      html('td', { class: 'number' }, values === undefined ? '' : formatDuration(values[which])),
    ),
    html('td', { class: 'note' }, note),
  );
};

const drawRuns = (data, metric) => {
  const titles = ['Time', 'Commit', 'Verdict', ...statistics, ''];
  const head = html(
    'tr',
    {},
    ...titles.map((text) => html('th', statistics.includes(text) ? { class: 'number' } : {}, text)),
  );
  const rows = data.points
    .slice(-shownRuns)
    .toReversed()
    .map((point) => runRow(point, metric));
  byId('runs').replaceChildren(html('thead', {}, head), html('tbody', {}, ...rows));
};

const readJson = async (path) => {
  const answer = await fetch(path, { cache: 'no-cache' });
  if (!answer.ok) throw new Error(`${path}: HTTP ${answer.status}`);
  return answer.json();
};

const options = (select, names, chosen) => {
  select.replaceChildren(
    ...names.map((name) => html('option', name === chosen ? { selected: '' } : {}, name)),
  );
};

const start = async () => {
  const { suites } = await readJson('data/index.json');
  const wanted = new URLSearchParams(location.hash.slice(1));
  options(
    byId('suite'),
    suites.map((suite) => suite.name),
    wanted.get('suite'),
  );
  let data = null;
  /** The searches for the capacity of the suite, which are drawn beside its runs. */
  let capacity = null;
  /** What is shown of the time; all of it if null. */
  let zoom = null;
  const timed = (of = data) =>
    (of?.points ?? []).map((run, index) => ({ run, index, at: Date.parse(run.at) }));
  const rangeOfTime = () => {
    const times = [...timed(), ...timed(capacity)].map(({ at }) => at);
    const last = Math.max(...times);
    const days = Number(byId('range').value);
    const all = [days > 0 ? Math.max(Math.min(...times), last - days * day) : Math.min(...times), last];
    const [from, to] = zoom ?? all;
    return to > from ? [from, to] : [from - day / 2, to + day / 2];
  };
  const draw = () => {
    const metric = byId('metric').value;
    const range = rangeOfTime();
    const isShown = ({ at }) => at >= range[0] && at <= range[1];
    const runs = timed().filter(isShown);
    const onZoom = (wanted) => {
      zoom = wanted;
      if (wanted === null) byId('range').value = '0';
      draw();
    };
    const points = runs
      .filter(({ run }) => run.values[metric] !== undefined)
      .map((point) => ({ ...point, values: point.run.values[metric] }));
    const changes = data.changes
      .filter((change) => change.metric === metric && change.statistic === byId('statistic').value)
      .map(({ point, relative }) => ({ at: Date.parse(data.points[point].at), relative }))
      .filter(isShown);
    const label = `${metric} over ${plural(points.length, 'run')}`;
    drawChart(byId('chart'), {
      points,
      series: statistics,
      format: formatDuration,
      label,
      range,
      changes,
      onZoom,
    });
    byId('legend').replaceChildren(...drawLegend());
    const numbers = byId('numbers');
    const searches = timed(capacity).filter(isShown);
    const drawn = [
      ...(capacity?.numbers ?? []).filter(isCapacity).map((number) => ({ ...number, of: searches })),
      ...(data.numbers ?? []).map((number) => ({ ...number, of: runs })),
    ];
    const figures = drawn.map(({ id, title }) => {
      const note = html('small', {}, ' from where the limits held to where one broke');
      const caption = html('figcaption', {}, title, ...(isCapacity({ id }) ? [note] : []));
      return html('figure', {}, caption, html('div', {}));
    });
    numbers.replaceChildren(...figures);
    drawn.forEach(({ id, title, unit, of }, index) => {
      const own = of
        .filter(({ run }) => run.numbers?.[id] !== undefined)
        .map((point) => ({ ...point, values: [point.run.numbers[id]], range: point.run.ranges?.[id] }));
      const format = formats[unit] ?? formatCount;
      if (own.every(({ values }) => values[0] === 0)) {
        const runs = plural(own.length, 'run');
        figures[index].lastChild.append(own.length === 0 ? 'None in this time.' : `${format(0)} in ${runs}.`);
        return;
      }
      drawChart(figures[index].lastChild, {
        points: own,
        series: ['number'],
        format,
        label: title,
        range,
        height: 190,
        onZoom,
      });
    });
    drawRuns(data, metric);
    byId('message').textContent =
      `${plural(runs.length, 'stored run')} of ${data.suite}. Dashed lines are changes of level. Drag over a drawing to zoom in.`;
    history.replaceState(null, '', `#${new URLSearchParams({ suite: byId('suite').value, metric })}`);
  };
  const offer = (suite) => {
    const name = suite.file
      .split('/')
      .at(-1)
      .replace(/\.json$/, '');
    byId('json').href = suite.file;
    byId('json').download = `${name}.json`;
    if (byId('csv').href.startsWith('blob:')) URL.revokeObjectURL(byId('csv').href);
    byId('csv').href = URL.createObjectURL(new Blob([csvOf(data)], { type: 'text/csv' }));
    byId('csv').download = `${name}.csv`;
  };
  const load = async () => {
    const suite = suites.find((candidate) => candidate.name === byId('suite').value);
    data = await readJson(suite.file);
    capacity = suite.capacity === undefined ? null : await readJson(suite.capacity);
    zoom = null;
    options(byId('metric'), data.metrics, wanted.get('metric'));
    offer(suite);
    draw();
  };
  const failed = (error) => {
    byId('message').textContent = `The data cannot be read: ${error.message}`;
  };
  byId('suite').addEventListener('change', () => load().catch(failed));
  byId('metric').addEventListener('change', draw);
  byId('statistic').addEventListener('change', draw);
  byId('range').addEventListener('change', () => {
    zoom = null;
    draw();
  });
  byId('all').addEventListener('click', () => {
    zoom = null;
    byId('range').value = '0';
    draw();
  });
  let width = innerWidth;
  addEventListener('resize', () => {
    if (data === null || innerWidth === width) return;
    width = innerWidth;
    draw();
  });
  await load().catch(failed);
};

start().catch((error) => {
  byId('message').textContent = `The data cannot be read: ${error.message}`;
});

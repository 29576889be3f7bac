/** The page of trends: reads data/*.json beside it and draws what is chosen. Runs in the browser as it is. */
import { formatDuration, formatPercentChange, plural } from './notation.js';

const statistics = ['p50', 'p95', 'p99'];
const shownRuns = 100;
const size = { width: 960, height: 360, left: 64, right: 16, top: 28, bottom: 36 };

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

const drawChart = (data, metric, statistic) => {
  const points = data.points
    .map((point, index) => ({ ...point, index, value: point.values[metric] }))
    .filter((point) => point.value !== undefined);
  const inner = { width: size.width - size.left - size.right, height: size.height - size.top - size.bottom };
  const { top, ticks } = scaleOf(points.flatMap((point) => point.value));
  const x = (place) => size.left + (points.length < 2 ? 0.5 : place / (points.length - 1)) * inner.width;
  const y = (value) => size.top + (1 - value / top) * inner.height;
  const chart = svg('svg', {
    viewBox: `0 0 ${size.width} ${size.height}`,
    role: 'img',
    'aria-label': `${metric} over ${points.length} runs`,
  });
  for (const tick of ticks) {
    chart.append(
      svg('line', { class: 'grid', x1: size.left, x2: size.width - size.right, y1: y(tick), y2: y(tick) }),
      svg('text', { x: size.left - 8, y: y(tick) + 4, 'text-anchor': 'end' }, formatDuration(tick)),
    );
  }
  const dates = points.length < 2 ? [0] : [0, points.length - 1];
  for (const place of dates) {
    const anchor = points.length < 2 ? 'middle' : place === 0 ? 'start' : 'end';
    const date = points[place]?.at.slice(0, 10) ?? '';
    chart.append(svg('text', { x: x(place), y: size.height - 12, 'text-anchor': anchor }, date));
  }
  for (const change of data.changes) {
    if (change.metric !== metric || change.statistic !== statistic) continue;
    const place = points.findIndex((point) => point.index === change.point);
    if (place < 0) continue;
    chart.append(
      svg('line', {
        class: 'change',
        x1: x(place),
        x2: x(place),
        y1: size.top,
        y2: size.height - size.bottom,
      }),
      svg(
        'text',
        { class: 'change', x: x(place), y: size.top - 8, 'text-anchor': 'middle' },
        formatPercentChange(change.relative),
      ),
    );
  }
  statistics.forEach((name, which) => {
    const path = points
      .map((point, place) => `${place === 0 ? 'M' : 'L'}${x(place)} ${y(point.value[which])}`)
      .join('');
    chart.append(svg('path', { class: `series ${name}`, d: path }));
  });
  points.forEach((point, place) => {
    statistics.forEach((name, which) => {
      const title = svg(
        'title',
        {},
        `${name} ${formatDuration(point.value[which])}, ${point.at}, ${point.commit ?? 'no commit'}`,
      );
      const circle = svg(
        'circle',
        { class: `point ${name}`, cx: x(place), cy: y(point.value[which]), r: 4 },
        title,
      );
      const address = webAddress(point.commitUrl);
      chart.append(address === null ? circle : svg('a', { href: address }, circle));
    });
  });
  return chart;
};

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
  const draw = () => {
    const metric = byId('metric').value;
    byId('chart').replaceChildren(drawChart(data, metric, byId('statistic').value));
    byId('legend').replaceChildren(...drawLegend());
    drawRuns(data, metric);
    byId('message').textContent =
      `${plural(data.points.length, 'stored run')} of ${data.suite}. Dashed lines are changes of level.`;
    history.replaceState(null, '', `#${new URLSearchParams({ suite: byId('suite').value, metric })}`);
  };
  const load = async () => {
    const suite = suites.find((candidate) => candidate.name === byId('suite').value);
    data = await readJson(suite.file);
    options(byId('metric'), data.metrics, wanted.get('metric'));
    draw();
  };
  const failed = (error) => {
    byId('message').textContent = `The data cannot be read: ${error.message}`;
  };
  byId('suite').addEventListener('change', () => load().catch(failed));
  byId('metric').addEventListener('change', draw);
  byId('statistic').addEventListener('change', draw);
  await load().catch(failed);
};

start().catch((error) => {
  byId('message').textContent = `The data cannot be read: ${error.message}`;
});

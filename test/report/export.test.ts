import assert from 'node:assert/strict';
import { test } from 'node:test';
import parse from 'csv-parse/lib/sync.js';
import { renderCsv, renderOpenMetrics, renderOtlp } from '../../src/report/export/export-forms.ts';
import { judgedReports } from './judged-report.ts';
import { sampleCapacity } from './sample-capacity.ts';

const report = judgedReports.fail!();
const [suite] = report.suites;
const main = suite!.metrics.find(({ id }) => id === 'chat.delivery')!;
const p95 = main.head!.p95Ms! / 1000;

test('CSV: a number a line, which a reader of CSV takes; no name is a formula', () => {
  const rows = parse(renderCsv(report), { columns: true }) as Record<string, string>[];
  const found = rows.filter(
    (row) => row.metric === 'chat.delivery' && row.statistic === 'p95' && row.side === 'head',
  );
  assert.deepEqual(
    found.map(({ family, unit, value }) => [family, unit, Number(value).toFixed(6)]),
    [['latency', 'seconds', p95.toFixed(6)]],
  );
  const change = main.change.find(({ statistic }) => statistic === 'p50')!;
  const row = rows.find(
    (one) => one.family === 'change' && one.metric === main.id && one.statistic === 'p50',
  )!;
  assert.ok(Math.abs(Number(row.value) - change.relative) < 1e-9);
  const named = structuredClone(report);
  named.suites[0]!.name = '=HYPERLINK("http://evil","a,b")';
  const [first] = parse(renderCsv(named), { columns: true }) as Record<string, string>[];
  assert.equal(first!.suite, `'=HYPERLINK("http://evil","a,b")`);
});

test('OpenMetrics: families once, with type, unit and help; every line set of labels once; # EOF', () => {
  for (const text of [renderOpenMetrics(report), renderOpenMetrics(sampleCapacity())]) {
    const lines = text.split('\n');
    assert.equal(lines.pop(), '');
    assert.equal(lines.pop(), '# EOF');
    const types = lines.filter((line) => line.startsWith('# TYPE'));
    assert.equal(new Set(types).size, types.length);
    const samples = lines.filter((line) => !line.startsWith('#'));
    let family = '';
    for (const line of lines) {
      family = /^# TYPE (\S+) gauge$/.exec(line)?.[1] ?? family;
      const unit = /^# UNIT (\S+) (\S+)$/.exec(line);
      if (unit !== null) assert.ok(unit[1]!.endsWith(`_${unit[2]}`));
      if (!line.startsWith('#'))
        assert.match(
          line,
          new RegExp(`^${family}\\{([a-z_]+="(?:[^"\\\\]|\\\\.)*",?)+\\} -?[\\d.]+(e[+-]?\\d+)?$`),
        );
    }
    const keys = samples.map((line) => line.slice(0, line.lastIndexOf(' ')));
    assert.deepEqual(
      keys.filter((key, index) => keys.indexOf(key) !== index),
      [],
    );
  }
  assert.match(
    renderOpenMetrics(report),
    /tailgate_latency_seconds\{suite="chat-room",metric="chat\.delivery",side="head",statistic="p95"\} 0\.06/,
  );
  assert.match(renderOpenMetrics(report), /tailgate_passed\{suite="chat-room",verdict="fail"\} 0/);
});

test('OTLP: one line of MetricsData as the JSON encoding of the protocol wants it', () => {
  const text = renderOtlp(report);
  assert.equal(text.split('\n').length, 2);
  const [resource] = JSON.parse(text).resourceMetrics;
  const texts = (list: { key: string; value: { stringValue: string } }[]) =>
    Object.fromEntries(list.map(({ key, value }) => [key, value.stringValue]));
  assert.equal(texts(resource.resource.attributes)['vcs.ref.head.revision'], report.commits.head);
  const { metrics } = resource.scopeMetrics[0];
  const latency = metrics.find(({ name }: { name: string }) => name === 'tailgate.latency');
  assert.equal(latency.unit, 's');
  const points = latency.gauge.dataPoints as { attributes: []; timeUnixNano: string; asDouble: number }[];
  const point = points.find(({ attributes }) => {
    const { metric, side, statistic } = texts(attributes);
    return metric === 'chat.delivery' && side === 'head' && statistic === 'p95';
  })!;
  assert.ok(Math.abs(point.asDouble - p95) < 1e-9);
  // 64-bit integers are decimal strings; the end of the run.
  assert.match(point.timeUnixNano, /^\d{19}$/);
  assert.equal(
    Number(point.timeUnixNano.slice(0, -6)),
    Date.parse(report.startedAt) + report.durations.totalMs,
  );
});

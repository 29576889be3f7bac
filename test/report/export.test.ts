import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
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

/** The protocol's own messages, as the OpenTelemetry project generates them. */
type Message = {
  verify(value: unknown): string | null;
  fromObject(value: unknown): object;
  toObject(message: object, options: object): unknown;
  encode(message: object): { finish(): Uint8Array };
  decode(bytes: Uint8Array): object;
};
const { opentelemetry } = createRequire(import.meta.url)(
  '@opentelemetry/otlp-transformer/build/src/generated/root.js',
) as { opentelemetry: { proto: { collector: { metrics: { v1: Record<string, Message> } } } } };
const request = opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest!;

test('OTLP: a line that the messages of the protocol read, write and read again, with nothing left over', () => {
  for (const one of [...Object.values(judgedReports).map((make) => make()), sampleCapacity()]) {
    const text = renderOtlp(one);
    assert.equal(text.split('\n').length, 2);
    // To the protocol an empty list is none.
    const sent = JSON.parse(text, (_, value) =>
      Array.isArray(value) && value.length === 0 ? undefined : value,
    );
    const read = request.decode(request.encode(request.fromObject(sent)).finish());
    assert.equal(request.verify(read), null);
    // A field that the protocol does not know, or of another type, would be gone or another.
    assert.deepEqual(request.toObject(read, { longs: String, enums: String }), sent);
  }
});

test('OTLP: a latency is what the report says, in seconds, at the end of the run', () => {
  const sent = JSON.parse(renderOtlp(report));
  const { resourceMetrics } = request.toObject(request.fromObject(sent), { longs: String }) as typeof sent;
  const [resource] = resourceMetrics;
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
  assert.match(point.timeUnixNano, /^\d{19}$/);
  assert.equal(
    Number(point.timeUnixNano.slice(0, -6)),
    Date.parse(report.startedAt) + report.durations.totalMs,
  );
});

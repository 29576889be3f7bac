import { cleanLine } from '../clean-text.ts';
import type { AnyReport } from '../document-of.ts';
import { type ReportSample, reportSamples, type SampleFamily, sampleFamilies } from './report-samples.ts';

/** A report as CSV (RFC 4180): one number a line, with its labels in columns. */
export function renderCsv(report: AnyReport): string {
  const columns = ['suite', 'metric', 'statistic', 'side', 'load', 'step', 'unit', 'verdict'];
  const rows = reportSamples(report).map(({ family, labels, value }) => {
    const unit = labels.unit ?? sampleFamilies[family].unit;
    return [
      family,
      ...columns.map((column) => csvText(column === 'unit' ? unit : (labels[column] ?? ''))),
      value,
    ];
  });
  return `${[['family', ...columns, 'value'], ...rows].map((row) => row.join(',')).join('\r\n')}\r\n`;
}

/** A report as OpenMetrics text 1.0, for a Pushgateway or the textfile collector of a node exporter. */
export function renderOpenMetrics(report: AnyReport): string {
  const families = [...byFamily(reportSamples(report))].flatMap(([family, samples]) => {
    const { unit, help } = sampleFamilies[family];
    const name = familyName(family);
    return [
      `# TYPE ${name} gauge`,
      ...(unit === '' ? [] : [`# UNIT ${name} ${unit}`]),
      `# HELP ${name} ${help}.`,
      ...samples.map(({ labels, value }) => `${name}{${labelsText(labels)}} ${value}`),
    ];
  });
  return `${[...families, '# EOF'].join('\n')}\n`;
}

/**
 * A report as OTLP metrics in JSON, one line: what the collector's `otlpjsonfile` receiver reads, and what its OTLP
 * receiver takes by HTTP (`/v1/metrics`).
 */
export function renderOtlp(report: AnyReport): string {
  const atMs = Date.parse(report.startedAt) + report.durations.totalMs;
  const timeUnixNano = `${Math.round(Number.isFinite(atMs) ? atMs : 0)}000000`;
  const { head, base } = report.commits;
  const resource = attributes({
    'service.name': 'tailgate',
    'service.version': report.environment.tailgate,
    ...(head === null ? {} : { 'vcs.ref.head.revision': head }),
    ...(base === null ? {} : { 'vcs.ref.base.revision': base }),
  });
  const metrics = [...byFamily(reportSamples(report))].map(([family, samples]) => ({
    name: `tailgate.${family}`,
    description: sampleFamilies[family].help,
    unit: sampleFamilies[family].ucum,
    gauge: {
      dataPoints: samples.map(({ labels, value }) => ({
        attributes: attributes(labels),
        timeUnixNano,
        asDouble: value,
      })),
    },
  }));
  const scope = { name: 'tailgate', version: report.environment.tailgate };
  return `${JSON.stringify({ resourceMetrics: [{ resource: { attributes: resource }, scopeMetrics: [{ scope, metrics }] }] })}\n`;
}

/** A spreadsheet must not take the name of somebody's event for a formula. */
function csvText(text: string): string {
  const clean = cleanLine(text);
  const inert = /^[=+\-@]/.test(clean) ? `'${clean}` : clean;
  return /[",]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}

function byFamily(samples: readonly ReportSample[]): Map<SampleFamily, ReportSample[]> {
  const families = new Map<SampleFamily, ReportSample[]>();
  for (const sample of samples) families.set(sample.family, [...(families.get(sample.family) ?? []), sample]);
  return families;
}

function familyName(family: SampleFamily): string {
  const { unit } = sampleFamilies[family];
  return `tailgate_${family}${unit === '' ? '' : `_${unit}`}`;
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, text]) => `${name}="${cleanLine(text).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`)
    .join(',');
}

function attributes(labels: Readonly<Record<string, string>>) {
  return Object.entries(labels).map(([key, text]) => ({ key, value: { stringValue: cleanLine(text) } }));
}

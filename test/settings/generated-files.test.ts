import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { documentFiles, schemaFiles, staleFiles } from '../../scripts/generate/generated-files.ts';
import { replaceBetweenMarkers } from '../../scripts/generate/tables.ts';
import { latencyStatistics, standardCounters } from '../../src/metrics/metric.ts';
import { enduranceMetrics, metricAliases, rates, resourceMetrics } from '../../src/metrics/metric-names.ts';
import { parseThreshold, thresholdLines } from '../../src/metrics/threshold-grammar.ts';
import { type SchemaNode, settingsJsonSchema } from '../../src/settings/schema-index.ts';
import { settingsSchema } from '../../src/settings/settings-schema.ts';

const root = path.resolve(import.meta.dirname, '../..');
const document = (name: string): string => readFileSync(path.join(root, name), 'utf8');

test('generated files are those of the sources (npm run generate)', () => {
  assert.deepEqual(staleFiles([...schemaFiles, ...documentFiles]), []);
});

test('text between markers is replaced, and missing markers are an error', () => {
  const text = 'a\n<!-- generated:x -->\nold\n<!-- /generated:x -->\nb\n';
  assert.equal(
    replaceBetweenMarkers(text, 'x', 'new'),
    'a\n<!-- generated:x -->\nnew\n<!-- /generated:x -->\nb\n',
  );
  assert.throws(() => replaceBetweenMarkers(text, 'y', 'new'), /markers .* are missing/);
});

const undescribed = (node: SchemaNode, name: string): string[] => [
  ...(node.anyOf ?? []).flatMap((each) => undescribed(each, name)),
  ...(node.items === undefined ? [] : undescribed(node.items, `${name}[]`)),
  ...Object.entries(node.properties ?? {}).flatMap(([key, child]) => [
    ...(child.description === undefined ? [`${name}.${key}`] : []),
    ...undescribed(child, `${name}.${key}`),
  ]),
];

test('every setting is described, for editors and for the reference', () => {
  assert.deepEqual(undescribed(settingsJsonSchema(), ''), []);
});

test('the editor schema knows every key, and asks for none that has a default', () => {
  const schema = settingsJsonSchema();
  assert.deepEqual(Object.keys(schema.properties ?? {}), Object.keys(settingsSchema.shape));
  assert.equal(schema.required, undefined);
  assert.equal(schema.additionalProperties, false);
  const suite = schema.properties?.suites?.items;
  assert.deepEqual(suite?.required, ['name', 'scenario']);
  const room = (node: SchemaNode | undefined): SchemaNode | undefined => node?.anyOf?.[0];
  assert.deepEqual(room(schema.properties?.room)?.properties?.create?.required, ['event']);
  assert.equal(room(suite?.properties?.room)?.properties?.create?.required, undefined);
});

test('every threshold that the documents show is one', () => {
  const blocks = [...document('docs/thresholds.md').matchAll(/```thresholds\n([\s\S]*?)```/g)];
  const shown = blocks.flatMap((block) => thresholdLines((block[1] ?? '').replaceAll(/ +#.*$/gm, '')));
  assert.ok(shown.length >= 12);
  for (const source of shown) parseThreshold(source);
  const [, table = ''] = /^## Limits\n([\s\S]*?)^## /m.exec(document('README.md')) ?? [];
  const limits = [...table.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, cell = '']) => cell.split('`, `'));
  assert.ok(limits.length >= 12);
  for (const source of limits) parseThreshold(source.replaceAll('`', ''));
});

test('the reference of thresholds names every counter, rate, alias, resource and statistic', () => {
  const text = document('docs/thresholds.md');
  const names = [
    ...standardCounters,
    ...Object.keys(rates),
    ...Object.keys(metricAliases),
    ...Object.keys(resourceMetrics),
    ...Object.keys(enduranceMetrics),
    ...latencyStatistics,
  ];
  assert.deepEqual(
    names.filter((name) => !text.includes(`\`${name}\``)),
    [],
  );
});

/** The rules of a grammar, one line each, without the remarks beside them and without the layout. */
const rules = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.replace(/^ \*/, '').trim())
    .filter((line) => line.includes('::=') || line.startsWith('|'))
    .map((line) => {
      const [name = '', body = ''] = line.includes('::=') ? line.split('::=') : ['', line];
      return `${name.trim()} ::= ${body.trim().split(/ {3,}/)[0]}`;
    });

test('the grammar of the reference is that of the parser', () => {
  const block = /```bnf\n([\s\S]*?)```/.exec(document('docs/thresholds.md'))?.[1] ?? '';
  const comment = /\/\*\n([\s\S]*?)\*\//.exec(document('src/metrics/threshold-grammar.ts'))?.[1] ?? '';
  assert.ok(rules(block).length >= 14);
  assert.deepEqual(rules(block), rules(comment));
});

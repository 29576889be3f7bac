import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { transformSync } from 'esbuild';
import { scenarioJsonSchema } from '../../src/scenario/scenario-language.ts';
import { settingsJsonSchema } from '../../src/settings/schema-index.ts';
import { renderActionYml } from './action-yml.ts';
import { renderFigures } from './bench-figures.ts';
import { renderErrorReference } from './error-reference.ts';
import { renderPageList } from './page-list.ts';
import { publishedSchema, renderCatalogEntry } from './published-schema.ts';
import { renderSampleSentences } from './sample-sentences.ts';
import { renderSettingsReference } from './settings-reference.ts';
import {
  renderEnginesTable,
  renderInputsTable,
  renderOutputsTable,
  replaceBetweenMarkers,
} from './tables.ts';

const root = path.resolve(import.meta.dirname, '../..');

type GeneratedFile = { path: string; render: (current: string) => string };

export const schemaFiles: readonly GeneratedFile[] = [
  {
    path: 'tailgate.schema.json',
    render: () => publishedSchema('tailgate.schema.json', settingsJsonSchema(), 2),
  },
  {
    path: 'scenario.schema.json',
    render: () => publishedSchema('scenario.schema.json', scenarioJsonSchema(), 1),
  },
  { path: 'src/baseline/trend/notation.js', render: renderNotation },
];

export const documentFiles: readonly GeneratedFile[] = [
  { path: 'action.yml', render: renderActionYml },
  { path: 'docs/settings.md', render: renderSettingsReference },
  {
    path: 'docs/scenarios.md',
    render: (current) => replaceBetweenMarkers(current, 'engines', renderEnginesTable()),
  },
  {
    path: 'docs/editors.md',
    render: (current) => replaceBetweenMarkers(current, 'catalog', renderCatalogEntry()),
  },
  {
    path: 'docs/README.md',
    render: (current) => replaceBetweenMarkers(current, 'pages', renderPageList(path.join(root, 'docs'))),
  },
  {
    path: 'docs/how-it-decides.md',
    render: (current) => replaceBetweenMarkers(current, 'sentences', renderSampleSentences()),
  },
  {
    path: 'docs/scale.md',
    render: (current) =>
      ['shard-network', 'shard-connections'].reduce(
        (text, name) =>
          replaceBetweenMarkers(text, name, renderFigures(path.join(root, `bench/results/${name}.jsonl`))),
        current,
      ),
  },
  {
    path: 'docs/troubleshooting.md',
    render: (current) => replaceBetweenMarkers(current, 'errors', renderErrorReference()),
  },
  {
    path: 'README.md',
    render: (current) =>
      replaceBetweenMarkers(
        replaceBetweenMarkers(current, 'inputs', renderInputsTable()),
        'outputs',
        renderOutputsTable(),
      ),
  },
];

/** The notation of the product, for the page of trends: the browser cannot read TypeScript. */
function renderNotation(): string {
  const source = readFileSync(path.join(root, 'src/metrics/notation.ts'), 'utf8');
  const { code } = transformSync(source, { loader: 'ts', target: 'es2022' });
  return `// Generated from metrics/notation.ts: npm run generate.\n${code}`;
}

const currentText = (file: string): string => {
  try {
    return readFileSync(path.join(root, file), 'utf8');
  } catch {
    return '';
  }
};

/** The files among `files` whose text is not what would be generated now. */
export const staleFiles = (files: readonly GeneratedFile[]): string[] =>
  files
    .filter((file) => {
      const current = currentText(file.path);
      return file.render(current) !== current;
    })
    .map((file) => file.path);

export const writeFiles = (files: readonly GeneratedFile[]): void => {
  for (const file of files) writeFileSync(path.join(root, file.path), file.render(currentText(file.path)));
};

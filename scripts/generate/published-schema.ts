import { readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };
const [major, minor] = version.split('.');

/** Where a file of a release is found: `ref` is `v0` for the newest of its line, or a whole version. */
const addressOf = (file: string, ref: string): string =>
  `https://raw.githubusercontent.com/tailgate/tailgate/${ref}/${file}`;

/** Address of a schema for everybody who follows the major version, whose tag moves with each release. */
export const schemaAddress = (file: string): string => addressOf(file, `v${major}`);

/** A schema with the address by which editors know it. */
export const publishedSchema = (
  file: string,
  { $schema, ...schema }: Record<string, unknown>,
  indent: number,
): string => `${JSON.stringify({ $schema, $id: schemaAddress(file), ...schema }, null, indent)}\n`;

/** The entry for the catalogue of SchemaStore, from which editors choose a schema by the name of a file. */
export const renderCatalogEntry = (): string => {
  const file = 'tailgate.schema.json';
  const entry = {
    name: 'Tailgate',
    description: 'Settings of Tailgate, a gate on the performance of realtime servers',
    fileMatch: ['tailgate.yml', 'tailgate.yaml'],
    url: schemaAddress(file),
    versions: { [`${major}.${minor}`]: addressOf(file, `v${version}`) },
  };
  return ['```json', JSON.stringify(entry, null, 2), '```'].join('\n');
};

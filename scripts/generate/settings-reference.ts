import { type SchemaNode, settingsJsonSchema } from '../../src/settings/schema-index.ts';
import { schemaAddress } from './published-schema.ts';
import { renderTable } from './tables.ts';

const alternatives = (node: SchemaNode): SchemaNode[] => node.anyOf?.flatMap(alternatives) ?? [node];

/** Groups of a suite that have the keys of the group of the same name at the top level. */
const sharedGroups = ['target', 'room', 'measure'];

const scalarType = (node: SchemaNode): string => {
  if (node.const !== undefined) return `\`${node.const}\``;
  if (node.enum !== undefined) return node.enum.map((value) => `\`${value}\``).join(' or ');
  const named: Record<string, string> = {
    string: 'text',
    integer: 'whole number',
    number: 'number',
    boolean: '`true` or `false`',
  };
  const name = [node.type ?? []]
    .flat()
    .map((type) => named[type] ?? type)
    .join(', ');
  const limits = [
    ...(node.minimum === undefined ? [] : [`at least ${node.minimum}`]),
    ...(node.exclusiveMinimum === undefined || node.type === 'integer'
      ? []
      : [`more than ${node.exclusiveMinimum}`]),
    ...(node.exclusiveMinimum === 0 && node.type === 'integer' ? ['at least 1'] : []),
    ...(node.maximum === undefined ? [] : [`at most ${node.maximum}`]),
  ];
  return [name, ...limits].join(', ');
};

/** The type of a setting in words; groups that have a section of their own are linked. */
const typeOf = (node: SchemaNode, path: string): string => {
  if (node.anyOf !== undefined)
    return [...new Set(alternatives(node).map((each) => typeOf(each, path)))].join(' or ');
  if (node.type === 'array') {
    const item = node.items === undefined ? {} : node.items;
    return item.properties === undefined
      ? `list of ${typeOf(item, path)}`
      : `list of [groups](#${anchor(path)})`;
  }
  if (isSecret(node)) return '`{ env: NAME }`';
  if (node.properties !== undefined) return `[group](#${anchor(path)})`;
  if (node.type === 'object') {
    const values = typeof node.additionalProperties === 'object' ? node.additionalProperties : {};
    return Object.keys(values).length === 0 ? 'group of anything' : `group of ${typeOf(values, path)}`;
  }
  return node.type === undefined && node.const === undefined && node.enum === undefined
    ? 'anything'
    : scalarType(node);
};

const isSecret = (node: SchemaNode): boolean =>
  node.properties !== undefined && Object.keys(node.properties).join() === 'env';

const anchor = (path: string): string => path.replace(/[^A-Za-z0-9-]/g, '').toLowerCase();

const defaultOf = (node: SchemaNode): string =>
  node.default === undefined
    ? ''
    : `\`${typeof node.default === 'string' ? node.default : JSON.stringify(node.default)}\``;

type Section = { path: string; description: string; node: SchemaNode };

const groupsIn = (node: SchemaNode, path: string): Section[] =>
  alternatives(node).flatMap((each): Section[] => {
    if (each.type === 'array' && each.items !== undefined) return groupsIn(each.items, path);
    if (each.properties === undefined || isSecret(each)) return [];
    return [{ path, description: node.description ?? each.description ?? '', node: each }];
  });

const childPath = (path: string, key: string, node: SchemaNode): string => {
  const inner = path === '' ? key : `${path}.${key}`;
  return node.type === 'array' ? `${inner}[]` : inner;
};

const isShared = (path: string, key: string): boolean => path === 'suites[]' && sharedGroups.includes(key);

const sectionsOf = (section: Section): Section[] => [
  section,
  ...Object.entries(section.node.properties ?? {}).flatMap(([key, node]) =>
    isShared(section.path, key) ? [] : groupsIn(node, childPath(section.path, key, node)).flatMap(sectionsOf),
  ),
];

const renderSection = ({ path, description, node }: Section): string => {
  const required = new Set(node.required ?? []);
  const rows = Object.entries(node.properties ?? {}).map(([key, child]) => [
    `\`${key}\`${required.has(key) ? ' (required)' : ''}`,
    isShared(path, key) ? `[as at the top level](#${key})` : typeOf(child, childPath(path, key, child)),
    defaultOf(child),
    child.description ?? '',
  ]);
  return [
    path === '' ? '## Top level' : `## ${path}`,
    ...(description === '' || path === '' ? [] : [description]),
    renderTable(['Key', 'Value', 'Default', 'Meaning'], rows),
  ].join('\n\n');
};

const introduction = `# Settings

<!-- Generated from src/settings/settings-schema.ts by scripts/generate-readme-tables.ts. -->

Everything that can be written in \`tailgate.yml\`. The file is found as \`tailgate.yml\`, \`tailgate.yaml\` or
\`.github/tailgate.yml\` in the working directory, or named by the input \`config\`. None is needed when the input \`scenario\`
is given. With this line at its top, editors complete and check it ([editors.md](editors.md)):

\`\`\`yaml
# yaml-language-server: $schema=${schemaAddress('tailgate.schema.json')}
\`\`\`

- Inputs of the action and flags of the command line go over the file. \`room\`, \`measure\` and \`variables\` are merged key by
  key; \`thresholds\` given as an input replace all of those in the file.
- Relative paths in the file are relative to its folder (for a file in \`.github\`, to the folder around it). Paths that
  are not written, and those given as inputs, are relative to the working directory; so are commands, unless
  \`target.cwd\` says otherwise.
- A suite takes \`target\`, \`room\` and \`measure\` from the top level, merged key by key with its own. Lists are replaced, not
  joined. Limits of a suite are added to those of the top level, and replace the ones on the same metric and statistic.
- Secrets do not belong in the file: \`{ env: NAME }\` takes a value from an environment variable, which the workflow sets
  with \`env: { NAME: \${{ secrets.NAME }} }\`. They are masked in every log and report.
- Keys whose names begin with \`x-\`, at the top level, are left alone: a place for YAML anchors.
- An unknown or misspelt key, a wrong type and a contradiction are errors that name file, line and column;
  \`tailgate validate\` lists all of them and starts nothing.
- Names that end in \`Ms\` are whole milliseconds.
`;

/** The text of `docs/settings.md`: every key of tailgate.yml. */
export const renderSettingsReference = (): string => {
  const top: Section = { path: '', description: '', node: settingsJsonSchema() };
  const sections = sectionsOf(top);
  return `${introduction}\n${sections.map(renderSection).join('\n\n')}\n`;
};

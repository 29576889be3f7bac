import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

/** The folders of src/ in the order data flows: a folder imports only from itself and from those before it. */
const order = [
  'errors.ts',
  'visible-text.ts',
  'host',
  'metrics',
  'settings',
  'engines',
  'scenario',
  'baseline',
  'generator',
  'verdict',
  'explain',
  'side',
  'report',
  'github',
  'record',
  'init',
  'run',
  'entry',
];
const pure = ['metrics', 'verdict', 'explain', 'report'];
/** The plan is pure as well, though it stands beside the reading of settings. */
const purePlan = ['make-plan', 'run-plan', 'limitations', 'estimate'].map((name) => `settings/${name}.ts`);
const root = path.resolve(import.meta.dirname, '../../src');

const imports = globSync('**/*.ts', { cwd: root }).flatMap((file) => {
  const text = readFileSync(path.join(root, file), 'utf8');
  const statements = text.matchAll(
    /^(import|export)\s+(type\s)?[^;]*?from\s+'([^']+)'|import\(\s*'([^']+)'/gm,
  );
  return [...statements].map((match) => ({
    file,
    typeOnly: match[2] !== undefined,
    specifier: match[3] ?? match[4] ?? '',
  }));
});
const folderOf = (file: string): string => file.split(path.sep)[0] ?? file;

test('there are imports to check', () => assert.ok(imports.length > 50));

test('dependencies point one way, down the data flow', () => {
  const wrong = imports.flatMap(({ file, specifier }) => {
    if (!specifier.startsWith('.')) return [];
    const target = path.relative(root, path.resolve(root, path.dirname(file), specifier));
    if (target.startsWith('..')) return [];
    const from = order.indexOf(folderOf(file));
    const to = order.indexOf(folderOf(target));
    if (from === -1 || to === -1)
      return [`${file}: "${folderOf(file)}" or "${folderOf(target)}" has no place in the order`];
    return to <= from ? [] : [`${file} imports ${target}`];
  });
  assert.deepEqual(wrong, []);
});

test('no files import each other in a circle, not even for their types', () => {
  const known = new Set(imports.map(({ file }) => file));
  const targets = new Map<string, string[]>();
  for (const { file, specifier } of imports) {
    const target = path.join(path.dirname(file), specifier);
    if (specifier.startsWith('.') && known.has(target))
      targets.set(file, [...(targets.get(file) ?? []), target]);
  }
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, way: readonly string[]): void => {
    if (way.includes(file)) circles.push([...way.slice(way.indexOf(file)), file].join(' -> '));
    if (way.includes(file) || done.has(file)) return;
    for (const target of targets.get(file) ?? []) visit(target, [...way, file]);
    done.add(file);
  };
  for (const file of targets.keys()) visit(file, []);
  assert.deepEqual(circles, []);
});

test('the cores are pure: no I/O, no clock, no host', () => {
  const wrong = imports.flatMap(({ file, specifier, typeOnly }) => {
    if (!pure.includes(folderOf(file)) && !purePlan.includes(file)) return [];
    const impure = specifier.startsWith('node:') || (specifier.includes('/host/') && !typeOnly);
    return impure ? [`${file} imports ${specifier}`] : [];
  });
  assert.deepEqual(wrong, []);
  for (const file of [
    ...pure.flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: root })),
    ...purePlan,
  ]) {
    const text = readFileSync(path.join(root, file), 'utf8');
    assert.doesNotMatch(text, /\b(Date\.now|performance\.now|process\.|new Date\(\)|Math\.random)\b/, file);
  }
});

test('GitHub is not assumed anywhere outside github/, host/ and entry/', () => {
  const wrong = imports.flatMap(({ file, specifier }) =>
    (specifier.startsWith('@actions/') || specifier.startsWith('@octokit/')) &&
    !['entry', 'host', 'github'].includes(folderOf(file))
      ? [`${file} imports ${specifier}`]
      : [],
  );
  assert.deepEqual(wrong, []);
});

test('no default exports and no barrels', () => {
  for (const file of globSync('**/*.ts', { cwd: root })) {
    const text = readFileSync(path.join(root, file), 'utf8');
    assert.doesNotMatch(text, /^export default /m, file);
    assert.doesNotMatch(text, /^export \* from/m, file);
  }
});

test('what a metric is stands in metrics/ alone: nobody else looks into its name', () => {
  // Artillery's names and ours: what translates between them has to.
  const translators = ['scenario/artillery-metric-names.ts', 'generator/artillery/metric-store.ts'];
  const part =
    /(?:startsWith|endsWith)\(\s*['"`]\.?(?:ack|response|delivery|receipt|handshake|perSecond|custom|errors|users|messages|deliveries|server|wire)\b/;
  const wrong = globSync('**/*.ts', { cwd: root }).filter(
    (file) =>
      folderOf(file) !== 'metrics' &&
      !translators.includes(file) &&
      part.test(readFileSync(path.join(root, file), 'utf8')),
  );
  assert.deepEqual(wrong, []);
});

test('every package is a development dependency: what we ship is in the bundle, and users install one package', () => {
  const manifest = JSON.parse(readFileSync(path.join(root, '../package.json'), 'utf8')) as object;
  assert.ok(!('dependencies' in manifest), 'move "dependencies" of package.json to "devDependencies"');
});

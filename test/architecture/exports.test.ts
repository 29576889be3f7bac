import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

/** Values (types stand in signatures) that a file of src/ exports, and who imports them. */

const root = path.resolve(import.meta.dirname, '../..');
const read = (pattern: string) =>
  globSync(pattern, { cwd: root }).map((file) => ({
    file,
    text: readFileSync(path.join(root, file), 'utf8'),
  }));

const product = read('{src,scripts,bench}/**/*.ts');
const source = product.filter(({ file }) => file.startsWith('src'));
const tests = read('test/**/*.ts');

/** `FILE#NAME` of everything that is imported; `FILE#*` of a module that is imported as a whole. */
const importsOf = (files: typeof product): Set<string> =>
  new Set(
    files.flatMap(({ file, text }) => {
      const target = (specifier: string) => path.join(path.dirname(file), specifier);
      const named = text.matchAll(/(?:import|export)\s+(?:type\s+)?\{([^}]*)\}\s+from\s+'(\.[^']+)'/g);
      const whole = text.matchAll(/\*\s+(?:as\s+\w+\s+)?from\s+'(\.[^']+)'|import\(\s*'(\.[^']+)'\s*\)/g);
      return [
        ...[...named].flatMap(([, names = '', specifier = '']) =>
          names
            .split(',')
            .map(
              (name) =>
                name
                  .trim()
                  .replace(/^type\s+/, '')
                  .split(/\s+as\s+/)[0],
            )
            .map((name) => `${target(specifier)}#${name}`),
        ),
        ...[...whole].map(([, from, imported]) => `${target(from ?? imported ?? '')}#*`),
      ];
    }),
  );

/** The bundle puts these in the places of Artillery's own, by their names. */
const replacing = new Set(
  product
    .filter(({ file }) => /artillery-parts\.ts$|(?:engine-registry|-description)\.ts$/.test(file))
    .flatMap(({ text }) => text.match(/\w+/g) ?? []),
);

const inProduct = importsOf(product);
const inTests = importsOf(tests);
const exported = source.flatMap(({ file, text }) =>
  [...text.matchAll(/^export (?:async )?(?:const|let|class|function\*?) (\w+)/gm)].map(([, name = '']) => ({
    file,
    name,
    usesAtHome: [...text.matchAll(new RegExp(`\\b${name}\\b`, 'g'))].length - 1,
  })),
);
const isImported = (by: Set<string>, { file, name }: { file: string; name: string }): boolean =>
  by.has(`${file}#${name}`) || by.has(`${file}#*`) || replacing.has(name);

test('there are exports to check', () => assert.ok(exported.length > 300));

test('what is exported is imported somewhere', () => {
  const alone = exported.filter((one) => !isImported(inProduct, one) && !isImported(inTests, one));
  assert.deepEqual(
    alone.map(({ file, name }) => `${file}: ${name}`),
    [],
  );
});

test('nothing lives for its tests alone', () => {
  const dead = exported.filter((one) => !isImported(inProduct, one) && one.usesAtHome === 0);
  assert.deepEqual(
    dead.map(({ file, name }) => `${file}: ${name}`),
    [],
  );
});

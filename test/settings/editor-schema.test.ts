import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import { parse } from 'yaml';

/** The schema by which editors check tailgate.yml, used as they use it. */

const root = path.resolve(import.meta.dirname, '../..');
const textOf = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const { version } = JSON.parse(textOf('package.json')) as { version: string };
const schema = JSON.parse(textOf('tailgate.schema.json')) as { $schema: string };
const validate = new Ajv({ strict: false, allErrors: true }).compile(schema);

test('the schema has an address of its own for each major version', () => {
  assert.equal(schema.$schema, 'http://json-schema.org/draft-07/schema#');
  for (const name of ['tailgate.schema.json', 'scenario.schema.json']) {
    const { $id } = JSON.parse(textOf(name)) as { $id: string };
    assert.ok($id.endsWith(`/v${version.split('.')[0]}/${name}`), $id);
  }
});

test('it takes every settings file of the examples', () => {
  const files = globSync(
    ['examples/*/tailgate*.yml', 'examples/demo/*/tailgate.yml', '.github/tailgate.yml'],
    { cwd: root },
  );
  assert.ok(files.length >= 9);
  for (const file of files)
    assert.ok(validate(parse(textOf(file))), `${file}: ${JSON.stringify(validate.errors)}`);
});

test('it refuses what the program refuses', () => {
  const suites = [{ name: 'a', scenario: 'a.yml' }];
  assert.ok(validate({ suites, extends: ['./a.yml'] }));
  for (const wrong of [
    { suiten: [] },
    { suites, maxMinutes: 'five' },
    { suites, failOn: ['pas'] },
    { suites: [{ name: 'a' }] },
  ])
    assert.equal(validate(wrong), false, JSON.stringify(wrong));
});

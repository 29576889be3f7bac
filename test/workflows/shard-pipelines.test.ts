import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { Job } from 'kubernetes-models/batch/v1';
import { PersistentVolumeClaim, Service } from 'kubernetes-models/v1';
import { parse, parseAllDocuments } from 'yaml';
import { parseCommandLine } from '../../src/settings/cli-flags.ts';
import type { CliRequest } from '../../src/settings/cli-request.ts';
import type { RawInputs } from '../../src/settings/inputs.ts';
import { readShardInputs } from '../../src/settings/shard-inputs.ts';

/** The examples that divide a load: their commands are run by a shell, with a stand-in for the program. */

const root = path.resolve(import.meta.dirname, '../..');
const temp = mkdtempSync(path.join(os.tmpdir(), 'shard-pipelines-'));
after(() => rmSync(temp, { recursive: true, force: true }));
const textOf = (name: string): string => readFileSync(path.join(root, 'examples', name), 'utf8');
for (const [name, skipped] of Object.entries({ npx: 2, tini: 2 }))
  writeFileSync(path.join(temp, name), `#!/bin/sh\nshift ${skipped}\necho "CALLED $*"\n`, { mode: 0o755 });

const shell = (script: string, variables: Record<string, string | number> = {}, program = 'sh') => {
  const env = Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, String(value)]));
  const { status, stdout, stderr } = spawnSync(program, ['-e', '-c', script], {
    encoding: 'utf8',
    cwd: temp,
    env: { PATH: `${temp}:${process.env.PATH}`, ...env },
    timeout: 20_000,
  });
  assert.equal(status, 0, stderr);
  return stdout;
};
const request = (stdout: string): CliRequest =>
  parseCommandLine(/CALLED (.*)/.exec(stdout)![1]!.split(' '), '0.0.0');
const shardOf = (values: RawInputs['values']) =>
  readShardInputs({ source: 'cli', values }, {}, Date.now(), '/')!;
/** The shards that were started are all that there are, each once, and start at one instant, minutes ahead. */
const assertWhole = (started: readonly RawInputs['values'][]): void => {
  const places = started.map(shardOf);
  assert.deepEqual(
    places.map(({ number }) => number),
    Array.from({ length: 10 }, (_, index) => index + 1),
  );
  for (const { count, start } of places) {
    assert.equal(count, 10);
    assert.deepEqual(start, places[0]!.start);
    const ahead = 'atMs' in start ? start.atMs - Date.now() : Number.NaN;
    assert.ok(ahead > 200_000 && ahead <= 300_000, `${ahead}`);
  }
};
const valuesOf = (stdout: string): RawInputs['values'] => {
  const found = request(stdout);
  assert.equal(found.command, 'run');
  return found.command === 'run' ? found.inputs.values : {};
};
const indexes = Array.from({ length: 10 }, (_, index) => index);

test('GitHub: ten jobs, one instant, and a verdict whatever became of them', () => {
  const { jobs } = parse(textOf('workflows/shards.yml')) as {
    jobs: Record<
      string,
      {
        if?: string;
        strategy?: { matrix: { number: number[] }; 'fail-fast': boolean };
        steps: { run?: string; with?: Record<string, string> }[];
      }
    >;
  };
  const file = path.join(temp, 'output');
  shell(jobs.start!.steps[0]!.run!, { GITHUB_OUTPUT: file }, 'bash');
  const at = /^at=(\d+)$/m.exec(readFileSync(file, 'utf8'))![1]!;
  const { strategy, steps } = jobs.shard!;
  const given = steps.find((step) => step.with?.shard !== undefined)!.with!;
  const fill = (text: string, number: number) =>
    text
      .replace(/\$\{\{ matrix\.number \}\}/, String(number))
      .replace(/\$\{\{ needs\.start\.outputs\.at \}\}/, at);
  assertWhole(
    strategy!.matrix.number.map((number) => ({
      shard: fill(given.shard!, number),
      'start-at': fill(given['start-at']!, number),
    })),
  );
  // One that failed must not take the others along, nor the verdict.
  assert.equal(strategy!['fail-fast'], false);
  assert.match(jobs.verdict!.if!, /!cancelled\(\)/);
  assert.ok(steps.some((step) => step.with?.path === `${given['report-dir']}/shard-*.json`));
  assert.ok(jobs.verdict!.steps.some((step) => step.with?.merge === 'shards'));
});

test('GitLab takes the pipeline', () => {
  const folder = path.join(temp, 'gitlab');
  const linter = path.join(root, 'node_modules/gitlab-ci-local/dist/index.js');
  mkdirSync(folder);
  const lint = (text: string) => {
    writeFileSync(path.join(folder, '.gitlab-ci.yml'), text);
    return spawnSync(process.execPath, [linter, '--list'], { cwd: folder, encoding: 'utf8' });
  };
  spawnSync('git', ['init', '-q', '-b', 'main'], { cwd: folder });
  spawnSync('git', ['remote', 'add', 'origin', 'https://gitlab.com/acme/chat.git'], { cwd: folder });
  const text = textOf('pipelines/gitlab-shards.yml');
  const { status, stdout, stderr } = lint(text);
  assert.equal(status, 0, stderr);
  assert.equal(stdout.match(/^shard: \[\d+\/10\] /gm)?.length, 10, stdout);
});

test('Kubernetes takes the manifests', () => {
  const kinds = { Job, PersistentVolumeClaim, Service };
  const check = (text: string): void => {
    for (const document of parseAllDocuments(text)) {
      const manifest = document.toJS() as { kind: keyof typeof kinds };
      new kinds[manifest.kind](manifest as never).validate();
    }
  };
  for (const name of ['shards', 'meet']) {
    const text = textOf(`pipelines/kubernetes-${name}.yml`);
    check(text);
    assert.throws(() => check(text.replace('completions: 10', 'completions: ten')), /completions must be/);
  }
});

test('GitLab: as many jobs as "parallel" says', () => {
  const jobs = parse(textOf('pipelines/gitlab-shards.yml')) as Record<
    string,
    { script: string[]; parallel?: number; when?: string; artifacts: { when?: string; paths?: string[] } }
  >;
  shell(jobs.start!.script.join('\n'));
  const at = /^START_AT=(\d+)$/m.exec(readFileSync(path.join(temp, 'start.env'), 'utf8'))![1]!;
  const { parallel, script, artifacts } = jobs.shard!;
  assert.equal(parallel, 10);
  const started = indexes.map((index) =>
    valuesOf(shell(script.join('\n'), { CI_NODE_INDEX: index + 1, CI_NODE_TOTAL: parallel!, START_AT: at })),
  );
  assertWhole(started);
  assert.deepEqual(artifacts.paths, [`${started[0]!['report-dir']}/shard-*.json`]);
  assert.equal(artifacts.when, 'always');
  assert.equal(jobs.verdict!.when, 'always');
  const merge = request(shell(jobs.verdict!.script.join('\n')));
  assert.equal(merge.command === 'merge' && merge.inputs.values.merge, started[0]!['report-dir']);
});

test('Kubernetes: an indexed job, and one that collects', () => {
  const at = String(Math.floor(Date.now() / 1_000) + 300);
  const text = textOf('pipelines/kubernetes-shards.yml').replaceAll('START_AT_HERE', at);
  const documents = parseAllDocuments(text);
  for (const { errors } of documents) assert.deepEqual(errors, []);
  type Container = {
    args: string[];
    env: { name: string; value: unknown }[];
    volumeMounts: { name: string }[];
  };
  type Manifest = {
    apiVersion: string;
    kind: string;
    metadata: { name: string };
    spec: {
      completionMode?: string;
      completions?: number;
      parallelism?: number;
      backoffLimit?: number;
      template: {
        spec: {
          restartPolicy: string;
          containers: Container[];
          volumes: { name: string; persistentVolumeClaim?: { claimName: string } }[];
        };
      };
    };
  };
  const [claim, shards, verdict] = documents.map((document) => document.toJS() as Manifest);
  assert.deepEqual([claim!.apiVersion, claim!.kind], ['v1', 'PersistentVolumeClaim']);
  for (const { apiVersion, kind, spec } of [shards!, verdict!]) {
    assert.deepEqual([apiVersion, kind, spec.backoffLimit], ['batch/v1', 'Job', 0]);
    const { containers, volumes, restartPolicy } = spec.template.spec;
    assert.equal(restartPolicy, 'Never');
    for (const { volumeMounts, env } of containers) {
      for (const { name } of volumeMounts) assert.ok(volumes.some((volume) => volume.name === name));
      // Kubernetes takes no numbers here.
      for (const { value } of env) assert.equal(typeof value, 'string');
    }
    assert.ok(volumes.some((volume) => volume.persistentVolumeClaim?.claimName === claim!.metadata.name));
  }
  const { completionMode, completions, parallelism } = shards!.spec;
  assert.deepEqual([completionMode, completions, parallelism], ['Indexed', 10, 10]);
  const scriptOf = (manifest: Manifest): string => manifest.spec.template.spec.containers[0]!.args[0]!;
  const started = indexes.map((index) =>
    valuesOf(shell(scriptOf(shards!), { JOB_COMPLETION_INDEX: index, START_AT: at })),
  );
  assertWhole(started);
  assert.equal(new Set(started.map((values) => values['report-dir'])).size, 10);
  // The collecting job waits for the tenth file, and no longer than it may.
  const folder = path.join(temp, 'shards');
  const collect = scriptOf(verdict!).replaceAll('/shards/', `${folder}/`).replace('sleep 5', 'exit 9');
  for (const index of indexes) {
    mkdirSync(path.join(folder, at, String(index)), { recursive: true });
    writeFileSync(path.join(folder, at, String(index), `shard-${index + 1}-of-10.json`), '');
  }
  const merge = request(shell(collect, { START_AT: at, AT_MOST: 1800 }));
  assert.equal(merge.command === 'merge' && merge.inputs.values.merge, path.join(folder, at));
  rmSync(path.join(folder, at, '3'), { recursive: true });
  assert.throws(() => shell(collect, { START_AT: at, AT_MOST: 1800 }), 'one is missing, and may still come');
  assert.equal(request(shell(collect, { START_AT: at, AT_MOST: -300 })).command, 'merge');
});

test('Kubernetes: pods that meet the first of them', () => {
  const documents = parseAllDocuments(textOf('pipelines/kubernetes-meet.yml'));
  for (const { errors } of documents) assert.deepEqual(errors, []);
  const [service, job] = documents.map((document) => document.toJS());
  assert.deepEqual([service.apiVersion, service.kind, service.spec.clusterIP], ['v1', 'Service', 'None']);
  assert.deepEqual([job.apiVersion, job.kind, job.spec.backoffLimit], ['batch/v1', 'Job', 0]);
  const { completionMode, completions, parallelism, template } = job.spec;
  assert.deepEqual([completionMode, completions, parallelism], ['Indexed', 10, 10]);
  // What gives a pod of an indexed job its name: that of the job, its index, and the service that selects it.
  assert.equal(template.spec.subdomain, service.metadata.name);
  assert.deepEqual(service.spec.selector, template.metadata.labels);
  const [container] = template.spec.containers;
  const env = { TAILGATE_RENDEZVOUS_TOKEN: 'a-token-of-this-test' };
  assert.deepEqual(
    container.env.map(({ name }: { name: string }) => name),
    Object.keys(env),
  );
  const started = indexes.map((index) => {
    const values = valuesOf(shell(container.args[0], { JOB_COMPLETION_INDEX: index }));
    return readShardInputs({ source: 'cli', values }, env, Date.now(), '/')!;
  });
  const port = container.ports[0].containerPort;
  const host = `${job.metadata.name}-0.${service.metadata.name}`;
  for (const [index, { number, count, start }] of started.entries()) {
    assert.deepEqual([number, count], [index + 1, 10]);
    assert.deepEqual('place' in start && start.place, { host, port });
  }
});

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { parse } from 'yaml';
import { parseCommandLine } from '../../src/settings/cli-flags.ts';

/**
 * The pipelines for CircleCI, Azure and Buildkite: their commands are run by a shell, with the program's place taken by
 * one that tells how it was called. (test/e2e/other-ci.test.ts runs those of GitLab and Jenkins with the program itself.)
 */

const root = path.resolve(import.meta.dirname, '../..');
const temp = mkdtempSync(path.join(os.tmpdir(), 'pipelines-'));
after(() => rmSync(temp, { recursive: true, force: true }));
const textOf = (name: string): string => readFileSync(path.join(root, 'examples', name), 'utf8');

writeFileSync(path.join(temp, 'npx'), '#!/bin/sh\necho "CALLED $*"\nexit "$ANSWER"\n', { mode: 0o755 });
const called = (script: string, answer: number, variables: Record<string, string> = {}) => {
  const { status, stdout } = spawnSync('bash', ['-e', '-c', script], {
    encoding: 'utf8',
    env: { PATH: `${temp}:${process.env.PATH}`, ANSWER: String(answer), ...variables },
  });
  const words = /CALLED --yes tailgate@0 (.*)/.exec(stdout)?.[1]?.split(' ') ?? [];
  const request = parseCommandLine(words, '0.0.0');
  return { status, stdout, inputs: request.command === 'run' ? request.inputs.values : {} };
};

test('CircleCI', () => {
  const { jobs } = parse(textOf('pipelines/circleci.yml')) as {
    jobs: Record<string, { steps: (string | { run?: { command: string } })[] }>;
  };
  const step = jobs['performance-gate']!.steps.find(
    (one) => typeof one === 'object' && one.run !== undefined,
  );
  const { status, inputs } = called((step as { run: { command: string } }).run.command, 1);
  assert.equal(status, 1);
  assert.deepEqual(inputs, { baseline: 'side-by-side', 'base-ref': 'origin/main' });
});

test('Azure Pipelines: the target branch is the base, and undecided is no failure', () => {
  const { steps } = parse(textOf('pipelines/azure-pipelines.yml')) as {
    steps: { bash?: string; condition?: string }[];
  };
  const script = steps.find(({ bash }) => bash !== undefined)!.bash!;
  const variables = { SYSTEM_PULLREQUEST_TARGETBRANCH: 'refs/heads/release/2' };
  assert.equal(called(script, 0, variables).inputs['base-ref'], 'origin/release/2');
  assert.equal(called(script, 0).inputs['base-ref'], 'origin/main');
  assert.deepEqual(
    [0, 1, 3, 4].map((answer) => called(script, answer).status),
    [0, 1, 0, 4],
  );
  assert.match(called(script, 3).stdout, /SucceededWithIssues/);
  assert.equal(steps.filter(({ condition }) => condition === 'succeededOrFailed()').length, 2);
});

test('Buildkite', () => {
  const { steps } = parse(textOf('pipelines/buildkite.yml')) as {
    steps: { command: string; soft_fail: { exit_status: number }[] }[];
  };
  const command = steps[0]!.command.replaceAll('$$', '$');
  const { inputs, status } = called(command, 3, { BUILDKITE_PULL_REQUEST_BASE_BRANCH: 'next' });
  assert.deepEqual([inputs['base-ref'], status, steps[0]!.soft_fail[0]!.exit_status], ['origin/next', 3, 3]);
});

type Note = { id: number; body: string; author: { id: number } };

/** As much of GitLab as the comment needs: who asks, and the notes of a merge request, two to a page. */
const gitlab = async (notes: Note[]) => {
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (part) => {
      text += part;
    });
    request.on('end', () => {
      const url = new URL(request.url ?? '', 'http://gitlab');
      const answer = (value: unknown, headers = {}) =>
        response.writeHead(200, headers).end(JSON.stringify(value));
      if (request.headers['private-token'] !== 'secret') response.writeHead(401).end('{}');
      else if (url.pathname === '/user') answer({ id: 7 });
      else if (request.method === 'GET') {
        const page = Number(url.searchParams.get('page'));
        const next = notes.length > page * 2 ? String(page + 1) : '';
        answer(notes.slice((page - 1) * 2, page * 2), { 'x-next-page': next });
      } else {
        const { body } = JSON.parse(text) as { body: string };
        const id = Number(url.pathname.split('/').at(-1));
        const known = notes.find((note) => note.id === id);
        if (known !== undefined) known.body = body;
        else notes.push({ id: 100 + notes.length, body, author: { id: 7 } });
        answer({});
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
};

const comment = async (variables: Record<string, string>) => {
  const child = spawn(process.execPath, [path.join(root, 'examples/gitlab-comment.js')], {
    cwd: temp,
    env: variables,
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (part) => {
      log += part;
    });
  const exitCode = await new Promise((resolve) => child.on('close', resolve));
  return { exitCode, log };
};

test('GitLab: one note, found again among others, and never a reason to fail', async () => {
  mkdirSync(path.join(temp, '.tailgate'));
  const marker = '<!-- tailgate performance-gate -->';
  const notes: Note[] = [
    { id: 1, body: 'hello', author: { id: 7 } },
    { id: 2, body: `${marker}\nsomebody else's`, author: { id: 8 } },
  ];
  const server = await gitlab(notes);
  const variables = {
    CI_API_V4_URL: server.url,
    CI_PROJECT_ID: '5',
    CI_MERGE_REQUEST_IID: '3',
    CI_JOB_URL: 'https://gitlab.example.com/job/1',
    CI_JOB_NAME: 'performance-gate',
  };
  try {
    for (const report of ['first', 'second']) {
      writeFileSync(path.join(temp, '.tailgate/report.md'), report);
      assert.deepEqual(await comment({ ...variables, GITLAB_TOKEN: 'secret' }), { exitCode: 0, log: '' });
      assert.equal(notes.length, 3);
      assert.ok(notes[2]!.body.startsWith(`${marker}\n${report}\n`));
    }
    assert.match((await comment(variables)).log, /GITLAB_TOKEN is not set/);
    const refused = await comment({ ...variables, GITLAB_TOKEN: 'wrong' });
    assert.equal(refused.exitCode, 0);
    assert.match(refused.log, /could not be written: GET \/user was answered with 401/);
  } finally {
    server.close();
  }
});

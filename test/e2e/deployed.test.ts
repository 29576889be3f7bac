// Runs beside one other: it needs a verdict on latencies, and leaves most of a machine idle.

import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { parseReport } from '../../src/report/parse-report.ts';
import { freePort } from '../../src/side/target/ports.ts';
import { type Checkout, checkout } from './fixture.ts';
import { startTailgate } from './runner.ts';

/** Two versions of a server that somebody else deployed, driven side by side. */

let user: Checkout;
const servers: ChildProcess[] = [];
const urls = { baseline: '', head: '' };
const shas = { first: '', baseline: '', head: '', foreign: '' };

const tailgate = async (words: readonly string[], meanwhile: () => Promise<void> = async () => {}) => {
  const json = path.join(user.dir, 'report.json');
  rmSync(json, { force: true });
  const run = startTailgate(user.dir, ['run', ...words, '--json', json]);
  await meanwhile();
  const { exitCode } = await run.ended;
  return {
    code: exitCode,
    said: run.log(),
    report: existsSync(json) ? parseReport(readFileSync(json, 'utf8'), json) : null,
  };
};
const sideBySide = (...more: string[]) => [
  '--target',
  urls.head,
  '--base-url',
  urls.baseline,
  '--baseline',
  'side-by-side',
  ...more,
];

const deploy = async (commit: string): Promise<string> => {
  const port = await freePort();
  const server = fork(path.join(import.meta.dirname, 'deployed-server.mjs'), {
    env: { ...process.env, PORT: String(port), COMMIT: commit },
  });
  servers.push(server);
  await once(server, 'message');
  return `http://127.0.0.1:${port}`;
};

before(async () => {
  user = checkout();
  user.write(
    'chat.yml',
    `config:
  phases: [{ duration: 4, arrivalRate: 8 }]
  socketio: { transports: [websocket] }
scenarios:
  - engine: socketio
    flow:
      - loop: [{ emit: { channel: chat, data: { text: hello } }, acknowledge: {} }, { think: 50ms }]
        count: 6
`,
  );
  user.write(
    'tailgate.yml',
    `target:
  resources: { url: /metrics, intervalMs: 100 }
  version: { url: /version }
suites: [{ name: chat, scenario: chat.yml }]
thresholds: ["server.rss < 2GB", "server.cpuPerMessage < 5s", "server.fds.max > 1"]
verdict: { minPairs: 2, maxPairs: 2, sliceMs: 500, slicesPerSide: 2, warmUpMs: 500, minSamplesP50: 5, minSamplesP95: 5, minSamplesP99: 5 }
`,
  );
  const commit = (name: string): string => {
    user.git('add', '-A');
    user.git('commit', '-q', '--allow-empty', '-m', name);
    return user.git('rev-parse', 'HEAD');
  };
  shas.first = user.git('rev-parse', 'HEAD');
  shas.baseline = commit('Settings');
  user.git('checkout', '-q', '-b', 'other');
  shas.foreign = commit('Elsewhere');
  user.git('checkout', '-q', 'main');
  shas.head = commit('Change');
  [urls.baseline, urls.head] = await Promise.all([deploy(shas.baseline), deploy(shas.head)]);
});

after(() => {
  for (const server of servers) server.kill();
  user.remove();
});

test('both are measured, with their resources, and the report names the commits that ran', async () => {
  const { report, said } = await tailgate(sideBySide());
  assert.ok(report !== null && report.verdict !== 'invalid', said);
  assert.deepEqual(report.commits, { head: shas.head, base: shas.baseline });
  const [suite] = report.suites;
  assert.equal(suite!.comparison, 'side-by-side');
  assert.equal(suite!.explanation, undefined);
  for (const usage of [suite!.resources?.baseline, suite!.resources?.head])
    assert.ok(
      usage!.cpuSeconds! > 0 && usage!.maxRssBytes! > 2e7 && usage!.maxOpenFiles! > 5,
      JSON.stringify(usage),
    );
  const held = suite!.metrics.flatMap(({ id, limit }) => limit.map(({ verdict }) => `${id} ${verdict}`));
  for (const name of ['server.rss', 'server.cpuPerMessage', 'server.fds'])
    assert.ok(held.includes(`${name} pass`), held.join(', '));
  assert.ok(suite!.rounds.every(({ side }) => side === 'head' || side === 'baseline'));
  assert.doesNotMatch(suite!.warnings.join('\n'), /Nothing tells|begins at/);
});

test('an older base version is named, and one that is deployed while it is measured makes the run invalid', async () => {
  await fetch(`${urls.baseline}/deploy/${shas.first.slice(0, 9)}`);
  try {
    const { report, code } = await tailgate(sideBySide(), async () => {
      await delay(3_000);
      await fetch(`${urls.head}/deploy/${shas.foreign}`);
    });
    assert.equal(code, 4);
    assert.match(
      report!.suites
        .flatMap(({ problems }) => problems)
        .concat(report!.problems)
        .map(({ what }) => what)
        .join('\n'),
      new RegExp(`At ${urls.head} runs ${shas.foreign}, and ${shas.head.slice(0, 10)} is to be judged`),
    );
    assert.equal(report!.commits.base, shas.first);
    assert.match(
      report!.suites[0]!.warnings.join('\n'),
      /The base version at .* is [0-9a-f]{10}, and the change begins at [0-9a-f]{10}/,
    );
  } finally {
    await fetch(`${urls.head}/deploy/${shas.head}`);
  }
});

test('a base version must be one that the head comes from, and not the head', async () => {
  const runsAs = async (commit: string, ...more: string[]) => {
    await fetch(`${urls.baseline}/deploy/${commit}`);
    const { report } = await tailgate(sideBySide('--max-minutes', '0.01', ...more));
    const { problems, suites, commits } = report!;
    return {
      commits,
      said: [...problems.map(({ what }) => what), ...suites.flatMap(({ warnings }) => warnings)].join('\n'),
    };
  };
  assert.match(
    (await runsAs(shas.foreign)).said,
    /runs [0-9a-f]{40}, and [0-9a-f]{10} or a commit that [0-9a-f]{10} comes from is to be compared with/,
  );
  assert.match((await runsAs(shas.head)).said, /is to be compared with/);
  assert.match((await runsAs('unknown')).said, /does not tell which commit runs at .*: it names no commit/);
  assert.match(
    (await runsAs(shas.first, '--base-ref', 'HEAD~1')).said,
    /and [0-9a-f]{10} is to be compared with/,
  );
  await fetch(`${urls.baseline}/deploy/${shas.baseline}`);
});

test('resources that are not told to the end are not known, and no limit on them holds', async () => {
  const { report, said } = await tailgate(['--target', urls.head, '--baseline', 'none'], async () => {
    await delay(3_500);
    await fetch(`${urls.head}/silence`);
  });
  assert.equal(report?.verdict, 'invalid', said);
  const [suite] = report!.suites;
  assert.match(
    suite!.warnings.join('\n'),
    /resources of the server are not known, because ".*\/metrics" stopped answering after \d s \(it answered with HTTP 404\)/,
  );
  assert.match(JSON.stringify(suite!.metrics), /was never observed/);
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import {
  type Checkout,
  checkoutWithSource,
  serverSource as server,
  settings,
  shortScenario,
} from './fixture.ts';
import { root, runTailgate } from './runner.ts';

let repo: Checkout;
const shas: Record<string, string> = {};

const tailgate = (...args: string[]) => runTailgate(repo.dir, args, { timeoutMs: 400_000 });

const commit = (name: string, file: string, text: string): void => {
  repo.write(file, text);
  repo.git('add', '-A');
  repo.git('commit', '-qm', name);
  shas[name] = repo.git('rev-parse', 'HEAD').slice(0, 10);
};

before(() => {
  repo = checkoutWithSource();
  repo.write('.gitignore', '.tailgate\nnode_modules\nbuilds.log\n');
  repo.write(
    'chat.yml',
    shortScenario
      .replace('duration: 2, arrivalRate: 12', 'duration: 3, arrivalRate: 16')
      .replace('{{ token }}', '{{ $token }}'),
  );
  repo.write(
    'tailgate.yml',
    settings()
      .replace(
        /start: .*/,
        `start: node server.js\n  build: ln -sfn ${path.join(root, 'node_modules')} node_modules && node --check server.js`,
      )
      .replace('measure:\n', 'measure:\n  arrivals: best-effort\n')
      .replace('verdict: { ', 'verdict: { slicesPerSide: 2, sliceMs: 500, guardMs: 100, warmUpMs: 500, '),
  );
  commit('good', 'server.js', server);
  commit('rename a log line', 'server.js', `${server}\n// one\n`);
  commit('write documentation', 'README.md', '# Chat\n');
  commit('break it', 'server.js', `${server}\n}{\n`);
  const slow = server.replace(
    '    const user = userOf(socket);',
    '    considerIt();\n    const user = userOf(socket);',
  );
  assert.notEqual(slow, server);
  const consider =
    'function considerIt() {\n  const end = performance.now() + 2;\n  while (performance.now() < end);\n}\n';
  commit('repair it', 'server.js', `${server}\n// two\n`);
  commit('consider each message', 'server.js', `${slow}\n${consider}`);
  commit('say more', 'server.js', `${slow}\n${consider}\n// three\n`);
});
after(() => repo.remove());

test('the commit is found past an unbuildable one, explained, and the search goes on where it ended', async () => {
  const share = await tailgate('bisect', '--good', shas.good!, '--jobs', '2/2');
  assert.equal(share.exitCode, 0, share.stderr);
  const early = await tailgate('bisect', '--good', shas.good!, '--minutes', '0');
  assert.equal(early.exitCode, 3, early.stderr);
  assert.match(early.stdout, /^\*\*Not decided yet\*\*/);
  const { exitCode, stdout, stderr } = await tailgate(
    'bisect',
    ...['--good', shas.good!, '--json', 'found.json', '--seed', '1', '--report-dir', '.tailgate'],
  );
  assert.equal(exitCode, 0, stderr);
  assert.match(
    stdout,
    new RegExp(
      `^Commit ${shas['consider each message']} \\(.consider each message.\\) made it slower: .+ \\+\\d+`,
    ),
  );
  assert.match(stdout, /Why: `considerIt` runs \d\.\d+ times a message instead of 0/);
  assert.ok(
    stdout.includes(`--good ${shas['repair it']}`) && stdout.includes('1 commit left the server as it was'),
  );
  // Who repeats it does so with the same settings.
  assert.match(stdout, /tailgate bisect (?=.*--seed 1 ).*--report-dir \.tailgate --suite chat --good/);
  const found = JSON.parse(readFileSync(path.join(repo.dir, 'found.json'), 'utf8'));
  assert.ok(found.answer.probability >= 0.95);
  assert.equal(found.witness, 'considerIt');
  // What the share of the matrix measured was not measured again.
  const folder = path.join(repo.dir, '.tailgate/bisect');
  assert.equal(readdirSync(folder).length, 2);
  assert.equal(
    execFileSync('git', ['worktree', 'list'], { cwd: repo.dir, encoding: 'utf8' }).trim().split('\n').length,
    1,
  );
});

test('what cannot be searched is said before anything is started', async () => {
  const same = await tailgate('bisect', '--good', 'HEAD');
  assert.equal(same.exitCode, 2);
  assert.match(same.stderr, /cannot be searched: both are the same commit/);
  const backwards = await tailgate('bisect', '--good', 'HEAD', '--bad', shas.good!);
  assert.match(backwards.stderr, /the good commit is no ancestor of the bad one/);
  const unknown = await tailgate('bisect', '--good', 'nowhere');
  assert.match(unknown.stderr, /there is no commit "nowhere"/);
});

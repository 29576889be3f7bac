import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { doctorCommand } from '../../src/run/doctor-command.ts';
import { machineFindings } from '../../src/run/machine-findings.ts';
import { quietHost } from '../host/quiet-host.ts';

const temp = mkdtempSync(path.join(tmpdir(), 'doctor-'));
after(() => rmSync(temp, { recursive: true, force: true }));
let folders = 0;

/** What it prints of a folder with these files. */
const doctor = async (
  files: Record<string, string>,
  env: Record<string, string> = {},
  git = true,
  known?: string,
) => {
  folders += 1;
  const cwd = known ?? path.join(temp, String(folders));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(cwd, name)), { recursive: true });
    writeFileSync(path.join(cwd, name), text);
  }
  mkdirSync(cwd, { recursive: true });
  if (git) execFileSync('git', ['init', '--quiet', cwd]);
  const printed: string[] = [];
  const { CI: _ci, GITHUB_ACTIONS: _actions, ...outside } = process.env;
  const host = quietHost(cwd, { ...outside, ...env });
  const inputs = { source: 'cli' as const, values: {} };
  const code = await doctorCommand({ host, inputs, print: (text) => void printed.push(text) });
  return { code, text: printed.join('\n'), cwd };
};

const scenario = `config:
  target: http://127.0.0.1:3000
  phases: [{ duration: 1, arrivalRate: 1 }]
scenarios:
  - engine: socketio
    flow: [{ emit: { channel: hi }, acknowledge: {} }]
`;
const settings = (more = ''): string =>
  `suites: [{ name: chat, scenario: chat.yml }]\ntarget: { start: node server.js${more} }\n`;
const workflow = (job: string): Record<string, string> => ({
  '.github/workflows/gate.yml': `on: pull_request\njobs:\n  gate:\n    runs-on: ubuntu-24.04\n${job}`,
});

test('the machine: each thing that is well, or is not', () => {
  const well = {
    node: '24.1.0',
    cores: 4,
    pinning: 'server on core 0',
    busy: 0.1,
    freeMb: 9_000,
    openFiles: 1_048_576,
    ports: 28_232,
    writable: true,
  };
  const of = (facts: Partial<typeof well> | { openFiles: null } | { pinning: null }) =>
    machineFindings({ ...well, ...facts }).filter(({ state }) => state !== 'ok');
  assert.deepEqual(of({}), []);
  assert.deepEqual(of({ openFiles: null }), []);
  for (const [facts, state, what] of [
    [{ node: '20.18.3' }, 'bad', /^Node 20\.18\.3$/],
    [{ cores: 1 }, 'mind', /^One core/],
    [{ pinning: null }, 'mind', /separate cores/],
    [{ busy: 3 }, 'mind', /busy \(load 3\.0 on 4 cores\)/],
    [{ freeMb: 100 }, 'mind', /^Only 100 MB/],
    [{ openFiles: 1_024 }, 'mind', /^At most 1024 open files: some 512 users/],
    [{ writable: false }, 'bad', /cannot be written/],
  ] as const) {
    const [found, ...others] = of(facts);
    assert.deepEqual([found?.state, others.length], [state, 0], JSON.stringify(facts));
    assert.match(found!.what, what);
  }
  assert.equal(of({ node: '20.19.0' }).length, 0);
});

test('the repository, and settings that are right', async () => {
  const { text, cwd, code } = await doctor({ 'tailgate.yml': settings(), 'chat.yml': scenario });
  assert.match(text, /mind {2}git: no commit yet/);
  assert.match(text, /mind {2}There is no remote "origin"/);
  assert.match(text, /ok {4}Settings, secrets and scenarios/);
  assert.equal(code, 0, text);
  assert.match(text, /A run can work here\.$/);
  assert.ok(!existsSync(path.join(cwd, '.tailgate')), 'a folder made here would not ignore itself');
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', cwd, '-c', 'user.name=a', '-c', 'user.email=a@b', ...args]);
  git('commit', '--quiet', '--allow-empty', '-m', 'first');
  git('remote', 'add', 'origin', 'https://example.com/chat.git');
  const again = await doctor({}, {}, false, cwd);
  assert.match(again.text, /ok {4}git: 1 commit\n.*A remote "origin"/);
  const outside = await doctor({}, {}, false);
  assert.match(outside.text, /mind {2}This is no git repository/);
});

test('workflows: permissions, time limit, checkout, YAML; and a shared runner', async () => {
  const uses = '      - uses: tailgate/tailgate@v0\n';
  const bare = await doctor(workflow(`    steps:\n${uses}        with: { baseline: branch }\n`));
  for (const what of [
    /mind {2}.*job "gate": it may not comment/,
    /mind {2}.*it may not store a baseline/,
    /mind {2}.*no timeout/,
    /bad {3}.*checks nothing out/,
  ])
    assert.match(bare.text, what);
  assert.match(bare.text, /pull-requests: write/);
  assert.equal(bare.code, 2);
  const good = await doctor(
    workflow(
      `    timeout-minutes: 40\n    permissions: { contents: read, pull-requests: write }\n    steps:\n      - uses: actions/checkout@v7\n${uses}`,
    ),
    { CI: 'true', GITHUB_ACTIONS: 'true', RUNNER_ENVIRONMENT: 'github-hosted' },
  );
  const odd = await doctor({
    '.github/workflows/empty.yml': '',
    '.github/workflows/odd.yml':
      'jobs:\n  none:\n  list: []\n  group: { steps: { a: b } }\n  step:\n    steps:\n      -\n      - { uses: 7 }\n      - { uses: tailgate/tailgate@v0 }\n',
  });
  assert.match(odd.text, /odd\.yml, job "step": it may not comment/);
  assert.match(good.text, /ok {4}\.github\/workflows\/gate\.yml, job "gate": permissions/);
  assert.doesNotMatch(good.text, /no timeout|checks nothing out/);
  assert.match(good.text, /mind {2}A shared runner/);
  const broken = await doctor({ '.github/workflows/x.yml': 'on: [', ...workflow(`    steps: []\n`) });
  assert.match(broken.text, /bad {3}\.github\/workflows\/x\.yml is no YAML/);
});

test('settings: a port that is taken, a fixed one for two versions, and what is wrong in them', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    const files = {
      'chat.yml': scenario,
      'tailgate.yml': `${settings(`, port: ${port}`)}baseline: { mode: side-by-side }\n`,
    };
    const { text, code } = await doctor(files);
    assert.match(text, new RegExp(`bad   Port ${port} is in use, by `));
    assert.match(text, new RegExp(`bad   Two versions cannot both listen on port ${port}`));
    assert.equal(code, 2);
    assert.match(text, /of these would keep a run from working/);
  } finally {
    server.close();
  }
  const wrong = await doctor({ 'tailgate.yml': 'suites: [{ name: chat, scenario: none.yml }]\n' });
  assert.match(wrong.text, /bad {3}.*none\.yml/);
});

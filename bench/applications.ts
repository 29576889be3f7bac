/**
 * Applications of others: whether `tailgate init --yes` gives a verdict untouched, and whether `tailgate record` sends again
 * what clients did. Each is brought (npm, or git at a commit), installed, tried, and thrown away; none of their code is kept.
 *
 *     npm run bench -- applications [NAME...]      # writes results/applications.json, and the table of docs/record.md
 *
 * Needs Chromium and redis-server. APPLICATIONS=FOLDER keeps what was installed there for the next time.
 */
import { execFile, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { freePort } from '../src/side/target/ports.ts';
import { type Application, applications } from './applications/list.ts';
import { type Figure, figure, share } from './figure.ts';

export const about = 'init and record on applications of others';

type Row = {
  name: string;
  speaks: string;
  verdict: string;
  right: boolean;
  seconds: number;
  recorded: number;
  repeated: number;
  roles: number;
  /** Of what the clients sent, found in no written file. */
  secrets: number;
  leaked: number;
  client: string;
};

const root = path.resolve(import.meta.dirname, '..');
const cli = path.join(root, 'dist', 'cli.js');
const resultsPath = path.join(import.meta.dirname, 'results', 'applications.json');
const docsPath = path.join(root, 'docs', 'record.md');
const execute = promisify(execFile);

export const run = async (names: readonly string[]): Promise<Figure[]> => {
  const kept = process.env.APPLICATIONS;
  const folder = kept ?? (await mkdtemp(path.join(os.tmpdir(), 'applications-')));
  const rows = new Map<string, Row>(
    existsSync(resultsPath)
      ? (JSON.parse(readFileSync(resultsPath, 'utf8')) as Row[]).map((row) => [row.name, row])
      : [],
  );
  try {
    for (const application of applications) {
      if (names.length > 0 && !names.includes(application.name)) continue;
      process.stderr.write(`${application.name}\n`);
      rows.set(application.name, await tryOne(application, folder));
      process.stderr.write(`  ${JSON.stringify(rows.get(application.name))}\n`);
      const all = applications.flatMap(({ name }) => rows.get(name) ?? []);
      await writeFile(resultsPath, `${JSON.stringify(all, null, 2)}\n`);
      await writeTable(all);
    }
  } finally {
    if (kept === undefined) await rm(folder, { recursive: true, force: true });
  }
  const all = [...rows.values()];
  const sent = all.filter(({ recorded }) => recorded > 0);
  return [
    figure(
      'first verdicts that are right',
      share(all, ({ right }) => right),
      'share',
      '>=',
      0.8,
      'applications of others',
    ),
    figure(
      'recorded messages sent again, the least of all',
      Math.min(...sent.map(({ recorded, repeated }) => repeated / recorded)),
      'share',
      '>=',
      0.99,
      'their recordings',
    ),
    figure(
      'secrets in written files',
      all.reduce((sum, { leaked }) => sum + leaked, 0),
      'count',
      '<=',
      0,
      'what was typed',
    ),
  ];
};

async function tryOne(application: Application, folder: string): Promise<Row> {
  const cwd = await bring(application, path.join(folder, application.name));
  const written = ['tailgate.yml', 'load', '.tailgate', '.github/workflows/performance.yml'];
  for (const name of written) await rm(path.join(cwd, name), { recursive: true, force: true });
  const service =
    application.service === undefined
      ? null
      : spawn(application.service[0]!, application.service.slice(1), { stdio: 'ignore' });
  await sleep(service === null ? 0 : 500);
  try {
    const start = performance.now();
    const init = await execute('node', [cli, 'init', '--yes', '--force'], { cwd, timeout: 300_000 }).then(
      () => 0,
      ({ code, stderr }: { code: number; stderr: string }) => {
        process.stderr.write(`${stderr.split('\n').slice(-6).join('\n')}\n`);
        return code ?? 1;
      },
    );
    const seconds = Math.round((performance.now() - start) / 1_000);
    const record = await recordOnce(application, cwd);
    return {
      ...record,
      speaks: application.speaks,
      ...verdictOf(cwd, init),
      seconds,
      client: application.client,
      name: application.name,
    };
  } finally {
    service?.kill();
  }
}

/** The folder of an application that is installed and built. */
async function bring({ source, install = [] }: Application, folder: string): Promise<string> {
  const cwd = 'npm' in source ? path.join(folder, 'package') : path.join(folder, source.folder ?? '');
  if (existsSync(path.join(folder, 'done'))) return cwd;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  if ('npm' in source) {
    const { stdout } = await execute('npm', ['pack', source.npm, '--silent'], { cwd: folder });
    await execute('tar', ['xzf', stdout.trim()], { cwd: folder });
    await execute('npm', ['install', '--omit=dev', '--no-audit', '--no-fund'], { cwd });
  } else {
    await execute('git', ['clone', '--quiet', `https://github.com/${source.github}`, folder]);
    await execute('git', ['checkout', '--quiet', source.commit], { cwd: folder });
    const clean = existsSync(path.join(cwd, 'package-lock.json')) ? 'ci' : 'install';
    await execute('npm', [clean, '--no-audit', '--no-fund', '--ignore-scripts=false'], {
      cwd,
      timeout: 400_000,
    });
  }
  for (const command of install) await execute('/bin/sh', ['-c', command], { cwd, timeout: 400_000 });
  await writeFile(path.join(folder, 'done'), '');
  return cwd;
}

type Report = {
  verdict: string;
  suites: { rounds?: unknown; metrics?: { name: string; verdict?: string }[] }[];
};

function verdictOf(cwd: string, exit: number): { verdict: string; right: boolean } {
  const file = path.join(cwd, '.tailgate', 'report.json');
  if (!existsSync(file)) return { verdict: 'no: refused, with the reason', right: false };
  const { verdict } = JSON.parse(readFileSync(file, 'utf8')) as Report;
  const scenario = readFileSync(path.join(cwd, 'load', 'first.yml'), 'utf8');
  const kinds = ['acknowledge', 'response', 'delivery'].filter((kind) => scenario.includes(`${kind}:`));
  const what = /engine: stomp/.test(scenario)
    ? 'deliveries'
    : kinds.length === 0
      ? 'connecting alone'
      : kinds
          .map((kind) => `${kind.replace('acknowledge', 'acknowledgement').replace(/y$/, 'ie')}s`)
          .join(', ');
  return { verdict: `${verdict}, on ${what}`, right: exit === 0 && verdict === 'pass' };
}

/** Starts the application as its settings say, lets its clients go through the relay, and takes what the command says. */
async function recordOnce(
  application: Application,
  cwd: string,
): Promise<Pick<Row, 'recorded' | 'repeated' | 'roles' | 'secrets' | 'leaked'>> {
  const settings = existsSync(path.join(cwd, 'tailgate.yml'))
    ? (
        parse(readFileSync(path.join(cwd, 'tailgate.yml'), 'utf8')) as {
          target: { start: string; port?: number; env?: Record<string, string> };
        }
      ).target
    : null;
  const port = application.port ?? settings?.port ?? (await freePort());
  const env = Object.fromEntries(
    Object.entries({ ...settings?.env, ...application.env }).map(([name, value]) => [
      name,
      value.replace('{{ port }}', `${port}`),
    ]),
  );
  const server = spawn(application.start ?? settings!.start, {
    cwd,
    shell: true,
    detached: true,
    stdio: 'ignore',
    env: { ...process.env, ...env, PORT: `${port}` },
  });
  const relayPort = await freePort();
  const out = 'load/recorded.yml';
  try {
    await listening(port);
    await mkdir(path.join(cwd, 'load'), { recursive: true });
    const recording = spawn(
      'node',
      [
        cli,
        'record',
        '--target',
        `http://127.0.0.1:${port}`,
        '--port',
        `${relayPort}`,
        '--out',
        out,
        '--force',
      ],
      { cwd, stdio: ['pipe', 'pipe', 'pipe'] },
    );
    let text = '';
    for (const stream of [recording.stdout, recording.stderr]) stream.on('data', (piece) => (text += piece));
    const ended = new Promise((resolve) => recording.once('exit', resolve));
    await listening(relayPort);
    const secrets = await application
      .drive({ relay: `http://127.0.0.1:${relayPort}`, port })
      .catch((error: Error) => {
        process.stderr.write(`  ${error.message.split('\n')[0]}\n`);
        return [];
      });
    recording.stdin.end('\n');
    await Promise.race([ended, sleep(90_000)]);
    recording.kill();
    process.stderr.write(`${text.replaceAll(/^/gm, '    ')}\n`);
    const replay = /(\d+) of (\d+) messages/.exec(text);
    const files = filesIn(cwd, ['load', '.tailgate', 'tailgate.yml']);
    const all = await Promise.all(files.map((file) => readFile(file, 'utf8')));
    return {
      recorded: Number(replay?.[2] ?? 0),
      repeated: Number(replay?.[1] ?? 0),
      roles: [...text.matchAll(/^\s+role "/gm)].length,
      secrets: secrets.length,
      leaked: secrets.filter((secret) => all.some((content) => content.includes(secret))).length,
    };
  } finally {
    try {
      process.kill(-server.pid!, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
    await sleep(500);
  }
}

const filesIn = (cwd: string, names: readonly string[]): string[] =>
  names
    .map((name) => path.join(cwd, name))
    .filter((name) => existsSync(name))
    .flatMap((name) =>
      name.endsWith('.yml')
        ? [name]
        : readdirSync(name, { recursive: true, withFileTypes: true })
            .filter((entry) => entry.isFile())
            .map((entry) => path.join(entry.parentPath, entry.name)),
    );

async function listening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    const open = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (open) return sleep(300).then(() => {});
    await sleep(100);
  }
  throw new Error(`nothing listens on port ${port}`);
}

const begin = '<!-- applications -->';
const end = '<!-- /applications -->';

async function writeTable(rows: readonly Row[]): Promise<void> {
  const docs = await readFile(docsPath, 'utf8');
  const titles = new Map(applications.map(({ name, title }) => [name, title]));
  const right = rows.filter(({ right: each }) => each).length;
  const table = [
    '| Application | Speaks | Init | Seconds | Recorded | Sent again | Roles | Secrets typed, and written |',
    '|---|---|---|---|---|---|---|---|',
    ...rows.map(
      (row) =>
        `| ${titles.get(row.name)} | ${row.speaks} | ${row.verdict} | ${row.seconds} | ${row.client} | ${row.recorded === 0 ? 'not recorded' : `${row.repeated} of ${row.recorded}`} | ${row.roles} | ${row.secrets}, ${row.leaked} |`,
    ),
    '',
    `${right} of ${rows.length} give a right verdict untouched.`,
  ].join('\n');
  const [before, rest = ''] = docs.split(begin);
  await writeFile(docsPath, `${before}${begin}\n\n${table}\n\n${end}${rest.split(end)[1] ?? ''}`);
}

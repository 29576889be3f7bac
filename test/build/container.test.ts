// Runs beside one other: it needs a verdict, which a generator that comes late cannot give, and leaves most of a machine idle.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, glob, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { before, test } from 'node:test';
import { promisify } from 'node:util';
import { settings, shortScenario } from '../e2e/fixture.ts';

/**
 * The image of the Dockerfile, without Docker: its COPY and RUN lines make a root file system, in which its entry point
 * runs as process 1 of namespaces of its own. The base image and its packages are those of this machine, read-only.
 */

const root = path.resolve(import.meta.dirname, '../..');
type Instruction = { name: string; rest: string };
let instructions: Instruction[] = [];
const all = (name: string): string[] =>
  instructions.filter((one) => one.name === name).map(({ rest }) => rest);

before(async () => {
  const text = await readFile(path.join(root, 'Dockerfile'), 'utf8');
  instructions = text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll('\\\n', '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name = '', rest = ''] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
      return { name, rest };
    });
});

/** Namespaces of its own, and for whoever is not root a user namespace around them. */
const unshare = [
  ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']),
  '--mount',
  '--pid',
  '--fork',
  '--kill-child',
];

const run = promisify(execFile);
const obstacle = async (): Promise<string | undefined> => {
  if (process.platform !== 'linux') return 'namespaces are a feature of Linux';
  try {
    await run('unshare', [...unshare, 'mount', '-t', 'tmpfs', 'none', '/mnt']);
    await run('tini', ['--version']);
    return undefined;
  } catch (failure) {
    return (failure as Error).message;
  }
};

/** Copies as `COPY` does: a file or the files of a pattern into a folder, a folder onto a folder. */
const copy = async (line: string, image: string): Promise<void> => {
  const words = line.split(/\s+/);
  const target = path.join(image, words.at(-1)!);
  for (const pattern of words.slice(0, -1))
    for await (const name of glob(pattern, { cwd: root })) {
      const intoFolder = words.at(-1)!.endsWith('/');
      await mkdir(intoFolder ? target : path.dirname(target), { recursive: true });
      await cp(path.join(root, name), intoFolder ? path.join(target, path.basename(name)) : target, {
        recursive: true,
      });
    }
};

test('the image measures a mounted folder, as process 1 of its own', async (t) => {
  const missing = await obstacle();
  if (missing !== undefined) {
    if (process.env.CI !== undefined) assert.fail(missing);
    t.skip(missing);
    return;
  }
  const known = new Set(['FROM', 'RUN', 'COPY', 'WORKDIR', 'ENTRYPOINT']);
  assert.deepEqual(
    instructions.filter(({ name }) => !known.has(name)),
    [],
  );
  const image = await mkdtemp(path.join(os.tmpdir(), 'tailgate-image-'));
  try {
    for (const folder of ['usr', 'usr-local/bin', 'etc', 'proc', 'dev', 'tmp', 'root'])
      await mkdir(path.join(image, folder), { recursive: true });
    for (const name of ['passwd', 'group', 'hosts'])
      await cp(path.join('/etc', name), path.join(image, 'etc', name));
    await cp(process.execPath, path.join(image, 'usr-local/bin/node'));
    for (const line of all('COPY')) await copy(line, image);
    const [workdir = ''] = all('WORKDIR');
    const work = path.join(image, workdir);
    await mkdir(work, { recursive: true });
    await writeFile(path.join(work, 'chat.yml'), shortScenario.replace('{{ token }}', '{{ $token }}'));
    const server = 'node /opt/tailgate/dist/examples/chat-server.js';
    await writeFile(
      path.join(work, 'tailgate.yml'),
      `${settings().replace(/start: .*/, `start: ${server}`)}thresholds: ['chat.ack.p95 < 60s', 'users.failed = 0']\n`,
    );

    const entry = JSON.parse(all('ENTRYPOINT')[0]!) as string[];
    const mounts = [
      `cd ${image}`,
      'mount --bind . .',
      `cd ${image}`,
      'mount --rbind /usr usr',
      'mount --bind usr-local usr/local',
      'for name in bin sbin lib lib64; do ln -s usr/$name $name; done',
      'mount --rbind /dev dev',
      'mount -t proc proc proc',
    ];
    const inside = [
      ...all('RUN').filter((line) => !line.startsWith('apt-get')),
      `cd ${workdir}`,
      `exec ${entry.join(' ')} run`,
    ];
    await writeFile(path.join(image, 'inside.sh'), inside.join('\n'));
    await writeFile(
      path.join(image, 'outside.sh'),
      [...mounts, `exec chroot . /bin/sh -eu /inside.sh`].join('\n'),
    );
    const { stdout, stderr } = await run(
      'unshare',
      [...unshare, '/bin/sh', '-eu', path.join(image, 'outside.sh')],
      { env: { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', HOME: '/root' }, timeout: 120_000 },
    ).catch((failure: { stdout: string; stderr: string }) => assert.fail(failure.stdout + failure.stderr));
    assert.match(stdout, /chat\.ack/, stderr);
    const report = JSON.parse(await readFile(path.join(work, '.tailgate/report.json'), 'utf8'));
    assert.equal(report.verdict, 'pass');
  } finally {
    await rm(image, { recursive: true, force: true });
  }
});

test('what the image copies is what the ignored context lets through, and what npm ships', async () => {
  const lines = (await readFile(path.join(root, '.dockerignore'), 'utf8')).trim().split('\n');
  const allowed = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  const ignored = lines.filter((line) => line !== '*' && !line.startsWith('!'));
  const copied = all('COPY').flatMap((line) => line.split(/\s+/).slice(0, -1));
  assert.deepEqual(allowed.sort(), copied.sort());
  const manifest = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as { files: string[] };
  for (const file of manifest.files)
    assert.ok(file.startsWith('!') ? ignored.includes(file.slice(1)) : copied.includes(file), file);
});

// Runs beside one other: it needs a verdict on latencies, and leaves most of a machine idle.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

/** The README, followed from top to bottom in an empty folder, with its own files and commands. */

const root = path.resolve(import.meta.dirname, '../..');
let readme = '';
let folder = '';

/** The first block of this language that contains `text`. */
const block = (language: string, text: string): string => {
  const blocks = [...readme.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)];
  const found = blocks.find((match) => match[1] === language && match[2]!.includes(text));
  assert.ok(found !== undefined, `README has no ${language} block with "${text}"`);
  return found[2]!;
};

type Ended = { exitCode: number; output: string };
/** Runs a line of the README in a shell, where `npx tailgate` is the bundle of this repository. */
const follow = async (line: string): Promise<Ended> => {
  const env = { PATH: `${path.join(folder, 'bin')}:${process.env.PATH}`, HOME: folder };
  try {
    const { stdout, stderr } = await promisify(execFile)('sh', ['-c', line], {
      cwd: folder,
      env,
      timeout: 120_000,
    });
    return { exitCode: 0, output: stdout + stderr };
  } catch (failure) {
    const { code, stdout, stderr } = failure as { code: number; stdout: string; stderr: string };
    return { exitCode: code, output: stdout + stderr };
  }
};

before(async () => {
  readme = await readFile(path.join(root, 'README.md'), 'utf8');
  folder = await mkdtemp(path.join(os.tmpdir(), 'tailgate-readme-'));
  await mkdir(path.join(folder, 'bin'));
  await mkdir(path.join(folder, 'load'));
  const program = `#!/bin/sh\nshift\nexec "${process.execPath}" "${root}/dist/cli.js" "$@"\n`;
  await writeFile(path.join(folder, 'bin/npx'), program, { mode: 0o755 });
  // What the two commands that install give.
  for (const name of ['server.js', 'token.js'])
    await cp(path.join(root, 'examples/chat-server', name), path.join(folder, name));
  await writeFile(path.join(folder, 'package.json'), '{ "type": "module" }');
  await symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  await writeFile(path.join(folder, 'tailgate.yml'), block('yaml', 'suites:'));
  const scenario = block('yaml', 'scenarios:');
  assert.match(scenario, /duration: 20,/);
  await writeFile(path.join(folder, 'load/chat.yml'), scenario.replace('duration: 20,', 'duration: 4,'));
});
after(() => rm(folder, { recursive: true, force: true }));

test('its settings and scenario are valid, green, and red when the server is slow', async () => {
  const lines = block('sh', 'npx tailgate validate').split('\n').filter(Boolean);
  const [validate = '', green = '', red = ''] = lines.map((line) => line.replace(/ +#.*/, ''));
  const valid = await follow(validate);
  assert.equal(valid.exitCode, 0, valid.output);
  assert.match(valid.output, /The settings are valid/);
  assert.doesNotMatch(valid.output, /warning/i);
  const passed = await follow(green);
  assert.equal(passed.exitCode, 0, passed.output);
  assert.match(passed.output, /chat\.delivery p95/);
  const failed = await follow(red);
  assert.equal(failed.exitCode, 1, failed.output);
  assert.match(failed.output, /chat\.delivery p95/);
});

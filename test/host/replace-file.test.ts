import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { writeWhole } from '../../src/host/replace-file.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'tailgate-replace-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => path.join(folder, name);

test('a file is replaced with its mode, and a link stays a link', async () => {
  writeFileSync(at('report.json'), 'old');
  chmodSync(at('report.json'), 0o640);
  symlinkSync('report.json', at('link.json'));
  await writeWhole(at('link.json'), 'new');
  assert.equal(readFileSync(at('report.json'), 'utf8'), 'new');
  assert.equal(statSync(at('report.json')).mode & 0o777, 0o640);
  assert.ok(lstatSync(at('link.json')).isSymbolicLink());
  await writeWhole(at('first.json'), 'new');
  assert.equal(readFileSync(at('first.json'), 'utf8'), 'new');
});

test('what was killed while it wrote is removed a minute later, and nothing of others', async () => {
  const [old, young, other] = [
    'a.json.1.x.tailgate-tmp',
    'a.json.2.y.tailgate-tmp',
    'b.json.3.z.tailgate-tmp',
  ];
  for (const name of [old, young, other]) writeFileSync(at(name), 'half');
  const then = new Date(Date.now() - 120_000);
  for (const name of [old, other]) utimesSync(at(name), then, then);
  await writeWhole(at('a.json'), 'whole');
  const left = readdirSync(folder).filter((name) => name.endsWith('-tmp'));
  assert.deepEqual(left.sort(), [young, other]);
});

test('what is no regular file is written to, and what a shell redirects to is not replaced', () => {
  const module = path.resolve(import.meta.dirname, '../../src/host/replace-file.ts');
  const script = `import { writeWhole } from ${JSON.stringify(module)};
await writeWhole('/dev/stdout', 'report\\n');
console.log('after');`;
  writeFileSync(at('script.mjs'), script);
  const program = `"${process.execPath}" script.mjs`;
  const { status } = spawnSync('bash', ['-c', `${program} >> out.txt && ${program} | cat > piped.txt`], {
    cwd: folder,
  });
  assert.equal(status, 0);
  for (const name of ['out.txt', 'piped.txt'])
    assert.equal(readFileSync(at(name), 'utf8'), 'report\nafter\n');
});

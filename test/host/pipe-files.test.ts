import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { readNamedFile } from '../../src/host/pipe-files.ts';
import { writeWhole } from '../../src/host/replace-file.ts';

const long = 'x'.repeat(300_000);

test('a pipe is read to its end and written whole; nobody at its other end is an error, soon', async () => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'tailgate-pipe-'));
  const pipe = path.join(dir, 'pipe');
  try {
    execFileSync('mkfifo', [pipe]);
    const writer = spawn('sh', ['-c', `sleep 0.2; head -c 300000 /dev/zero | tr '\\0' x > "${pipe}"`]);
    assert.equal(await readNamedFile(pipe), long);
    writer.kill();

    const reader = spawn('sh', ['-c', `sleep 0.2; wc -c < "${pipe}"`]);
    let counted = '';
    reader.stdout.on('data', (chunk) => {
      counted += chunk;
    });
    const ended = new Promise((resolve) => reader.on('close', resolve));
    await writeWhole(pipe, long);
    await ended;
    assert.equal(counted.trim(), '300000');

    await assert.rejects(readNamedFile(pipe, 100), /a pipe, and nothing was written into it for 0\.1 s/);
    await assert.rejects(readNamedFile(path.join(dir, 'absent')), { code: 'ENOENT' });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

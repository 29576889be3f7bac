import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

const entry = path.resolve(import.meta.dirname, '../../src/entry/cli.ts');

test('who interrupts a check of code that hangs finds nothing left behind', { timeout: 30_000 }, async () => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'tailgate-check-loading-'));
  try {
    const temporary = path.join(root, 'tmp');
    mkdirSync(temporary);
    const write = (name: string, text: string) => writeFileSync(path.join(root, name), text);
    write('hangs.js', 'for (;;);\n');
    write(
      'chat.yml',
      `config:
  target: http://127.0.0.1:1
  processor: ./hangs.js
  phases: [{ duration: 1, arrivalRate: 1 }]
scenarios:
  - engine: socketio
    flow: [{ emit: { channel: hi }, acknowledge: {} }]
`,
    );
    write(
      'tailgate.yml',
      'suites: [{ name: chat, scenario: chat.yml }]\ntarget: { url: "http://127.0.0.1:1" }\n',
    );
    const child = spawn(process.execPath, [entry, 'validate'], {
      cwd: root,
      env: { ...process.env, TMPDIR: temporary },
    });
    const ended = once(child, 'close');
    while (readdirSync(temporary).length === 0) await delay(20);
    await delay(300);
    child.kill('SIGINT');
    const [code] = await ended;
    assert.equal(code, 130);
    assert.deepEqual(readdirSync(temporary), []);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { OutputLog } from '../../../src/host/processes/output-log.ts';
import { outputMask } from '../../../src/host/processes/output-mask.ts';
import { tokenFor } from '../../examples/chat-client.ts';

test('lines are put together from pieces, secrets and tokens masked, and the last ones kept', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'log-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const log = new OutputLog(join(folder, 'sub', 'server.log'), outputMask(['p4ssw0rd']));
  const seen: string[] = [];
  const end = log.onLine((line) => seen.push(line));
  const stream = new PassThrough();
  log.attach(stream);
  log.heading('[head] node server.js --password p4ssw0rd');
  const euro = Buffer.from('€');
  for (const piece of ['pass p4ss', 'w0rd\r\nprice ', euro.subarray(0, 1), euro.subarray(1), '\n\n']) {
    stream.write(piece);
    await turn();
  }
  stream.write(`token ${await tokenFor('ann')} accepted\n`);
  stream.write(`${'x'.repeat(5_000)}\n`);
  stream.write('no end of line');
  await turn();
  end();
  await log.close();
  assert.deepEqual(seen.slice(0, 4), ['pass ***', 'price €', '', 'token *** accepted']);
  const text = readFileSync(log.path, 'utf8');
  assert.match(
    text,
    /^\[head\] node server\.js --password \*\*\*\npass \*\*\*\nprice €\n\ntoken \*\*\* accepted\nx+/,
  );
  assert.match(text, /\nno end of line\n$/);
  assert.doesNotMatch(log.tail(), /\[head\]/);
  assert.ok(log.tail().length < 5_000);
});

test('the tail is bounded', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'log-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const log = new OutputLog(join(folder, 'server.log'), (text) => text);
  for (let line = 1; line <= 1_000; line += 1) log.line(`line ${line}`);
  await log.close();
  await log.close();
  const tail = log.tail().split('\n');
  assert.equal(tail.length, 40);
  assert.equal(tail.at(-1), 'line 1000');
  assert.equal(readFileSync(log.path, 'utf8').split('\n').length, 1_001);
});

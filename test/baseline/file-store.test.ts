import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { FileStore } from '../../src/baseline/file-store.ts';
import { TailgateError } from '../../src/errors.ts';
import { readProcess } from '../../src/host/processes/process-table.ts';
import { commitOf, recordOf } from './records.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'tailgate-file-store-'));
after(() => rmSync(root, { recursive: true, force: true }));
let files = 0;
const newFile = (): string => {
  files += 1;
  return path.join(root, String(files), 'baseline.jsonl');
};
const always = { keep: 1_000, keepDays: 36_500 };

test('a file that is absent is a first run; records come back as they were', async () => {
  const file = newFile();
  const store = new FileStore(file, always);
  assert.deepEqual(await store.read('chat'), { records: [], damaged: [] });
  const records = [recordOf(2), recordOf(1), recordOf(1, { suite: 'stomp' })];
  await store.append(records);
  assert.deepEqual((await store.read('chat')).records, [records[1], records[0]], 'oldest first');
  assert.deepEqual((await store.read('stomp')).records, [records[2]]);
  assert.deepEqual(
    readdirSync(path.dirname(file)),
    ['baseline.jsonl'],
    'no lock and no temporary file stays',
  );
});

test('the same record is not stored twice', async () => {
  const store = new FileStore(newFile(), always);
  await store.append([recordOf(1)]);
  await store.append([recordOf(1), recordOf(2)]);
  assert.equal((await store.read('chat')).records.length, 2);
});

test('a large record is packed, and read back whole', async () => {
  const file = newFile();
  const store = new FileStore(file, always);
  const record = recordOf(1);
  const large = { ...record, rounds: Array.from({ length: 10 }, () => record.rounds[0]!) };
  await store.append([large]);
  assert.match(readFileSync(file, 'utf8'), /"rounds":\{"gzip":"/);
  assert.ok(readFileSync(file).length < JSON.stringify(large).length / 4);
  assert.deepEqual((await store.read('chat')).records, [large]);
});

test('several processes that append at once lose nothing', async () => {
  const file = newFile();
  const writer = path.join(import.meta.dirname, 'append-records.ts');
  const children = Array.from({ length: 5 }, (_, i) =>
    spawn(process.execPath, [writer, file, String(i * 4), String(i * 4 + 4)], { stdio: 'inherit' }),
  );
  const ends = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0]));
  assert.deepEqual(ends, [0, 0, 0, 0, 0]);
  const { records, damaged } = await new FileStore(file, always).read('chat');
  assert.deepEqual(damaged, []);
  assert.deepEqual(
    records.map((record) => record.commit),
    Array.from({ length: 20 }, (_, i) => commitOf(i)),
  );
});

test('the lock of a dead process is broken, that of a live one is waited for', async () => {
  const file = newFile();
  mkdirSync(path.dirname(file), { recursive: true });
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  const namespace = readlinkSync('/proc/self/ns/pid');
  const lockOf = (pid: number | undefined, startTime: string | undefined): string =>
    JSON.stringify({ host: os.hostname(), namespace, pid, startTime, token: 'x' });
  const store = new FileStore(file, always);
  const own = readProcess(process.pid)?.startTime;
  // The second one's id has been given to another process: us.
  for (const [index, text] of [lockOf(child.pid, '1'), lockOf(process.pid, '1')].entries()) {
    writeFileSync(`${file}.lock`, text);
    await store.append([recordOf(index)]);
  }
  writeFileSync(`${file}.lock`, lockOf(process.pid, own));
  setTimeout(() => rmSync(`${file}.lock`), 200);
  // What a dead process left beside it goes, whatever it was doing; what a live one prepares stays.
  const dead = lockOf(child.pid, '1');
  for (const name of ['break', randomUUID(), `break.${randomUUID()}`])
    writeFileSync(`${file}.lock.${name}`, dead);
  const alive = `${file}.lock.${randomUUID()}`;
  writeFileSync(alive, lockOf(process.pid, own));
  await store.append([recordOf(2)]);
  assert.equal((await store.read('chat')).records.length, 3);
  assert.deepEqual(
    readdirSync(path.dirname(file)).sort(),
    [file, alive].map((each) => path.basename(each)),
  );
});

test('a wait for a lock that lives ends with the signal that cancels the run', async () => {
  const file = newFile();
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(
    `${file}.lock`,
    '{"host":"elsewhere","namespace":"pid:[1]","pid":1,"startTime":"1","token":"x"}',
  );
  const controller = new AbortController();
  const store = new FileStore(file, always, { signal: controller.signal });
  setTimeout(() => controller.abort('SIGINT'), 100);
  await assert.rejects(store.append([recordOf(1)]), (error) => (error as TailgateError).code === 'CANCELLED');
});

test('a link stays a link, and the file behind it keeps its owner and mode', async () => {
  const file = newFile();
  const volume = newFile();
  for (const each of [file, volume]) mkdirSync(path.dirname(each), { recursive: true });
  symlinkSync(volume, file);
  const store = new FileStore(file, always);
  await store.append([recordOf(1)]);
  assert.equal(lstatSync(file).isSymbolicLink(), true);
  chmodSync(volume, 0o664);
  const isRoot = process.getuid?.() === 0;
  if (isRoot) chownSync(volume, 1_234, 1_234);
  await store.append([recordOf(2)]);
  const { mode, uid } = statSync(volume);
  assert.equal(mode & 0o777, 0o664);
  if (isRoot) assert.equal(uid, 1_234);
  assert.equal((await new FileStore(volume, always).read('chat')).records.length, 2);
});

test('what is no regular file is refused, and left as it is', async () => {
  const isRefused = (error: unknown) =>
    error instanceof TailgateError && /is not a regular file/.test(error.what);
  for (const special of ['/dev/null', root]) {
    const store = new FileStore(special, always);
    await assert.rejects(store.append([recordOf(1)]), isRefused);
    await assert.rejects(store.read('chat'), isRefused);
  }
  assert.equal(lstatSync('/dev/null').isCharacterDevice(), true);
  // Where no folder can be made, that is said, and soon.
  await assert.rejects(new FileStore('/proc/x/y/b.jsonl', always).append([recordOf(1)]), TailgateError);
});

test('a process that is killed while it writes loses nothing and leaves nothing', async () => {
  const file = newFile();
  const writer = path.join(import.meta.dirname, 'append-records.ts');
  const store = new FileStore(file, always);
  await store.append([recordOf(0)]);
  let written = 1;
  for (let round = 0; round < 5; round += 1) {
    const child = spawn(process.execPath, [writer, file, '1', '200']);
    const before = readFileSync(file, 'utf8').length;
    for (let wait = 0; wait < 2_000 && readFileSync(file, 'utf8').length === before; wait += 1)
      await new Promise((resolve) => setTimeout(resolve, 1));
    await new Promise((resolve) => setTimeout(resolve, round * 3));
    child.kill('SIGKILL');
    await once(child, 'exit');
    const { records, damaged } = await store.read('chat');
    assert.deepEqual(damaged, []);
    assert.ok(records.length >= written, `${records.length} of ${written}`);
    written = records.length;
  }
  // A claim on the lock that was half written belongs to nobody who is known: it goes when it is two seconds old.
  for (let next = 500; next < 530 && readdirSync(path.dirname(file)).length > 1; next += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    await store.append([recordOf(next)]);
  }
  assert.deepEqual(readdirSync(path.dirname(file)), ['baseline.jsonl']);
});

test('retention keeps the newest of each suite and drops what is too old', async () => {
  const file = newFile();
  const nowMs = Date.parse('2026-03-01T00:00:00Z');
  const store = new FileStore(file, { keep: 3, keepDays: 30 }, { now: () => nowMs });
  const daysAgo = (days: number) => ({ recordedAt: new Date(nowMs - days * 86_400_000).toISOString() });
  await store.append([recordOf(1, daysAgo(31)), recordOf(2, { ...daysAgo(29), suite: 'stomp' })]);
  await store.append([3, 4, 5, 6].map((number) => recordOf(number, daysAgo(10 - number))));
  assert.deepEqual(
    (await store.read('chat')).records.map((record) => record.commit),
    [4, 5, 6].map(commitOf),
  );
  assert.equal((await store.read('stomp')).records.length, 1);
});

test('damaged lines are listed with their place, kept, and never used', async () => {
  const file = newFile();
  const store = new FileStore(file, always);
  await store.append([recordOf(1)]);
  const future = JSON.stringify({ ...recordOf(9), schemaVersion: 2 });
  const ancient = JSON.stringify({ ...recordOf(9), schemaVersion: 0 });
  const wrong = JSON.stringify({ ...recordOf(9), rounds: [] });
  const bomb = JSON.stringify({ ...recordOf(9), rounds: { gzip: 'AAAA' } });
  const sketch = { count: 5, sumMs: 1, minMs: 0, maxMs: 1, bins: 'AAAAAAAAAAAA' };
  const bins = JSON.stringify({
    ...recordOf(9),
    rounds: [{ ...recordOf(9).rounds[0], metrics: { 'chat.ack': sketch } }],
  });
  appendFileSync(file, `{"half":\n\n${future}\n${ancient}\n${wrong}\n${bomb}\n${bins}\nnull\n`);
  await store.append([recordOf(2)]);
  const { records, damaged } = await store.read('chat');
  assert.deepEqual(
    records.map((record) => record.commit),
    [1, 2].map(commitOf),
  );
  assert.equal(damaged.length, 7);
  assert.match(damaged[0]!.where, /baseline\.jsonl:2$/);
  const reasons = damaged.map((entry) => entry.reason).join('\n');
  assert.match(reasons, /schema version 2, written by a newer Tailgate/);
  assert.match(reasons, /schema version 0, which nothing can read/);
  assert.match(reasons, /rounds: /);
  assert.match(reasons, /the values of chat\.ack cannot be read/);
});

test('what cannot be read or written is an error that names the file', async () => {
  const folder = path.join(root, 'folder.jsonl');
  mkdirSync(folder);
  const store = new FileStore(folder, always);
  await assert.rejects(store.read('chat'), (error) => {
    assert.ok(error instanceof TailgateError);
    assert.equal(error.code, 'BASELINE_UNREADABLE');
    assert.match(error.message, /folder\.jsonl/);
    return true;
  });
  await assert.rejects(store.append([recordOf(1)]), (error) => {
    assert.ok(error instanceof TailgateError);
    assert.equal(error.code, 'BASELINE_WRITE_FAILED');
    return true;
  });
});

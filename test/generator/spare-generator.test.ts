import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startSpareGenerator, takeSpareGenerator } from '../../src/generator/spare-generator.ts';
import { folderWith, openSession, startServer } from './load-fixture.ts';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '../..');

const gone = async (pid: number): Promise<boolean> => {
  for (let tries = 0; tries < 60; tries += 1) {
    if (!existsSync(`/proc/${pid}`)) return true;
    await delay(50);
  }
  return false;
};

describe('a generator that was started before it was needed', () => {
  test('is taken over by the first session alone, pinned to its cores', async () => {
    await using server = await startServer();
    await using folder = await folderWith({
      'scenario.yml': `
config: { phases: [{ duration: 1, arrivalCount: 3 }] }
scenarios: [{ flow: [{ get: { url: /a } }] }]
`,
    });
    startSpareGenerator();
    const spare = takeSpareGenerator();
    assert.ok(spare !== null);
    assert.equal(takeSpareGenerator(), null, 'there is one');
    spare.child.kill('SIGKILL');
    startSpareGenerator();
    const session = { workerPath: undefined, cpus: process.platform === 'linux' ? [0] : null };
    await using first = await openSession(folder.path, server.url, { session });
    await using second = await openSession(folder.path, server.url, {
      session: { ...session, logPath: path.join(folder.path, 'second.log') },
    });
    assert.notEqual(first.pid, second.pid);
    assert.equal(first.pinnedTo, second.pinnedTo);
    for (const each of [first, second]) {
      await each.resume();
      await each.finished;
      assert.equal((await each.collect()).counters['users.completed'], 3);
    }
  });

  const procOnly = { skip: process.platform === 'linux' ? false : 'reads /proc' };
  test('keeps nothing waiting, and ends with a command that did not need it', procOnly, async () => {
    const module = path.join(root, 'src/generator/spare-generator.ts');
    const program = `const { readFileSync } = await import('node:fs');
const { startSpareGenerator, takeSpareGenerator } = await import(${JSON.stringify(module)});
startSpareGenerator();
const spare = takeSpareGenerator().child;
startSpareGenerator();
console.log(readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8'));
spare.disconnect();
spare.unref();
for (const stream of [spare.stdout, spare.stderr]) stream.unref();`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program], {
      timeout: 20_000,
    });
    // One nobody took, the other was let go of while it was still loading; and the watchdog.
    const pids = stdout.trim().split(/\s+/).map(Number);
    assert.equal(pids.length, 3);
    for (const pid of pids) assert.ok(await gone(pid), `${pid} is still there`);
  });
});

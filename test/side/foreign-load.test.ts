import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ForeignLoad } from '../../src/side/foreign-load.ts';

test('what others keep busy is seen, and what is our own is not', {
  skip: process.platform !== 'linux',
}, async () => {
  const busy = spawn(process.execPath, ['-e', 'const end = Date.now() + 2500; while (Date.now() < end);'], {
    stdio: 'ignore',
  });
  try {
    await delay(300);
    const foreign = new ForeignLoad([]);
    const own = new ForeignLoad([busy.pid!]);
    await delay(1_000);
    const [seen, without] = [foreign.lap(), own.lap()];
    assert.ok(seen !== null && without !== null);
    // The rest of the machine is in both alike; the process is in one of them alone.
    assert.ok(seen - without > 0.25, `${seen} and ${without} cores`);
    assert.ok(without >= 0);
  } finally {
    busy.kill('SIGKILL');
  }
});

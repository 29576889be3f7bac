import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { test } from 'node:test';
import {
  availableCores,
  decidePinning,
  parseCpuList,
  pinProcess,
  planPinning,
} from '../../../src/host/processes/core-pinning.ts';
import { startTarget } from '../../../src/side/target/start-target.ts';
import { serverSettings, startOptions } from '../../side/target/fixtures/target-fixture.ts';

test('cores are split so that server and generator share none', () => {
  assert.equal(planPinning(1), null);
  assert.deepEqual(planPinning(2), { server: [0], generator: [1] });
  assert.deepEqual(planPinning(3), { server: [0, 1], generator: [2] });
  assert.deepEqual(planPinning(4), { server: [0, 1], generator: [2, 3] });
});

test('lists of cores as the kernel writes them', () => {
  assert.deepEqual(parseCpuList('0-3,6\n'), [0, 1, 2, 3, 6]);
  assert.deepEqual(parseCpuList('5'), [5]);
  assert.deepEqual(parseCpuList(''), []);
  assert.ok(availableCores().length >= 1 && availableCores().length <= cpus().length);
});

test('pinning can be switched off, and says so', async () => {
  assert.deepEqual(await decidePinning('switched off'), {
    pinning: null,
    description: 'not pinned: switched off',
  });
});

test('a server runs on the cores it is given, and a running process can be moved', async (t) => {
  const { pinning, description } = await decidePinning(null);
  if (pinning === null) return t.skip(description);
  assert.match(description, /^server on cores? \d.*, generator on cores? \d/);
  const allowed = (pid: number | null): number[] =>
    parseCpuList(/^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '');
  await using target = await startTarget(serverSettings('plain'), startOptions(t, { cpus: pinning.server }));
  const answer = (await (await fetch(target.url)).json()) as { pid: number };
  assert.deepEqual(allowed(answer.pid), pinning.server);
  assert.equal(await pinProcess(answer.pid, pinning.generator), true);
  assert.deepEqual(allowed(answer.pid), pinning.generator);
  assert.equal(await pinProcess(2 ** 22 - 3, pinning.generator), false);
});

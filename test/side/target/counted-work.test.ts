// Runs alone: it counts context switches of the kernel, which other tests move.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { hasProcessTable } from '../../../src/host/processes/process-table.ts';
import { sampleResources } from '../../../src/side/target/resource-sampler.ts';
import { startTarget } from '../../../src/side/target/start-target.ts';
import { startOptions, workerSettings } from './fixtures/target-fixture.ts';

test('the work between two instants is counted by the kernel and by V8', {
  skip: !hasProcessTable,
}, async (t) => {
  await using target = await startTarget(workerSettings('worker-server.cjs'), startOptions(t));
  await delay(600);
  const work = async (path: string, requests: number) => {
    const sampler = sampleResources(target.pid ?? 0, { intervalMs: 500, nodeSamples: target.nodeSamples });
    await sampler.begin();
    for (let count = 0; count < requests; count += 1) await (await fetch(`${target.url}${path}`)).text();
    const counted = (await sampler.stop())?.work;
    assert.ok(counted !== undefined);
    return counted;
  };
  await work('/', 20);
  const [few, many, garbage] = [await work('/', 50), await work('/', 150), await work('/garbage', 1)];
  for (const name of ['systemCalls', 'bytesRead', 'bytesWritten', 'contextSwitches'] as const)
    assert.ok(many[name]! > 1.8 * few[name]!, `${name}: ${few[name]}, ${many[name]}`);
  assert.ok(few.runQueueSeconds! >= 0 && few.pageFaults! >= 0);
  assert.ok(
    garbage.allocatedBytes! > 10 * few.allocatedBytes!,
    `${few.allocatedBytes} ${garbage.allocatedBytes}`,
  );
  assert.ok(garbage.collections! > 0);
});

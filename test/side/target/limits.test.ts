import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { targetSchema } from '../../../src/settings/settings-schema.ts';
import {
  machineLimits,
  openFileLimit,
  openFilesToSet,
  parseOpenFileLimit,
  planLimits,
} from '../../../src/side/target/limits.ts';
import { startTarget } from '../../../src/side/target/start-target.ts';
import { serverPath, startOptions } from './fixtures/target-fixture.ts';

const demand = { connections: 1_000, connectionsPerSecond: 100, targetUrl: 'http://127.0.0.1:3000' };
const machine = { openFiles: { soft: 1_024, hard: 65_536 }, ephemeralPorts: [32_768, 60_999] as const };

test('a load within the limits needs nothing', () => {
  const plan = planLimits(demand, { ...machine, openFiles: { soft: 65_536, hard: 65_536 } });
  assert.deepEqual(plan, { openFilesNeeded: 1_256, localAddresses: [], notes: [] });
});

test('a soft limit that is too low is raised, a hard one is an error that says how', () => {
  const plan = planLimits(demand, machine);
  assert.equal(plan.openFilesNeeded, 1_256);
  assert.match(plan.notes.join(), /raised from 1024 to 65536/);
  assert.throws(() => planLimits({ ...demand, connections: 70_000 }, machine), {
    code: 'LIMIT_TOO_LOW',
    message: /needs 70256 open files in one process, but this machine allows 65536.*prlimit/s,
  });
  assert.equal(planLimits(demand, { ...machine, openFiles: null }).notes.length, 0);
});

test('several loopback addresses are used when one has too few ports', () => {
  const large = { openFiles: { soft: 1_000_000, hard: 1_000_000 }, ephemeralPorts: machine.ephemeralPorts };
  assert.deepEqual(planLimits({ ...demand, connections: 25_000 }, large).localAddresses, []);
  const plan = planLimits({ ...demand, connections: 50_000, connectionsPerSecond: 5_000 }, large);
  assert.deepEqual(plan.localAddresses, ['127.0.0.1', '127.0.0.2', '127.0.0.3']);
  assert.match(plan.notes.join(), /3 loopback addresses/);
});

test('connections to another machine keep their ports for a minute after they end', () => {
  const remote = {
    ...demand,
    connections: 5_000,
    connectionsPerSecond: 300,
    targetUrl: 'http://10.0.0.5:3000',
  };
  assert.deepEqual(planLimits(remote, machine).localAddresses, []);
  assert.throws(() => planLimits({ ...remote, connectionsPerSecond: 400 }, machine), {
    code: 'LIMIT_TOO_LOW',
    message: /29000 ports for outgoing connections.*ip_local_port_range/s,
  });
  assert.throws(() => planLimits({ ...demand, connections: 40_000, targetUrl: 'http://[::1]:1' }, machine), {
    code: 'LIMIT_TOO_LOW',
    message: /needs 40100 ports .* allows 25408\.\n?.*127\.0\.0\.1/s,
  });
});

test('the limits of this machine are read', () => {
  assert.deepEqual(
    parseOpenFileLimit('Max open files            1024                 unlimited            files'),
    {
      soft: 1_024,
      hard: 1_048_576,
    },
  );
  assert.equal(parseOpenFileLimit('nothing'), null);
  const { openFiles, ephemeralPorts } = machineLimits();
  assert.ok(openFiles !== null && openFiles.soft <= openFiles.hard);
  assert.equal(openFiles.hard, Number(execFileSync('/bin/sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' })));
  assert.ok(ephemeralPorts[0] < ephemeralPorts[1]);
});

test('a server gets many open files, more if the load needs them, never above the hard limit', () => {
  assert.equal(openFilesToSet({ soft: 1_024, hard: 1_048_576 }, 500), 65_536);
  assert.equal(openFilesToSet({ soft: 1_024, hard: 1_048_576 }, 100_000), 100_000);
  assert.equal(openFilesToSet({ soft: 1_024, hard: 4_096 }, 100_000), 4_096);
  assert.equal(openFilesToSet({ soft: 500_000, hard: 500_000 }, 0), 500_000);
  assert.equal(openFilesToSet(null, 0), null);
});

test('the server is started with as many open files as the machine allows', async (t) => {
  const settings = targetSchema.parse({
    // A shell that does not become the server: Node raises the limit itself, a shell does not.
    start: `"${process.execPath}" "${serverPath}"; true`,
    nodePreload: false,
    ready: { timeoutMs: 20_000 },
  });
  await using target = await startTarget(settings, startOptions(t));
  const limit = openFileLimit(target.pid ?? 0);
  assert.equal(limit?.soft, openFilesToSet(openFileLimit('self'), 0));
});

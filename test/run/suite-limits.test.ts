import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CheckedScenario } from '../../src/run/check-scenarios.ts';
import { loadDemand, suiteLimits } from '../../src/run/suite-limits.ts';
import { readPhases } from '../../src/scenario/arrival-schedule.ts';
import type { MachineLimits } from '../../src/side/target/limits.ts';

const suiteOf = (phases: object[], idleMs: number | null, url = 'http://127.0.0.1:{{ port }}') =>
  ({
    suite: { name: 'chat', target: { url } },
    scenario: { phases: readPhases(phases) },
    session: { idleMs, values: new Map(), open: false },
  }) as unknown as CheckedScenario;

const machine: MachineLimits = {
  openFiles: { soft: 1_024, hard: 20_000 },
  ephemeralPorts: [32_768, 60_999],
};

test('users at a time follow from the thinks of a session and an allowance for its answers', () => {
  const demand = loadDemand(suiteOf([{ duration: 60, arrivalRate: 300 }], 7_000));
  assert.deepEqual(demand, {
    connections: 2_400,
    connectionsPerSecond: 300,
    targetUrl: 'http://127.0.0.1:80',
  });
});

test('limits that are raised are said with the name of the suite', () => {
  const { plan, notes } = suiteLimits(suiteOf([{ duration: 60, arrivalRate: 300 }], 7_000), machine);
  assert.equal(plan.openFilesNeeded, 2_400 + 256);
  assert.deepEqual(plan.localAddresses, []);
  assert.match(notes.join(), /^Suite "chat": The limit of open files was raised from 1024 to 20000\.$/);
});

test('a load that does not fit is refused before anything is started', () => {
  const burst = [{ duration: 1, arrivalCount: 30_000 }];
  assert.throws(() => suiteLimits(suiteOf(burst, 60_000), machine), {
    code: 'LIMIT_TOO_LOW',
    message: /needs 30256 open files in one process, but this machine allows 20000/,
  });
});

test('several loopback addresses are used when one has too few ports', () => {
  const roomy = { ...machine, openFiles: { soft: 1_000_000, hard: 1_000_000 } };
  const burst = suiteOf([{ duration: 10, arrivalCount: 50_000 }], 60_000);
  const { plan, notes } = suiteLimits(burst, roomy);
  assert.deepEqual(plan.localAddresses, ['127.0.0.1', '127.0.0.2', '127.0.0.3']);
  assert.match(notes.join(), /3 loopback addresses are used/);
});

test('where a loop without an end hides the length of a session, what may not fit is said and not refused', () => {
  const { plan, notes } = suiteLimits(suiteOf([{ duration: 100, arrivalRate: 300 }], null), machine);
  assert.match(
    notes.join(),
    /if no session ended before the last one started: The load needs 30256 open files/,
  );
  assert.equal(plan.openFilesNeeded, 30_000 + 256);
});

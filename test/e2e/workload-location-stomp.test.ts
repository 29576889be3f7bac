// Runs beside one other: it needs a verdict on latencies, and leaves most of a machine idle.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runWorkload } from './workload-run.ts';

const config = 'examples/location-stomp-server/tailgate.yml';

test('rider location: every rider hears itself over STOMP and SockJS', async () => {
  const result = await runWorkload(config, (settings) => {
    settings.suites = settings.suites.slice(0, 1);
    settings.suites[0]!.overrides = { phases: [{ duration: 6, arrivalCount: 120 }] };
    settings.verdict = { minSamplesP95: 100 };
    settings.suites[0]!.thresholds = ['location.delivery.p95 < 5s', 'connect.handshake.p95 < 10s'];
    settings.thresholds = ['errors = 0', 'lost = 0', 'custom.messages = 120', 'server.fds.max < 2000'];
  });
  assert.equal(result.exitCode, 0, result.log);
  assert.equal(result.report.verdict, 'pass');
  assert.equal(result.counter('users.completed'), 120);
  assert.equal(result.counter('deliveries.expected'), 120);
  assert.equal(result.counter('deliveries.received'), 120);
  assert.equal(result.latency('location.delivery').count, 120);
  assert.equal(result.latency('connect.handshake').count, 120);
});

test('rider location: a server that runs out of descriptors is told by its errors and its resources', async () => {
  const result = await runWorkload(config, (settings) => {
    settings.suites = settings.suites.slice(0, 1);
    settings.suites[0]!.overrides = { phases: [{ duration: 2, arrivalCount: 150 }] };
    settings.suites[0]!.thresholds = [];
    settings.thresholds = ['errors.rate < 1%'];
    const target = settings.target!;
    target.start = `ulimit -n 60; ${String(target.start)}`;
  });
  assert.equal(result.exitCode, 1, result.log);
  assert.ok(result.counter('users.failed') > 0);
  const { errors, resources } = result.suite;
  assert.ok(
    errors.some(({ name }) => name.startsWith('connect error')),
    JSON.stringify(errors),
  );
  assert.equal(resources?.head?.openFilesLimit, 60);
  assert.ok((resources?.head?.maxOpenFiles ?? 0) > 50, `${resources?.head?.maxOpenFiles}`);
});

describe('a burst that the generator cannot start on time', () => {
  // Starting a user takes a few tenths of a millisecond, so that a good part of so many is over 50 ms late anywhere.
  const burst = { phases: [{ duration: 0.05, arrivalCount: 600 }] };

  test('is judged at the rate that it reached, and the report says how fast that was', async () => {
    const result = await runWorkload(config, (settings) => {
      settings.suites = [{ ...settings.suites[1]!, levels: [], overrides: burst }];
      settings.thresholds = ['errors = 0', 'lost = 0', 'custom.messages = 600', 'server.fds.max < 2000'];
    });
    assert.equal(result.exitCode, 0, result.log);
    assert.equal(result.report.verdict, 'pass');
    assert.equal(result.counter('users.completed'), 600);
    const { generator } = result.suite;
    assert.equal(generator?.bestEffort, true);
    assert.match(generator?.bottleneck ?? '', /started late/);
    assert.ok((generator?.arrivalsMs ?? 0) > (generator?.intendedArrivalsMs ?? 0));
    assert.match(result.log, /600\s+users,\s+meant\s+to\s+start\s+within\s+[\d.]+\s+ms,\s+started\s+within/);
    assert.match(result.file('report.md'), /limits are judged at that rate/);
  });

  test('misses no latency limit for the server, but fails for what the server refused', async () => {
    const run = (limit: string, start: (command: string) => string) =>
      runWorkload(config, (settings) => {
        settings.suites = [{ ...settings.suites[1]!, levels: [], overrides: burst }];
        settings.thresholds = [limit];
        settings.target!.start = start(String(settings.target!.start));
      });
    const slow = await run('connect.handshake.p95 < 1ms', (command) => command);
    assert.equal(slow.report.verdict, 'invalid', slow.log);
    assert.equal(slow.exitCode, 4);
    const refused = await run('errors.rate < 1%', (command) => `ulimit -n 60; ${command}`);
    assert.equal(refused.report.verdict, 'fail', refused.log);
    assert.equal(refused.exitCode, 1);
  });
});

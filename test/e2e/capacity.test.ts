// Runs beside one other: it needs a verdict on latencies that it measures.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { CapacitySide } from '../../src/report/capacity-model.ts';
import { queueServer, scenario, settings, until } from './capacity-run.ts';
import { type Checkout, checkout } from './fixture.ts';
import { processesNaming } from './runner.ts';

let repo: Checkout;
before(() => {
  repo = checkout();
});
after(() => repo.remove());

/** Both ends were found, as close as the precision of 25% asks for. */
const isNarrow = ({ edge: { holds, breaks } }: CapacitySide): boolean =>
  holds !== null && breaks !== null && breaks / holds <= 1.26;

test('the capacity of a server is found within the precision, and a slower version fails against it', async () => {
  repo.write('load.yml', scenario());
  // 100 messages a second at the base, 62.5 at the head.
  repo.write(
    'tailgate.yml',
    settings(
      `SERVICE_MS=16 node ${queueServer}`,
      `baseline: { mode: side-by-side, dir: ., start: 'SERVICE_MS=10 node ${queueServer}' }
capacity: { from: 39, to: 400, stepMs: 1300, warmUpMs: 700, precisionPercent: 25 }
`,
    ),
  );
  const { result, report } = await until(
    { workspace: repo.dir, inputs: { mode: 'capacity' } },
    ({ head, baseline }) => isNarrow(head) && baseline !== null && isNarrow(baseline),
  );
  const { baseline, head } = report;
  // The edge encloses the truth: in so short a step a little more than the server can do still waits for less than the
  // limit, and late timers of a busy machine may cost it a little.
  assert.ok(baseline!.edge.holds! <= 106 && baseline!.edge.breaks! >= 85, result.log);
  assert.ok(head.edge.holds! <= 67 && head.edge.breaks! >= 53, result.log);
  for (const side of [baseline!, head]) {
    assert.ok(isNarrow(side), result.log);
    assert.ok(side.edge.confirmed, result.log);
    assert.equal(side.gaveOut?.what, 'latency', result.log);
    assert.match(side.gaveOut!.explanation, /work\.ack p95 is .* it must be below 100 ms/);
  }
  assert.equal(report.verdict, 'fail', result.log);
  assert.equal(result.exitCode, 1);
  assert.match(report.reason, /This PR holds \S+ users\/s; the baseline holds \S+ users\/s: −/);
  assert.equal(result.outputs.verdict, 'fail');
  assert.equal(result.outputs.capacity, String(head.edge.holds));
  assert.match(result.summary, /Capacity: .* users\/s, −\d+% against the baseline/);
  assert.match(result.summary, /\| +Load \(users\/s\) \|/);
  assert.match(result.summary, /xychart-beta/);
  assert.match(readFileSync(result.outputs['report-html'] ?? '', 'utf8'), /<svg/);
  assert.match(report.warnings.join(), /relative to a baseline and play no part.*"work\.ack\.p95 < \+10%"/);
  assert.deepEqual(report.rules, ['work.ack.p95 < 100ms', 'errors.rate < 1%']);
  assert.deepEqual(processesNaming(queueServer), []);
});

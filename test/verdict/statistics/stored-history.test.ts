import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BaselineRecord } from '../../../src/baseline/baseline-record.ts';
import type { RoundMeasurement } from '../../../src/metrics/round-measurement.ts';
import { judgeSuite } from '../../../src/verdict/judge-suite.ts';
import { historyLimits } from '../../../src/verdict/statistics/stored-history.ts';
import {
  defaultSettings,
  evidenceOf,
  metricId,
  recordOf,
  roundOf,
  seededNormal,
  sketchOf,
} from '../simulator.ts';

test('the screen lets one new value in twenty beyond it, the strict limit one in 300, for every number of records', () => {
  const normal = seededNormal(3);
  const draws = 8000;
  for (let records = 10; records <= 20; records += 1) {
    let screened = 0;
    let strict = 0;
    for (let draw = 0; draw < draws; draw += 1) {
      const limits = historyLimits(Array.from({ length: records }, () => 5 + 0.05 * normal()))!;
      const value = 5 + 0.05 * normal();
      if (value > limits.screen) screened += 1;
      if (value > limits.strict) strict += 1;
    }
    assert.ok(Math.abs(screened / draws - 0.05) < 0.009, `${records} records: ${screened / draws}`);
    assert.ok(Math.abs(strict / draws - 0.003) < 0.0025, `${records} records, strict: ${strict / draws}`);
  }
});

test('limits are made from the last twenty values, and from no fewer than ten', () => {
  assert.equal(historyLimits(Array.from({ length: 9 }, () => 1)), null);
  const old = Array.from({ length: 30 }, (_, index) => (index < 10 ? 100 : (index % 5) * 0.01));
  const limits = historyLimits(old)!;
  assert.equal(limits.records, 20);
  assert.ok(limits.centre < 0.05);
  assert.ok(Math.abs(limits.detectable - Math.expm1(4.1 * limits.deviation)) < 1e-12);
});

test('two bad runners in the history hardly move the limit', () => {
  const normal = seededNormal(4);
  const clean = Array.from({ length: 20 }, () => 0.05 * normal());
  const spoilt = clean.map((value, index) => (index % 10 === 0 ? value + 0.5 : value));
  const [before, after] = [historyLimits(clean)!, historyLimits(spoilt)!];
  assert.ok(after.screen - before.screen < 0.06, `${after.screen - before.screen}`);
});

/*
 * Whole jobs through the shipped decision. A value of a job is its machine and its own noise; sketches of sixty values
 * and lowered sample limits keep it fast.
 */
const settings = { ...defaultSettings, minSamplesP50: 1, minSamplesP95: 1, minSamplesP99: 1 };
const shape = Array.from({ length: 60 }, (_, index) => Math.exp(0.01 * index));

const roundAt = (logFactor: number): RoundMeasurement =>
  roundOf({
    metrics: { [metricId]: sketchOf(shape.map((value) => 100 * value * Math.exp(logFactor))) },
    counters: { 'messages.sent': 1000 },
  });

type World = { machine: number; within: number; badShare: number; fresh: boolean; effect: number };

const failShare = (world: World, jobs: number, seed: number): number => {
  const normal = seededNormal(seed);
  const uniform = seededNormal(seed + 1);
  const machine = () =>
    world.machine * normal() + (Math.abs(uniform()) < 0.1257 * (world.badShare / 0.1) ? 0.4 : 0);
  const job = (effect: number) => {
    const here = machine() + effect;
    return { here, round: roundAt(here + world.within * normal()) };
  };
  let failed = 0;
  let history: BaselineRecord[] = [];
  for (let index = 0; index < jobs; index += 1) {
    if (index % 5 === 0) history = Array.from({ length: 20 }, () => recordOf([job(0).round]));
    const { here, round } = job(world.effect);
    const evidence = evidenceOf({ comparison: 'history', head: [round], history, settings });
    let judgement = judgeSuite(evidence);
    if (judgement.next === 'confirm') {
      const again = world.fresh ? machine() + world.effect : here;
      judgement = judgeSuite({
        ...evidence,
        confirmation: [roundAt(again + world.within * normal())],
        confirmedOn: world.fresh ? 'fresh-machine' : 'same-machine',
        final: true,
      });
    }
    if (judgement.verdict === 'fail') failed += 1;
  }
  return failed / jobs;
};

test('unchanged jobs fail in at most 1%, also with bad runners and when one machine confirms itself', () => {
  const base = { machine: 0.04, within: 0.03, badShare: 0, fresh: true, effect: 0 };
  const jobs = 500;
  const most = 0.01 + 3 * Math.sqrt(0.01 / jobs);
  assert.ok(failShare(base, jobs, 1) <= most, 'fresh machine');
  assert.ok(failShare({ ...base, badShare: 0.1 }, jobs, 2) <= most, 'bad runners');
  assert.ok(failShare({ ...base, fresh: false }, jobs, 3) <= most, 'the same machine');
});

test('at a deviation of 5% between jobs +20% is found by most jobs, +10% by some', () => {
  const base = { machine: 0.04, within: 0.03, badShare: 0, fresh: true, effect: Math.log(1.2) };
  assert.ok(failShare(base, 150, 4) >= 0.85, 'plus 20%');
  const smaller = failShare({ ...base, effect: Math.log(1.1) }, 150, 5);
  assert.ok(smaller > 0.15 && smaller < 0.6, `plus 10%: ${smaller}`);
});

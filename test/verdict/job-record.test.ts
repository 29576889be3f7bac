import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { estimatorTable, replayTable } from '../../bench/replay.ts';
import { mannWhitneyP, rules, welch } from '../../bench/rules.ts';
import { choicesTable, warmUpTable, withSlices } from '../../bench/slice-choices.ts';
import { candidates } from '../../bench/slice-estimators.ts';
import { compactSketch, expandSketch } from '../../src/metrics/compact-sketch.ts';
import { LatencySketch } from '../../src/metrics/latency-sketch.ts';
import { formatJobRecord, pairsOf, parseJobRecords, recordJob } from '../../src/verdict/job-record.ts';
import { judgeSuite } from '../../src/verdict/judge-suite.ts';
import { studentTUpperTail } from '../../src/verdict/statistics/distributions.ts';
import {
  evidenceOf,
  latencies,
  metricId,
  noRegression,
  quietWorld,
  simulatePairs,
  sketchOf,
} from './simulator.ts';

const jobOf = (slower: number, seed: number, count = 8) => ({
  truth: slower,
  metric: metricId,
  design: 'slices' as const,
  machine: 'simulated',
  startedAt: '2024-01-01T00:00:00Z',
  minutes: 4,
  pairs: simulatePairs({ ...quietWorld, processDeviation: 0.01 }, { ...noRegression, slower }, count, seed),
});

describe('job records', () => {
  test('a compact sketch is the sketch', () => {
    for (const values of [latencies(10, 300), [0, 0, 0.4, 1, 5000], [3], []]) {
      const json = sketchOf(values);
      const restored = expandSketch(compactSketch(json));
      const [before, after] = [LatencySketch.fromJSON(json), LatencySketch.fromJSON(restored)];
      assert.equal(after.count, before.count);
      for (const q of [0, 0.1, 0.5, 0.9, 0.95, 0.99, 1])
        assert.ok(
          Object.is(before.quantileMs(q), after.quantileMs(q)) ||
            Math.abs(before.quantileMs(q) / after.quantileMs(q) - 1) < 1e-8,
          `${q}: ${before.quantileMs(q)} and ${after.quantileMs(q)}`,
        );
      // It goes on merging.
      before.merge(LatencySketch.fromJSON(sketchOf([7, 70])));
      after.merge(LatencySketch.fromJSON(sketchOf([7, 70])));
      assert.ok(Math.abs(before.quantileMs(0.5) / after.quantileMs(0.5) - 1) < 1e-8);
    }
  });

  test('a recorded job is judged as the measured one was', () => {
    const job = jobOf(1.1, 3);
    const [read] = parseJobRecords(formatJobRecord(recordJob(job)));
    assert.equal(read!.truth, 1.1);
    const judge = (pairs: typeof job.pairs) => judgeSuite(evidenceOf({ pairs, final: true }));
    const [before, after] = [judge(job.pairs), judge(pairsOf(read!))];
    assert.equal(after.verdict, before.verdict);
    assert.equal(after.reason, before.reason);
  });

  test('a line that was cut off is left out, one that is no record is an error', () => {
    const line = formatJobRecord(recordJob(jobOf(1, 4, 2)));
    assert.equal(parseJobRecords(line + line.slice(0, 100)).length, 1);
    assert.throws(() => parseJobRecords('{"schemaVersion":2}\n'), /line 1/);
  });
});

describe('the rules of other tools', () => {
  // Golden values: SciPy 1.17.1, ttest_ind(equal_var=False) and mannwhitneyu(method='asymptotic').
  const base = [10.1, 11.2, 9.8, 10.5, 10.9];
  const head = [11.5, 12.0, 10.7, 11.9, 12.4];

  test('Welch and Mann-Whitney', () => {
    const { t, degrees } = welch(base, head);
    assert.ok(Math.abs(t - 3.1192514694602207) < 1e-9, `${t}`);
    assert.ok(Math.abs(degrees - 7.883390318517184) < 1e-9, `${degrees}`);
    assert.ok(Math.abs(studentTUpperTail(t, degrees) - 0.007253809633223525) < 1e-10);
    assert.ok(Math.abs(mannWhitneyP(base, head) - 0.01835692818135205) < 1e-10);
  });

  test('every rule answers on the same jobs, and the table has a line for each', () => {
    const jobs = [1, 1, 1.5, 1.5].map((truth, index) => {
      const record = recordJob(jobOf(truth, 10 + index, 10));
      return { record, pairs: pairsOf(record) };
    });
    const table = replayTable(jobs).split('\n');
    assert.equal(table.length, 2 + rules.length);
    const cells = (name: string) =>
      table
        .find((line) => line.startsWith(`| ${name}`))!
        .split('|')
        .map((cell) => cell.trim());
    assert.match(cells('Tailgate')[2]!, /^0 of 2/);
    assert.equal(cells('Tailgate')[3], '2 of 2');
    assert.deepEqual(cells('up to 5 rounds of base').slice(3, 4), ['2 of 2']);
    assert.deepEqual(cells('one stored previous run, ratio above 200%').slice(2, 4), ['0 of 2', '0 of 2']);
    const estimators = estimatorTable(jobs).split('\n').slice(2);
    assert.equal(estimators.length, 5 * candidates.length + 1);
    for (const line of estimators.slice(0, candidates.length)) {
      const [, statistic, , unchanged, slower] = line.split('|').map((cell) => cell.trim());
      assert.equal(statistic, 'p5');
      assert.ok(Number(unchanged) > 0 && Number(unchanged) < 0.2, line);
      const change = Number(/^([\d.]+)%, t/.exec(slower ?? '')?.[1]);
      assert.ok(change > 40 && change < 60, line);
    }
  });
});

describe('which slices count', () => {
  const [quiet, slow] = [jobOf(1, 5), jobOf(3, 6)];
  // Up to four slices of a head fall into a time when others kept the machine busy.
  const disturbed = quiet.pairs.map(({ baseline, head }, pair) => {
    const isHit = (slice: number) => slice < (pair * 3) % 5;
    return {
      baseline,
      head: {
        ...head,
        slices: head.slices.map((slice, index) =>
          isHit(index) ? slow.pairs[pair]!.head.slices[index]! : slice,
        ),
        foreignCores: head.slices.map((_, index) => (isHit(index) ? 0.8 : null)),
      },
    };
  });
  const rowsOf = (pairs: typeof quiet.pairs) => {
    const record = parseJobRecords(formatJobRecord(recordJob({ ...quiet, pairs })))[0]!;
    return choicesTable([{ record, pairs: pairsOf(record) }])
      .split('\n')
      .slice(2)
      .map((line) => line.split('|').map((cell) => cell.trim()));
  };

  test('leaving out what others disturbed helps where the machine tells of it, and is not offered elsewhere', () => {
    assert.deepEqual(
      rowsOf(quiet.pairs).map(([, name]) => name),
      ['all slices', 'without the first', 'without the first two'],
    );
    const rows = rowsOf(disturbed);
    const [all, without] = [rows[0]!, rows.find(([, name]) => name!.includes('beside 0.5'))!];
    assert.equal(all[2], '100%');
    assert.equal(without[2], '83%');
    assert.ok(Number(without[4]) < Number(all[4]) / 2, `${without} and ${all}`);
  });

  test('both sides lose the same slices, but never so many that nothing is left to average', () => {
    const [pair] = disturbed.slice(3);
    const cut = withSlices(pair!, (_, index) => index >= 4);
    assert.deepEqual([cut.baseline.slices.length, cut.head.slices.length], [6, 6]);
    assert.deepEqual(cut.baseline.slices, pair!.baseline.slices.slice(4));
    assert.equal(
      withSlices(pair!, (_, index) => index >= 6),
      pair,
    );
  });

  test('a server that warms up shows it in its first slices', () => {
    const warming = quiet.pairs.map(({ baseline, head }, pair) => {
      const cold = slow.pairs[pair]!.head.slices[0]!;
      return {
        baseline: { ...baseline, slices: [cold, ...baseline.slices.slice(1)] },
        head: { ...head, slices: [cold, ...head.slices.slice(1)] },
      };
    });
    const record = recordJob({ ...quiet, pairs: warming });
    const lines = warmUpTable([{ record, pairs: warming }]).split('\n');
    const [, first, second] = lines[4]!
      .split('|')
      .slice(1)
      .map((cell) => Number.parseFloat(cell));
    assert.ok(first! > 120 && first! < 280, lines.join('\n'));
    assert.ok(Math.abs(second!) < 20, lines.join('\n'));
  });
});

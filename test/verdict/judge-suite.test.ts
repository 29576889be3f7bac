import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseThreshold } from '../../src/metrics/threshold-grammar.ts';
import { judgeSuite } from '../../src/verdict/judge-suite.ts';
import type { MeasuredPair, SuiteEvidence, SuiteJudgement } from '../../src/verdict/judgement.ts';
import {
  defaultSettings,
  evidenceOf,
  latencies,
  metricId,
  noRegression,
  plainRound,
  quietWorld,
  recordOf,
  roundOf,
  simulatePairs,
  sketchOf,
} from './simulator.ts';

const limits = (...sources: string[]) =>
  sources.map((source, index) => parseThreshold(source, { file: 'tailgate.yml', line: index + 1 }));

const world = { ...quietWorld, processDeviation: 0.01, burstShare: 0, rate: 40 };
const unchanged = simulatePairs(world, noRegression, 20, 4);
const slower = simulatePairs(world, { ...noRegression, slower: 1.2 }, 12, 5);

/** Judges pair after pair until the verdict stands, as a run does. */
const run = (
  pairs: MeasuredPair[],
  parts: Partial<SuiteEvidence> = {},
): SuiteJudgement & { pairs: number } => {
  for (let count = 1; count <= pairs.length; count += 1) {
    const judgement = judgeSuite(evidenceOf({ ...parts, pairs: pairs.slice(0, count) }));
    if (judgement.next === 'decided') return { ...judgement, pairs: count };
  }
  return { ...judgeSuite(evidenceOf({ ...parts, pairs, final: true })), pairs: pairs.length };
};

const limitOf = (judgement: SuiteJudgement, metric: string, statistic: string) => {
  const found = judgement.metrics
    .find(({ id }) => id === metric)
    ?.limit.find((limit) => limit.statistic === statistic);
  assert.ok(found, `${metric} ${statistic} has a limit`);
  return found;
};

describe('side by side', () => {
  test('an unchanged server passes at the first look or soon after', () => {
    const judgement = run(unchanged);
    assert.equal(judgement.verdict, 'pass', judgement.reason);
    assert.ok(judgement.pairs >= 6 && judgement.pairs <= 14, `${judgement.pairs} pairs`);
    assert.match(judgement.reason, /^All \d limits hold, judged side by side in \d+ pairs\.$/);
    const { explanation } = limitOf(judgement, metricId, 'p50');
    assert.match(
      explanation,
      /^chat\.ack p50 changed by .*% \(.* to .*\) in \d+ pairs, from .* ms to .* ms\. A rise beyond \+10% is ruled out, so it passes\.$/,
    );
  });

  test('what the CPU time of a message says of slower latencies: more work, waiting, or nothing', () => {
    const sampled = (headCpu: number, noise: number): MeasuredPair[] =>
      slower.map(({ baseline, head }, index) => {
        const withCpu = (round: MeasuredPair['head'], cpuSeconds: number): MeasuredPair['head'] => ({
          ...round,
          resources: {
            samples: [],
            cpuSeconds,
            maxCpuShare: 0.1,
            maxRssBytes: 1e8,
            maxOpenFiles: 10,
            openFilesLimit: null,
            maxThreads: 4,
            maxHeapUsedBytes: null,
            maxLoopDelayMs: null,
            gcPauseMs: null,
          },
        });
        const odd = index % 2 === 0 ? 1 + noise : 1 - noise;
        return { baseline: withCpu(baseline, 1), head: withCpu(head, headCpu * odd) };
      });
    const reason = (headCpu: number, noise: number): string => {
      const judgement = run(sampled(headCpu, noise));
      assert.equal(judgement.verdict, 'fail');
      return judgement.reason;
    };
    assert.match(
      reason(1.2, 0.01),
      /so it fails\..* costs the server changed by \+\d+\.?\d*% \(.*\) too: the code does more\.$/,
    );
    assert.match(reason(1, 0.005), /costs the server did not rise \(between −.*%\): it is not work/);
    assert.doesNotMatch(reason(1.02, 0.2), /costs the server/);
    assert.doesNotMatch(run(slower).reason, /costs the server/, 'it was not sampled');
    assert.doesNotMatch(
      run(sampled(1.2, 0.01).map(({ head }) => ({ baseline: head, head }))).reason,
      /costs/,
    );
  });

  test('a slower server fails, and the interval lies above zero', () => {
    const judgement = run(slower);
    assert.equal(judgement.verdict, 'fail');
    const limit = limitOf(judgement, metricId, 'p5');
    assert.equal(limit.verdict, 'fail');
    assert.match(limit.explanation, /The rise is certain and larger than the \+2% allowed, so it fails/);
    const change = judgement.metrics[0]!.change.find(({ statistic }) => statistic === 'p5')!;
    assert.ok(change.low! > 0 && change.relative > 0.1 && change.relative < 0.3, JSON.stringify(change));
    assert.ok(change.high! > change.relative);
    assert.equal(change.samples, judgement.pairs);
    assert.equal(judgement.metrics[0]!.id, metricId);
  });

  test('nothing is decided before the first look', () => {
    for (const count of [1, 2, 3, 5]) {
      const judgement = judgeSuite(evidenceOf({ pairs: slower.slice(0, count) }));
      assert.equal(judgement.next, 'more-pairs', `${count} pairs`);
      assert.equal(judgement.verdict, 'inconclusive');
      assert.equal(judgement.progress === null, count < 2);
    }
  });

  test('a verdict that stands is not reopened by a last judgement of the same pairs', () => {
    for (const pairs of [unchanged, slower]) {
      const first = run(pairs);
      const again = judgeSuite(evidenceOf({ pairs: pairs.slice(0, first.pairs), final: true }));
      assert.equal(again.verdict, first.verdict);
      assert.deepEqual(again.metrics, first.metrics);
    }
  });

  test('the time budget ends it with what there is: undecided is inconclusive and says what could be seen', () => {
    const noisy = simulatePairs({ ...world, processDeviation: 0.25 }, noRegression, 4, 9);
    const judgement = judgeSuite(evidenceOf({ pairs: noisy, final: true }));
    assert.equal(judgement.verdict, 'inconclusive');
    assert.equal(judgement.next, 'decided');
    const limit = limitOf(judgement, metricId, 'p50');
    assert.match(limit.explanation, /so it is undecided\. A change of \+\d+% or more would have been found/);
    assert.ok(limit.detectable! > 0.2);
  });

  test('where the noise comes from that left it undecided, and two values that a side keeps to', () => {
    const noisy = simulatePairs({ ...world, processDeviation: 0.25 }, noRegression, 8, 9);
    const undecided = judgeSuite(evidenceOf({ pairs: noisy, final: true }));
    assert.equal(undecided.verdict, 'inconclusive');
    assert.ok(
      undecided.warnings.some((text) =>
        /^Pairs of the p50 differ by .*because fresh processes differ.*Twice the pairs/.test(text),
      ),
      undecided.warnings.join('\n'),
    );
    const { baseline } = unchanged[0]!;
    const modes = unchanged.map((_, index) => ({
      baseline,
      head:
        index % 2 === 0 ? baseline : simulatePairs(world, { ...noRegression, slower: 1.3 }, 1, 3)[0]!.head,
    }));
    const judged = judgeSuite(evidenceOf({ pairs: modes, final: true }));
    assert.ok(
      judged.warnings.some((text) =>
        /^The p50 of chat\.ack keeps to two values in this PR: .* ms and .* ms/.test(text),
      ),
      judged.warnings.join('\n'),
    );
    assert.ok(!run(unchanged).warnings.some((text) => /two values|Pairs of the/.test(text)));
  });

  test('one pair is never a verdict', () => {
    const judgement = judgeSuite(evidenceOf({ pairs: slower.slice(0, 1), final: true }));
    assert.equal(judgement.verdict, 'inconclusive');
  });

  test('a limit of the user replaces the default one: a proven change below it does not fail', () => {
    const sized = simulatePairs(world, { ...noRegression, slower: 1.06 }, 20, 12);
    assert.equal(run(sized).verdict, 'fail');
    const allowed = run(sized, { thresholds: limits('p50 < +15%', 'p95 < +15%', 'chat.ack.p99 < +30%') });
    assert.equal(allowed.verdict, 'pass', allowed.reason);
    const limit = limitOf(allowed, metricId, 'p50');
    assert.equal(limit.rule, 'p50 < +15%');
    assert.deepEqual([limit.file, limit.line], ['tailgate.yml', 1]);
  });

  test('a limit on the p10 or the p50 takes the place of the floor, one on another statistic does not', () => {
    const judged = (rule: string): string[] =>
      run(unchanged, { thresholds: limits(rule) })
        .metrics.find(({ id }) => id === metricId)!
        .limit.map(({ statistic }) => statistic);
    assert.ok(judged('p90 < +15%').includes('p5'));
    for (const rule of ['p10 < +15%', 'p50 < +15%', 'p5 < +15%'])
      assert.equal(
        judged(rule).filter((statistic) => statistic === 'p5').length,
        rule.startsWith('p5 ') ? 1 : 0,
      );
    assert.ok(judged('p10 < +15%').includes('p10'));
  });

  test('of two parts of a relative limit both must be exceeded', () => {
    const both = limits('p50 < +5% and +50ms', 'p95 < +5% and +50ms', 'p99 < +5% and +50ms');
    assert.equal(run(slower, { thresholds: both }).verdict, 'pass');
    const small = limits('p50 < +5% and +0.1ms');
    assert.equal(run(slower, { thresholds: small }).verdict, 'fail');
  });

  test('the floor that the user sets keeps small absolute changes from failing', () => {
    const settings = { ...defaultSettings, floorMs: 20 };
    assert.equal(run(slower, { settings }).verdict, 'pass');
  });

  test('a change for the better never fails, and a limit that asks for one is proven or not', () => {
    const faster = simulatePairs(world, { ...noRegression, slower: 0.8 }, 12, 6);
    assert.equal(run(faster).verdict, 'pass');
    assert.equal(run(faster, { thresholds: limits('p50 < -5%') }).verdict, 'pass');
    assert.equal(run(slower, { thresholds: limits('p50 < -5%') }).verdict, 'fail');
  });

  test('a limit on something that must not fall', () => {
    const withRate = (factor: number) =>
      unchanged.slice(0, 8).map((pair, index) => ({
        baseline: { ...pair.baseline, custom: { throughput: 1000 + index } },
        head: { ...pair.head, custom: { throughput: factor * (1003 + 2 * index) } },
      }));
    const thresholds = limits('custom.throughput > -5%');
    const held = run(withRate(1), { thresholds });
    assert.equal(limitOf(held, 'custom.throughput', 'value').verdict, 'pass');
    const fell = run(withRate(0.8), { thresholds });
    assert.equal(fell.verdict, 'fail');
    assert.match(limitOf(fell, 'custom.throughput', 'value').explanation, /The fall is certain/);
  });

  test('a custom number that can be zero is compared by its difference', () => {
    const withLost = (head: number) =>
      unchanged.slice(0, 6).map((pair, index) => ({
        baseline: { ...pair.baseline, custom: { lost: index % 2 } },
        head: { ...pair.head, custom: { lost: head + (index % 2) } },
      }));
    const thresholds = limits('custom.lost < +3');
    assert.equal(limitOf(run(withLost(0), { thresholds }), 'custom.lost', 'value').verdict, 'pass');
    assert.equal(run(withLost(10), { thresholds }).verdict, 'fail');
  });

  test('an absolute limit is judged with the rest; missed by half again in every pair it fails at once', () => {
    const held = run(unchanged, { thresholds: limits('p95 < 100ms') });
    assert.equal(held.verdict, 'pass');
    const missed = run(unchanged, { thresholds: limits('p95 < 15ms') });
    assert.equal(missed.verdict, 'fail');
    assert.ok(missed.pairs >= 6);
    assert.match(missed.reason, /it must be below 15 ms\. The baseline misses this limit too/);
    const wide = run(unchanged, { thresholds: limits('p95 < 5ms') });
    assert.equal(wide.verdict, 'fail');
    assert.equal(wide.pairs, 2);
    assert.match(wide.reason, /this needs no statistics/);
  });

  test('errors on most attempts fail at once, even when nothing could be measured', () => {
    const broken = unchanged.slice(0, 3).map(({ baseline }) => ({
      baseline,
      head: roundOf({ counters: { errors: 100, 'users.failed': 100 } }),
    }));
    const first = judgeSuite(evidenceOf({ pairs: broken.slice(0, 1) }));
    assert.equal(first.next, 'more-pairs');
    const judgement = run(broken);
    assert.equal(judgement.verdict, 'fail');
    assert.equal(judgement.pairs, 2);
    assert.match(judgement.reason, /200 errors in 200 attempts in this PR, hardly any at the baseline/);
  });

  test('most deliveries lost fail at once, even all of them, where the baseline delivers', () => {
    const delivering = (received: number) => ({
      'deliveries.expected': 200,
      'deliveries.received': received,
      'deliveries.lost': 200 - received,
    });
    const pairs = (before: number, after: number) =>
      unchanged.slice(0, 4).map(({ baseline, head }) => ({
        baseline: { ...baseline, counters: { ...baseline.counters, ...delivering(before) } },
        head: { ...head, counters: { ...head.counters, ...delivering(after) } },
      }));
    for (const after of [0, 60]) {
      const judgement = run(pairs(200, after));
      assert.deepEqual([judgement.verdict, judgement.pairs], ['fail', 2]);
      assert.match(judgement.reason, /of 400 deliveries were lost in this PR, hardly any at the baseline/);
    }
    const nowhere = run(pairs(0, 0));
    assert.equal(nowhere.verdict, 'invalid');
    assert.match(nowhere.reason, /None of the \d+ deliveries expected in this PR was ever seen/);
  });

  test('a sum that must be reached is not missed before all rounds are measured', () => {
    const sent = unchanged.slice(0, 8).map(({ baseline, head }) => ({
      baseline,
      head: { ...head, counters: { ...head.counters, 'messages.sent': 400 } },
    }));
    for (const rule of ['messages.sent > 2300', `${metricId}.count >= 2300`]) {
      const judgement = run(sent, { thresholds: limits(rule) });
      assert.equal(judgement.verdict, 'pass', judgement.reason);
    }
    const missed = run(sent, { thresholds: limits('messages.sent > 1000000') });
    assert.equal(missed.verdict, 'fail');
  });

  test('a share of no errors at all is no rule against any: one error needs a proof', () => {
    const one = unchanged.slice(0, 6).map((pair, index) => ({
      baseline: pair.baseline,
      head: { ...pair.head, counters: { ...pair.head.counters, errors: index === 0 ? 1 : 0 } },
    }));
    const judgement = run(one, { thresholds: limits('errors.rate < +5%') });
    assert.equal(judgement.verdict, 'pass', judgement.reason);
    assert.match(limitOf(judgement, 'errors.rate', 'value').explanation, /chance explains the difference/);
  });

  test('a number that is the same in every pair has not risen, and a share of one below zero is of its size', () => {
    const numbers = (before: number, after: (pair: number) => number) =>
      unchanged.slice(0, 8).map((pair, index) => ({
        baseline: { ...pair.baseline, custom: { balance: before } },
        head: { ...pair.head, custom: { balance: after(index) } },
      }));
    const same = run(
      numbers(40, () => 40),
      { thresholds: limits('custom.balance <= baseline') },
    );
    assert.equal(same.verdict, 'pass', same.reason);
    const thresholds = limits('custom.balance < +10%');
    assert.equal(
      run(
        numbers(-100, (pair) => -99 + 0.1 * (pair % 3)),
        { thresholds },
      ).verdict,
      'pass',
    );
    assert.equal(
      run(
        numbers(-100, (pair) => -60 + 0.1 * (pair % 3)),
        { thresholds },
      ).verdict,
      'fail',
    );
  });

  test('a guard with few values is not waited for, and is no pass', () => {
    const few = unchanged.map(({ baseline, head }) => ({ baseline, head }));
    const settings = { ...defaultSettings, minSamplesP99: 400 * 9 };
    const judgement = run(few, { settings });
    assert.equal(judgement.verdict, 'pass', judgement.reason);
    assert.ok(judgement.pairs < 9, `${judgement.pairs}`);
    assert.ok(judgement.warnings.some((text) => /^Not judged: chat\.ack p99 comes from/.test(text)));
  });

  test('a share of what the baseline never attempted is not judged', () => {
    const watched = (expected: number) => ({
      'deliveries.expected': expected,
      'deliveries.received': expected,
    });
    const pairs = unchanged.slice(0, 8).map(({ baseline, head }) => ({
      baseline: { ...baseline, counters: { ...baseline.counters, ...watched(0) } },
      head: { ...head, counters: { ...head.counters, ...watched(50) } },
    }));
    const left = run(pairs);
    assert.equal(left.verdict, 'pass', left.reason);
    assert.ok(left.warnings.some((text) => /nothing was attempted at the baseline/.test(text)));
    const asked = run(pairs, { thresholds: limits('deliveries.lost.rate < +1pp') });
    assert.equal(asked.verdict, 'invalid', asked.reason);
  });

  test('more errors fail when they are proven and large enough', () => {
    const failing = simulatePairs(
      { ...world, errorShare: 0.002 },
      { ...noRegression, moreErrors: 0.03 },
      8,
      3,
    );
    const judgement = run(failing);
    assert.equal(judgement.verdict, 'fail');
    const limit = limitOf(judgement, 'errors.rate', 'value');
    assert.equal(limit.verdict, 'fail');
    assert.match(limit.explanation, /errors \(.*% of the attempts\) against .* a rise of .* points/);
  });

  test('"any increase fails" is the user\'s choice', () => {
    const one = unchanged.slice(0, 6).map((pair, index) => ({
      baseline: pair.baseline,
      head: { ...pair.head, counters: { ...pair.head.counters, errors: index === 0 ? 1 : 0 } },
    }));
    assert.equal(run(one).verdict, 'pass');
    const strict = run(one, { thresholds: limits('errors <= baseline') });
    assert.equal(strict.verdict, 'fail');
    assert.match(strict.reason, /any increase fails, as set, and there is one/);
  });

  test('advice: what changed without a limit is named and does not fail', () => {
    const extra = unchanged.map((pair, index) => ({
      baseline: {
        ...pair.baseline,
        metrics: { ...pair.baseline.metrics, 'join.ack': sketchOf(latencies(5 + 0.02 * index, 60)) },
      },
      head: {
        ...pair.head,
        metrics: { ...pair.head.metrics, 'join.ack': sketchOf(latencies(7 + 0.01 * index, 60)) },
      },
    }));
    const judgement = run(extra, { mainMetric: metricId });
    assert.equal(judgement.verdict, 'pass');
    assert.equal(judgement.metrics.find(({ id }) => id === 'join.ack')!.verdict, 'advisory');
    assert.ok(
      judgement.warnings.some((warning) =>
        /no limit is on its change: join\.ack p50 changed by \+/.test(warning),
      ),
    );
  });
});

describe('never a pass without data', () => {
  const invalid = (judgement: SuiteJudgement, reason: RegExp): void => {
    assert.equal(judgement.verdict, 'invalid', judgement.reason);
    assert.match(judgement.reason, reason);
    assert.equal(judgement.next, 'decided');
  };

  test('nothing measured', () => {
    invalid(judgeSuite(evidenceOf({ final: true })), /Nothing was measured in this PR/);
    for (const comparison of ['none', 'single', 'history'] as const) {
      invalid(judgeSuite(evidenceOf({ comparison, final: true })), /Nothing was measured in this PR/);
      invalid(judgeSuite(evidenceOf({ comparison, head: [roundOf({})] })), /no latency was recorded/);
    }
  });

  test('a metric of the baseline that the head does not have', () => {
    const gone = unchanged.slice(0, 6).map(({ baseline, head }) => ({
      baseline: { ...baseline, metrics: { ...baseline.metrics, 'join.ack': sketchOf(latencies(5, 60)) } },
      head,
    }));
    invalid(run(gone), /join\.ack was measured at the baseline and not at all in this PR/);
    invalid(
      judgeSuite(
        evidenceOf({
          comparison: 'single',
          head: [plainRound(10)],
          history: [recordOf([gone[0]!.baseline])],
        }),
      ),
      /join\.ack was measured at the baseline/,
    );
  });

  test('a metric that is missing in one pair', () => {
    const holed = unchanged.map((pair, index) =>
      index === 2 ? { ...pair, head: { ...pair.head, metrics: {}, slices: [] } } : pair,
    );
    invalid(run(holed), /chat\.ack p50 was not measured in this PR in pair 3/);
  });

  test('numbers that are none', () => {
    const broken = unchanged.map((pair) => ({
      ...pair,
      head: { ...pair.head, counters: { ...pair.head.counters, errors: Number.NaN } },
    }));
    invalid(run(broken), /damaged: the counter errors in this PR/);
  });

  test('a limit on what was never observed', () => {
    invalid(
      run(unchanged, { thresholds: limits('join.ack.p95 < 200ms') }),
      /join\.ack p95 was never observed/,
    );
    invalid(
      run(unchanged, { thresholds: limits('server.rss.max < 400MB') }),
      /server\.rss max was never observed/,
    );
    invalid(
      run(unchanged, { thresholds: limits('custom.persisted = 10') }),
      /custom\.persisted was never observed/,
    );
    invalid(
      run(unchanged, { thresholds: limits('leave*.ack.p95 < 1s') }),
      /is on a metric that was never observed/,
    );
  });

  test('too few values for a percentile that the user limits; a default one is left out and said so', () => {
    const few = unchanged.slice(0, 8);
    const settings = { ...defaultSettings, minSamplesP99: 50_000, maxPairs: 8 };
    invalid(run(few, { settings, thresholds: limits('p99 < +20%') }), /at least 50,000 are needed/);
    invalid(run(few, { settings, thresholds: limits('p99 < 2s') }), /at least 50,000 are needed/);
    const judgement = run(few, { settings });
    assert.equal(judgement.verdict, 'pass', judgement.reason);
    assert.ok(judgement.warnings.some((warning) => /^Not judged: chat\.ack p99 comes from/.test(warning)));
    const none = { ...settings, minSamplesP95: 50_000, minSamplesP50: 50_000 };
    invalid(run(few, { settings: none }), /chat\.ack p50 comes from/);
  });

  test('reasons found outside', () => {
    invalid(run(unchanged, { invalid: ['The load generator was the bottleneck: CPU 98%.'] }), /bottleneck/);
    invalid(run(slower, { invalid: ['The room was lost.'] }), /room was lost/);
  });

  test('sides that were not given the same load', () => {
    const uneven = unchanged.map((pair, index) => ({
      baseline: pair.baseline,
      head: { ...pair.head, generator: { ...pair.head.generator, intendedArrivals: index === 1 ? 50 : 100 } },
    }));
    invalid(run(uneven), /sides of pair 2 were not given the same load/);
  });

  test('stored runs of another scenario or other settings', () => {
    const other = recordOf([plainRound(10)]);
    const mixed = { ...other, fingerprint: { ...other.fingerprint, settingsHash: 'other' } };
    invalid(
      judgeSuite(
        evidenceOf({
          comparison: 'single',
          head: [plainRound(10)],
          history: [recordOf([plainRound(10)]), mixed],
        }),
      ),
      /different scenarios or settings/,
    );
  });
});

describe('without a baseline', () => {
  const none = (head = [plainRound(10)], ...sources: string[]): SuiteJudgement =>
    judgeSuite(evidenceOf({ comparison: 'none', head, thresholds: limits(...sources), final: true }));

  test('absolute limits alone decide', () => {
    const watched = plainRound(10, 1500, {
      counters: { 'deliveries.expected': 100, 'deliveries.received': 100, 'deliveries.lost': 0 },
    });
    assert.equal(none([watched], 'p95 < 200ms', 'lost = 0', 'errors.rate < 0.1%').verdict, 'pass');
    const missed = none([plainRound(10)], 'p95 < 200ms', 'p50 < 8ms');
    assert.equal(missed.verdict, 'fail');
    assert.match(missed.reason, /chat\.ack p50 is .* ms; it must be below 8 ms\./);
    assert.equal(missed.next, 'decided');
  });

  test('equality, throughput and resources', () => {
    const round = plainRound(10, 1500, {
      counters: { 'deliveries.expected': 100, 'deliveries.received': 98, 'deliveries.lost': 2 },
      resources: {
        samples: [],
        cpuSeconds: 1,
        maxCpuShare: 0.5,
        maxRssBytes: 3e8,
        maxOpenFiles: 10,
        openFilesLimit: null,
        maxThreads: 5,
        maxHeapUsedBytes: null,
        maxLoopDelayMs: null,
        gcPauseMs: null,
      },
    });
    const lost = none([round], 'lost = 0');
    assert.equal(lost.verdict, 'fail');
    assert.match(lost.reason, /^2 messages were lost; none may be\./);
    assert.equal(none([round], 'server.rss.max < 400MB', 'messages.sent.perSecond > 100/s').verdict, 'pass');
    assert.equal(none([round], 'server.rss.max < 200MB').verdict, 'fail');
    assert.equal(none([round], 'lost.rate < 1%').verdict, 'fail');
  });

  test('a limit on what was never attempted is invalid: nothing could have been lost', () => {
    for (const limit of ['lost = 0', 'lost.rate < 1%', 'deliveries.late = 0']) {
      const judgement = none([plainRound(10)], 'p95 < 200ms', limit);
      assert.equal(judgement.verdict, 'invalid', limit);
      assert.match(judgement.reason, /no delivery was ever expected/);
    }
  });

  test('deliveries that were watched and never seen are invalid, and the reason names what came', () => {
    const counters = { 'deliveries.expected': 4324, 'deliveries.lost': 4324 };
    const untagged = [{ event: 'chat', path: 'message', count: 4298 }];
    const judgement = none([plainRound(10, 1500, { counters, untagged })], 'p95 < 200ms');
    assert.equal(judgement.verdict, 'invalid');
    assert.match(
      judgement.reason,
      /None of the 4,324 deliveries expected in this PR was ever seen: 4,298 "chat" events came, and none carried a tag at "message"/,
    );
    assert.match(none([plainRound(10, 1500, { counters })]).reason, /nothing came of what is watched/);
    const some = { ...counters, 'deliveries.lost': 4323, 'deliveries.received': 1 };
    assert.equal(none([plainRound(10, 1500, { counters: some })], 'lost = 0').verdict, 'fail');
  });

  test('a name that nothing ever set is invalid, one that was empty at times is a warning', () => {
    const uses = (empty: number) => [
      { name: 'token', step: 'chat, step 1', rendered: 30, empty: Math.min(empty, 30) },
      { name: 'token', step: 'chat, step 4', rendered: 20, empty: Math.max(0, empty - 30) },
    ];
    const judge = (empty: number) =>
      none([plainRound(10, 1500, { nameUses: uses(empty) }), plainRound(10)], 'p95 < 200ms');
    const never = judge(50);
    assert.equal(never.verdict, 'invalid');
    assert.match(
      never.reason,
      /Nothing ever set "\{\{ token \}\}": it was empty all 50 times, in "chat, step 1", "chat, step 4"/,
    );
    const partly = judge(7);
    assert.equal(partly.verdict, 'pass');
    assert.match(
      partly.warnings.join('\n'),
      /"\{\{ token \}\}" was empty 7 of 50 times, in "chat, step 1": those messages/,
    );
    assert.doesNotMatch(judge(0).warnings.join('\n'), /token/);
  });

  test('so are answers that never once were what the scenario expects', () => {
    const errors = [
      { name: 'response timeout: said', count: 20, messages: ['no event within 500 ms'], steps: [] },
    ];
    const judgement = none([plainRound(10, 1500, { errors, counters: { errors: 20 } })], 'p95 < 200ms');
    assert.equal(judgement.verdict, 'invalid');
    assert.match(judgement.reason, /The response of "said" never came, 20 times \(no event within 500 ms\)/);
    const acknowledged = [{ ...errors[0]!, name: 'ack timeout: say' }];
    assert.equal(none([plainRound(10, 1500, { errors: acknowledged })], 'p95 < 200ms').verdict, 'pass');
  });

  test('and those of one step, while others got theirs', () => {
    const missed = {
      step: 'a, step 2',
      matched: 0,
      missed: 4,
      name: '',
      message: 'no answer within 1000 ms',
    };
    const judge = (answer: Partial<typeof missed>, unheard: { event: string; count: number }[] = []) =>
      none(
        [
          plainRound(10, 1500, {
            answers: [
              { ...missed, ...answer },
              { ...missed, step: 'a, step 1', matched: 9, name: 'ack timeout: join' },
            ],
            unheard,
          }),
        ],
        'p95 < 200ms',
      );
    const never = judge({ name: 'response timeout: said' }, [{ event: 'say', count: 40 }]);
    assert.equal(never.verdict, 'invalid');
    assert.match(
      never.reason,
      /The response of "said" in "a, step 2" never came, 4 times \(no answer within 1000 ms\)\. What came, and no step looks at: 40 "say"\./,
    );
    const wrong = judge({ name: 'ack mismatch: say', message: 'expected 1 at $.0, got 2' });
    assert.match(
      wrong.reason,
      /The acknowledgement of "say" in "a, step 2" was never what the scenario expects, 4 times \(expected 1 at \$\.0, got 2\)/,
    );
    assert.match(judge({ name: 'refused: say' }).reason, /Every "say" in "a, step 2" was refused, 4 times/);
    assert.equal(judge({ name: 'ack timeout: say', matched: 1 }).verdict, 'pass');
    assert.equal(judge({ name: 'ack timeout: say', missed: 2 }).verdict, 'pass', 'too few to say anything');
  });

  test('no limit at all: a complete measurement passes and says that nothing was compared', () => {
    const judgement = none();
    assert.equal(judgement.verdict, 'pass');
    assert.match(judgement.reason, /no baseline and no absolute limit, so nothing was judged/);
  });

  test('relative limits wait for a baseline, said so', () => {
    const judgement = none([plainRound(10)], 'p95 < +10%', 'p95 < 1s');
    assert.equal(judgement.verdict, 'pass');
    assert.ok(judgement.warnings.some((warning) => warning.includes('"p95 < +10%"')));
  });

  test('a server that fails most attempts fails', () => {
    const judgement = none([plainRound(10, 60, { counters: { errors: 140 } })]);
    assert.equal(judgement.verdict, 'fail');
    assert.match(judgement.reason, /140 errors in 160 attempts/);
    for (const { limit } of judgement.metrics)
      for (const { explanation } of limit) assert.match(explanation, /because most attempts failed/);
  });
});

describe('the same code on both sides', () => {
  const same = (pairs: number, parts: Partial<SuiteEvidence> = {}) =>
    judgeSuite(evidenceOf({ pairs: unchanged.slice(0, pairs), sameCode: 'only docs changed', ...parts }));

  test('limits on a change pass by one pair, however few its values are', () => {
    for (const rule of ['p99 < +5%', 'p999 < +10%', 'server.calls.perMessage < +1']) {
      const judgement = same(1, { thresholds: limits(rule), final: true });
      assert.equal(judgement.verdict, 'pass', `${rule}: ${judgement.reason}`);
      assert.equal(judgement.next, 'decided');
    }
    const unmeasured = same(1, { thresholds: limits('custom.queue < +5%'), final: true });
    assert.equal(unmeasured.verdict, 'invalid');
  });

  test('limits on the head alone have all the pairs that they need', () => {
    const rules = [`p99 < 500ms`, 'messages.sent > 2000'];
    for (const rule of rules) {
      assert.equal(same(1, { thresholds: limits(rule) }).next, 'more-pairs', rule);
      const enough = same(8, { thresholds: limits(rule), final: true });
      assert.equal(enough.verdict, 'pass', `${rule}: ${enough.reason}`);
    }
    assert.equal(same(1, { thresholds: limits('p50 < 500ms') }).next, 'decided');
  });
});

describe('against fewer than ten stored runs', () => {
  const single = (medianMs: number, history: number[], ...sources: string[]): SuiteJudgement =>
    judgeSuite(
      evidenceOf({
        comparison: 'single',
        head: [plainRound(medianMs)],
        history: history.map((one) => recordOf([plainRound(one)])),
        thresholds: limits(...sources),
        final: true,
      }),
    );

  test('a plain limit of 10% (p99 20%), said to be weak', () => {
    const same = single(100, [100]);
    assert.equal(same.verdict, 'pass', same.reason);
    assert.equal(single(108, [100]).verdict, 'pass');
    const worse = single(125, [100]);
    assert.equal(worse.verdict, 'fail');
    assert.match(
      worse.reason,
      /against .* ms in one earlier run \(\+25%\): above the limit of .* so it fails \(weak evidence\)\./,
    );
    assert.ok(worse.warnings.some((warning) => /weak evidence/.test(warning)));
    const change = worse.metrics[0]!.change.find(({ statistic }) => statistic === 'p95')!;
    assert.deepEqual([change.low, change.high, change.samples], [null, null, 1]);
  });

  test('below a millisecond nothing fails by default', () => {
    assert.equal(single(3.4, [3]).verdict, 'pass');
    assert.equal(single(30.4, [27]).verdict, 'fail');
  });

  test('the median of several runs is the baseline, not the last one', () => {
    assert.equal(single(100, [100, 98, 60]).verdict, 'pass');
    assert.match(single(100, [100, 98, 60]).reason, /judged against 3 earlier runs/);
  });

  test("the user's limit holds instead of the default", () => {
    assert.equal(single(125, [100], 'p50 < +30%', 'p95 < +30%', 'p99 < +30%').verdict, 'pass');
    assert.equal(single(108, [100], 'p50 < +5%').verdict, 'fail');
  });

  test('errors that were not there before fail', () => {
    const head = plainRound(100, 1500, { counters: { errors: 30 } });
    const judgement = judgeSuite(
      evidenceOf({ comparison: 'single', head: [head], history: [recordOf([plainRound(100)])], final: true }),
    );
    assert.equal(judgement.verdict, 'fail');
    assert.equal(limitOf(judgement, 'errors.rate', 'value').verdict, 'fail');
  });
});

describe('against stored history', () => {
  const centres = [100, 103, 97, 101, 99, 104, 96, 102, 98, 100, 101, 99];
  const history = centres.map((medianMs) => recordOf([plainRound(medianMs)]));
  const stored = (
    medianMs: number,
    again: number | null,
    parts: Partial<SuiteEvidence> = {},
  ): SuiteJudgement =>
    judgeSuite(
      evidenceOf({
        comparison: 'history',
        head: [plainRound(medianMs)],
        history,
        confirmation: again === null ? null : [plainRound(again)],
        ...parts,
      }),
    );

  test('within what chance does, it passes and prints the smallest change it can see', () => {
    const judgement = stored(101, null);
    assert.equal(judgement.verdict, 'pass', judgement.reason);
    assert.match(judgement.reason, /judged against 12 stored runs/);
    const limit = limitOf(judgement, metricId, 'p95');
    assert.match(
      limit.explanation,
      /Stored runs that differ as much as these show a change of \+\d+(\.\d)?%/,
    );
    assert.ok(limit.detectable! > 0.05 && limit.detectable! < 0.3);
  });

  test('an improvement that is asked for passes when it is proven, and fails when it is not there', () => {
    const wanted = (medianMs: number, rule: string) =>
      stored(medianMs, null, { thresholds: limits(rule, 'p95 < +50%', 'p99 < +50%'), final: true });
    assert.equal(wanted(80, 'p50 < -5%').verdict, 'pass');
    assert.equal(wanted(115, 'p50 < -5%').verdict, 'fail');
    const chance = wanted(97, 'p50 < -5%');
    assert.equal(chance.verdict, 'inconclusive');
    assert.match(chance.reason, /it must be below .* ms\. Chance alone could explain/);
  });

  test('what the limit lets through and chance does not bring is told as the limit', () => {
    const judgement = stored(101, null, { thresholds: limits('p50 < +60%') });
    assert.match(
      limitOf(judgement, metricId, 'p50').explanation,
      /what is above .* ms is beyond the limit\. This one is not/,
    );
  });

  test('beyond the screen it asks to be measured again', () => {
    const judgement = stored(120, null);
    assert.equal(judgement.next, 'confirm');
    assert.equal(judgement.verdict, 'inconclusive');
    assert.match(judgement.reason, /^Suspect, to be measured again/);
    const last = stored(120, null, { final: true });
    assert.deepEqual([last.next, last.verdict], ['decided', 'inconclusive']);
  });

  test('it fails when a fresh machine confirms, and passes when that does not', () => {
    const confirmed = stored(120, 119, { confirmedOn: 'fresh-machine' });
    assert.equal(confirmed.verdict, 'fail');
    assert.match(confirmed.reason, /on a fresh machine too/);
    const chance = stored(120, 101, { confirmedOn: 'fresh-machine' });
    assert.equal(chance.verdict, 'pass');
    const shown = chance.metrics
      .find(({ id }) => id === metricId)!
      .change.find(({ statistic }) => statistic === 'p95')!;
    assert.ok(
      Math.abs(shown.head / shown.baseline - 1) < 0.1,
      'the values of the measurement that cleared it',
    );
  });

  test('a confirmation of the same machine proves less: it must be far beyond', () => {
    const near = stored(108, 108);
    assert.equal(near.verdict, 'inconclusive', near.reason);
    assert.match(near.reason, /[Bb]oth come from one machine/);
    assert.equal(stored(150, 150).verdict, 'fail');
  });

  test('a change below materiality passes however quiet the history is', () => {
    const quiet = Array.from({ length: 12 }, () => recordOf([plainRound(100)]));
    assert.equal(stored(102, null, { history: quiet }).verdict, 'pass');
    assert.equal(stored(106, 106, { history: quiet }).verdict, 'fail');
  });

  test('a metric that fewer than ten runs have gets the plain limit', () => {
    const withJoin = (round: ReturnType<typeof plainRound>, medianMs: number) => ({
      ...round,
      metrics: { ...round.metrics, 'join.ack': sketchOf(latencies(medianMs, 300)) },
    });
    const judgement = stored(100, null, {
      head: [withJoin(plainRound(100), 50)],
      history: history.map((record, index) =>
        index < 4 ? recordOf([withJoin(record.rounds[0]!, 40)]) : record,
      ),
      thresholds: limits('join.ack.p50 < +10%'),
      mainMetric: metricId,
    });
    assert.equal(judgement.verdict, 'fail');
    assert.match(
      limitOf(judgement, 'join.ack', 'p50').explanation,
      /the median of 4 earlier runs .* \(weak evidence/,
    );
  });
});

test('the verdict of a job with several suites is stricter for each of them', () => {
  const borderline = simulatePairs(world, { ...noRegression, slower: 1.1 }, 6, 21);
  const change = (suitesInJob: number) =>
    judgeSuite(evidenceOf({ pairs: borderline, suitesInJob })).metrics[0]!.change.find(
      ({ statistic }) => statistic === 'p50',
    )!;
  assert.ok(change(10).low! < change(1).low!);
  assert.equal(change(10).high, change(1).high);
});

describe('a limit on the calls of a message', () => {
  const thresholds = limits('server.calls.perMessage < +1%', 'server.calls.perMessage < 500');
  const counted = (factor: number) => ({
    pairs: [100, 101, 99].map((calls, index) => ({
      baseline: { calls: 600 * calls, messages: 600 },
      head: { calls: 600 * calls * factor + index, messages: 600 },
    })),
  });
  const judged = (parts: Partial<SuiteEvidence>) =>
    judgeSuite(evidenceOf({ thresholds, pairs: unchanged.slice(0, 14), final: true, ...parts }));

  test('is judged by counted pairs, beside what was timed', () => {
    const same = judged({ counted: counted(1) });
    assert.equal(same.verdict, 'pass', same.reason);
    assert.match(
      limitOf(same, 'server.calls.perMessage', 'value').explanation,
      /in 3 pairs, from 100 to 100: a rise beyond \+1% is ruled out|from 100 to 100\. A rise beyond \+1% is ruled out/,
    );
    const more = judged({ counted: counted(1.02) });
    assert.equal(more.verdict, 'fail', more.reason);
    assert.match(more.reason, /server\.calls\.perMessage .*\+2%/);
    const far = judged({ counted: counted(6) });
    assert.deepEqual(
      far.metrics.find(({ id }) => id === 'server.calls.perMessage')?.limit.map(({ verdict }) => verdict),
      ['fail', 'fail'],
    );
  });

  test('holds nothing up while others are measured, and is invalid without counts', () => {
    assert.ok(!judged({ final: false }).metrics.some(({ id }) => id === 'server.calls.perMessage'));
    const unavailable = judged({ counted: { unavailable: 'the server does not run on Node' } });
    assert.equal(unavailable.verdict, 'invalid');
    assert.match(unavailable.reason, /could not be counted, because the server does not run on Node/);
    assert.equal(judged({}).verdict, 'invalid');
    const one = { pairs: counted(1).pairs.slice(0, 1) };
    assert.equal(judged({ counted: one }).verdict, 'inconclusive');
    const stored = judged({
      comparison: 'none',
      head: unchanged.map(({ head }) => head).slice(0, 2),
      pairs: [],
    });
    assert.equal(stored.verdict, 'invalid', stored.reason);
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  formatBytes,
  formatChange,
  formatCount,
  formatDuration,
  formatElapsed,
  formatInterval,
  formatLimit,
  formatPair,
  formatPercentChange,
  formatShare,
  formatValue,
} from '../../src/metrics/notation.ts';
import { sparkline } from '../../src/report/sparkline.ts';

test('latencies have three significant digits in the unit that fits', () => {
  const cases: [number | null, string][] = [
    [0, '0 ms'],
    [0.00412, '0.00412 ms'],
    [0.412, '0.412 ms'],
    [4.125, '4.13 ms'],
    [41.25, '41.3 ms'],
    [99.96, '100 ms'],
    [412.4, '412 ms'],
    [999.4, '999 ms'],
    [999.6, '1 s'],
    [1234, '1.23 s'],
    [98_760, '98.8 s'],
    [119_400, '119 s'],
    [125_000, '2 min 5 s'],
    [-41.25, '−41.3 ms'],
    [null, '–'],
    [Number.NaN, '–'],
    [Number.POSITIVE_INFINITY, '–'],
  ];
  for (const [value, text] of cases) assert.equal(formatDuration(value), text);
});

test('wall time, bytes, counts, shares', () => {
  assert.deepEqual([0, 999, 1000, 59_400, 60_000, 200_000, 3_600_000, 7_500_000].map(formatElapsed), [
    '0 ms',
    '999 ms',
    '1 s',
    '59 s',
    '1 min',
    '3 min 20 s',
    '1 h',
    '2 h 5 min',
  ]);
  assert.deepEqual([0, 812, 999, 1000, 41_200, 412_000_000, 4.12e9, 5e15].map(formatBytes), [
    '0 B',
    '812 B',
    '999 B',
    '1 kB',
    '41.2 kB',
    '412 MB',
    '4.12 GB',
    '5,000 TB',
  ]);
  assert.deepEqual([0, 12, 1234, 1_234_567, 12.345].map(formatCount), [
    '0',
    '12',
    '1,234',
    '1,234,567',
    '12.3',
  ]);
  assert.deepEqual([0, 0.001, 0.00123, 0.5, 1].map(formatShare), ['0%', '0.1%', '0.123%', '50%', '100%']);
  assert.equal(formatValue(0.34, 'cores'), '0.34 cores');
  assert.equal(formatValue(1, 'cores'), '1 core');
  assert.equal(formatValue(1234.5, 'perSecond'), '1,235/s');
  assert.equal(formatValue(12, 'ms', 'count'), '12');
  assert.equal(formatDuration(1500), '1.5 s');
});

test('a change is as precise as its interval', () => {
  const change = (relative: number, low: number | null, high: number | null) =>
    formatChange({ relative, low, high });
  assert.equal(change(0.12, 0.08, 0.16), '+12% (+8% to +16%)');
  assert.equal(change(0.0123, 0.0051, 0.0204), '+1.2% (+0.5% to +2%)');
  assert.equal(change(-0.00034, -0.0012, 0.0009), '−0.03% (−0.12% to +0.09%)');
  assert.equal(change(0.0001, -0.03, 0.03), '0% (−3% to +3%)');
  assert.equal(change(-0.0001, -0.03, 0.03), '0% (−3% to +3%)');
  assert.equal(change(0.18, 0.18, 0.18), '+18% (+18% to +18%)');
  assert.equal(change(0, 0, 0), '0% (0% to 0%)');
  assert.equal(change(1.5, null, null), '+150%');
  assert.equal(change(-0.034, null, null), '−3.4%');
  assert.equal(formatPercentChange(0), '0%');
  assert.equal(
    formatPercentChange(0.182, { low: 0.176, high: 0.188 }),
    '+18.2%',
    'alone as with its interval',
  );
  assert.equal(change(3, 1.2, 40), '+300% (at least +120%)');
  assert.equal(change(3, -0.2, 40), '+300% (−20% or more)');
  assert.equal(formatInterval(-0.021, 0.039), 'between −2% and +4%');
  assert.equal(formatInterval(-0.2, 40), 'between a fall and a rise of any size');
  assert.equal(formatLimit(0.1), '+10%');
  assert.equal(formatLimit(-0.025), '−2.5%');
});

test('two values share their unit', () => {
  assert.equal(formatPair(41.2, 48.7, formatDuration), '41.2 → 48.7 ms');
  assert.equal(formatPair(912, 1487, formatDuration), '912 ms → 1.49 s');
  assert.equal(formatPair(null, 48.7, formatDuration), '48.7 ms');
  assert.equal(formatPair(0, 0.001, formatShare), '0% → 0.1%');
});

test('a formatted number is within half a percent of the number, and never in exponent form', () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-9, max: 3.5e6, noNaN: true }), (ms) => {
      const text = formatDuration(ms);
      const sizes: Record<string, number> = { ms: 1, s: 1000, min: 60_000 };
      const back = [...text.matchAll(/([\d.]+) (ms|s|min)/g)].reduce(
        (sum, [, number, unit]) => sum + Number(number) * sizes[unit!]!,
        0,
      );
      assert.ok(Math.abs(back - ms) <= ms * 0.0051, `${ms}: ${text}`);
      assert.doesNotMatch(text, /e[+-]?\d/);
    }),
    { seed: 1, numRuns: 2000 },
  );
});

test('a sparkline shows a step and hides noise', () => {
  assert.equal(sparkline([]), '');
  assert.equal(sparkline([1, 2, 4, 8]), '▁▂▄█');
  assert.equal(sparkline([5, 5, 5]), '▅▅▅');
  const noise = sparkline([100, 101, 99, 100, 100.5, 99.5]);
  assert.ok(
    [...noise].every((bar) => '▄▅'.includes(bar)),
    noise,
  );
  assert.ok(sparkline([100, 101, 99, 100, 160]).endsWith('█'));
  assert.equal(sparkline(Array.from({ length: 500 }, (_, i) => i)).length, 60);
  assert.equal(sparkline([Number.NaN, 1, Number.POSITIVE_INFINITY]), sparkline([1]));
});

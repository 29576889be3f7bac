import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearestName } from '../../src/metrics/nearest-name.ts';

test('a misspelt name is recognised, another word is not', () => {
  const known = ['suites', 'target', 'thresholds', 'maxMinutes', 'reportDir', 'rounds'];
  const table: [string, string | undefined][] = [
    ['suite', 'suites'],
    ['tagret', 'target'],
    ['threshold', 'thresholds'],
    ['max-minutes', 'maxMinutes'],
    ['MAXMINUTES', 'maxMinutes'],
    ['report_dir', 'reportDir'],
    ['rouds', 'rounds'],
    ['scenario', undefined],
    ['x', undefined],
    ['', undefined],
  ];
  for (const [name, expected] of table) assert.equal(nearestName(name, known), expected, name);
  assert.equal(nearestName('anything', []), undefined);
});

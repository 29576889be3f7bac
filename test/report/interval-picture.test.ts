import assert from 'node:assert/strict';
import { test } from 'node:test';
import { intervalPicture } from '../../src/report/interval-picture.ts';
import { displayWidth } from '../../src/report/terminal-text.ts';

/** As they narrow: from ten times as wide as the last. */
const rows = Array.from({ length: 15 }, (_, index) => {
  const half = 0.8 / (index + 1);
  return { label: String(index + 2), value: 0.04, low: 0.04 - half, high: 0.04 + half };
});
const intervals = { rows, limits: [0.1] };

test('the last interval ends where its numbers say, between no change and the limit below', () => {
  const lines = intervalPicture(intervals, 100, false)!.split('\n');
  const [last, axis] = lines.slice(-2) as [string, string];
  const place = (mark: string): number => last.indexOf(mark);
  const scale = (place(':') - place('|')) / 0.1;
  for (const [mark, change] of [
    ['[', rows[14]!.low],
    ['o', 0.04],
    [']', rows[14]!.high],
  ] as const)
    assert.ok(Math.abs((place(mark) - place('|')) / scale - change) < 1.5 / scale, last);
  assert.equal(axis.indexOf('0'), place('|'));
  assert.equal(axis.indexOf('+10%') + 2, place(':'));
  // The first one leaves the picture on both sides, and no more than eight are shown.
  assert.match(lines[0]!, /^ 2 {2}<-+\|.*> /);
  assert.equal(lines.length, 9);
});

test('it fits every terminal, or is left out', () => {
  for (let columns = 30; columns <= 140; columns += 1) {
    const picture = intervalPicture(intervals, columns, true);
    if (columns >= 45) assert.ok(picture, `${columns} columns`);
    for (const line of (picture ?? '').split('\n'))
      assert.ok(displayWidth(line) <= columns, `${columns}: ${line}`);
  }
  assert.equal(intervalPicture(intervals, 30, true), null);
  assert.equal(intervalPicture({ ...intervals, rows: rows.slice(0, 1) }, 100, true), null, 'nothing narrows');
  assert.doesNotMatch(intervalPicture(intervals, 100, false)!.replaceAll('\u2212', '-'), /[^ -~\n]/);
});

test('a limit of no change is marked once', () => {
  const picture = intervalPicture({ rows, limits: [0, 0] }, 100, true)!;
  assert.equal(picture.split('\n').at(-1)!.trim(), '0');
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runFault, wrongWith } from './run-fault.ts';
import { faults } from './table.ts';

/** A few of each kind, in two minutes; `npm run faults` tries all. */
const linuxOnly = process.platform === 'linux' ? false : 'looks for processes in /proc';
// Each has a folder and a mark of its own, and mostly waits.
describe('faults', { skip: linuxOnly, concurrency: 2 }, () => {
  test('each has a name of its own', () => {
    const ids = faults.flatMap((group) => group.faults.map(({ id }) => id));
    assert.equal(new Set(ids).size, ids.length);
    assert.ok(ids.length >= 250, `${ids.length} faults`);
  });
  for (const { faults: all } of faults)
    for (const fault of all)
      if (fault.quick)
        test(`${fault.id}: ${fault.what}`, async () => {
          await runFault(fault, (outcome) =>
            assert.deepEqual(wrongWith(fault, outcome), [], outcome.printed.slice(-2_000)),
          );
        });
});

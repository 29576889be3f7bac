import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../../src/metrics/seeded-random.ts';
import {
  nextStep,
  type Outcome,
  type SearchSettings,
  searchResult,
  type Trial,
} from '../../../src/verdict/capacity/search.ts';

const defaults: SearchSettings = { from: 10, to: 10_000, growth: 2, precisionPercent: 5, confirmations: 1 };

/** Runs a search against a server that answers as `answer` says. */
const run = (answer: (load: number, trial: number) => Outcome, changes: Partial<SearchSettings> = {}) => {
  const settings = { ...defaults, ...changes };
  const trials: Trial[] = [];
  const phases: string[] = [];
  for (let step = nextStep(settings, trials); step !== null; step = nextStep(settings, trials)) {
    phases.push(step.phase);
    trials.push({ load: step.load, outcome: answer(step.load, trials.length) });
    assert.ok(trials.length <= 80, 'the search ends');
  }
  return { trials, phases, loads: trials.map(({ load }) => load), result: searchResult(settings, trials) };
};

const upTo =
  (capacity: number) =>
  (load: number): Outcome =>
    load <= capacity ? 'holds' : 'breaks';

test('grows, halves and confirms at the edge', () => {
  const { loads, phases, result } = run(upTo(100));
  assert.deepEqual(loads, [10, 20, 40, 80, 160, 160, 113, 95.1, 104, 99.5, 99.5, 104]);
  assert.deepEqual(phases.slice(0, 5), Array(5).fill('growing'));
  assert.equal(
    phases[5],
    'confirming',
    'a first break is looked at again before the search goes down for it',
  );
  assert.deepEqual(phases.slice(6), [...Array(4).fill('bisecting'), 'confirming', 'confirming']);
  assert.deepEqual(result, {
    holds: 99.5,
    breaks: 104,
    ceiling: null,
    confirmed: true,
    contradicted: false,
  });
});

test('the edge encloses the capacity within the precision, whatever it is', () => {
  const random = seededRandom(7);
  for (let index = 0; index < 300; index += 1) {
    const capacity = 2 * 10 ** (random() * 3.6);
    const precisionPercent = [0.5, 1, 5, 20][index % 4]!;
    const growth = [1.3, 2, 4][index % 3]!;
    const { result, trials } = run(upTo(capacity), { precisionPercent, growth });
    const { holds, breaks } = result;
    assert.ok(holds !== null && breaks !== null && holds <= capacity && capacity < breaks, `${capacity}`);
    assert.ok(breaks / holds <= 1 + precisionPercent / 100 + 0.005, `${capacity}: ${holds} to ${breaks}`);
    assert.ok(result.confirmed);
    assert.ok(trials.length <= 45, `${trials.length} measurements`);
  }
});

test('goes down when the first load is too much already, and gives up when no load is left', () => {
  const { result } = run(upTo(3));
  assert.ok(result.holds! <= 3 && result.breaks! > 3);
  const none = run(() => 'breaks');
  assert.equal(none.result.holds, null);
  assert.ok(none.result.breaks! < 1);
  assert.ok(none.trials.length < 16);
});

test('ends at the highest load that it may try', () => {
  const { loads, result } = run(() => 'holds', { to: 100 });
  assert.deepEqual(loads, [10, 20, 40, 80, 100, 100]);
  assert.deepEqual(result, {
    holds: 100,
    breaks: null,
    ceiling: null,
    confirmed: true,
    contradicted: false,
  });
});

test('a load without an answer is tried again, and bounds the search when there is none', () => {
  const generator = (load: number): Outcome => (load > 300 ? 'invalid' : 'holds');
  const { result, trials } = run(generator);
  assert.ok(result.holds! <= 300 && result.ceiling! > 300);
  assert.ok(result.ceiling! / result.holds! <= 1.06);
  assert.equal(result.breaks, null);
  assert.ok(result.confirmed);
  assert.ok(trials.length < 25);
  // Below the end of the generator, the server breaks: that is the capacity.
  const both = run((load) => (load > 300 ? 'invalid' : load > 200 ? 'breaks' : 'holds'));
  assert.ok(both.result.holds! <= 200 && both.result.breaks! > 200);
  assert.equal(both.result.ceiling, null);
});

test('a load without an answer between two that have one leaves both standing', () => {
  const { result } = run((load) => (load > 90 && load < 100 ? 'invalid' : upTo(97)(load)));
  assert.ok(result.holds! <= 90 && result.breaks! >= 100);
  assert.ok(result.ceiling! > 90 && result.ceiling! < 100);
});

test('a hiccup of the generator costs a measurement and changes nothing', () => {
  const hiccups = new Set([0, 3, 7, 8]);
  const { result } = run((load, trial) => (hiccups.has(trial) ? 'invalid' : upTo(100)(load)), {
    confirmations: 2,
  });
  assert.ok(result.holds! <= 100 && result.breaks! > 100 && result.breaks! / result.holds! < 1.06);
});

test('one accident does not move the edge', () => {
  // Every measurement in turn is made to lie once.
  for (let liar = 0; liar < 12; liar += 1) {
    const { result } = run((load, trial) => {
      const truth = upTo(100)(load);
      return trial !== liar ? truth : truth === 'holds' ? 'breaks' : 'holds';
    });
    const { holds, breaks } = result;
    assert.ok(holds! <= 104 && breaks! >= 95 && breaks! / holds! < 1.06, `${liar}: ${holds} to ${breaks}`);
  }
});

test('without confirmations every load is measured once', () => {
  const { loads, result } = run(upTo(100), { confirmations: 0 });
  assert.equal(new Set(loads).size, loads.length);
  assert.equal(result.confirmed, false);
});

test('more confirmations measure both ends as often', () => {
  const { trials, result } = run(upTo(100), { confirmations: 3 });
  for (const load of [result.holds, result.breaks])
    assert.equal(trials.filter((trial) => trial.load === load).length, 4);
});

test('the least that is wanted is measured itself where the search would leave it open', () => {
  const { loads, result } = run(upTo(100), { precisionPercent: 25, atLeast: 98 });
  assert.ok(loads.includes(98));
  assert.equal(result.holds, 98);
  assert.ok(run(upTo(96), { precisionPercent: 25, atLeast: 98 }).result.breaks! <= 98);
  assert.ok(!run(upTo(100), { atLeast: 50 }).loads.includes(50), 'an edge above it answers already');
});

test('a higher load that holds is said', () => {
  const trials: Trial[] = [
    { load: 10, outcome: 'holds' },
    { load: 20, outcome: 'breaks' },
    { load: 40, outcome: 'holds' },
  ];
  const settings = { ...defaults, confirmations: 0 };
  assert.equal(searchResult(settings, trials).contradicted, true);
  assert.equal(searchResult(settings, trials).holds, 10);
});

test('a search that was cut short tells what it knows', () => {
  const trials: Trial[] = [
    { load: 10, outcome: 'holds' },
    { load: 20, outcome: 'holds' },
  ];
  assert.deepEqual(searchResult(defaults, trials), {
    holds: 20,
    breaks: null,
    ceiling: null,
    confirmed: false,
    contradicted: false,
  });
  assert.deepEqual(searchResult(defaults, []), {
    holds: null,
    breaks: null,
    ceiling: null,
    confirmed: false,
    contradicted: false,
  });
});

test('answers that go on disagreeing, between ones that say nothing, give a load up', () => {
  let asked = 0;
  const { trials, result } = run((load) => {
    if (load !== 40) return load < 40 ? 'holds' : 'breaks';
    asked += 1;
    return (['breaks', 'holds'] as const)[asked - 1] ?? 'invalid';
  });
  assert.ok(asked <= 6, `${asked} of ${trials.length} trials`);
  assert.ok(result.holds! < 40);
});

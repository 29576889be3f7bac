import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../src/metrics/seeded-random.ts';
import {
  chooseStatistic,
  type PairValues,
  rateAngle,
  rateAtAngle,
} from '../../src/verdict/bisect/choose-statistic.ts';
import { mergeVersions } from '../../src/verdict/bisect/merge-versions.ts';
import { type BisectAnswer, nextStep } from '../../src/verdict/bisect/next-step.ts';
import { posteriorOf, witnessRange } from '../../src/verdict/bisect/posterior.ts';

type Truth = { culprits: Map<number, number>; gradual: number };

const normalOf = (random: () => number) => (): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** Runs the search as the command does, on a history that is made up; gives what it claims and what it cost. */
const search = (
  n: number,
  truth: Truth,
  deviation: number,
  options: { normal: () => number; outlier?: () => number; witness?: number; mostPairs?: number },
): { answer: BisectAnswer | null; pairs: number; versions: number } => {
  const { normal } = options;
  const level = (version: number): number =>
    (truth.gradual * version) / n +
    [...truth.culprits].reduce((sum, [culprit, size]) => sum + (culprit <= version ? size : 0), 0);
  const pairs = new Map<number, number[]>();
  const readings: { version: number; share: number }[] = [];
  const visited = new Set<number>();
  let count = 0;
  while (count < (options.mostPairs ?? 60)) {
    const witness = options.witness === undefined ? null : witnessRange(readings, n);
    const { step } = nextStep({ priors: new Array(n).fill(1), pairs, witness });
    if (step.kind === 'answer') return { answer: step.answer, pairs: count, versions: visited.size };
    visited.add(step.version);
    if (step.kind === 'count') {
      readings.push({ version: step.version, share: step.version >= options.witness! ? 1 : 0 });
      continue;
    }
    const values = pairs.get(step.version) ?? [];
    for (let each = 0; each < step.count; each += 1)
      values.push(level(step.version) + deviation * normal() * (options.outlier?.() ?? 1));
    pairs.set(step.version, values);
    count += step.count;
  }
  return { answer: null, pairs: count, versions: visited.size };
};

const isRight = (answer: BisectAnswer, truth: Truth): boolean => {
  if (answer.kind === 'none') return truth.culprits.size === 0 && truth.gradual === 0;
  if (answer.kind === 'gradual') return truth.gradual > 0;
  if (answer.kind === 'one') return truth.culprits.has(answer.version);
  return (
    answer.culprits.length === truth.culprits.size &&
    answer.culprits.every(({ version }) => truth.culprits.has(version))
  );
};

test('of 200 histories of every kind, claims of 95% are right in at least 95%', () => {
  const random = seededRandom(20);
  const normal = normalOf(random);
  const kinds = { one: 0, two: 0, gradual: 0, none: 0 };
  const named = { one: 0, two: 0, gradual: 0, none: 0 };
  let claims = 0;
  let right = 0;
  for (let history = 0; history < 200; history += 1) {
    const n = 2 + Math.floor(random() * 63);
    const deviation = 0.02 + 0.05 * random();
    const at = (): number => 1 + Math.floor(random() * n);
    const size = (): number => Math.log(1.05 + 0.2 * random());
    const kind = history % 10 < 6 ? 'one' : (['two', 'gradual', 'none', 'one'] as const)[(history % 10) - 6]!;
    const truth: Truth = { culprits: new Map(), gradual: kind === 'gradual' ? 0.1 + 0.2 * random() : 0 };
    if (kind === 'one' || kind === 'two') truth.culprits.set(at(), size());
    if (kind === 'two') truth.culprits.set(at(), size());
    // Some pairs meet a busy machine.
    const outlier = () => (random() < 0.1 ? 3 : 1);
    const { answer } = search(n, truth, deviation, { normal, outlier });
    kinds[kind] += 1;
    if (answer === null) continue;
    claims += 1;
    if (!isRight(answer, truth)) continue;
    right += 1;
    named[kind] += 1;
  }
  assert.ok(right >= 0.95 * claims, `${right} of ${claims} claims`);
  assert.ok(named.one >= 0.85 * kinds.one, `${named.one} of ${kinds.one} single culprits`);
  assert.ok(named.none >= 0.75 * kinds.none, `${named.none} of ${kinds.none} unchanged`);
});

test('one culprit of 5% in 64 commits takes few comparisons, fewer still with a count', () => {
  const random = seededRandom(5);
  const normal = normalOf(random);
  const cost = { plain: [] as number[], counted: [] as number[] };
  for (let history = 0; history < 20; history += 1) {
    const culprit = 1 + Math.floor(random() * 64);
    const truth: Truth = { culprits: new Map([[culprit, Math.log(1.05)]]), gradual: 0 };
    cost.plain.push(search(64, truth, 0.02, { normal }).versions);
    const counted = search(64, truth, 0.03, { normal, witness: culprit });
    assert.equal(counted.answer?.kind === 'one' ? counted.answer.version : 0, culprit);
    cost.counted.push(counted.versions);
  }
  assert.ok(cost.counted.filter((versions) => versions <= 9).length >= 18);
  assert.ok(cost.plain.filter((versions) => versions <= 9).length >= 17);
});

test('what leaves the server as it was is no suspect, and what cannot be built joins the next that can', () => {
  const one = (commit: string, changesServer = true) => ({ commit, changesServer, prior: 1 });
  const history = [one('a'), one('docs', false), one('b'), one('c'), one('d')];
  assert.deepEqual(mergeVersions(history, new Set(['b'])), [
    { commits: ['a'], prior: 1 },
    { commits: ['b', 'c'], prior: 2 },
    { commits: ['d'], prior: 1 },
  ]);
});

test('a count narrows the range, and is left out of it where it rises in steps or falls again', () => {
  assert.deepEqual(
    witnessRange(
      [
        { version: 8, share: 1 },
        { version: 3, share: 0 },
      ],
      8,
    ),
    { after: 3, upTo: 8 },
  );
  assert.equal(witnessRange([{ version: 5, share: 0.5 }], 8), null);
  assert.equal(
    witnessRange(
      [
        { version: 3, share: 1 },
        { version: 5, share: 0 },
      ],
      8,
    ),
    null,
  );
  const { culprit } = posteriorOf({ priors: [1, 1, 1, 1], pairs: new Map(), witness: { after: 2, upTo: 3 } });
  // It may have nothing to do with what is slow.
  assert.ok(culprit[2]! > 0.7 && culprit[2]! < 0.95 && culprit[0]! > 0.005);
});

test('the statistic that shows the change with the fewest pairs is chosen, by the first pairs alone', () => {
  const pair = (floor: number, tail: number) => ({ 'ack p5': floor, 'ack p95': tail });
  const first = [pair(0.1, 0.3), pair(0.11, -0.2), pair(0.1, 0.4), pair(0.09, 0)];
  assert.equal(chooseStatistic(first.slice(0, 3)), null);
  assert.equal(chooseStatistic(first), 'ack p5');
  assert.equal(chooseStatistic([...first, pair(0, 1), pair(0, 1)]), 'ack p5');
});

test('a culprit that only makes more fail is found, and nobody is blamed for failures that come by chance', () => {
  const random = seededRandom(77);
  const normal = normalOf(random);
  const attempts = 400;
  const count = (rate: number): number =>
    Array.from({ length: attempts }, () => (random() < rate ? 1 : 0)).reduce<number>(
      (sum, one) => sum + one,
      0,
    );
  const histories = { failing: 0, found: 0, wrong: 0, unchanged: 0, none: 0 };
  for (let history = 0; history < 60; history += 1) {
    const n = 8 + Math.floor(random() * 24);
    const culprit = 1 + Math.floor(random() * n);
    const usual = [0, 0.002, 0.02][history % 3]!;
    const fails = history % 4 !== 3;
    const risen = usual + (fails ? 0.02 + 0.1 * random() : 0);
    const name = history % 2 === 0 ? 'errors.rate' : 'deliveries.lost.rate';
    const measure = (version: number): PairValues => ({
      'ack p5': 0.04 * normal(),
      'server.cpuPerMessage': 0.05 * normal(),
      [name]:
        rateAngle(count(version >= culprit ? risen : usual) / attempts) - rateAngle(count(usual) / attempts),
    });
    const measured = new Map<number, PairValues[]>();
    let answer: BisectAnswer | null = null;
    for (let pairs = 0; pairs < 80 && answer === null; ) {
      const statistic = chooseStatistic(measured.get(n) ?? []);
      const values = new Map(
        [...measured].map(([version, own]) => [version, own.map((each) => each[statistic ?? name]!)]),
      );
      const { step } = nextStep({ priors: new Array(n).fill(1), pairs: values, witness: null });
      if (step.kind === 'answer') answer = step.answer;
      else {
        const more = Array.from({ length: step.kind === 'pairs' ? step.count : 1 }, () =>
          measure(step.version),
        );
        measured.set(step.version, [...(measured.get(step.version) ?? []), ...more]);
        pairs += more.length;
      }
    }
    histories[fails ? 'failing' : 'unchanged'] += 1;
    if (fails && answer?.kind === 'one' && answer.version === culprit) histories.found += 1;
    else if (!fails && answer?.kind === 'none') histories.none += 1;
    else if (answer !== null) histories.wrong += 1;
  }
  const { failing, found, wrong, unchanged, none } = histories;
  assert.ok(found >= 0.85 * failing && none >= 0.75 * unchanged && wrong <= 3, JSON.stringify(histories));
});

test('a rate of failures is followed only where it rose, and is shown as the rate that it is', () => {
  const pair = (floor: number, errors: number) => ({ 'ack p5': floor, 'errors.rate': errors });
  assert.equal(chooseStatistic([0.01, -0.02, 0.01, 0].map((floor) => pair(floor, 0))), 'ack p5');
  assert.equal(chooseStatistic([0.01, -0.02, 0.01, 0].map((floor) => pair(floor, 0.14))), 'errors.rate');
  assert.equal(chooseStatistic([0.2, 0.2, 0.21, 0.2].map((floor) => pair(floor, 0.1))), 'ack p5');
  assert.ok(Math.abs(rateAtAngle(0.01, rateAngle(0.05) - rateAngle(0.01)) - 0.05) < 1e-9);
  assert.equal(rateAtAngle(0, -0.1), 0);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { QuietInstant, RoundMeasurement } from '../../src/metrics/round-measurement.ts';
import { seededRandom } from '../../src/metrics/seeded-random.ts';
import { parseThreshold } from '../../src/metrics/threshold-grammar.ts';
import { judgeSuite } from '../../src/verdict/judge-suite.ts';
import type { SuiteJudgement } from '../../src/verdict/judgement.ts';
import { growthOf, intervalOf } from '../../src/verdict/statistics/steady-growth.ts';
import { evidenceOf, plainRound, recordOf, seededNormal } from './simulator.ts';

/** Memory of a server after each wave of users: what it does, without noise, and its noise. Bytes. */
type Server = {
  after: (wave: number) => number;
  /** Of the instant: what is being cleaned up just then. */
  noise: number;
  /** Steps that stay: a table that is enlarged, a function that is compiled. */
  steps: number;
  left?: (wave: number) => number;
  /** Latency by wave, milliseconds. */
  slow?: (wave: number) => number;
};

const sessions = 90;
const messages = 900;
const base = 12_000_000;
const quiet: Server = { after: () => base, noise: 6_000, steps: 2_000 };

const loads = new Map<number, RoundMeasurement>();
const loadOf = (medianMs: number): RoundMeasurement => {
  const known = loads.get(medianMs) ?? plainRound(medianMs, 60);
  loads.set(medianMs, known);
  return known;
};

const rounds = (server: Server, waves: number, seed: number) => {
  const normal = seededNormal(seed);
  let walk = 0;
  return Array.from({ length: waves }, (_, wave) => {
    walk += server.steps * normal();
    const heapBytes = server.after(wave) + walk + server.noise * normal();
    const instant: QuietInstant = {
      atMs: (wave + 1) * 8_000,
      sessions,
      messages,
      heapBytes,
      rssBytes: 4 * heapBytes,
      left: { fds: 20, threads: 11, sockets: server.left?.(wave) ?? 2, listeners: 60 },
    };
    const medianMs = server.slow?.(wave) ?? 5;
    return { ...loadOf(medianMs), quiet: instant };
  });
};

type Options = { waves?: number; seed?: number; thresholds?: string[] };

const judge = (
  head: Server,
  baseline: Server | null,
  { waves = 14, seed = 1, thresholds = [] }: Options = {},
): SuiteJudgement => {
  const heads = rounds(head, waves, 2 * seed);
  const bases = baseline === null ? [] : rounds(baseline, waves, 2 * seed + 1);
  return judgeSuite(
    evidenceOf({
      kind: 'endurance',
      comparison: baseline === null ? 'none' : 'side-by-side',
      pairs: bases.map((round, index) => ({ baseline: round, head: heads[index]! })),
      head: baseline === null ? heads : [],
      thresholds: thresholds.map((threshold) => parseThreshold(threshold)),
      final: true,
    }),
  );
};

const leak = (bytesASession: number): Server => ({
  ...quiet,
  after: (wave) => base + bytesASession * sessions * (wave + 1),
});
/** Filled after this wave, to the last byte of it. */
const cache = (fullAfter: number): Server => ({
  ...quiet,
  after: (wave) => base + 60_000 * Math.min(wave + 1, fullAfter),
});
const compiling: Server = {
  ...quiet,
  after: (wave) => base + 900_000 * (1 - Math.exp(-wave / 3)),
};

const share = (count: number, of: (seed: number) => boolean): number =>
  Array.from({ length: count }, (_, seed) => of(seed)).filter(Boolean).length / count;

test('the interval of a growth holds the truth as often as it says, whatever the noise is made of', () => {
  for (const [noise, steps] of [
    [1, 0],
    [0, 1],
    [1, 1],
    [0.2, 1],
  ] as const)
    for (const waves of [8, 11, 24]) {
      const covered = share(600, (seed) => {
        const normal = seededNormal(1_000 * waves + seed);
        let walk = 0;
        const x = Array.from({ length: waves }, (_, wave) => wave);
        const y = x.map((wave) => {
          walk += steps * normal();
          return 3 * wave + walk + noise * normal();
        });
        const { low, high } = intervalOf(growthOf({ x, y }).overall, 0.99);
        return low <= 3 && 3 <= high;
      });
      assert.ok(covered >= 0.98, `${covered} of 99% with ${waves} waves, noise ${noise}, steps ${steps}`);
    }
});

test('a leak is found, and nothing that fills up, is compiled or stays the same is taken for one', () => {
  const failed = (head: Server, baseline: Server | null) =>
    share(150, (seed) => judge(head, baseline, { seed }).verdict === 'fail');
  for (const baseline of [quiet, null]) {
    assert.ok(failed(leak(1_000), baseline) >= 0.95, 'a hundred bytes a message');
    assert.ok(failed(leak(600), baseline) >= 0.9, 'a listener a session');
    assert.equal(failed(quiet, baseline), 0, 'unchanged');
    assert.equal(failed(compiling, baseline), 0, 'compiled when it is first needed');
    for (const full of [3, 7, 10, 12]) assert.equal(failed(cache(full), baseline), 0, `full after ${full}`);
  }
  assert.equal(failed(leak(1_000), leak(1_000)), 0, 'the base version leaks as much');
});

test('a cache that is full in the last waves passes, and one that is still filling is not decided', () => {
  const verdicts = (server: Server) =>
    new Set(Array.from({ length: 40 }, (_, seed) => judge(server, quiet, { seed }).verdict));
  assert.ok(verdicts(cache(5)).has('pass'));
  assert.ok(!verdicts(cache(12)).has('fail'));
  const { reason } = judge(leak(1_000), quiet);
  assert.match(
    reason,
    /^The server keeps \d+ B a session, and kept \d+ B: a difference of \d+ B \(\d.* to .*, 99% sure\); at most 100 B more may be\. It goes on at the same rate/,
  );
});

test("the user's own limits take the place of the default, and what was not read never passes", () => {
  const limit = (rule: string) => judge(leak(1_200), quiet, { thresholds: [rule] });
  assert.equal(limit('server.retained.perSession < 2kB').verdict, 'pass');
  assert.equal(limit('server.retained.perSession < +2kB').verdict, 'pass');
  assert.equal(limit('server.retained.perMessage < 20B').verdict, 'fail');
  assert.equal(limit('server.retained.perSession <= baseline').verdict, 'fail');
  assert.equal(judge(quiet, quiet, { thresholds: ['server.left.rooms = 0'] }).verdict, 'invalid');
  const few = judge(quiet, quiet, { waves: 5 });
  assert.equal(few.verdict, 'invalid');
  assert.match(few.reason, /5 waves are too few/);
  const unread = judge({ ...quiet, after: (wave) => (wave === 9 ? Number.NaN : base) }, quiet);
  assert.notEqual(unread.verdict, 'pass');
  // A wave of the warm-up counts in a comparison.
  const evidence = (at: number, side: 'baseline' | 'head') =>
    evidenceOf({
      kind: 'endurance',
      comparison: 'side-by-side',
      pairs: rounds(quiet, 14, 2).map((head, wave) => {
        const pair = { baseline: rounds(quiet, 14, 3)[wave]!, head };
        const { quiet: instant } = pair[side];
        return wave === at
          ? { ...pair, [side]: { ...pair[side], quiet: { ...instant, heapBytes: null } } }
          : pair;
      }),
      final: true,
    });
  for (const side of ['baseline', 'head'] as const)
    for (const at of [0, 9]) {
      const judgement = judgeSuite(evidence(at, side));
      assert.equal(judgement.verdict, 'invalid', `${side}, wave ${at}`);
      assert.match(judgement.reason, /could not be read after every wave/);
    }
});

test('what is left behind by every session fails, and what is left once does not', () => {
  const left = (head: (wave: number) => number) => judge({ ...quiet, left: head }, quiet);
  const leaking = left((wave) => 2 + sessions * (wave + 1));
  assert.equal(leaking.verdict, 'fail');
  assert.match(
    leaking.reason,
    /^900 more sockets than after the warm-up are there when all users have gone; at the baseline 0, and/,
  );
  assert.equal(left((wave) => (wave < 7 ? 2 : 30)).verdict, 'pass');
  const strict = judge({ ...quiet, left: (wave) => (wave < 7 ? 2 : 5) }, quiet, {
    thresholds: ['server.left.sockets <= 1'],
  });
  assert.equal(strict.verdict, 'fail');
});

test('a drift of latency is told when it is beyond doubt', () => {
  const drifts = (server: Server) =>
    judge(server, quiet, { waves: 20 }).warnings.filter((warning) => warning.includes(' drifts '));
  const [told, ...others] = drifts({ ...quiet, slow: (wave) => 5 + 0.2 * wave });
  assert.match(
    told!,
    /^chat\.ack p50 drifts in this PR: \+1\.\d+ ms a minute .*and not on the other side\.$/,
  );
  assert.deepEqual(others, []);
  assert.deepEqual(drifts(quiet), []);
});

test('a map that keeps something of every session is found, though its table doubles now and then', () => {
  const entries = (wave: number): number => 4 * sessions * (wave + 1);
  const map: Server = {
    after: (wave) => base + 320 * entries(wave) + 32 * 2 ** Math.ceil(Math.log2(entries(wave))),
    noise: 1_000,
    steps: 500,
  };
  const still = { ...quiet, noise: 1_000, steps: 500 };
  const found = share(100, (seed) => judge(map, still, { seed, waves: 13 }).verdict === 'fail');
  assert.ok(found >= 0.9, `${found}`);
});

test("against a stored run errors are judged as in every suite, by the default limit and by the user's own", () => {
  const failing = (round: RoundMeasurement, errors: number): RoundMeasurement => ({
    ...round,
    counters: { ...round.counters, errors },
  });
  const against = (errors: number, thresholds: string[] = []) =>
    judgeSuite(
      evidenceOf({
        kind: 'endurance',
        comparison: 'single',
        history: [recordOf(rounds(quiet, 14, 1))],
        head: rounds(quiet, 14, 2).map((round) => failing(round, errors)),
        thresholds: thresholds.map((threshold) => parseThreshold(threshold)),
        final: true,
      }),
    );
  const limits = ({ metrics }: SuiteJudgement) =>
    metrics.flatMap(({ limit }) => limit).filter(({ rule }) => rule.startsWith('errors'));
  assert.deepEqual(
    limits(against(0)).map(({ verdict }) => verdict),
    ['pass'],
  );
  assert.equal(against(0).verdict, 'pass');
  assert.equal(against(12).verdict, 'fail');
  const own = against(12, ['errors <= baseline']);
  assert.deepEqual(
    limits(own).map(({ rule, verdict }) => [rule, verdict]),
    [['errors <= baseline', 'fail']],
  );
});

test('without a baseline, what is kept for a while or registered once is no leak, and what grows is', () => {
  const failed = (left: (wave: number, random: () => number) => number, waves = 14, count = 60) =>
    share(count, (seed) => {
      const random = seededRandom(seed);
      const lefts = Array.from({ length: waves }, (_, wave) => left(wave, random));
      const head = { ...quiet, left: (wave: number) => lefts[wave]! };
      return judge(head, null, { seed, waves }).metrics.some(
        ({ id, verdict }) => id === 'server.left.sockets' && verdict === 'fail',
      );
    });
  assert.ok(failed((wave) => 2 + sessions * (wave + 1)) >= 0.98, 'one for each session');
  assert.ok(failed((wave, random) => 2 + 20 * wave + Math.round(10 * random())) >= 0.98, 'of some sessions');
  assert.equal(
    failed((wave) => (wave < 7 ? 2 : 60)),
    0,
    'registered when it is first needed',
  );
  // Kept for so many waves after the end of each session.
  for (const kept of [1, 3, 5, 7, 9])
    for (const waves of [14, 24])
      assert.ok(
        failed((wave, random) => {
          const sessionsNow = sessions * Math.min(wave + 1, kept);
          return Math.round(sessionsNow + 2 * Math.sqrt(sessionsNow) * (random() - 0.5));
        }, waves) <= 0.02,
        `kept for ${kept} of ${waves} waves`,
      );
  const pool = (wave: number) => Math.min(4 + 8 * wave, 40);
  assert.equal(
    failed((wave) => pool(wave)),
    0,
    'a pool that fills',
  );
});

test('a leak is found while both versions still warm up, and their warming up is not taken for one', () => {
  const warming = (bytesASession: number): Server => ({
    ...quiet,
    after: (wave) => base + 250_000 * (1 - Math.exp(-wave / 6)) + bytesASession * sessions * (wave + 1),
  });
  const failed = (head: Server) =>
    share(100, (seed) => judge(head, warming(0), { seed, waves: 17 }).verdict === 'fail');
  assert.ok(failed(warming(800)) >= 0.95, `${failed(warming(800))}`);
  assert.equal(failed(warming(0)), 0);
  // What warms up differs from start to start.
  const differing = share(100, (seed) => {
    const random = seededRandom(seed);
    const [one, other] = [random(), random()].map((each) => ({
      ...quiet,
      noise: 9_000,
      after: (wave: number) => base + 250_000 * (0.7 + 0.6 * each) * (1 - Math.exp(-wave / (3 + 4 * each))),
    }));
    return judge(one!, other!, { seed, waves: 17 }).verdict === 'fail';
  });
  assert.ok(differing <= 0.01, `differing starts: ${differing}`);
  // The first waves tell of the difference too, and a leak goes on until the last.
  const noisy = (more: (wave: number) => number) =>
    share(100, (seed) => {
      const server = (of: (wave: number) => number): Server => ({
        noise: 9_000,
        steps: 1_000,
        after: (wave) => warming(0).after(wave) + sessions * of(wave + 1),
      });
      return (
        judge(
          server(more),
          server(() => 0),
          { seed, waves: 17 },
        ).verdict === 'fail'
      );
    });
  const linear = (bytes: number) => noisy((wave) => bytes * wave);
  assert.ok(linear(270) >= 0.5, `270 B: ${linear(270)}`);
  assert.ok(linear(400) >= 0.9, `400 B: ${linear(400)}`);
  for (const bytes of [270, 1_000]) {
    for (const full of [3, 8, 13])
      assert.ok(noisy((wave) => bytes * Math.min(wave, full)) <= 0.02, `${bytes} B, full after ${full}`);
    for (const waves of [4, 10])
      assert.ok(
        noisy((wave) => bytes * waves * (1 - Math.exp(-wave / waves))) <= 0.02,
        `${bytes} B, ${waves}`,
      );
    assert.ok(noisy((wave) => 4 * bytes * Math.sqrt(wave)) <= 0.02, `${bytes} B, as a square root`);
  }
});

test('a limit on what is left is told by its own operator, and one on a change without waves to compare with', () => {
  const leaving: Server = { ...quiet, left: (wave) => 2 + 3 * wave };
  const told = (rule: string): string =>
    judge(leaving, null, { thresholds: [rule] }).metrics.find(({ id }) => id === 'server.left.sockets')!
      .limit[0]!.explanation;
  assert.match(told('server.left.sockets < 3'), /and fewer than 3 may be/);
  assert.match(told('server.left.sockets <= 3'), /and at most 3 may be/);
  assert.match(told('server.left.sockets = 0'), /and exactly 0 may be/);
  const single = judgeSuite(
    evidenceOf({
      kind: 'endurance',
      comparison: 'single',
      head: rounds(quiet, 14, 1),
      history: [recordOf([plainRound(5)])],
      thresholds: [parseThreshold('server.retained.perSession < +10B', { file: 'tailgate.yml', line: 1 })],
      final: true,
    }),
  );
  assert.ok(
    single.warnings.some((text) =>
      /^No stored run has waves .* "server\.retained\.perSession < \+10B"/.test(text),
    ),
    single.warnings.join('\n'),
  );
});

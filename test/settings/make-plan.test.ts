import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemsOf } from '../../src/errors.ts';
import type { ScenarioOutline } from '../../src/settings/estimate.ts';
import { limitationsOf } from '../../src/settings/limitations.ts';
import { makePlan, type PlanContext } from '../../src/settings/make-plan.ts';
import type { RunPlan } from '../../src/settings/run-plan.ts';
import { formatPath } from '../../src/settings/setting-path.ts';
import { settingsSchema } from '../../src/settings/settings-schema.ts';

type Written = Parameters<typeof settingsSchema.parse>[0] & object;

const context = (over: Partial<PlanContext> = {}): PlanContext => ({
  selected: [],
  selectedPlace: { key: 'input "suite"' },
  placeOf: (path) => ({ key: formatPath(path) }),
  ...over,
});

const plan = (settings: Written, over: Partial<PlanContext> = {}): RunPlan =>
  makePlan(settingsSchema.parse(settings), context(over));

const chat = { name: 'chat', scenario: '/project/chat.yml' };

test('a suite is planned with everything that holds for it', () => {
  const { suites } = plan({
    target: { start: 'node .' },
    room: { token: 'abc' },
    thresholds: ['lost = 0', 'p95 < 1s'],
    suites: [
      chat,
      {
        ...chat,
        name: 'other',
        environment: 'short',
        target: { url: 'http://h:1' },
        room: false,
        thresholds: ['p95 < 2s', 'p95 < +10%'],
      },
    ],
  });
  assert.deepEqual(
    suites.map(({ name, scenarioPath, environment, level }) => [name, scenarioPath, environment, level]),
    [
      ['chat', '/project/chat.yml', null, null],
      ['other', '/project/chat.yml', 'short', null],
    ],
  );
  assert.equal(suites[0]?.target.start, 'node .');
  assert.equal(suites[0]?.room?.token, 'abc');
  assert.equal(suites[1]?.target.url, 'http://h:1');
  assert.equal(suites[1]?.room, null);
  assert.deepEqual(
    suites.map(({ thresholds }) => thresholds.map(({ source, where }) => [source, where.key])),
    [
      [
        ['lost = 0', 'thresholds[0]'],
        ['p95 < 1s', 'thresholds[1]'],
      ],
      [
        ['lost = 0', 'thresholds[0]'],
        ['p95 < 2s', 'suites[1].thresholds[0]'],
        ['p95 < +10%', 'suites[1].thresholds[1]'],
      ],
    ],
  );
});

test('no room is none, whichever way it is said', () => {
  assert.equal(plan({ suites: [chat] }).suites[0]?.room, null);
  assert.equal(plan({ room: false, suites: [chat] }).suites[0]?.room, null);
});

test('every level is a suite of its own', () => {
  const { suites } = plan({
    suites: [
      {
        ...chat,
        overrides: { phases: [{ duration: 5 }], http: { timeout: 1, pool: 2 } },
        variables: { a: 1, b: 1 },
        thresholds: ['p95 < 1s', 'lost = 0'],
        levels: [
          { name: 'low', variables: { b: 2 } },
          {
            name: 'high',
            overrides: { phases: [{ duration: 9 }], http: { pool: 3 } },
            thresholds: ['p95 < 3s'],
          },
        ],
      },
    ],
  });
  const [low, high] = suites;
  assert.equal(low?.name, 'chat/low');
  assert.deepEqual(low.level, { suite: 'chat', name: 'low' });
  assert.deepEqual(low.variables, { a: 1, b: 2 });
  assert.deepEqual(high?.overrides, { phases: [{ duration: 9 }], http: { timeout: 1, pool: 3 } });
  const placeOf = (...path: (string | number)[]) =>
    high?.overridePlaces?.find((one) => one.path.join() === path.join())?.where.key;
  assert.match(
    placeOf('phases', 0, 'duration') ?? '',
    /^suites\[\d\]\.levels\[\d\]\.overrides\.phases\[0\]\.duration$/,
  );
  assert.match(placeOf('http', 'timeout') ?? '', /^suites\[\d\]\.overrides\.http\.timeout$/);
  assert.deepEqual(
    high.thresholds.map(({ source }) => source),
    ['lost = 0', 'p95 < 3s'],
  );
});

test('suites are selected by name, levels by suite/level; an unknown name is an error', () => {
  const settings = {
    suites: [
      { ...chat, levels: [{ name: 'low' }, { name: 'high' }] },
      { ...chat, name: 'media' },
    ],
  };
  const names = (...selected: string[]): string[] =>
    plan(settings, { selected }).suites.map(({ name }) => name);
  assert.deepEqual(names(), ['chat/low', 'chat/high', 'media']);
  assert.deepEqual(names('media', 'chat/high'), ['chat/high', 'media']);
  assert.deepEqual(names('chat'), ['chat/low', 'chat/high']);
  assert.throws(
    () => names('chat/mid', 'medai', 'chat'),
    (error: unknown) => {
      assert.deepEqual(
        problemsOf(error).map((problem) => problem.message),
        ['chat/mid', 'medai'].map(
          (name) =>
            `input "suite": There is no suite named "${name}".\nSuites in the settings: "chat", "media".`,
        ),
      );
      return true;
    },
  );
});

test('side by side needs two servers that can run at once', () => {
  const baseline = { mode: 'side-by-side' };
  const target = { start: 'node .' };
  assert.equal(plan({ baseline, target, suites: [chat] }).suites.length, 1);
  const table: [object, RegExp][] = [
    [
      { url: 'http://h:1' },
      /^baseline\.mode: The setting "baseline\.mode" .* no command starts that of suite "chat"/,
    ],
    [{ ...target, port: 3000 }, /^suites\[0\]\.target\.port: .* cannot share a port/],
    [{ ...target, url: 'http://127.0.0.1:3000' }, /^suites\[0\]\.target\.url: .* cannot share a port/],
  ];
  for (const [wrong, message] of table) {
    assert.throws(() => plan({ baseline, target: wrong, suites: [chat] }), {
      code: 'SETTINGS_INVALID_VALUE',
      message,
    });
    assert.equal(plan({ target: wrong, suites: [chat] }).suites.length, 1);
  }
});

test('two versions that run already are two, and nothing is started for them', () => {
  const baseline = { mode: 'side-by-side', url: 'https://main.example.com/' };
  const target = { url: 'https://pr.example.com' };
  assert.equal(plan({ baseline, target, suites: [chat] }).suites.length, 1);
  const table: [object, RegExp][] = [
    [{ ...target, start: 'node .' }, /"target\.start" is for a version that is started here/],
    [{ ...target, build: 'npm ci' }, /"target\.build" is for a version/],
    [{ url: 'https://main.example.com' }, /nothing to compare/],
    [{ ...target, pid: 4711 }, /"target\.pid".*two versions run/],
  ];
  for (const [wrong, message] of table)
    assert.throws(() => plan({ baseline, target: wrong, suites: [chat] }), {
      code: 'SETTINGS_INVALID_VALUE',
      message,
    });
  const other = { name: 'other', scenario: 'a.yml', target: { url: 'https://other.example.com' } };
  assert.throws(() => plan({ baseline, target, suites: [chat, other] }), /cannot share one base version/);
});

const outlines = (plannedMs: number | null, plannedSamples: number | null) =>
  new Map<string, ScenarioOutline>([['chat', { plannedMs, plannedSamples }]]);

const limitations = (settings: Written, known: ReadonlyMap<string, ScenarioOutline> = new Map()): string[] =>
  limitationsOf(plan(settings), known);

test('a plan says what it cannot decide, and nothing when it can decide all', () => {
  const sideBySide = { target: { start: 'node .' }, baseline: { mode: 'side-by-side' }, suites: [chat] };
  assert.deepEqual(limitations(sideBySide, outlines(60_000, 60_000)), []);
  assert.deepEqual(limitations({ suites: [chat] }), []);

  assert.deepEqual(
    limitations({ baseline: { mode: 'none' }, thresholds: ['p95 < +10%', 'lost <= +0'], suites: [chat] }),
    [
      'Nothing is compared, because "baseline.mode" is "none": absolute limits alone can fail.',
      'These limits are relative to a baseline and cannot be judged: "p95 < +10%", "lost <= +0".',
      'Suite "chat" has no absolute limit, so without a baseline nothing in it can fail but a run that is invalid.',
    ],
  );
  const checked = new Map([['chat', { plannedMs: null, plannedSamples: null, hasChecks: true }]]);
  assert.match(
    limitations({ baseline: { mode: 'none' }, suites: [chat] }, checked).join(),
    /can fail but the scenario's own checks and a run that is invalid\./,
  );
  assert.deepEqual(limitations({ baseline: { mode: 'none' }, thresholds: ['lost = 0'], suites: [chat] }), [
    'Nothing is compared, because "baseline.mode" is "none": absolute limits alone can fail.',
  ]);
});

test('a plan counts the values that a percentile needs', () => {
  // 600 values in 60 s are 100 in the 10 s of one pair's side, 2,000 in 20 pairs; with 6 pairs there are 600.
  const sideBySide = (maxPairs: number): Written => ({
    target: { start: 'node .' },
    baseline: { mode: 'side-by-side' },
    verdict: { maxPairs },
    suites: [chat],
  });
  assert.deepEqual(limitations(sideBySide(20), outlines(60_000, 600)), []);
  const fewer = limitations(sideBySide(6), outlines(60_000, 600));
  assert.equal(fewer.length, 1);
  assert.match(
    fewer[0]!,
    /plans about 600 values .* a p99 is not judged with fewer than 1000\. .* more pairs/,
  );

  const stored = limitations({ rounds: 2, suites: [chat] }, outlines(10_000, 90));
  assert.equal(stored.length, 2);
  assert.match(stored[0]!, /plans about 180 values .* a p95 .* fewer than 200/);
  assert.match(stored[1]!, /plans about 180 values .* a p99 .* fewer than 1000/);
  assert.deepEqual(limitations({ rounds: 2, suites: [chat] }, outlines(10_000, null)), []);
});

test('a plan that does not fit into its time says so', () => {
  // A pair takes 2 x 2 s of warm-up, 20 slices of 1.25 s, and 3 s to change servers: 32 s.
  const sideBySide = (maxMinutes: number): string[] =>
    limitations({
      target: { start: 'node .' },
      baseline: { mode: 'side-by-side' },
      maxMinutes,
      suites: [chat],
    });
  assert.deepEqual(sideBySide(11), []);
  assert.deepEqual(sideBySide(5), [
    '5 minutes are enough for 9 of at most 20 pairs a suite: a small change may stay inconclusive.',
  ]);
  assert.deepEqual(sideBySide(3), [
    '3 minutes are enough for 5 pairs a suite, and no verdict is given before 6: raise "maxMinutes" to at least 4, or comparisons will be inconclusive.',
  ]);
  // A scenario of 6 s leaves 4 s to be measured after the warm-up: 2 x (2 + 4 + 4 x 0.25) + 3 = 17 s.
  const short = { target: { start: 'node .' }, baseline: { mode: 'side-by-side' }, suites: [chat] };
  assert.deepEqual(limitations({ ...short, maxMinutes: 5.7 }, outlines(6_000, null)), []);
  assert.equal(limitations({ ...short, maxMinutes: 5.6 }, outlines(6_000, null)).length, 1);
  assert.deepEqual(limitations({ rounds: 5, maxMinutes: 4, suites: [chat] }, outlines(60_000, 9_999)), [
    'The planned rounds take about 5.4 min, more than the 4 minutes of "maxMinutes": not all of them will run.',
  ]);
  assert.deepEqual(limitations({ suites: [chat] }, outlines(null, null)), [
    'The scenario of suite "chat" has no end of its own: it is stopped when the 15 minutes of "maxMinutes" are over.',
  ]);
});

test('limits on what stays are for suites of kind "endurance", and relative ones on speed for all others', () => {
  const memory = { ...chat, name: 'memory', kind: 'endurance' as const };
  const sources = ({ suites }: RunPlan) =>
    suites.map(({ thresholds }) => thresholds.map(({ source }) => source));
  const shared = ['server.retained.perSession < 100B', 'p95 < +10%', 'p95 < 1s', 'errors <= baseline'];
  const both = plan({ thresholds: shared, suites: [chat, { ...memory, minutes: 60 }] });
  assert.deepEqual(sources(both), [
    ['p95 < +10%', 'p95 < 1s', 'errors <= baseline'],
    ['server.retained.perSession < 100B', 'p95 < 1s', 'errors <= baseline'],
  ]);
  assert.deepEqual(
    both.suites.map(({ endurance }) => endurance),
    [undefined, { minutes: 60 }],
  );
  assert.match(limitations({ suites: [{ ...memory, minutes: 60 }] })[0]!, /60 minutes, more than the 15/);
  // With nobody to judge it, a limit must not vanish.
  assert.deepEqual(sources(plan({ thresholds: [shared[0]!], suites: [chat] })), [[shared[0]]]);
  const exact = 'server.retained.perSession = 0';
  for (const mistake of [
    { thresholds: shared, suites: [memory, { ...memory, name: 'again' }] },
    { thresholds: [exact], suites: [chat, memory] },
  ])
    assert.deepEqual(
      problemsOf(caught(() => plan(mistake))).map(({ code, where }) => [code, where.key]),
      [['THRESHOLD_SYNTAX', `thresholds[${mistake.thresholds === shared ? 1 : 0}]`]],
    );

  const mistakes = [
    ...problemsOf(caught(() => plan({ suites: [{ ...memory, thresholds: ['p95 < +10%'] }] }))),
    ...problemsOf(
      caught(() => plan({ suites: [{ ...memory, thresholds: ['server.retained.perSession = 0'] }] })),
    ),
    ...problemsOf(caught(() => plan({ suites: [{ ...chat, minutes: 5 }] }))),
  ];
  assert.deepEqual(
    mistakes.map(({ code, where }) => [code, where.key]),
    [
      ['THRESHOLD_SYNTAX', 'suites[0].thresholds[0]'],
      ['THRESHOLD_SYNTAX', 'suites[0].thresholds[0]'],
      ['SETTINGS_INVALID_VALUE', 'suites[0].minutes'],
    ],
  );
});

function caught(act: () => unknown): unknown {
  try {
    act();
  } catch (failure) {
    return failure;
  }
  throw new Error('nothing was thrown');
}

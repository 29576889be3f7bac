import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  captureOrMatch,
  createLoopWithCount,
} from '../../../node_modules/artillery/dist/lib/commons/engine_util.js';
import { compileFlow } from '../../../src/engines/core/flow/compile-flow.ts';
import { sendRate } from '../../../src/engines/core/flow/fixed-rate.ts';
import { loop } from '../../../src/engines/core/flow/loop.ts';
import { parallel } from '../../../src/engines/core/flow/parallel.ts';
import { askProcessor, callProcessor } from '../../../src/engines/core/flow/run-function.ts';
import { sequence } from '../../../src/engines/core/flow/sequence.ts';
import type { Step, VirtualUserContext } from '../../../src/engines/core/flow/step.ts';
import { durationMs } from '../../../src/engines/core/flow/think.ts';
import { timeoutMs } from '../../../src/engines/core/flow/timeout.ts';
import { watchingNames } from '../../../src/engines/core/flow/watch-names.ts';
import { recorder } from '../../../src/engines/core/recorder.ts';
import { compileAnswerCheck } from '../../../src/engines/socketio/answer-check.ts';

const contextOf = (vars: Record<string, unknown> = {}): VirtualUserContext => ({ vars, funcs: {} });

/** A step that notes the variables of the loop, and calls back at once or later. */
const noting =
  (seen: unknown[], isLater: boolean): Step =>
  (context, callback) => {
    const { $loopCount, $loopElement, i, el } = context.vars;
    seen.push([$loopCount, $loopElement, i, el]);
    if (isLater) setImmediate(() => callback(null, context));
    else callback(null, context);
  };

const run = async (step: Step, context: VirtualUserContext): Promise<unknown> =>
  await new Promise((resolve) => step(context, (error) => resolve(error)));

test('loops go as often, and with the same variables, as in Artillery', async () => {
  const spec = fc.record(
    {
      count: fc.oneof(
        fc.integer({ min: 1, max: 6 }),
        fc.constantFrom('3', '2-5', '0-2', '{{ n }}', '{{ range }}'),
      ),
      over: fc.constantFrom('list', 'gone', 'empty', ['x', 'y'], []),
      loopValue: fc.constant('i'),
      loopElement: fc.constant('el'),
      whileTrue: fc.integer({ min: 1, max: 4 }),
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(spec, fc.boolean(), async ({ whileTrue, ...rest }, isLater) => {
      // Without any of these it goes on for ever in both.
      fc.pre(rest.count !== undefined || rest.over !== undefined || whileTrue !== undefined);
      // A range that begins after the end of the list goes on for ever in Artillery.
      fc.pre(rest.over === undefined || rest.count === undefined);
      const outcomes = await Promise.all(
        ['ours', 'theirs'].map(async (whose) => {
          const seen: unknown[] = [];
          const context = contextOf({ n: 2, range: '1-4', list: [7, { a: 1 }], empty: [] });
          let asked = 0;
          const again =
            whileTrue === undefined
              ? undefined
              : (_context: unknown, done: (again: unknown) => void) => {
                  asked += 1;
                  done(asked < whileTrue);
                };
          const step =
            whose === 'ours'
              ? loop(noting(seen, isLater), { ...rest, whileTrue: again })
              : (createLoopWithCount(rest.count ?? -1, [noting(seen, isLater)], {
                  loopValue: rest.loopValue,
                  loopElement: rest.loopElement ?? '$loopElement',
                  overValues: rest.over,
                  whileTrue: again,
                }) as Step);
          const error = await run(step, context);
          return { error: error ?? null, seen, vars: context.vars };
        }),
      );
      assert.deepEqual(outcomes[0], outcomes[1]);
    }),
    { numRuns: 400 },
  );
});

test('an error in a step ends a sequence, a loop and parallel steps', async () => {
  const seen: number[] = [];
  const step =
    (n: number, error: unknown = null): Step =>
    (context, callback) => {
      seen.push(n);
      callback(error, context);
    };
  assert.equal(await run(sequence([step(1), step(2, 'bad'), step(3)]), contextOf()), 'bad');
  assert.equal(await run(loop(step(4, 'worse'), { count: 3 }), contextOf()), 'worse');
  assert.equal(await run(parallel([step(5), step(6, 'worst'), step(7)], 1), contextOf()), 'worst');
  assert.deepEqual(seen, [1, 2, 4, 5, 6]);
  assert.equal(await run(sequence([]), contextOf()), null);
  assert.equal(await run(parallel([], 1), contextOf()), null);
});

test('a long loop of steps that call back at once does not overflow the stack', async () => {
  let count = 0;
  const step: Step = (context, callback) => {
    count += 1;
    callback(null, context);
  };
  assert.equal(await run(loop(sequence([step, step]), { count: 50_000 }), contextOf()), null);
  assert.equal(count, 100_000);
});

test('a time is read as Artillery reads a think', () => {
  assert.deepEqual(
    [2, '3', '200ms', '1.5s', '2 minutes', 0.2, '0.5', 0].map(durationMs),
    [2_000, 3_000, 200, 1_500, 120_000, 0.2, 0.5, 0],
  );
  for (const bad of ['', 'soon', undefined, null, {}, '5 parsecs'])
    assert.ok(Number.isNaN(durationMs(bad)), String(bad));
});

test('a time of ours is in seconds, also as a fraction or as text, and else has its unit', () => {
  assert.deepEqual(
    [2, 0.5, '0.5', ' 3 ', '500ms', '1.5s'].map(timeoutMs),
    [2_000, 500, 500, 3_000, 500, 1_500],
  );
  for (const bad of [0, -1, '', 'soon', '{{ t }}', Number.NaN, null, undefined, {}])
    assert.equal(timeoutMs(bad), null, String(bad));
});

test('a rate for a time is a number of sends, and one that comes to none is an error', () => {
  assert.deepEqual(sendRate('10/s', 2.5), { count: 25, intervalMs: 100, totalMs: 2_500 });
  for (const [rate, duration] of [
    [0, 10],
    ['1/min', '10s'],
  ])
    assert.throws(() => sendRate(rate, duration), /sends nothing/);
  assert.throws(() => sendRate(10, 'soon'), /"duration: soon" is no time/);
});

test('a function is asked in each way that it may answer, and one that fails is an error', async () => {
  const later = (answer: unknown) => (_context: unknown, done: (answer: unknown) => void) =>
    setTimeout(() => done(answer), 1);
  const failing = new Error('no');
  const asked: [unknown, unknown][] = [
    [later(true), true],
    // What a timer gives is no answer.
    [later(false), false],
    [async (_context: unknown, done: (answer: unknown) => void) => done(false), false],
    [async () => true, true],
    [async () => undefined, undefined],
    [() => false, false],
    [() => Promise.resolve(true), true],
    [later(failing), failing],
    [() => Promise.reject(failing), failing],
    [
      async () => {
        throw failing;
      },
      failing,
    ],
    [
      (_context: unknown, _done: unknown) => {
        throw failing;
      },
      failing,
    ],
  ];
  for (const [answering, expected] of asked) {
    const answer = await new Promise((resolve) =>
      askProcessor(answering as () => unknown, contextOf(), (error, again) => resolve(error ?? again)),
    );
    assert.equal(answer, expected, String(answering));
  }
});

test('a function that throws ends as an error, also when nobody stands around it any more', () => {
  const ends: unknown[] = [];
  const throwing = (what: unknown) => () => {
    throw what;
  };
  callProcessor(throwing('bad'), [], (error) => ends.push(error));
  callProcessor(throwing(undefined), [], (error) => ends.push((error as Error).message));
  assert.deepEqual(ends, ['bad', 'the function threw undefined']);
});

const flowOf = (flow: unknown[], processor: Record<string, unknown> = {}): Step =>
  compileFlow(flow, {
    config: { processor },
    ee: { emit: () => undefined },
    path: 's.yml',
    place: 'chat',
    own: () => null,
    http: () => assert.fail('no request is made'),
  });

test('a loop whose function fails ends the user with its words', async () => {
  recorder.reset();
  const flow = flowOf([{ loop: [{ function: 'step' }], whileTrue: 'more' }], {
    step: async () => undefined,
    more: () => Promise.reject(new Error('no table')),
  });
  assert.match(String(await run(flow, contextOf())), /no table/);
  assert.deepEqual(
    recorder.snapshot().errors.map(({ name, count, steps }) => [name, count, steps]),
    [['no table', 1, ['chat, step 1']]],
  );
});

test('parallel steps have a limit that is a number, for each user where it is a template', async () => {
  for (const limit of [0, -1, 'many', 1.5])
    assert.throws(() => flowOf([{ parallel: [], limit }]), /"limit" is a whole number from 1 on/);
  let open = 0;
  let most = 0;
  const processor = {
    step: async () => {
      open += 1;
      most = Math.max(most, open);
      await new Promise(setImmediate);
      open -= 1;
    },
  };
  const steps = Array.from({ length: 5 }, () => ({ function: 'step' }));
  const limited = flowOf([{ parallel: steps, limit: '{{ n }}' }], processor);
  assert.equal(await run(limited, contextOf({ n: 2 })), null);
  assert.equal(most, 2);
  assert.equal(await run(flowOf([{ parallel: steps }], processor), contextOf()), null);
  assert.equal(most, 5);
  assert.match(String(await run(limited, contextOf({ n: 0 }))), /"limit" is a whole number from 1 on, not 0/);
});

/** Captures and matches through Artillery's own helper, as its engine uses it. */
const artillery = (
  spec: { capture: unknown; match: unknown },
  args: unknown[],
  vars: Record<string, unknown>,
) => {
  let outcome: { ok: boolean; vars: Record<string, unknown> } = { ok: false, vars };
  const params = structuredClone(spec);
  captureOrMatch(params, { body: JSON.stringify(args) }, { vars }, (error: unknown, result: unknown) => {
    const { matches, captures } = result as {
      matches: Record<string, { success: boolean }>;
      captures: Record<string, { value: unknown }>;
    };
    const ok = !error && Object.values(matches).every(({ success }) => success);
    if (ok) for (const [name, { value }] of Object.entries(captures)) vars[name] = value;
    outcome = { ok, vars };
  });
  return outcome;
};

test('captures and matches with plain paths give what JSONPath gives', () => {
  const json = fc.constantFrom(
    '$.0.id',
    '$.0.user.name',
    '$.0.list[1]',
    '$[0].id',
    "$[0]['id']",
    '$.1',
    '$.0.gone.deep',
    '$.0.list',
    '$.0.zero',
    '$.0.none',
    '$.0.user.*',
    '$..name',
  );
  const answer = fc.record({
    id: fc.oneof(fc.integer(), fc.string()),
    user: fc.record({ name: fc.string() }),
    list: fc.array(fc.integer(), { minLength: 2, maxLength: 3 }),
    zero: fc.constant(0),
    none: fc.constant(null),
  });
  fc.assert(
    fc.property(json, json, answer, fc.anything(), (captured, matched, first, wanted) => {
      const value = typeof wanted === 'object' || wanted === undefined ? first.id : wanted;
      fc.pre(typeof value !== 'function' && typeof value !== 'symbol' && typeof value !== 'bigint');
      fc.pre(!(typeof value === 'string' && value.includes('{')));
      const spec = { capture: [{ json: captured, as: 'got' }], match: [{ json: matched, value }] };
      const args = [first, 'second'];
      const theirs = artillery(spec, args, {});
      const context = contextOf();
      let failure: unknown = 'not called';
      compileAnswerCheck(spec, 'mismatch', null).accept(args, context, (result) => {
        failure = result;
      });
      assert.equal(failure === null, theirs.ok, JSON.stringify({ spec, args }));
      if (theirs.ok) assert.deepEqual(context.vars.got, theirs.vars.got, JSON.stringify({ spec, args }));
    }),
    { numRuns: 1_500 },
  );
});

test('names without a value are counted by step, with what a step set itself in time', async () => {
  recorder.reset();
  const step: Step = (context, callback) => {
    context.vars.late = 1;
    setImmediate(() => callback(null, context));
  };
  const spec = {
    send: {
      to: '{{ user.name }}',
      tag: '{{ $tag }}',
      '{{ key }}': ['{{ late }}', 'at {{ typo }} {{{ set }}}'],
    },
    loop: ['{{ inner }}'],
  };
  const watched = watchingNames(step, spec, 'chat, step 2');
  await run(watched, contextOf({ user: {}, set: 0, key: '' }));
  await run(watched, contextOf({ user: { name: 'kim' }, set: null, key: 'k' }));
  const { nameUses } = recorder.snapshot();
  const counts = Object.fromEntries(nameUses!.map(({ name, empty, rendered }) => [name, [empty, rendered]]));
  assert.deepEqual(counts, { 'user.name': [1, 2], key: [0, 2], late: [0, 2], typo: [2, 2], set: [0, 2] });
  assert.ok(nameUses!.every((use) => use.step === 'chat, step 2'));
  recorder.reset();
  assert.equal(recorder.snapshot().nameUses, undefined);
});

test('steps whose templates a function may replace, or that may not be sent, watch themselves', () => {
  const step: Step = () => undefined;
  for (const spec of [
    { emit: ['{{ x }}'], beforeRequest: 'prepare' },
    { get: { url: '/{{ x }}', ifTrue: 'wanted' } },
    { think: 1 },
  ])
    assert.equal(watchingNames(step, spec, 'step'), step);
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import validateScript from '../../node_modules/artillery/dist/lib/util/validate-script.js';
import { checkScript } from '../../src/scenario/check-script.ts';

/** Values of every kind, right and wrong, for any place. */
const anything = fc.oneof(
  fc.constantFrom<unknown>(undefined, null, '', 'text', '5', '1-3', 'true', 0, 1, 2.5, -1, true, false),
  fc.constantFrom<unknown>([], ['a'], ['a', 1], [1], {}, { a: 1 }, { as: 'x' }, [{ as: 'x' }], [{}]),
);

const maybe = <T>(usual: T) => fc.oneof({ weight: 4, arbitrary: fc.constant<unknown>(usual) }, anything);

const request = fc.record(
  {
    url: maybe('/'),
    headers: maybe({ a: 'b' }),
    followRedirect: maybe(true),
    qs: maybe({}),
    gzip: maybe(false),
    auth: fc.oneof(maybe({ user: 'u', pass: 'p' }), fc.record({ user: maybe('u') })),
    beforeRequest: maybe(['f']),
    afterResponse: maybe('f'),
    capture: maybe([{ as: 'x', json: '$' }]),
  },
  { requiredKeys: ['url'] },
);

const { step } = fc.letrec<{ step: Record<string, unknown> }>((tie) => ({
  step: fc.oneof(
    { depthSize: 'small' },
    fc.record({ get: request }),
    fc.record({ post: fc.oneof(request, anything) }),
    fc.record({ think: maybe(1) }),
    fc.record({ log: maybe('hello') }),
    fc.record({ function: maybe('f') }),
    fc.record({ think: maybe(1), log: maybe('two') }),
    fc.record({ send: anything }),
    fc.record(
      {
        loop: fc.oneof(fc.array(tie('step'), { maxLength: 2 }), anything),
        count: maybe(3),
        over: maybe('list'),
      },
      { requiredKeys: ['loop'] },
    ),
    fc.constant({}),
  ),
}));

const flow = fc.oneof({ weight: 5, arbitrary: fc.array(step, { maxLength: 3 }) }, anything);
const engine = fc.constantFrom<unknown>(undefined, 'http', 'http', 'mine', 5);

const script = fc.record(
  {
    config: fc.record(
      {
        target: maybe('http://127.0.0.1'),
        http: fc.oneof(
          maybe({}),
          fc.record({ timeout: maybe(3), extendedMetrics: maybe(true), maxSockets: maybe(5) }),
        ),
        environments: maybe({ a: {} }),
        processor: maybe('./p.js'),
        phases: maybe([{}]),
        engines: maybe({}),
      },
      { requiredKeys: [] },
    ),
    scenarios: fc.oneof(
      {
        weight: 9,
        arbitrary: fc.array(fc.record({ name: maybe('s'), engine, flow, beforeScenario: maybe('f') }), {
          maxLength: 2,
        }),
      },
      anything,
    ),
    before: fc.oneof(fc.constant(undefined), fc.record({ engine, flow })),
    after: fc.oneof(fc.constant(undefined), fc.record({ flow })),
  },
  { requiredKeys: ['config'] },
);

describe('the check of a script', () => {
  test('refuses what Artillery refuses, and nothing else', () => {
    const verdicts = { taken: 0, refused: 0 };
    fc.assert(
      fc.property(script, (given) => {
        const artillery = validateScript(structuredClone(given));
        const ours = checkScript(given as Record<string, unknown>);
        if (artillery === undefined) verdicts.taken += 1;
        else verdicts.refused += 1;
        assert.equal(
          ours === null,
          artillery === undefined,
          `Artillery: ${artillery}; ours: ${ours?.problem}`,
        );
      }),
      { numRuns: 4_000, seed: 7 },
    );
    assert.ok(verdicts.taken > 200 && verdicts.refused > 200, JSON.stringify(verdicts));
  });

  test('names the place', () => {
    const problem = checkScript({
      config: { target: 'x' },
      scenarios: [{ flow: [{ get: { url: '/' } }, { think: 1, log: 'a' }] }],
    });
    assert.deepEqual(problem, {
      problem: '"scenarios[0].flow[1]" must have one key, not think, log',
      place: ['scenarios', 0, 'flow', 1],
    });
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import validateScript from '../../node_modules/artillery/dist/lib/util/validate-script.js';
import { checkLanguage } from '../../src/scenario/check-language.ts';
import { misshapen } from '../../src/scenario/scenario-checks.ts';

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

// Artillery looks at no step inside of a loop, where ours are checked too.
const step = fc.oneof(
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
      loop: fc.oneof(fc.constantFrom([], [{ think: 1 }, { log: 'a' }]), anything),
      count: maybe(3),
      over: maybe('list'),
    },
    { requiredKeys: ['loop'] },
  ),
  fc.constant({}),
);

const flow = fc.oneof({ weight: 5, arbitrary: fc.array(step, { maxLength: 3 }) }, anything);
const engine = fc.constantFrom<unknown>(undefined, undefined, undefined, 'http', 'http', 'http', 'http', 5);

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
        phases: fc.constantFrom<unknown>(undefined, [], [{}], [{}], [{}], [{}], {}, 5),
        engines: maybe({}),
      },
      { requiredKeys: [] },
    ),
    scenarios: fc.oneof(
      {
        weight: 9,
        arbitrary: fc.array(fc.record({ name: maybe('s'), engine, flow, beforeScenario: maybe('f') }), {
          minLength: 1,
          maxLength: 2,
        }),
      },
      anything,
    ),
    before: fc.oneof(fc.constant(undefined), fc.record({ engine: fc.constantFrom(undefined, 'http'), flow })),
    after: fc.oneof(fc.constant(undefined), fc.record({ flow })),
  },
  { requiredKeys: ['config'] },
);

/** The first mistake that we find in a script. */
const refusal = (given: Record<string, unknown>): string | null =>
  misshapen(given)?.problem ?? checkLanguage(given).find(({ level }) => level === 'error')?.message ?? null;

test('what Artillery refuses is refused, and nothing else of its language', () => {
  const verdicts = { taken: 0, refused: 0 };
  fc.assert(
    fc.property(script, (given) => {
      // A file without a scenario drives nothing, so it is refused.
      fc.pre(!(Array.isArray(given.scenarios) && given.scenarios.length === 0));
      // Where the server is, the settings say.
      const config = given.config as Record<string, unknown>;
      const target = [undefined, null, ''].includes(config.target as string)
        ? 'http://127.0.0.1'
        : config.target;
      const artillery = validateScript(structuredClone({ ...given, config: { ...config, target } }));
      const ours = refusal(given as Record<string, unknown>);
      if (artillery === undefined) verdicts.taken += 1;
      else verdicts.refused += 1;
      assert.equal(ours === null, artillery === undefined, `Artillery: ${artillery}; ours: ${ours}`);
    }),
    { numRuns: 4_000, seed: 7 },
  );
  assert.ok(verdicts.taken > 100 && verdicts.refused > 200, JSON.stringify(verdicts));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { template as artilleryTemplate } from '../../../node_modules/artillery/dist/lib/commons/engine_util.js';
import { compileTemplate } from '../../../src/engines/core/template/compile-template.ts';

/** Calls in a fixed sequence, so that two renderings of one template see the same values. */
const contextOf = (vars: Record<string, unknown>) => {
  let calls = 0;
  const funcs = {
    $randomNumber: (min: number, max: number) => min + ((calls++ * 7) % (max - min + 1 || 1)),
    $randomString: (length = 10) => 'abcdefghij'.slice(0, length) + calls++,
    $empty: () => '',
    $braces: () => '{{ name }}',
    $dollar: () => 'a$$b$1c',
    $none: () => undefined,
  };
  return { vars, funcs };
};

/** Ends a rendering that would go on for ever, because a value brings in its own template again. */
const bounded = (vars: Record<string, unknown>, limit: number): Record<string, unknown> => {
  let reads = 0;
  return new Proxy(vars, {
    get: (target, key) => {
      reads += 1;
      if (reads > limit) throw new Error('endless');
      return Reflect.get(target, key);
    },
  });
};

const outcome = (run: () => unknown): { value: unknown } | { threw: boolean } => {
  try {
    return { value: run() };
  } catch (error) {
    return { threw: error instanceof Error };
  }
};

const expectSame = (value: unknown, vars: Record<string, unknown>) => {
  const ours = outcome(() => compileTemplate(value).render(contextOf(bounded(vars, 2_000))));
  const theirs = outcome(() => artilleryTemplate(value, contextOf(bounded(vars, 200))));
  assert.deepEqual(ours, theirs, JSON.stringify({ value, vars }));
};

const names = [
  'name',
  'user',
  'list',
  'n',
  'zero',
  'no',
  'gone',
  '$uuid',
  'odd-name',
  'empty',
  'nothing',
  'odd',
];
const leaf = fc.oneof(
  fc.string({ maxLength: 6 }),
  fc.constantFrom('{', '}', '{{', '}}', '$&', '$1', '{ n }', 'a.b', '{{ n }}', '{{ user.id }}', ' { '),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constantFrom(null, undefined, 0, ''),
);
const vars = fc.record({
  name: leaf,
  user: fc.record({ id: leaf, tags: fc.array(leaf, { maxLength: 3 }) }),
  list: fc.array(leaf, { maxLength: 3 }),
  n: fc.integer({ min: 0, max: 9 }),
  zero: fc.constant(0),
  no: fc.constant(false),
  $uuid: fc.constant('u-1'),
  'odd-name': leaf,
  empty: fc.constant(''),
  nothing: fc.constant(null),
  user2: leaf,
});
const reference = fc.oneof(
  fc.constantFrom(...names),
  fc.constantFrom(
    'user.id',
    'user.tags[0]',
    'user["id"]',
    "user['id']",
    'list[1]',
    'user.gone.deep',
    'list.length',
    '',
  ),
);
const piece = fc.oneof(
  fc.string({ maxLength: 4 }),
  reference.map((name) => `{{ ${name} }}`),
  reference.map((name) => `{{${name}}}`),
  reference.map((name) => `{{{ ${name} }}}`),
  fc.constantFrom(
    '{',
    '}',
    '{{',
    '}}',
    '{{ a + b }}',
    '{{ $randomNumber(1, 5) }}',
    '{{ $randomString() }}',
    '{{ $randomString( 3 ) }}',
    '{{$randomNumber(01,2)}}',
    '{{ $randomString(name) }}',
    '{{ $empty() }}',
    '{{ $braces() }}',
    '{{ $dollar() }}',
    '{{ $none() }}',
    '{{ $unknown() }}',
    '{{ user{{ $randomNumber(2,2) }} }}',
    '{"id":"{{ n }}"}',
  ),
);
const text = fc.array(piece, { minLength: 1, maxLength: 5 }).map((pieces) => pieces.join(''));

test('a string renders as in Artillery', () => {
  fc.assert(
    fc.property(text, vars, (value, values) => {
      expectSame(value, values);
    }),
    { numRuns: 3_000 },
  );
});

const anyValue = (() => {
  const key = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom('a', 'b', 'text', 'id', '$set', 'a-b', '0', '1', 'with space') },
    { weight: 1, arbitrary: fc.constantFrom('{{ n }}', 'x.y', 'a[0]', '{{ name }}-k', '') },
  );
  return fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 3 },
      text,
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(key, tie('node'), { maxKeys: 3 }).map((entries) => ({ ...entries })),
    ),
  })).node;
})();

/** Artillery renders templates inside of an object that a variable holds in place, which the next test is about. */
const plainVars = vars.filter(({ user, list }) => !JSON.stringify([user, list]).includes('{{'));

test('objects, arrays and keys render as in Artillery', () => {
  fc.assert(
    fc.property(anyValue, plainVars, (payload, values) => {
      expectSame(payload, values);
    }),
    { numRuns: 2_000 },
  );
});

test('templates inside of an object that a variable holds are rendered anew for every message', () => {
  const user = { id: 1, tags: ['{{ n }}', 'x{{ n }}', 1] };
  for (const payload of [['{{ user }}'], { user: '{{ user }}' }, [[7, ['{{user}}', 'of {{ n }}']]]]) {
    const template = compileTemplate(payload);
    for (const n of [5, 6]) {
      const ours = template.render({ vars: { user, n }, funcs: {} });
      assert.deepEqual(
        ours,
        artilleryTemplate(payload, { vars: { user: structuredClone(user), n }, funcs: {} }),
      );
      assert.match(JSON.stringify(ours), new RegExp(`"tags":\\[${n},"x${n}",1\\]`));
    }
  }
  assert.deepEqual(user.tags, ['{{ n }}', 'x{{ n }}', 1]);
  const itself: Record<string, unknown> = { text: 'no template' };
  itself.self = itself;
  assert.deepEqual(compileTemplate(['{{ itself }}']).render({ vars: { itself }, funcs: {} }), [itself]);
});

test('what is rendered straight to JSON is the JSON of what is rendered', () => {
  let compared = 0;
  fc.assert(
    fc.property(anyValue, vars, (payload, values) => {
      const { json, render } = compileTemplate(payload);
      if (json === null) return;
      const text = outcome(() => json(contextOf(bounded(values, 2_000))));
      if (!('value' in text) || typeof text.value !== 'string') return;
      compared += 1;
      assert.equal(text.value, JSON.stringify(render(contextOf(bounded(values, 2_000)))));
    }),
    { numRuns: 2_000 },
  );
  assert.ok(compared > 500, `${compared} compared`);
});

test('what JSON cannot hold is not rendered to it', () => {
  const json = (value: unknown, vars = {}) => compileTemplate(value).json?.({ vars }) ?? null;
  assert.equal(json(['a', Buffer.from('x')]), null);
  assert.equal(json([{ $binary: 'AQID' }]), null);
  assert.equal(json(['{{ blob }}'], { blob: Buffer.from('x') }), null);
  assert.equal(json(['{{ blob }}'], { blob: { deep: Buffer.from('x') } }), null);
  assert.equal(json(['a', undefined, '{{ gone }}', '{{ n }}'], { n: 1.5 }), '["a",null,null,1.5]');
  assert.equal(json({ a: 1, b: undefined }), '{"a":1}');
});

test('a whole value keeps its type and its identity', () => {
  const user = { id: 7 };
  const context = { vars: { user, n: 5, yes: true, no: false, zero: 0, nan: Number.NaN }, funcs: {} };
  const rendered = compileTemplate<Record<string, unknown>>({
    user: '{{ user }}',
    n: '{{ n }}',
    yes: '{{yes}}',
    no: '{{ no }}',
    zero: '{{ zero }}',
    nan: '{{ nan }}',
    missing: '{{ missing }}',
    text: 'n is {{ n }}',
  }).render(context);
  assert.equal(rendered.user, user);
  assert.deepEqual(rendered, {
    user,
    n: 5,
    yes: true,
    no: false,
    zero: 0,
    nan: '',
    missing: undefined,
    text: 'n is 5',
  });
});

test('what holds no template is shared between messages, and buffers pass untouched', () => {
  const buffer = Buffer.from('abc');
  const payload = compileTemplate<{ fixed: unknown; blob: Buffer; n: number }>({
    fixed: { deep: [1, { a: 'b' }] },
    blob: buffer,
    n: '{{ n }}',
  });
  const first = payload.render({ vars: { n: 1 } });
  const second = payload.render({ vars: { n: 2 } });
  assert.equal(first.fixed, second.fixed);
  assert.equal(first.blob, buffer);
  assert.deepEqual([first.n, second.n], [1, 2]);
  assert.equal(compileTemplate({ a: [1, 'x'] }).isStatic, true);
});

test('a variable that contains itself is an error and does not hang', () => {
  const self = compileTemplate('say {{ a }}');
  assert.throws(() => self.render({ vars: { a: '{{ a }}' } }), /contains itself/);
});

test('the names of the variables are known', () => {
  const { names: found } = compileTemplate({
    a: 'x {{ user.id }}',
    b: ['{{ $tag }}', '{{ $randomNumber(1,2) }}'],
  });
  assert.deepEqual([...found].sort(), ['$randomNumber', '$tag', 'user']);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileWhere, sameValue } from '../../../src/engines/core/received-message.ts';

test('values are the same by what they hold, and a number and its text are', () => {
  const same: [unknown, unknown][] = [
    [1, '1'],
    [true, 'true'],
    [null, null],
    [{ a: [1, { b: 2 }] }, { a: ['1', { b: '2' }] }],
    [[], []],
  ];
  const different: [unknown, unknown][] = [
    [{ a: 1 }, { a: 2 }],
    [{ a: 1 }, { a: 1, b: 2 }],
    [{}, '[object Object]'],
    [[1, 2], '1,2'],
    [
      [1, 2],
      [2, 1],
    ],
    [{ a: null }, { a: 'null' }],
    [null, undefined],
    ['', undefined],
  ];
  for (const [a, b] of same) assert.ok(sameValue(a, b) && sameValue(b, a), JSON.stringify([a, b]));
  for (const [a, b] of different) assert.ok(!sameValue(a, b) && !sameValue(b, a), JSON.stringify([a, b]));
});

test('a condition on a part of a message holds for that part alone', () => {
  const isWanted = compileWhere({ user: { id: '{{ id }}' }, 'tags.0': 'a' })({
    vars: { id: '7' },
    funcs: {},
  });
  const message = (id: number) => ({ body: { user: { id }, tags: ['a'] }, headers: {} });
  assert.equal(isWanted(message(7)), true);
  assert.equal(isWanted(message(8)), false);
  const isById = compileWhere({ 'headers.id': 'a' })({ vars: {}, funcs: {} });
  assert.equal(
    isById({ body: { headers: { id: 'a' } }, headers: {} }),
    true,
    'where a protocol has no headers',
  );
  assert.equal(isById({ body: { headers: { id: 'a' } }, headers: { id: 'b' } }), false);
});

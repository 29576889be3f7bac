import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  changeMessage,
  changePath,
  messagePath,
  NoPlaceError,
  payloadPath,
  readMessage,
  readPath,
  withTag,
} from '../../../src/engines/core/delivery/payload-path.ts';

const tagged = (old: unknown) => withTag(old, () => '~tg~');
const change = (message: unknown, path: string) => changeMessage(message, messagePath(path), tagged);

test('a message keeps all that its author wrote, JSON in text too', () => {
  assert.deepEqual(change({ type: 'chat', text: 'hi' }, 'text'), { type: 'chat', text: 'hi ~tg~' });
  assert.equal(
    change('{"type": "chat", "text": "hi", "n": 1}', 'text'),
    '{"type":"chat","text":"hi ~tg~","n":1}',
  );
  assert.deepEqual(change({ type: 'chat', data: '{"a":1}' }, 'data.id'), {
    type: 'chat',
    data: '{"a":1,"id":"~tg~"}',
  });
  // Numbers that a double cannot hold are written as they were.
  assert.equal(
    change('{"id":12345678901234567890,"price":1.10,"text":""}', 'text'),
    '{"id":12345678901234567890,"price":1.10,"text":"~tg~"}',
  );
  assert.equal(
    change('{"in":"{\\"id\\":12345678901234567890,\\"t\\":\\"a\\"}","n":[1.0,-2e3,"12.0"]}', 'in.t'),
    '{"in":"{\\"id\\":12345678901234567890,\\"t\\":\\"a ~tg~\\"}","n":[1.0,-2e3,"12.0"]}',
  );
  assert.throws(() => change('{"id":12345678901234567890}', 'id'), NoPlaceError);
  assert.deepEqual(changePath([{ a: 1 }, 'x'], payloadPath('text'), tagged), [{ a: 1, text: '~tg~' }, 'x']);
  assert.deepEqual(changePath(['{"a":1}'], payloadPath('text'), tagged), ['{"a":1,"text":"~tg~"}']);
  assert.equal(change('plain text', '0'), 'plain text ~tg~');
});

test('paths into lists mean the same for what is sent and what is received', () => {
  const call = [2, 'b1', 'BootNotification', { vendor: 'x' }];
  assert.equal(readMessage(call, messagePath('1')), 'b1');
  assert.equal(readMessage(JSON.stringify(call), messagePath('1')), 'b1');
  assert.deepEqual(change([2, '', 'Boot', {}], '1'), [2, '~tg~', 'Boot', {}]);
  assert.equal(change('[2,"","Boot",{}]', '3.id'), '[2,"","Boot",{"id":"~tg~"}]');
  // A message that is no list is its own first argument.
  assert.equal(readMessage({ id: 7 }, messagePath('0.id')), 7);
  assert.equal(readPath([{ id: 7 }], payloadPath('id')), 7);
});

test('a path that leads nowhere is an error, and replaces nothing', () => {
  const wrong: [unknown, string, RegExp][] = [
    ['plain text', 'id', /"plain text" has no field "id"/],
    [5, 'id', /5 has no field "id"/],
    [Buffer.from('{}'), 'id', /binary data has no field "id"/],
    [{ $binary: 'AA==' }, 'id', /binary data has no field "id"/],
    [[2, 'b1'], 'id', /a list of 2 has no member "id"/],
    [[2, 'b1'], '2', /a list of 2 has no member "2"/],
    [{ text: 5 }, 'text', /is put behind text, and 5 is none/],
    [{ text: { a: 1 } }, 'text', /is put behind text, and \{"a":1\} is none/],
    [{ data: 'x' }, 'data.id', /"x" has no field "id"/],
  ];
  for (const [message, path, problem] of wrong)
    assert.throws(
      () => change(message, path),
      (error) => error instanceof NoPlaceError && problem.test(error.message),
      path,
    );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Recorder } from '../../../src/engines/core/recorder.ts';

test('every name that a large scenario reads is watched', () => {
  const recorder = new Recorder();
  for (let step = 0; step < 500; step += 1) {
    const use = recorder.nameUse(`name${step}`, `step ${step}`);
    use.rendered += 1;
    use.empty += 1;
    recorder.answer(`step ${step}`, null);
  }
  const { nameUses, answers } = recorder.snapshot();
  assert.deepEqual([nameUses?.length, answers?.length], [500, 500]);
});

test('errors keep their first different messages and steps, without tokens that a server repeats', () => {
  const recorder = new Recorder();
  recorder.error('refused', 'jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln-_x has expired', 'login');
  recorder.error('refused', 'jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJiIn0.c2ln has expired', 'login');
  for (let index = 0; index < 20; index += 1) recorder.error('refused', `busy ${index}`, `step ${index}`);
  const [error] = recorder.snapshot().errors;
  assert.deepEqual(error?.messages, ['jwt *** has expired', 'busy 0', 'busy 1', 'busy 2', 'busy 3']);
  assert.equal(error?.count, 22);
  assert.equal(error?.steps.length, 8);
  assert.equal(recorder.counter('errors'), 22);
});

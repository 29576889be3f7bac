import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchingSuite } from '../../src/run/matching-suite.ts';

test('a suite is compared with the one of its name', () => {
  const names = ['chat', 'rooms/30', 'rooms/100'];
  for (const name of names) assert.equal(matchingSuite(name, names, names), name);
  assert.equal(matchingSuite('riders', names, [...names, 'riders']), null);
});

test('two variants, each the only suite of its report, are compared level by level', () => {
  const inline = ['inline/30', 'inline/100'];
  const queue = ['queue/30', 'queue/100', 'queue/1000'];
  assert.equal(matchingSuite('queue/30', inline, queue), 'inline/30');
  assert.equal(matchingSuite('queue/100', inline, queue), 'inline/100');
  assert.equal(matchingSuite('queue/1000', inline, queue), null);
  assert.equal(matchingSuite('after', ['before'], ['after']), 'before');
});

test('where there are several suites, a different name is a different suite', () => {
  assert.equal(matchingSuite('queue/30', ['inline/30', 'no-reads/30'], ['queue/30']), null);
  assert.equal(matchingSuite('queue/30', ['inline/30'], ['queue/30', 'chat']), null);
});

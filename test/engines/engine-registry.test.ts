import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { engineNamed, engines } from '../../src/engines/engine-registry.ts';

const root = path.resolve(import.meta.dirname, '../..');

test('each engine has a name and a class of its own, where the bundle looks for it', async () => {
  assert.equal(new Set(engines.map(({ name }) => name)).size, engines.length);
  for (const { name, engine } of engines) {
    if (name === 'socketio-v3') continue; // Its package is resolved by the build alone.
    const module = (await import(path.join(root, engine.file))) as Record<string, unknown>;
    assert.equal(typeof module[engine.name], 'function', name);
  }
  assert.equal(engineNamed('playwright'), undefined);
});

test('an engine for messages tells what its steps measure without running them', () => {
  const given = {
    config: { target: 'ws://127.0.0.1:1' },
    place: 'a scenario',
    path: 's.yml',
    settings: { timeoutMs: 1_000, deliveries: [] },
  };
  const outlineOf = (engine: string, step: Record<string, unknown>) => {
    const { steps } = engineNamed(engine)!;
    return steps.kind === 'messages' ? steps.outline(step, given) : null;
  };
  assert.deepEqual(outlineOf('ws', { send: { type: 'ask' }, response: true }), {
    latencies: ['ask.response'],
    unmeasured: [],
  });
  assert.deepEqual(outlineOf('stomp', { send: { destination: '/app/move' } }), {
    latencies: [],
    unmeasured: ['move'],
  });
  assert.equal(outlineOf('ws', { think: 1 }), null);
  assert.throws(() => outlineOf('stomp', { send: { destination: '/a', colour: 1 } }), /unknown key "colour"/);
});

import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { after, before, test } from 'node:test';
import ArtilleryWsEngine from '../../../node_modules/artillery/dist/lib/core/engine_ws.js';
import { WsEngine } from '../../../src/engines/ws/ws-engine.ts';
import { runUsers } from '../run-users.ts';
import { type MessageServer, type Received, startMessageServer } from './message-server.ts';

let server: MessageServer;
before(async () => {
  server = await startMessageServer();
});
after(async () => await server[Symbol.asyncDispose]());

type Seen = { received: Received[]; vars: Record<string, unknown>; failed: boolean };

/** Artillery's own engine on the same flow: what the server got, and the variables in the end. */
const byArtillery = async (
  config: Record<string, unknown>,
  flow: Record<string, unknown>[],
  vars: Record<string, unknown>,
): Promise<Seen> => {
  server.received.splice(0);
  const events = new EventEmitter();
  events.on('error', () => undefined);
  const scenario = new ArtilleryWsEngine({ config }).createScenario({ flow }, events);
  const context = { vars: { target: config.target, ...vars }, funcs: {} };
  const error = await new Promise<unknown>((resolve) => scenario(context, resolve));
  await new Promise((resolve) => setTimeout(resolve, 50));
  return { received: [...server.received], vars: context.vars, failed: Boolean(error) };
};

const byOurs = async (
  config: Record<string, unknown>,
  flow: Record<string, unknown>[],
  vars: Record<string, unknown>,
): Promise<Seen> => {
  server.received.splice(0);
  const result = await runUsers(WsEngine, config, flow, [vars]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  return {
    received: [...server.received],
    vars: result.contexts[0]!.vars,
    failed: result.ends[0] !== null,
  };
};

/** Runs a flow with both engines and compares what the server and the scenario saw. */
const same = async (
  make: () => { config?: Record<string, unknown>; flow: Record<string, unknown>[] },
  vars: Record<string, unknown> = {},
): Promise<Seen> => {
  const given = () => {
    const { config, flow } = make();
    // Artillery leaves the timer of every capture running.
    return { config: { target: server.url, timeout: 1, ...config }, flow };
  };
  const theirs = given();
  const ours = given();
  const expected = await byArtillery(theirs.config, theirs.flow, vars);
  const actual = await byOurs(ours.config, ours.flow, vars);
  assert.deepEqual(actual.received, expected.received);
  assert.equal(actual.failed, expected.failed);
  const captured = ({ vars: all }: Seen) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => !name.startsWith('$')));
  assert.deepEqual(captured(actual), captured(expected));
  return actual;
};

const answers = (received: Received[]) => received.flatMap((got) => (got.kind === 'text' ? [got.text] : []));

test('text, numbers, objects and lists are sent as Artillery sends them', async () => {
  const seen = await same(
    () => ({
      flow: [
        { send: 'hello {{ name }}' },
        { send: 42 },
        { send: { type: 'note', name: '{{ name }}', list: [1, '{{ number }}', { deep: '{{ number }}' }] } },
        { send: ['a', '{{ name }}'] },
        { send: '{{ object }}' },
        { send: { payload: 'payload alone' } },
        { think: '50ms' },
      ],
    }),
    { name: 'Ada', number: 7, object: { a: 1 } },
  );
  assert.equal(answers(seen.received).length, 6);
});

test('captures and matches read the next message', async () => {
  const seen = await same(() => ({
    flow: [
      {
        send: {
          payload: { type: 'echo', value: { deep: 'x' }, n: 3 },
          capture: { json: '$.value.deep', as: 'deep' },
          match: { json: '$.n', value: 3 },
        },
      },
      { send: { payload: 'word-12', capture: { regexp: 'word-(\\d+)', group: 1, as: 'digits' } } },
      { send: { type: 'echo', value: '{{ deep }}-{{ digits }}' } },
      { wait: { capture: [{ json: '$.value', as: 'both' }] } },
    ],
  }));
  assert.equal(seen.vars.both, 'x-12');
});

test('a match that fails ends the user', async () => {
  const seen = await same(() => ({
    flow: [
      { send: { payload: { type: 'echo', n: 1 }, match: { json: '$.n', value: 2 } } },
      { send: 'never sent' },
    ],
  }));
  assert.equal(seen.failed, true);
  assert.equal(answers(seen.received).length, 1);
});

test('loops, functions and logs', async () => {
  const processor = {
    count: (context: { vars: Record<string, unknown> }, _events: unknown, done: () => void) => {
      context.vars.calls = Number(context.vars.calls ?? 0) + 1;
      done();
    },
    wait: async (context: { vars: Record<string, unknown> }) => {
      context.vars.waited = true;
    },
  };
  const seen = await same(() => ({
    config: { processor },
    flow: [
      { loop: [{ send: 'round {{ $loopCount }}' }, { function: 'count' }], count: 3 },
      { loop: [{ send: 'over {{ $loopElement }}' }], over: ['a', 'b'] },
      { function: 'wait' },
      { think: 0 },
    ],
  }));
  assert.equal(seen.vars.calls, 3);
});

test('connect: a URL, an object, and a function of the processor', async () => {
  await same(() => ({ flow: [{ connect: '{{ target }}/{{ path }}?a=1' }, { send: 'x' }] }), { path: 'chat' });
  await same(
    () => ({
      config: { ws: { headers: { 'X-User': 'config' }, subprotocols: ['config'] } },
      flow: [
        {
          connect: {
            target: '{{ target }}/object',
            headers: { 'X-User': 'step' },
            subprotocols: ['json', 'xml'],
          },
        },
        { send: 'x' },
      ],
    }),
    {},
  );
  const processor = {
    change: (
      args: { target: string; options: Record<string, unknown>; subprotocols: string[] },
      context: { vars: Record<string, unknown> },
      done: () => void,
    ) => {
      args.target = `${args.target}/by-function/${context.vars.number}`;
      args.subprotocols = ['changed'];
      args.options = { ...args.options, headers: { authorization: 'Bearer f' } };
      done();
    },
  };
  const seen = await same(
    () => ({ config: { processor }, flow: [{ connect: { function: 'change' } }, { send: 'x' }] }),
    { number: 5 },
  );
  assert.deepEqual(seen.received[0], {
    kind: 'handshake',
    url: '/by-function/5',
    headers: { authorization: 'Bearer f', user: undefined, cookie: undefined },
    protocol: 'changed',
  });
});

test('headers and subprotocols of the configuration, also as a header', async () => {
  const seen = await same(() => ({
    config: { ws: { headers: { 'X-User': 'u', 'Sec-WebSocket-Protocol': 'first, second' } } },
    flow: [{ send: 'x' }],
  }));
  assert.equal(seen.received[0]?.kind === 'handshake' && seen.received[0].protocol, 'first');
});

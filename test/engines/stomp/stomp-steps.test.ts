import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { StompEngine } from '../../../src/engines/stomp/stomp-engine.ts';
import { destinationName } from '../../../src/engines/stomp/stomp-scope.ts';
import { endpointUrl, stompSettings } from '../../../src/engines/stomp/stomp-settings.ts';

const compile = (step: Record<string, unknown>, stomp: Record<string, unknown> = {}) =>
  new StompEngine({
    config: { target: 'ws://127.0.0.1:1', stomp },
    _scriptPath: '/scenarios/x.yml',
  }).createScenario({ name: 'chat', flow: [step] }, new EventEmitter());

test('a step that is written wrong is refused with its place, before any load', () => {
  const problems: [Record<string, unknown>, RegExp][] = [
    [{ send: { body: 'x' } }, /chat, step 1: "send" needs a "destination"/],
    [{ send: { destination: '/a', tag: 1 } }, /unknown key "tag" in "send"; there are destination, body/],
    [{ send: { destination: '/a', body: 'x', json: {} } }, /either "body" or "json"/],
    [{ send: { destination: '/a', delivery: '/b' } }, /"delivery" needs "\{\{ \$tag \}\}"/],
    [{ send: { destination: '/a', body: '{{ $tag }}', delivery: { expect: 'all' } } }, /"expect" is/],
    [{ subscribe: { id: 'x' } }, /"subscribe" needs a "destination"/],
    [{ subscribe: { destination: '/a', ack: 'never' } }, /"ack" is auto, client or client-individual/],
    [{ waitFor: { timeout: 'soon' } }, /"soon" is no time/],
    [{ waitFor: [] }, /is not a mapping/],
    [{ connect: { passwd: 'x' } }, /unknown key "passwd" in "connect"/],
    [{ connect: 5 }, /"connect: 5" is not a mapping/],
    [{ connect: { receipts: false } }, /unknown key "receipts"/],
    [{ send: { destination: '/a' }, recipt: true }, /unknown key "recipt" in "send"/],
    [{ send: { destination: '/a', rate: 5 } }, /"rate" needs a "duration"/],
    [{ send: { destination: '/a', rate: 'often', duration: 1 } }, /chat, step 1: "rate" is a number/],
    [{ send: { destination: '/a', rate: 5, duration: 'soon' } }, /"duration: soon" is no time/],
    [{ send: { destination: '/a', duration: 5 } }, /"duration" needs a "rate"/],
    [{ send: { destination: '/a' }, subscribe: '/b' }, /one of "send" and "subscribe", not both/],
    [{ emit: 'x' }, /no engine knows this step/],
  ];
  for (const [step, problem] of problems)
    assert.throws(
      () => compile(step),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'SCENARIO_INVALID');
        assert.match(error.message, problem);
        return true;
      },
    );
});

test('what a subscription acknowledges may stand beside it', () => {
  for (const step of [{ subscribe: '/a', ack: 'client' }, { waitFor: '/a', ack: true }, { ack: {} }])
    assert.equal(typeof compile(step), 'function');
  assert.throws(() => compile({ send: { destination: '/a' }, ack: true }), /unknown key "ack" in "send"/);
});

test('settings that are written wrong are refused', () => {
  const step = { subscribe: '/a' };
  assert.throws(() => compile(step, { heartbeat: '10s' }), /"heartbeat" is two numbers/);
  assert.throws(() => compile(step, { sockjs: 'yes' }), /"sockjs" is true or false/);
  assert.throws(() => compile(step, { connectTimeout: 'x' }), /"connectTimeout: x" is no time/);
  assert.throws(() => compile(step, { brokerURL: 'x' }), /config.stomp: unknown key "brokerURL"/);
});

test('each version that is offered has its subprotocol', () => {
  const subprotocols = (version?: string) =>
    stompSettings({ stomp: version === undefined ? {} : { version } }, {}, { timeoutMs: 1_000 }).socket
      .subprotocols;
  assert.deepEqual(subprotocols(), ['v12.stomp']);
  assert.deepEqual(subprotocols('1.1, 1.2'), ['v11.stomp', 'v12.stomp']);
});

test('metrics are named after the last part of the destination that is the same for everyone', () => {
  assert.equal(destinationName('/app/location/{{ rider }}'), 'location');
  assert.equal(destinationName('/topic/room.{{ room }}'), 'room');
  assert.equal(destinationName('/exchange/amq.topic/chat.{{ room }}.sent'), 'sent');
  assert.equal(destinationName('{{ destination }}'), 'message');
});

test('the path of the endpoint is added to a target that has none', () => {
  assert.equal(endpointUrl('http://127.0.0.1:8080', '/ws'), 'http://127.0.0.1:8080/ws');
  assert.equal(endpointUrl('ws://127.0.0.1:8080/stomp', '/ws'), 'ws://127.0.0.1:8080/stomp');
  assert.equal(endpointUrl('ws://127.0.0.1:8080/?token=1', '/ws'), 'ws://127.0.0.1:8080/?token=1');
});

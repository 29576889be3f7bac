import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeSockJs, parseSockJs, sockJsPath } from '../../../src/engines/stomp/sockjs-framing.ts';

test('reads each kind of SockJS frame', () => {
  assert.deepEqual(parseSockJs('o'), { kind: 'open' });
  assert.deepEqual(parseSockJs('h'), { kind: 'heartbeat' });
  assert.deepEqual(parseSockJs('a["x","\\u0000\\n"]'), { kind: 'messages', messages: ['x', '\0\n'] });
  assert.deepEqual(parseSockJs('m"x"'), { kind: 'messages', messages: ['x'] });
  assert.deepEqual(parseSockJs('c[3000,"Go away!"]'), { kind: 'close', code: 3000, reason: 'Go away!' });
});

test('anything else is a protocol error', () => {
  for (const text of ['', 'x', 'a', 'a{}', 'a[1]', 'a["x"', 'c3000'])
    assert.throws(() => parseSockJs(text), { name: 'StompProtocolError' }, text);
});

test('a message is sent as an array of one string', () => {
  assert.equal(encodeSockJs('SEND\n\n"x"\0'), '["SEND\\n\\n\\"x\\"\\u0000"]');
});

test('a session path has a server of three digits and a session id of its own', () => {
  const paths = Array.from({ length: 50 }, () => sockJsPath('/ws/'));
  for (const path of paths) assert.match(path, /^\/ws\/\d{3}\/[a-z0-9]{8}\/websocket$/);
  assert.equal(new Set(paths).size, 50);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  resolveSecret,
  resolveSecretsIn,
  scenarioSecrets,
  secretValues,
} from '../../src/settings/secrets.ts';
import { settingsSchema } from '../../src/settings/settings-schema.ts';

const env = { TOKEN: 'from-environment', KEY: 'line one\nline two', COOKIE: 'sid=12345', EMPTY: '' };

test('a secret is the text itself or what its variable holds', () => {
  assert.equal(resolveSecret('literal', env, 'room.token'), 'literal');
  assert.equal(resolveSecret({ env: 'TOKEN' }, env, 'room.token'), 'from-environment');
  for (const name of ['MISSING', 'EMPTY'])
    assert.throws(() => resolveSecret({ env: name }, env, 'room.token'), {
      code: 'SECRET_MISSING',
      message: new RegExp(
        `^room\\.token: The setting "room\\.token" takes its value from the environment variable ${name}, which is not set\\.\nSet it`,
      ),
    });
});

test('references to variables are found at any depth of free JSON', () => {
  const auth = { accessToken: { env: 'TOKEN' }, more: [{ env: 'COOKIE' }, { env: 'a', other: 1 }], n: 3 };
  assert.deepEqual(resolveSecretsIn(auth, env, 'room.auth'), {
    accessToken: 'from-environment',
    more: ['sid=12345', { env: 'a', other: 1 }],
    n: 3,
  });
  assert.throws(() => resolveSecretsIn({ a: [{ env: 'MISSING' }] }, env, 'room.auth'), {
    where: { key: 'room.auth.a.0' },
  });
});

test('everything that must not be shown is listed, and nothing that is an ordinary word', () => {
  const settings = settingsSchema.parse({
    target: { env: { JWT_SECRET: 'server-secret', LOG_LEVEL: 'debug', DB_PASSWORD: 'hunter22' } },
    room: {
      token: 'room-token',
      headers: { authorization: 'Bearer abc.def', 'x-client': 'load-test', cookie: { env: 'COOKIE' } },
      auth: { accessToken: 'Bearer {{ token }}', role: 'owner', nested: { apiKey: 'k-123456' } },
      query: { token: 'q-token', room: 'lobby' },
      create: { event: 'createRoom', data: { password: 'open-sesame', name: 'lobby' } },
      delete: { event: 'closeRoom', args: ['lobby', { password: 'close-sesame' }] },
    },
    measure: { jwt: { secret: { env: 'KEY' } } },
    suites: [
      {
        name: 'a',
        scenario: 'a.yml',
        room: {
          jwt: { secret: 'suite-secret' },
          token: { env: 'TOKEN' },
          headers: { token: { env: 'MISSING' } },
        },
      },
    ],
  });
  assert.deepEqual(secretValues(settings, env).sort(), [
    'Bearer abc.def',
    'close-sesame',
    'from-environment',
    'hunter22',
    'k-123456',
    'line one',
    'line one\nline two',
    'line two',
    'open-sesame',
    'q-token',
    'room-token',
    'server-secret',
    'sid=12345',
    'suite-secret',
  ]);
  assert.deepEqual(secretValues(settingsSchema.parse({ room: { token: 'abc' } }), {}), []);
});

test('resolving a secret reads nothing else of the environment, so that nothing else becomes a secret', () => {
  const read: string[] = [];
  const env = new Proxy({ GITHUB_ACTIONS: 'true', KEY: 'hush-hush' } as Record<string, string>, {
    get: (variables, name) => {
      read.push(String(name));
      return variables[String(name)];
    },
  });
  assert.equal(resolveSecret({ env: 'KEY' }, env, 'room.token'), 'hush-hush');
  assert.throws(() => resolveSecret({ env: 'OTHER' }, env, 'room.token'), /OTHER/);
  assert.deepEqual(read, ['KEY', 'OTHER']);
});

test('what a scenario takes from the environment as a credential is secret, and so are its own', () => {
  const env = { HEADER: 'header-value', API_TOKEN: 'token-value', HOST_NAME: 'localhost' };
  const script = {
    config: {
      target: 'http://{{ $processEnvironment.HOST_NAME }}',
      socketio: {
        extraHeaders: { 'x-secret': '{{ $processEnvironment.HEADER }}' },
        auth: { room: 'lobby', key: 'written-in-the-file' },
      },
    },
    scenarios: [
      {
        flow: [
          { emit: { channel: 'hello', data: { token: 'made-up-for-a-test', by: '{{ $env.API_TOKEN }}' } } },
        ],
      },
    ],
  };
  assert.deepEqual(scenarioSecrets(script, env).sort(), [
    'header-value',
    'token-value',
    'written-in-the-file',
  ]);
  const before = { flow: [{ log: '{{ $env.PRIVATE_KEY_SECRET }}' }] };
  const lines = { PRIVATE_KEY_SECRET: 'first line\nsecond line' };
  assert.deepEqual(scenarioSecrets({ config: {}, scenarios: [], before }, lines).sort(), [
    'first line',
    'first line\nsecond line',
    'second line',
  ]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemsOf } from '../../src/errors.ts';
import { checkOpenings } from '../../src/run/check-openings.ts';
import { makePlan } from '../../src/settings/make-plan.ts';
import { load } from '../settings/settings-fixture.ts';

const problemsOfSettings = async (settings: string): Promise<unknown[]> => {
  const loaded = await load({ 'tailgate.yml': settings, 'chat.yml': '' });
  try {
    await checkOpenings(makePlan(loaded.settings, loaded), loaded);
    return [];
  } catch (failure) {
    return problemsOf(failure).map(({ what, where, exit }) => [exit, where.line, what]);
  }
};

test('templates of a room are checked before anything is started, each at its line and once', async () => {
  assert.deepEqual(
    await problemsOfSettings(`target: { start: node server.js }
room:
  auth:
    accessToken: "Bearer {{ token }}"
  create: { event: createRoom, data: { by: { env: NAME } } }
suites:
  - { name: a, scenario: chat.yml }
  - { name: b, scenario: chat.yml, levels: [{ name: low }, { name: high }] }
  - name: c
    scenario: chat.yml
    room:
      jwt: { secret: { env: KEY } }
      capture: { roomId: id }
      delete: { event: deleteRoom, data: "{{ roomId }} {{ romId }}" }
`),
    [
      ['usage', 4, 'The setting "room.auth.accessToken" is not valid: there is no variable "token".'],
      ['usage', 14, 'The setting "room.delete.data" is not valid: there is no variable "romId".'],
    ],
  );
});

test('an address that can be none is found before anything is started', async () => {
  const withTarget = (target: string) =>
    problemsOfSettings(`target: ${target}\nsuites: [{ name: a, scenario: chat.yml }]\n`);
  assert.match(String(await withTarget('{ url: chat.example.com }')), /usage,1,.*is no URL/);
  assert.match(String(await withTarget('{ build: npm ci }')), /neither a command .* nor a port/);
  assert.deepEqual(await withTarget('{ url: "http://127.0.0.1:{{ port }}", port: 3000 }'), []);
  assert.deepEqual(await withTarget('{ start: "node server.js --port {{ port }}" }'), []);
});

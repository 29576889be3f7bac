import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { checkout, settings } from './fixture.ts';
import { processesNaming, runStep } from './runner.ts';

type Mistake = {
  name: string;
  files?: Record<string, string>;
  inputs?: Record<string, string>;
  env?: Record<string, string>;
  exitCode: number;
  says: RegExp;
};

const mistakes: Mistake[] = [
  {
    name: 'a misspelt setting',
    files: { 'tailgate.yml': settings().replace('ready:', 'raedy:') },
    exitCode: 2,
    says: /tailgate\.yml.*Unknown setting "target\.raedy"[\s\S]*Did you mean "(target\.)?ready"/,
  },
  {
    name: 'a misspelt mode',
    inputs: { mode: 'capacty' },
    exitCode: 2,
    says: /"capacty"[\s\S]*Did you mean "capacity"/,
  },
  {
    name: 'a scenario that does not exist',
    inputs: { scenario: 'nowhere.yml' },
    exitCode: 2,
    says: /"nowhere\.yml" does not exist/,
  },
  {
    name: 'a threshold on nothing',
    inputs: { thresholds: 'chta.ack.p95 < 1s' },
    exitCode: 2,
    says: /chta\.ack[\s\S]*chat\.ack/,
  },
  {
    name: 'a scenario that measures nothing',
    files: {
      'chat.yml': `config:
  target: http://127.0.0.1
  phases: [{ duration: 1, arrivalRate: 1 }]
scenarios:
  - engine: socketio
    flow:
      - emit: { channel: chat, data: hello }
`,
    },
    exitCode: 2,
    says: /measures nothing[\s\S]*acknowledgements: \[chat\]/,
  },
  {
    name: 'a server that exits',
    inputs: { start: 'echo no database; exit 3' },
    exitCode: 4,
    says: /before it was ready[\s\S]*no database/,
  },
  {
    name: 'a server that never gets ready',
    files: { 'tailgate.yml': settings().replace('path: /health }', 'path: /health, timeoutMs: 800 }') },
    inputs: { start: 'sleep 60' },
    exitCode: 4,
    says: /was not ready within 800 ms/,
  },
  {
    name: 'a room that is refused',
    files: {
      'tailgate.yml': settings().replace(
        'secret: example-secret, claims: { sub: owner }',
        'secret: wrong-secret, claims: { sub: owner }',
      ),
    },
    exitCode: 4,
    says: /room|owner/i,
  },
  {
    name: 'a secret that is not set',
    files: {
      'tailgate.yml': settings().replace(
        'secret: example-secret, claims: { sub: owner }',
        'secret: { env: NO_SUCH_SECRET }, claims: { sub: owner }',
      ),
    },
    exitCode: 2,
    says: /NO_SUCH_SECRET, which is not set/,
  },
  {
    name: 'a baseline that cannot be read',
    files: { 'tailgate.yml': settings().replace('{ mode: none }', '{ mode: file, path: ., require: true }') },
    exitCode: 4,
    says: /baseline .* cannot be read/i,
  },
  {
    name: 'a build that fails',
    inputs: { build: 'echo missing module >&2; exit 7' },
    exitCode: 4,
    says: /build command[\s\S]*missing module/,
  },
];

for (const mistake of mistakes) {
  test(`${mistake.name} ends with one clear message`, async () => {
    const user = checkout();
    try {
      for (const [name, text] of Object.entries(mistake.files ?? {})) user.write(name, text);
      const result = await runStep({
        workspace: user.dir,
        inputs: mistake.inputs ?? {},
        env: mistake.env ?? {},
        timeoutMs: 60_000,
      });
      assert.equal(result.exitCode, mistake.exitCode, result.log);
      const log = decodeURIComponent(result.log.replace(/%(?![0-9A-F]{2})/g, '%25'));
      assert.match(log, mistake.says);
      assert.doesNotMatch(log, /\n\s+at .*\.js:\d+/, 'no stack trace');
      assert.equal(result.outputs.verdict, 'invalid');
      assert.deepEqual(processesNaming(user.dir), []);
    } finally {
      user.remove();
    }
  });
}

test('a port that is in use is named with its holder', async () => {
  const holder = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => holder.once('listening', resolve));
  const { port } = holder.address() as { port: number };
  const user = checkout();
  try {
    user.write('tailgate.yml', settings().replace('target:\n', `target:\n  port: ${port}\n`));
    const result = await runStep({ workspace: user.dir });
    assert.equal(result.exitCode, 4, result.log);
    assert.match(result.log, new RegExp(`Port ${port} is already in use`));
  } finally {
    holder.close();
    user.remove();
  }
});

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import {
  folderWith,
  openSession,
  runLoad,
  startServer,
  useBundledWorker,
} from '../generator/load-fixture.ts';

useBundledWorker();

const secret = 'p4ssw0rd-of-the-database';

test('a secret stands in no message, not even the half that a cut leaves, and in no log', async () => {
  await using server = await startServer((socket) =>
    socket.on('save', () => socket.emit('exception', `${'x'.repeat(185)}${secret}`)),
  );
  const { measurement, log } = await runLoad(
    {
      'scenario.yml': `
config:
  target: http://127.0.0.1
  processor: ./processor.js
  phases: [{ duration: 1, arrivalRate: 2 }]
scenarios:
  - engine: socketio
    flow:
      - function: tell
      - emit: { channel: save, data: {} }
        acknowledge: {}
`,
      'processor.js': `module.exports = {
  tell: (context, events, done) => { console.log('logs in with ${secret}'); done(); },
};`,
    },
    server.url,
    { secrets: [secret], engine: { failureEvents: ['exception'] } },
  );
  const [error] = measurement.errors;
  assert.match(error?.messages[0] ?? '', /^exception: .*x\*\*\*/);
  assert.doesNotMatch(JSON.stringify(measurement.errors), /p4ss/);
  assert.match(log, /logs in with \*\*\*/);
  assert.doesNotMatch(log, /p4ss/);
});

test('preparing ends when it is cancelled, however long the section "before" takes', async () => {
  await using server = await startServer();
  await using folder = await folderWith({
    'scenario.yml': `
config: { target: http://127.0.0.1, phases: [{ duration: 1, arrivalRate: 1 }] }
before: { flow: [{ log: "before began" }, { think: 600 }] }
scenarios: [{ flow: [{ get: { url: / } }] }]
`,
  });
  const cancelling = new AbortController();
  const opening = openSession(folder.path, server.url, { session: { signal: cancelling.signal } });
  const log = path.join(folder.path, 'load.log');
  const begun = async (): Promise<boolean> =>
    (await readFile(log, 'utf8').catch(() => '')).includes('before began');
  for (let tries = 0; tries < 200 && !(await begun()); tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 50));
  cancelling.abort('SIGINT');
  await assert.rejects(opening, /told to end/);
});

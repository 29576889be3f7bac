import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { targetSchema } from '../../../src/settings/settings-schema.ts';
import { type InjectedTime, injectServiceTime } from '../../../src/side/target/inject-service-time.ts';
import type { RunningTarget } from '../../../src/side/target/running-target.ts';
import { startTarget } from '../../../src/side/target/start-target.ts';
import { startOptions } from './fixtures/target-fixture.ts';

const server = fileURLToPath(new URL('./fixtures/busy-server.cjs', import.meta.url));
const messages = 250;

/** What the busy server did about `factor` while `drive` sent it messages. */
const injectedBy = async (
  t: TestContext,
  factor: number,
  drive: (target: RunningTarget) => Promise<void>,
): Promise<InjectedTime> => {
  const injection = injectServiceTime(factor, undefined);
  t.after(() => injection.close());
  const settings = targetSchema.parse({
    start: `exec "${process.execPath}" "${server}"`,
    env: injection.env,
    nodePreload: false,
    ready: { type: 'log', pattern: 'plain port', timeoutMs: 20_000 },
  });
  assert.equal(injection.injected(), null, 'nothing was told before the server ran');
  {
    await using target = await startTarget(settings, startOptions(t));
    await drive(target);
  }
  const injected = injection.injected();
  assert.ok(injected !== null, 'the server told what it did');
  return injected;
};

const requests = async (target: RunningTarget): Promise<void> => {
  for (let sent = 0; sent < messages; sent += 1) await (await fetch(target.url)).text();
};

const chunks = async (target: RunningTarget): Promise<void> => {
  const port = Number(/plain port (\d+)/.exec(target.tail())?.[1]);
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  for (let sent = 0; sent < messages; sent += 1) {
    socket.write('x');
    await once(socket, 'data');
  }
  socket.destroy();
};

for (const [what, drive] of [
  ['HTTP requests', requests],
  ['chunks of a connection', chunks],
] as const) {
  test(`the CPU time of ${what} is multiplied`, async (t) => {
    const { messages: counted, injectedMs, ownMs } = await injectedBy(t, 2, drive);
    assert.ok(counted >= messages && counted < 2 * messages, `${counted} messages`);
    // The first messages teach what one costs. What else the process spends on starting is its own time as well.
    const share = injectedMs / ownMs;
    assert.ok(share > 0.4 && share < 1.3, `${injectedMs} ms on top of ${ownMs} ms`);
  });
}

test('a factor of 1 counts and adds nothing', async (t) => {
  const { messages: counted, injectedMs, ownMs } = await injectedBy(t, 1, requests);
  assert.ok(counted >= messages, `${counted} messages`);
  assert.ok(injectedMs < 0.05 * ownMs, `${injectedMs} ms on top of ${ownMs} ms`);
});

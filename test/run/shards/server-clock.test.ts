import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { offsetOf, serverClock } from '../../../src/run/shards/server-clock.ts';

const { signal } = new AbortController();

/** A server whose clock is ahead by so much; it names no date where that is null. */
const serverAhead = async (aheadMs: () => number | null) => {
  const server = createServer((_request, response) => {
    const ahead = aheadMs();
    response.sendDate = false;
    if (ahead !== null) response.setHeader('Date', new Date(Date.now() + ahead).toUTCString());
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, [Symbol.dispose]: () => server.close() };
};
const clockOf = (url: string, leftMs = 60_000) => serverClock(url, Date.now() + leftMs, signal);

test('answers at the edge of a second leave little unknown', () => {
  const found = offsetOf([
    { askedMs: 10_000, answeredMs: 10_002, secondMs: 9_000 },
    { askedMs: 10_480, answeredMs: 10_490, secondMs: 10_000 },
  ])!;
  // Between -490 (already in the second) and 10 (still in the one before).
  assert.equal(found.offsetMs, (-490 + 10) / 2);
  assert.equal(found.errorMs, 250);
  assert.equal(
    offsetOf([
      { askedMs: 0, answeredMs: 1, secondMs: 0 },
      { askedMs: 10, answeredMs: 11, secondMs: 5_000 },
    ]),
    null,
  );
});

test('the offset to the clock of a server is within the error that is told', async () => {
  const cases = [0, 3_210, -777];
  const found = await Promise.all(
    cases.map(async (aheadMs) => {
      using server = await serverAhead(() => aheadMs);
      return (await clockOf(server.url))!;
    }),
  );
  for (const [index, { offsetMs, errorMs }] of found.entries()) {
    assert.ok(Math.abs(offsetMs - cases[index]!) <= errorMs, `${offsetMs} +- ${errorMs}`);
    assert.ok(errorMs < 100, `${errorMs}`);
  }
});

test('a server without a date, with several clocks, or none, tells nothing', async () => {
  using dateless = await serverAhead(() => null);
  let turn = 0;
  using several = await serverAhead(() => {
    turn += 1;
    return (turn % 2) * 5_000;
  });
  assert.deepEqual(
    await Promise.all([clockOf(dateless.url), clockOf(several.url), clockOf('http://127.0.0.1:1')]),
    [null, null, null],
  );
});

test('who has no time left is not made late by it', async () => {
  using server = await serverAhead(() => 0);
  assert.equal(await clockOf(server.url, 1_000), null);
});

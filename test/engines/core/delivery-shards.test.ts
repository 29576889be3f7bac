import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { DeliveryLedger } from '../../../src/engines/core/delivery/delivery-ledger.ts';
import { tagInText } from '../../../src/engines/core/delivery/delivery-tag.ts';
import { LoadActivity } from '../../../src/engines/core/load-activity.ts';
import { Recorder } from '../../../src/engines/core/recorder.ts';
import { mergeDeliveryShards } from '../../../src/metrics/delivery-shards.ts';
import { mergeCounters } from '../../../src/metrics/merge-rounds.ts';
import { startServer } from '../socketio/run-users.ts';

type Action =
  | { do: 'join' | 'leave' | 'disconnect'; who: number }
  | { do: 'send'; who: number }
  | { do: 'receive'; who: number; message: number };

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({
    do: fc.constantFrom('join', 'join', 'leave', 'disconnect'),
    who: fc.nat(5),
  }) as fc.Arbitrary<Action>,
  fc.record({ do: fc.constant('send'), who: fc.nat(5) }) as fc.Arbitrary<Action>,
  fc.record({ do: fc.constant('receive'), who: fc.nat(5), message: fc.nat(20) }) as fc.Arbitrary<Action>,
);

/** Longer than the resolution of the clock by which processes order joins and sends. */
const tick = () => {
  const untilMs = performance.now() + 0.005;
  while (performance.now() < untilMs);
};

const shardOf = (index: number, apartUs = 0) => {
  const recorder = new Recorder();
  const drain = { ms: 60_000 };
  const ledger = new DeliveryLedger(
    recorder,
    new LoadActivity(),
    () => drain.ms,
    () => ({ index, count: 2 }),
    () => ({ aheadUs: 0, apartUs }),
  );
  const watch = ledger.watch({
    metric: 'm.delivery',
    sentEvent: 'm',
    includesSender: false,
    expected: 'members',
  });
  const members = Array.from({ length: 3 }, () => ledger.member());
  return { recorder, drain, ledger, watch, members };
};

/** What all of them counted, once nothing on its way is waited for any more. */
const drained = async (shards: readonly ReturnType<typeof shardOf>[]) => {
  for (const { drain, ledger } of shards) {
    drain.ms = 0;
    await ledger.drain();
  }
  return {
    counters: mergeCounters(shards.map(({ recorder }) => recorder.snapshot().counters)),
    between: mergeDeliveryShards(shards.map(({ recorder }) => recorder.deliveryShard!)),
  };
};

test('two processes together count what one would', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 60 }), async (actions) => {
      const shards = [shardOf(0), shardOf(1)];
      const at = (who: number) => {
        const shard = shards[who % 2]!;
        return { ...shard, member: shard.members[who >> 1]! };
      };
      const present = new Set<number>();
      const messages: { pending: Set<number>; tag: string }[] = [];
      let expected = 0;
      let received = 0;
      /** What was on its way to a member that left was not expected; to one that was disconnected, it is lost. */
      const forget = (who: number, left: boolean) => {
        for (const { pending } of messages) if (pending.delete(who) && left) expected -= 1;
      };
      for (const step of actions) {
        tick();
        const { ledger, member, watch } = at(step.who);
        if (step.do === 'join') {
          ledger.join(member, 'r');
          if (!present.has(step.who)) forget(step.who, false);
          present.add(step.who);
        } else if (step.do === 'leave') {
          ledger.leave(member, 'r');
          forget(step.who, present.delete(step.who));
        } else if (step.do === 'disconnect') {
          ledger.disconnected(member);
          present.delete(step.who);
        } else if (step.do === 'send') {
          const tag = ledger.send(member, { watch, room: 'r', fromMs: performance.now() });
          const pending = new Set([...present].filter((who) => who !== step.who));
          expected += pending.size;
          messages.push({ pending, tag });
        } else if (step.do === 'receive' && step.message < messages.length) {
          const message = messages[step.message]!;
          ledger.receive(member, tagInText(message.tag)!);
          if (message.pending.delete(step.who)) {
            received += 1;
          }
        }
      }
      const { counters, between } = await drained(shards);
      assert.equal(counters['deliveries.received']! + between.received, received);
      assert.equal(counters['deliveries.expected']! + between.expected, expected);
      assert.equal(counters['deliveries.lost']! + between.lost, expected - received);
    }),
    { numRuns: 300 },
  );
});

test('what clocks that differ leave open is neither lost nor too much', async () => {
  const apartUs = 12;
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 60 }), async (actions) => {
      const shards = [shardOf(0, apartUs), shardOf(1, apartUs)];
      const at = (who: number) => ({ ...shards[who % 2]!, member: shards[who % 2]!.members[who >> 1]! });
      const present = new Set<number>();
      const messages: { pending: Set<number>; tag: string }[] = [];
      let received = 0;
      for (const step of actions) {
        tick();
        const { ledger, member, watch } = at(step.who);
        if (step.do === 'join') {
          ledger.join(member, 'r');
          present.add(step.who);
        } else if (step.do === 'leave' || step.do === 'disconnect') {
          if (step.do === 'leave') ledger.leave(member, 'r');
          else ledger.disconnected(member);
          present.delete(step.who);
          for (const { pending } of messages) pending.delete(step.who);
        } else if (step.do === 'send') {
          const tag = ledger.send(member, { watch, room: 'r', fromMs: performance.now() });
          messages.push({ pending: new Set([...present].filter((who) => who !== step.who)), tag });
        } else if (step.do === 'receive' && step.message < messages.length) {
          const message = messages[step.message]!;
          if (!message.pending.delete(step.who)) continue;
          ledger.receive(member, tagInText(message.tag)!);
          received += 1;
        }
      }
      const { counters, between } = await drained(shards);
      const all = (name: 'expected' | 'received' | 'lost') => counters[`deliveries.${name}`]! + between[name];
      assert.equal(all('received'), received);
      assert.equal(all('expected'), all('received') + all('lost'));
      assert.equal(counters['deliveries.unexpected'] ?? 0, 0);
    }),
    { numRuns: 300 },
  );
});

for (const then of ['stays away', 'is back'] as const)
  test(`a member that is gone at once after it got a message, and ${then}`, async () => {
    const [from, to] = [shardOf(0, 5_000), shardOf(1, 5_000)];
    const [sender, member] = [from.members[0]!, to.members[0]!];
    to.ledger.join(member, 'r');
    await new Promise((resolve) => setTimeout(resolve, 15));
    const tag = from.ledger.send(sender, { watch: from.watch, room: 'r', fromMs: performance.now() });
    to.ledger.receive(member, tagInText(tag)!);
    to.ledger.disconnected(member);
    if (then === 'is back') to.ledger.recovered(member);
    const { counters, between } = await drained([from, to]);
    assert.equal(counters['deliveries.received']! + between.received, 1);
    assert.equal(counters['deliveries.expected']! + between.expected, 1);
    assert.equal(between.lost, 0);
  });

const worker = path.join(import.meta.dirname, 'delivery-shard-worker.ts');

test('deliveries between generator processes are timed and counted exactly', async () => {
  await using server = await startServer();
  const joined: (() => void)[] = [];
  let chats = 0;
  let lost = 0;
  server.io.on('connection', (socket) => {
    socket.on('join', (room, acknowledge) => {
      socket.join(room);
      // The processes do not start together: nobody speaks before the last one is there.
      joined.push(acknowledge);
      if (joined.length === 8) for (const confirm of joined) confirm();
    });
    socket.on('chat', (data) => {
      chats += 1;
      const others = [...server.io.of('/').adapter.rooms.get('r')!].filter((id) => id !== socket.id);
      for (const [index, id] of others.entries()) {
        // Every tenth message misses one receiver, and another gets it twice.
        if (chats % 10 === 0 && index === 0) lost += 1;
        else server.io.to(id).emit('chat', data);
        if (chats % 10 === 0 && index === 1) server.io.to(id).emit('chat', data);
      }
    });
  });
  const workers: ChildProcess[] = [0, 1].map((index) => fork(worker, [server.url, String(index)]));
  const results = (await Promise.all(
    workers.map(async (child) => {
      const [result] = await once(child, 'message');
      child.disconnect();
      return result;
    }),
  )) as ReturnType<Recorder['snapshot']>[];
  const counters = mergeCounters(results.map((result) => result.counters));
  const between = mergeDeliveryShards(results.map((result) => result.deliveryShard!));
  assert.equal(chats, 80);
  assert.equal(counters['deliveries.expected']! + between.expected, 80 * 7);
  assert.equal(counters['deliveries.received'], 80 * 7 - lost);
  assert.equal(counters['deliveries.lost']! + between.lost, lost);
  assert.equal(counters['deliveries.duplicated'], 8);
  const latencies = results.map((result) => result.metrics['chat.delivery']!);
  assert.equal(latencies[0]!.count + latencies[1]!.count, 80 * 7 - lost);
  for (const { minMs, maxMs } of latencies) assert.ok(minMs >= 0 && maxMs < 2_000, `${minMs} to ${maxMs} ms`);
});

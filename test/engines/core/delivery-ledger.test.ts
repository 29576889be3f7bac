import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DeliveryLedger } from '../../../src/engines/core/delivery/delivery-ledger.ts';
import type { DeliveryMember, DeliveryWatch } from '../../../src/engines/core/delivery/delivery-room.ts';
import {
  formatTag,
  TagFinder,
  tagInBytes,
  tagInText,
  tagLength,
} from '../../../src/engines/core/delivery/delivery-tag.ts';
import { changePath, payloadPath, readPath } from '../../../src/engines/core/delivery/payload-path.ts';
import { LoadActivity } from '../../../src/engines/core/load-activity.ts';
import { Recorder } from '../../../src/engines/core/recorder.ts';

/** A ledger whose drain time can be ended: until then, nothing is due. */
const ledgerWith = () => {
  const recorder = new Recorder();
  const drain = { ms: 60_000 };
  const ledger = new DeliveryLedger(
    recorder,
    new LoadActivity(),
    () => drain.ms,
    () => ({ index: 3, count: 1 }),
  );
  return { recorder, ledger, drain };
};

type Action =
  | { do: 'join'; who: number; room: number }
  | { do: 'leave'; who: number; room: number }
  | { do: 'disconnect'; who: number; room: number }
  | { do: 'send'; who: number; room: number; own: boolean }
  | { do: 'receive'; who: number; message: number };

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({
    do: fc.constantFrom('join', 'join', 'join', 'leave', 'disconnect'),
    who: fc.nat(5),
    room: fc.nat(1),
  }) as fc.Arbitrary<Action>,
  fc.record({
    do: fc.constant('send'),
    who: fc.nat(5),
    room: fc.nat(1),
    own: fc.boolean(),
  }) as fc.Arbitrary<Action>,
  fc.record({ do: fc.constant('receive'), who: fc.nat(5), message: fc.nat(12) }) as fc.Arbitrary<Action>,
);

/** The same counts, kept the plain way: a set of expected receivers per message. */
class Model {
  counts = { expected: 0, received: 0, lost: 0, duplicated: 0, unexpected: 0 };
  doomed = 0;
  rooms = [new Set<number>(), new Set<number>()];
  /** Members that were disconnected: not expected any more, but known. */
  gone = [new Set<number>(), new Set<number>()];
  messages: { room: number; sender: number; own: boolean; pending: Set<number>; got: Set<number> }[] = [];

  join(who: number, room: number): void {
    if (this.rooms[room]!.has(who)) return;
    if (this.gone[room]!.delete(who)) this.forget(who, room, false);
    this.rooms[room]!.add(who);
  }

  /** What was on its way to a member that left was not expected; to one that was disconnected, it is lost. */
  forget(who: number, room: number, left: boolean): void {
    for (const message of this.messages) {
      if (message.room !== room) continue;
      if (message.pending.delete(who)) {
        if (left) this.counts.expected -= 1;
        else this.doomed += 1;
      }
      message.got.delete(who);
    }
  }

  leave(who: number, room: number): void {
    if (this.rooms[room]!.delete(who)) this.forget(who, room, true);
    else if (this.gone[room]!.delete(who)) this.forget(who, room, false);
  }

  disconnect(who: number): void {
    for (const room of [0, 1]) if (this.rooms[room]!.delete(who)) this.gone[room]!.add(who);
  }

  send(sender: number, room: number, own: boolean): void {
    const pending = new Set(this.rooms[room]);
    if (!own) pending.delete(sender);
    this.counts.expected += pending.size;
    this.messages.push({ room, sender, own, pending, got: new Set() });
  }

  receive(who: number, index: number): void {
    const message = this.messages[index]!;
    if (message.pending.delete(who)) {
      message.got.add(who);
      this.counts.received += 1;
    } else if (message.got.has(who)) this.counts.duplicated += 1;
    else this.counts.unexpected += 1;
  }

  end(): void {
    for (const { pending } of this.messages) this.counts.lost += pending.size;
    this.counts.lost += this.doomed;
  }
}

const perform = (
  step: Action,
  ledger: DeliveryLedger,
  members: DeliveryMember[],
  watches: DeliveryWatch[],
  tags: string[],
) => {
  const member = members[step.who]!;
  if (step.do === 'join') ledger.join(member, `r${step.room}`);
  else if (step.do === 'leave') ledger.leave(member, `r${step.room}`);
  else if (step.do === 'disconnect') ledger.disconnected(member);
  else if (step.do === 'send')
    tags.push(
      ledger.send(member, {
        watch: watches[step.own ? 1 : 0]!,
        room: `r${step.room}`,
        fromMs: performance.now(),
      }),
    );
  else if (step.message < tags.length) ledger.receive(member, tagInText(tags[step.message]!)!);
};

const predict = (step: Action, model: Model) => {
  if (step.do === 'join') model.join(step.who, step.room);
  else if (step.do === 'leave') model.leave(step.who, step.room);
  else if (step.do === 'disconnect') model.disconnect(step.who);
  else if (step.do === 'send') model.send(step.who, step.room, step.own);
  else if (step.message < model.messages.length) model.receive(step.who, step.message);
};

test('the ledger counts like a plain list of expected receivers', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 80, size: 'max' }), async (actions) => {
      const { ledger, recorder, drain } = ledgerWith();
      const model = new Model();
      const members = Array.from({ length: 6 }, () => ledger.member());
      const watches = [false, true].map((includesSender) =>
        ledger.watch({
          metric: `m${includesSender}.delivery`,
          sentEvent: 'm',
          includesSender,
          expected: 'members',
        }),
      );
      const tags: string[] = [];
      const counted = () => ({
        expected: recorder.counter('deliveries.expected'),
        received: recorder.counter('deliveries.received'),
        lost: recorder.counter('deliveries.lost'),
        duplicated: recorder.counter('deliveries.duplicated'),
        unexpected: recorder.counter('deliveries.unexpected'),
      });
      for (const step of actions) {
        perform(step, ledger, members, watches, tags);
        predict(step, model);
        assert.deepEqual(counted(), model.counts);
      }
      drain.ms = 0;
      await ledger.drain();
      model.end();
      assert.deepEqual(counted(), model.counts);
      const { expected, received, lost } = counted();
      assert.equal(expected, received + lost);
      const latencies = recorder.metricIds().reduce((sum, id) => sum + recorder.sketch(id)!.count, 0);
      assert.equal(latencies, received);
    }),
    { numRuns: 500 },
  );
});

test('what was sent before the end of the warm-up is not counted after it', async () => {
  const { ledger, recorder, drain } = ledgerWith();
  const [sender, receiver] = [ledger.member(), ledger.member()];
  const watch = ledger.watch({
    metric: 'm.delivery',
    sentEvent: 'm',
    includesSender: false,
    expected: 'members',
  });
  for (const member of [sender, receiver]) ledger.join(member, 'r');
  const send = () => tagInText(ledger.send(sender, { watch, room: null, fromMs: performance.now() }))!;
  const early = send();
  send();
  recorder.reset();
  ledger.receive(receiver, early);
  // Nor is what is odd about it: that it comes twice, or at somebody for whom it was not.
  ledger.receive(receiver, early);
  ledger.receive(ledger.member(), early);
  const measured = send();
  ledger.receive(receiver, measured);
  ledger.receive(receiver, early);
  assert.equal(recorder.counter('deliveries.duplicated'), 0);
  assert.equal(recorder.counter('deliveries.unexpected'), 0);
  ledger.receive(receiver, measured);
  ledger.receive(ledger.member(), measured);
  assert.equal(recorder.counter('deliveries.duplicated'), 1);
  assert.equal(recorder.counter('deliveries.unexpected'), 1);
  drain.ms = 0;
  await ledger.drain();
  assert.equal(recorder.counter('deliveries.expected'), 1);
  assert.equal(recorder.counter('deliveries.received'), 1);
  assert.equal(recorder.counter('deliveries.lost'), 0);
});

test('a tag is found anywhere, and again at the same place', () => {
  const tag = { worker: 1, sender: 35, sequence: 46_656, watch: 2, sentUs: 8_640_000_000_000 };
  const text = formatTag(tag);
  assert.equal(text.length, tagLength);
  assert.equal(formatTag({ ...tag, sequence: 1, sentUs: 1, room: 2 ** 32 - 1 }).length, tagLength);
  const places: unknown[] = [
    [text],
    [1, `before ${text} after`],
    [{ a: [{ b: { c: text } }] }],
    [`~tg ~tgx. ${text}`],
    [Buffer.from(`x${text}y`)],
    [{ data: new Uint8Array(Buffer.from(text)) }],
    [{ data: new Uint8Array(Buffer.from(text)).buffer }],
  ];
  for (const args of places) {
    const finder = new TagFinder(null);
    assert.deepEqual(finder.find(args), tag);
    assert.deepEqual(finder.find(args), tag);
    assert.equal(finder.find([{ other: 'nothing' }]), null);
  }
  const moved = new TagFinder(null);
  assert.deepEqual(moved.find([{ a: text }]), tag);
  assert.deepEqual(moved.find([{ b: text }]), tag);
  assert.equal(new TagFinder(payloadPath('b')).find([{ a: text }]), null);
  assert.deepEqual(new TagFinder(payloadPath('1.b')).find([0, { b: text }]), tag);
  for (const bad of [
    '~tg',
    '~tg1.2.3.4.5',
    '~tg1.2.3.4~',
    '~tg1..3.4.5~',
    '~tg1.2.3.4.5.6.7~',
    '~tgA.2.3.4.5~',
  ])
    assert.equal(tagInText(bad), null, bad);
  assert.equal(tagInBytes(Buffer.from('nothing')), null);
});

test('the numbers of any tag come back', () => {
  const number = fc.integer({ min: 0, max: 2 ** 40 });
  fc.assert(
    fc.property(
      number,
      number,
      number,
      number,
      fc.integer({ min: 0, max: 2 ** 52 }),
      fc.string(),
      (worker, sender, sequence, watch, sentUs, around) => {
        const tag = { worker, sender, sequence, watch, sentUs };
        assert.deepEqual(tagInText(`${around}${formatTag(tag)}${around}`), tag);
      },
    ),
  );
});

test('a path into the payload is read and changed without touching the original', () => {
  const args = [{ body: { id: 'x', keep: [1] } }, 2];
  assert.equal(readPath(args, payloadPath('body.id')), 'x');
  assert.equal(readPath(args, payloadPath('1')), 2);
  assert.equal(readPath(args, payloadPath('body.none.deep')), undefined);
  const changed = changePath(args, payloadPath('0.body.id'), (old) => `${String(old)}!`) as typeof args;
  assert.deepEqual(changed, [{ body: { id: 'x!', keep: [1] } }, 2]);
  assert.deepEqual(args, [{ body: { id: 'x', keep: [1] } }, 2]);
  assert.deepEqual(
    changePath([], payloadPath('a.b'), () => 1),
    [{ a: { b: 1 } }],
  );
  assert.deepEqual(
    changePath([{ list: [{}, {}] }], payloadPath('list[1].t'), () => 1),
    [{ list: [{}, { t: 1 }] }],
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseThreshold } from '../../src/metrics/threshold-grammar.ts';
import { checkThresholds, type KnownMetrics, mergeThresholds } from '../../src/metrics/threshold-sets.ts';

const parse = (...sources: string[]) => sources.map((source) => parseThreshold(source));
const sources = (thresholds: readonly { source: string }[]) => thresholds.map(({ source }) => source);

test('a limit replaces the one on the same metric, statistic and kind, and stands beside all others', () => {
  const under = parse('chat.ack.p95 < 200ms', 'chat.ack.p95 < +10%', 'lost = 0', 'errors.rate < 1%');
  const over = parse('chat.ack.p95 < 500ms', 'deliveries.lost < 3', 'chat.ack.p99 < 1s');
  assert.deepEqual(sources(mergeThresholds(under, over)), [
    'chat.ack.p95 < +10%',
    'errors.rate < 1%',
    'chat.ack.p95 < 500ms',
    'deliveries.lost < 3',
    'chat.ack.p99 < 1s',
  ]);
});

const known: KnownMetrics = {
  latencies: ['chat.ack', 'joinRoom.ack', 'connect.handshake'],
  counters: ['orders.placed'],
  custom: ['custom.persisted'],
  resources: true,
};

test('what a suite can measure is accepted', () => {
  const thresholds = parse(
    'chat.ack.p95 < 1s',
    'p99 < +10%',
    '*.ack.p99 < +20%',
    'lost = 0',
    'errors.rate < 1%',
    'errors.named.ETIMEDOUT = 0',
    'messages.sent.perSecond > 10/s',
    'orders.placed > 3',
    'orders.placed.perSecond > 3/s',
    'custom.persisted >= 3',
    'server.rss < 1GB',
  );
  assert.deepEqual(checkThresholds(thresholds, known), []);
});

test('what is not known before the run is left to the run', () => {
  const thresholds = parse('what.ever.p95 < 1s', '*.ack.p99 < +20%', 'my.counter = 0', 'custom.x = 1');
  assert.deepEqual(
    checkThresholds(thresholds, { ...known, latencies: null, counters: null, custom: null }),
    [],
  );
});

test('what a suite cannot measure is named, with what was probably meant', () => {
  const suggestion = (source: string, metrics: KnownMetrics = known): string | undefined => {
    const [problem, ...rest] = checkThresholds(parse(source), metrics);
    assert.equal(problem?.code, 'THRESHOLD_UNKNOWN_METRIC', source);
    assert.equal(rest.length, 0);
    return /^Did you mean "(.*)"\?/.exec(problem.fix)?.[1];
  };
  assert.equal(suggestion('chat.akc.p95 < 1s'), 'chat.ack');
  assert.equal(suggestion('chat.p95 < 1s'), 'chat.ack');
  assert.equal(suggestion('join_room.ack.p95 < 1s'), 'joinRoom.ack');
  assert.equal(suggestion('losst = 0'), 'lost');
  assert.equal(suggestion('deliveries.loss = 0'), 'deliveries.lost');
  assert.equal(suggestion('custom.persistd = 0'), 'custom.persisted');
  assert.equal(suggestion('leaveRoom.delivery.p95 < 1s'), undefined);
  assert.equal(suggestion('*.delivery.p95 < 1s'), undefined);
  assert.equal(suggestion('server.rss < 1GB', { ...known, resources: false }), undefined);
});

test('it is named once, however many limits are on it, with what would measure it', () => {
  const limits = parse('leaveRoom.delivery.p50 < 1s', 'leaveRoom.delivery.p95 < 2s');
  const problems = checkThresholds(limits, known);
  assert.equal(problems.length, 1);
  assert.match(
    problems[0]!.what,
    /thresholds "leaveRoom\.delivery\.p50 < 1s", "leaveRoom\.delivery\.p95 < 2s" name/,
  );
  assert.match(problems[0]!.fix, /can measure for example "chat\.ack"/);
  assert.match(problems[0]!.fix, /"leaveRoom" has it with "\{\{ \$tag \}\}" in its message and "delivery:"/);
});

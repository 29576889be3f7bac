import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TailgateError } from '../../src/errors.ts';
import { seededRandom } from '../../src/metrics/seeded-random.ts';
import type { Threshold } from '../../src/metrics/threshold.ts';
import { formatThreshold, parseThreshold, thresholdLines } from '../../src/metrics/threshold-grammar.ts';

type Meaning = Omit<Threshold, 'source' | 'where'>;

const meaningOf = ({ source: _, where: __, ...meaning }: Threshold): Meaning => meaning;

const failure = (source: string, where = {}): TailgateError => {
  try {
    parseThreshold(source, where);
  } catch (error) {
    assert.ok(error instanceof TailgateError, `${source}: ${error}`);
    return error;
  }
  return assert.fail(`"${source}" was accepted`);
};

const absolute = (value: number, unit: string) => ({ kind: 'absolute', value, unit });
const relative = (percent: number | null, delta: [number, string] | null = null) => ({
  kind: 'relative',
  percent,
  delta: delta === null ? null : { value: delta[0], unit: delta[1] },
});

test('what is written means what it says', () => {
  const table: [string, string, string, string, object][] = [
    ['chat.ack.p95 < 200ms', 'chat.ack', 'p95', '<', absolute(200, 'ms')],
    ['chat.ack.p95<0.2s', 'chat.ack', 'p95', '<', absolute(200, 'ms')],
    ['chat.ack.mean <= 1min', 'chat.ack', 'mean', '<=', absolute(60_000, 'ms')],
    ['chat.ack.median < 500us', 'chat.ack', 'p50', '<', absolute(0.5, 'ms')],
    ['chat.ack.p99.9 < 2 s', 'chat.ack', 'p999', '<', absolute(2000, 'ms')],
    ['chat.ack.count >= 1000', 'chat.ack', 'count', '>=', absolute(1000, 'count')],
    ['user.joined.response.max < 1s', 'user.joined.response', 'max', '<', absolute(1000, 'ms')],
    ['"chat message".ack.p95 < 0', 'chat message.ack', 'p95', '<', absolute(0, 'ms')],
    [`'it\\'s "on"'.ack.p95 < 1ms`, `it's "on".ack`, 'p95', '<', absolute(1, 'ms')],
    ['"p95" < 3', 'p95', 'value', '<', absolute(3, 'count')],
    ['session.length.p50 < 30s', 'session.length', 'p50', '<', absolute(30_000, 'ms')],
    ['chat.ack.p95 < +10%', 'chat.ack', 'p95', '<', relative(10)],
    ['chat.ack.p95 < +10% and +5ms', 'chat.ack', 'p95', '<', relative(10, [5, 'ms'])],
    ['chat.ack.p95 < +5ms AND +10%', 'chat.ack', 'p95', '<', relative(10, [5, 'ms'])],
    ['p95 < +10%', 'main', 'p95', '<', relative(10)],
    ['lost = 0', 'deliveries.lost', 'value', '=', absolute(0, 'count')],
    ['lost == 0', 'deliveries.lost', 'value', '=', absolute(0, 'count')],
    ['errors.count < 10', 'errors', 'value', '<', absolute(10, 'count')],
    ['errors <= baseline', 'errors', 'value', '<=', relative(null, [0, 'count'])],
    ['errors <= +0', 'errors', 'value', '<=', relative(null, [0, 'count'])],
    ['errors.rate < 0.1%', 'errors.rate', 'value', '<', absolute(0.001, 'ratio')],
    ['errors.rate < 0.001', 'errors.rate', 'value', '<', absolute(0.001, 'ratio')],
    ['errors.rate < +0.05pp', 'errors.rate', 'value', '<', relative(null, [0.0005, 'ratio'])],
    ['lost.rate < 1%', 'deliveries.lost.rate', 'value', '<', absolute(0.01, 'ratio')],
    ['errors.named.ECONNRESET = 0', 'errors.named.ECONNRESET', 'value', '=', absolute(0, 'count')],
    ['messages.sent.perSecond > -5%', 'messages.sent.perSecond', 'value', '>', relative(-5)],
    [
      'messages.sent.perSecond >= 100/s',
      'messages.sent.perSecond',
      'value',
      '>=',
      absolute(100, 'perSecond'),
    ],
    ['server.rss.max < 400MB', 'server.rss', 'max', '<', absolute(400_000_000, 'bytes')],
    ['server.rss < 512MiB', 'server.rss', 'max', '<', absolute(536_870_912, 'bytes')],
    ['server.cpu < 80%', 'server.cpu', 'mean', '<', absolute(0.8, 'cores')],
    ['server.cpu.max < 1.5 cores', 'server.cpu', 'max', '<', absolute(1.5, 'cores')],
    ['server.fds < 1000', 'server.fds', 'max', '<', absolute(1000, 'count')],
    ['server.gc < 100ms', 'server.gc', 'value', '<', absolute(100, 'ms')],
    ['custom.persisted >= 1000', 'custom.persisted', 'value', '>=', absolute(1000, 'count')],
    ['custom.db.write.p95 < 20ms', 'custom.db.write.p95', 'value', '<', absolute(20, 'ms')],
  ];
  for (const [source, metric, statistic, operator, bound] of table)
    assert.deepEqual(meaningOf(parseThreshold(source)), { metric, statistic, operator, bound }, source);
  assert.equal(parseThreshold('*.ack.p99 < +20%').wildcard, true);
  assert.equal(parseThreshold('"*".ack.p99 < +20%').wildcard, undefined);
});

test('a mistake is named with its column and with what was expected there', () => {
  const table: [string, number, string][] = [
    ['', 1, 'expected a metric, found the end'],
    ['< 200ms', 1, 'expected a metric, found "<"'],
    ['chat..ack < 1', 6, 'expected a metric, found ".ack"'],
    ['chat.ack < 200ms', 6, '"chat.ack" is a latency and needs a statistic'],
    ['chat.ack.p75 < 1ms', 10, 'there is no statistic "p75"'],
    ['chat.ack.p95', 13, 'expected an operator, found the end'],
    ['chat message.ack.p95 < 1ms', 6, 'expected an operator, found "message.ack.p95"'],
    ['chat.ack.p95 => 1ms', 15, 'expected a number, found ">"'],
    ['chat.ack.p95 < fast', 16, 'expected a number, found "fast"'],
    ['chat.ack.p95 < 200', 16, 'the unit is missing'],
    ['chat.ack.p95 < 200 mss', 20, 'there is no unit "mss"'],
    ['chat.ack.p95 < 200MB', 16, '"chat.ack.p95" is not measured in that unit'],
    ['lost < 5ms', 8, '"deliveries.lost" is not measured in that unit'],
    ['errors.p95 < 1', 8, '"errors" is one number and has no p95'],
    ['server.rss.p99 < 1MB', 12, '"server.rss" has no p99'],
    ['"chat', 1, 'the quotation mark is never closed'],
    ['"" < 1', 1, 'the name is empty'],
    ['p95 = +5%', 7, '"=" takes no change against the baseline'],
    ['p95 < +10% or +5ms', 12, '"or" does not join limits'],
    ['p95 < +10% and 5ms', 16, 'expected "+" or "-", found "5ms"'],
    ['p95 < +10% and +5%', 16, 'both parts are in percent'],
    ['p95 < +10ms and +5ms', 17, 'neither part is in percent'],
    ['lost = 0 and 1', 10, 'expected the end, found "and"'],
    ['p95 < 1ms, lost = 0', 10, 'expected the end, found ","'],
    ['*.rate < 1%', 1, '"*" stands for latency metrics, and this is none of their statistics'],
    [`p95 < 1${'0'.repeat(400)}ms`, 7, 'the number is too large'],
  ];
  for (const [source, column, problem] of table) {
    const error = failure(source);
    assert.equal(error.code, 'THRESHOLD_SYNTAX');
    assert.equal(error.what, `The threshold "${source}" is not valid at column ${column}: ${problem}.`);
    assert.ok(error.fix.length > 10, `${source} has no fix`);
  }
});

test('the column of a mistake counts on from where the threshold stands in its file', () => {
  const where = { file: 'tailgate.yml', line: 7, column: 5 };
  assert.equal(
    failure('chat.ack.p95 < 200', where).message,
    'tailgate.yml:7:20: The threshold "chat.ack.p95 < 200" is not valid at column 16: the unit is missing.\n' +
      'A limit on "chat.ack.p95" is a time, for example "200ms".',
  );
});

const pick = <T>(random: () => number, from: readonly T[]): T => from[Math.floor(random() * from.length)]!;

const randomName = (random: () => number): string => {
  const alphabet = [
    'a',
    'Z',
    '9',
    '_',
    ' ',
    '"',
    "'",
    '\\',
    '.',
    '*',
    'é',
    '房',
    '<',
    '+',
    '%',
    'p95',
    'rate',
    'and',
  ];
  const length = 1 + Math.floor(random() * 6);
  return Array.from({ length }, () => pick(random, alphabet)).join('');
};

const randomBound = (random: () => number, units: readonly string[], operator: string): string => {
  const number = (): string => String(Number((random() * 10 ** Math.floor(random() * 9)).toPrecision(4)));
  const sign = (): string => pick(random, ['+', '-']);
  const kinds = operator === '=' ? 1 : 4;
  switch (Math.floor(random() * kinds)) {
    case 0:
      return `${number()}${pick(random, units)}`;
    case 1:
      return `${sign()}${number()}%`;
    case 2:
      return `${sign()} ${number()} ${pick(random, units)}`;
    default:
      return `${sign()}${number()}% and ${sign()}${number()}${pick(random, units)}`;
  }
};

test('what is formatted reads back as the same limit (3,000 random thresholds)', () => {
  const random = seededRandom(11);
  const times = ['us', 'ms', 's', 'min'];
  const subjects: [() => string, readonly string[]][] = [
    [
      () =>
        `${pick(random, ['chat', 'a/b', '$x', 'room:join'])}.ack.${pick(random, ['p50', 'p99.9', 'max'])}`,
      times,
    ],
    [() => `*.${pick(random, ['ack', 'delivery'])}.p95`, times],
    [() => `"${randomName(random).replace(/["\\]/g, '\\$&')}".response.p95`, times],
    [() => pick(random, ['p50', 'p99', 'mean']), times],
    [() => pick(random, ['lost', 'errors', 'deliveries.received', 'custom.rows']), ['']],
    [() => pick(random, ['errors.rate', 'lost.rate']), ['', 'pp']],
    [() => pick(random, ['server.rss', 'server.heap.mean']), ['B', 'KB', 'KiB', 'MB', 'MiB', 'gb', 'GiB']],
    [() => pick(random, ['server.cpu', 'server.cpu.max']), ['', ' cores', ' core']],
    [() => 'messages.sent.perSecond', ['', '/s']],
  ];
  for (let index = 0; index < 3_000; index++) {
    const [subject, units] = pick(random, subjects);
    const operator = pick(random, ['<', '<=', '=', '>', '>=']);
    const source = `${subject()} ${operator} ${randomBound(random, units, operator)}`;
    const parsed = parseThreshold(source);
    const formatted = formatThreshold(parsed);
    assert.deepEqual(meaningOf(parseThreshold(formatted)), meaningOf(parsed), `${source} -> ${formatted}`);
    assert.equal(formatThreshold(parseThreshold(formatted)), formatted);
  }
});

test('garbage is refused with a position, never with a crash (20,000 random texts)', () => {
  const random = seededRandom(12);
  const pieces = [
    ...' .<>=+-%"\'\\*/:0159',
    'p95',
    'chat',
    'ack',
    'ms',
    'and',
    'or',
    'baseline',
    'lost',
    'server',
    'rss',
    'constructor',
    '__proto__',
    '€',
    '\n',
    '1e999',
  ];
  let refused = 0;
  for (let index = 0; index < 20_000; index++) {
    const length = Math.floor(random() * 12);
    const source = Array.from({ length }, () => pick(random, pieces)).join('');
    try {
      parseThreshold(source);
    } catch (error) {
      refused += 1;
      assert.ok(error instanceof TailgateError, `"${source}": ${error}`);
      const column = Number(/ at column (\d+): /.exec(error.what)?.[1]);
      assert.ok(column >= 1 && column <= source.length + 1, `"${source}": column ${column}`);
    }
  }
  assert.ok(refused > 10_000 && refused < 20_000, `${refused} of 20,000 were refused`);
});

test('a block of thresholds has one to a line; blank lines and comments are left out', () => {
  assert.deepEqual(thresholdLines('p95 < 1ms\r\n\n  # the rest\n  lost = 0  \n'), ['p95 < 1ms', 'lost = 0']);
});

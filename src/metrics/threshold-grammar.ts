import type { SourcePosition } from '../errors.ts';
import { mainMetric, type Threshold, type Unit } from './threshold.ts';
import { ThresholdReader } from './threshold-reader.ts';
import {
  isLatencySubject,
  readSubject,
  type Subject,
  type SubjectPart,
  unitOfSubject,
} from './threshold-subject.ts';
import { formatQuantity, normalise, unitExample, unitNames, writtenUnit } from './threshold-units.ts';

/*
 * The grammar of a threshold. Spaces may stand between any two tokens; inside a subject there are none.
 *
 *   threshold ::= subject operator bound
 *   subject   ::= part { "." part }                 the last part may be a statistic; alone, it is of the main metric
 *   part      ::= name | quoted
 *   name      ::= namechar { namechar }
 *   namechar  ::= letter | digit | "_" | "-" | "$" | "/" | ":" | "@" | "*"        "*": any characters
 *   quoted    ::= '"' { char | "\" char } '"' | "'" { char | "\" char } "'"       nothing is special in it
 *   operator  ::= "<" | "<=" | ">" | ">=" | "=" | "=="
 *   bound     ::= quantity | change [ "and" change ] | "baseline"
 *   quantity  ::= number [ unit ]                   absolute
 *   change    ::= ( "+" | "-" ) number [ unit ]     relative to the baseline; of two, one is in percent
 *   number    ::= digit { digit } [ "." digit { digit } ] [ "e" [ "+" | "-" ] digit { digit } ]
 *   unit      ::= "us" | "ms" | "s" | "min"                                       time
 *               | "B" | "kB" | "KiB" | "MB" | "MiB" | "GB" | "GiB"                size
 *               | "%" | "pp" | "core" | "cores" | "/s"                share, percentage points, cores, rate
 *
 * "baseline" is short for "+0". A number with a sign is a change, so an absolute limit below zero cannot be written.
 * "*" stands for latency metrics, so a subject with it ends in a statistic of a latency.
 */

const nameText = /[\p{L}\p{N}_\-$/:@*]+/uy;

const numberText = /\d+(?:\.\d+)?(?:e[+-]?\d+)?/iy;

const unitText = /%|\/s\b|[\p{L}µ]+/uy;

const operatorText = /<=|>=|==|<|>|=/y;

const connective = /(?:and|or)\b/iy;

const baselineWord = /baseline\b/iy;

const plainName = /^[\p{L}\p{N}_\-$/:@*.]+$/u;

/**
 * Parses one threshold of the grammar above. `where` is the position of its first character. Throws THRESHOLD_SYNTAX
 * with the column and what was expected there.
 */
export const parseThreshold = (source: string, where: SourcePosition = {}): Threshold => {
  const reader: ThresholdReader = new ThresholdReader(source, where);
  reader.skipSpaces();
  const { parts, columns } = readParts(reader);
  const wildcard = parts.some(({ text, quoted }) => !quoted && text.includes('*'));
  const subject = readSubject(parts);
  if ('problem' in subject) reader.fail(columns[subject.part]!, subject.problem, subject.expected);
  if (wildcard && !isLatencySubject(subject))
    reader.fail(
      columns[0]!,
      '"*" stands for latency metrics, and this is none of their statistics',
      'Write for example "*.ack.p95 < 200ms"; counters, rates and resources are named one by one.',
    );
  reader.skipSpaces();
  const operatorColumn = reader.column;
  const written = reader.take(operatorText);
  if (written === null)
    reader.fail(
      operatorColumn,
      `expected an operator, found ${reader.here()}`,
      'Operators: <, <=, >, >=, =. A metric with spaces or other characters is quoted.',
    );
  const operator = (written === '==' ? '=' : written) as Threshold['operator'];
  reader.skipSpaces();
  const bound = readBound(reader, subject, operator);
  reader.skipSpaces();
  if (!reader.done)
    reader.fail(
      reader.column,
      `expected the end, found ${reader.here()}`,
      'Write one limit to a line; only a relative limit has two parts ("+10% and +5ms").',
    );
  return { source: source.trim(), where, ...subject, ...(wildcard && { wildcard }), operator, bound };
};

/** The threshold in the grammar, in one canonical spelling; `parseThreshold` reads it back as the same limit. */
export const formatThreshold = (threshold: Threshold): string => {
  const subject = formatSubject(threshold, threshold.wildcard === true);
  const { bound, operator } = threshold;
  if (bound.kind === 'absolute') return `${subject} ${operator} ${formatQuantity(bound.value, bound.unit)}`;
  const parts: string[] = [];
  if (bound.percent !== null) parts.push(formatChange(`${Math.abs(bound.percent)}%`, bound.percent));
  if (bound.delta !== null)
    parts.push(
      formatChange(formatQuantity(Math.abs(bound.delta.value), bound.delta.unit, true), bound.delta.value),
    );
  return `${subject} ${operator} ${parts.join(' and ')}`;
};

/** The lines of a block of thresholds that hold one: blank lines and lines that begin with `#` are left out. */
export const thresholdLines = (block: string): string[] =>
  block
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));

function readParts(reader: ThresholdReader): { parts: SubjectPart[]; columns: number[] } {
  const parts: SubjectPart[] = [];
  const columns: number[] = [];
  do {
    columns.push(reader.column);
    const quoted = reader.peek() === '"' || reader.peek() === "'";
    const text = quoted ? reader.quoted() : reader.take(nameText);
    if (text === null || text === '')
      reader.fail(
        columns.at(-1)!,
        text === '' ? 'the name is empty' : `expected a metric, found ${reader.here()}`,
        'A threshold begins with a metric, for example "chat.ack.p95 < 200ms"; quote a name with other characters.',
      );
    parts.push({ text, quoted });
  } while (reader.takeText('.'));
  return { parts, columns };
}

function readBound(
  reader: ThresholdReader,
  subject: Subject,
  operator: Threshold['operator'],
): Threshold['bound'] {
  const column = reader.column;
  const sign = reader.peek();
  const isWord = reader.sees(baselineWord);
  if (!isWord && sign !== '+' && sign !== '-') {
    const quantity = readNumber(reader);
    const unit = checkedUnit(reader, subject, quantity);
    return { kind: 'absolute', value: quantity.value, unit };
  }
  if (operator === '=')
    reader.fail(column, '"=" takes no change against the baseline', 'Use "<=" or ">=" with a change.');
  if (!isWord) return readRelative(reader, subject);
  reader.take(baselineWord);
  return { kind: 'relative', percent: null, delta: { value: 0, unit: unitOfSubject(subject) ?? 'count' } };
}

/** A number as written: `percent` when its unit is "%", which a change takes as it is. */
type Quantity = { value: number; unit: Unit | null; percent: number | null; column: number };

function readNumber(reader: ThresholdReader): Quantity {
  const column = reader.column;
  const digits = reader.take(numberText);
  if (digits === null)
    reader.fail(
      column,
      `expected a number, found ${reader.here()}`,
      'A limit is a number with a unit ("200ms", "0.1%", "400MB") or a change ("+10%", "+10% and +5ms").',
    );
  const number = Number(digits);
  if (!Number.isFinite(number)) reader.fail(column, 'the number is too large', 'Write a smaller number.');
  reader.skipSpaces();
  if (reader.done || reader.sees(connective)) return { value: number, unit: null, percent: null, column };
  const unitColumn = reader.column;
  const word = reader.take(unitText);
  if (word === null)
    reader.fail(unitColumn, `expected a unit, found ${reader.here()}`, `Units: ${unitNames}.`);
  const unit = writtenUnit(word);
  if (unit === undefined) reader.fail(unitColumn, `there is no unit "${word}"`, `Units: ${unitNames}.`);
  const { value } = normalise(number, unit);
  if (!Number.isFinite(value)) reader.fail(column, 'the number is too large', 'Write a smaller number.');
  return { value, unit: unit.unit, percent: word === '%' ? number : null, column };
}

/** The unit of a limit on `subject`, checked against what the metric is measured in. */
function checkedUnit(reader: ThresholdReader, subject: Subject, quantity: Quantity): Unit {
  const wanted = unitOfSubject(subject);
  const { unit, value, column } = quantity;
  if (wanted === null) return unit ?? 'count';
  if (unit === wanted) return wanted;
  if (unit === null && (value === 0 || (wanted !== 'ms' && wanted !== 'bytes'))) return wanted;
  if (unit === 'ratio' && wanted === 'cores') return wanted;
  const name = formatSubject(subject, subject.metric.includes('*'));
  return reader.fail(
    column,
    unit === null ? 'the unit is missing' : `"${name}" is not measured in that unit`,
    `A limit on "${name}" is ${unitExample[wanted]}.`,
  );
}

function formatSubject({ metric, statistic }: Subject, wildcard: boolean): string {
  if (metric === mainMetric && statistic !== 'value') return statistic;
  const name = readsBack(metric, statistic, wildcard)
    ? metric
    : `"${metric.replace(/["\\]/g, (special) => `\\${special}`)}"`;
  return statistic === 'value' ? name : `${name}.${statistic}`;
}

/** Whether `metric`, written without quotes, is read back as itself. */
function readsBack(metric: string, statistic: Subject['statistic'], wildcard: boolean): boolean {
  if (!plainName.test(metric) || metric.split('.').includes('') || metric.includes('*') !== wildcard)
    return false;
  const parts = statistic === 'value' ? metric : `${metric}.${statistic}`;
  const read = readSubject(parts.split('.').map((text) => ({ text, quoted: false })));
  return 'metric' in read && read.metric === metric && read.statistic === statistic;
}

function readRelative(reader: ThresholdReader, subject: Subject): Threshold['bound'] {
  const first = readChange(reader, subject);
  reader.skipSpaces();
  const column = reader.column;
  const word = reader.take(connective)?.toLowerCase();
  if (word === undefined) return { kind: 'relative', ...first };
  if (word === 'or')
    reader.fail(column, '"or" does not join limits', 'Write two thresholds: each of them must hold.');
  reader.skipSpaces();
  const secondColumn = reader.column;
  const second = readChange(reader, subject);
  if ((first.percent === null) === (second.percent === null))
    reader.fail(
      secondColumn,
      first.percent === null ? 'neither part is in percent' : 'both parts are in percent',
      'Of the two parts one is in percent and one in the unit of the metric: "+10% and +5ms".',
    );
  return {
    kind: 'relative',
    percent: first.percent ?? second.percent,
    delta: first.delta ?? second.delta,
  };
}

type Change = { percent: number | null; delta: { value: number; unit: Unit } | null };

function readChange(reader: ThresholdReader, subject: Subject): Change {
  const sign = reader.takeText('-') ? -1 : 1;
  if (sign === 1 && !reader.takeText('+'))
    reader.fail(
      reader.column,
      `expected "+" or "-", found ${reader.here()}`,
      'Both parts of a relative limit have a sign: "+10% and +5ms". For an absolute limit beside it, write a second threshold.',
    );
  reader.skipSpaces();
  const quantity = readNumber(reader);
  // Never -0, which is written "+0" and so would not read back as itself.
  const signed = (value: number) => (value === 0 ? 0 : sign * value);
  if (quantity.percent !== null) return { percent: signed(quantity.percent), delta: null };
  return {
    percent: null,
    delta: { value: signed(quantity.value), unit: checkedUnit(reader, subject, quantity) },
  };
}

function formatChange(change: string, value: number): string {
  return `${value < 0 ? '-' : '+'}${change}`;
}

import type { Message, Session } from './recording.ts';

export type ReplayComparison = {
  /** Messages that were recorded, and how many of them the replay sent in the same order. */
  recorded: number;
  repeated: number;
  /** One sentence for each kind of difference. */
  differences: string[];
};

/** A search between two clients then takes 32 MB and a fraction of a second. */
const mostSearched = 4_000;

/** Holds a replay against its recording, client by client: what was sent in order, what was answered, what arrived. */
export const compareReplay = (
  recorded: readonly Session[],
  replayed: readonly Session[],
): ReplayComparison => {
  const left = new Set(replayed);
  const found = new Map<string, number>();
  const differ = (text: string): void => void found.set(text, (found.get(text) ?? 0) + 1);
  let total = 0;
  let repeated = 0;
  for (const session of recorded) {
    const wanted = sentBy(session);
    total += wanted.length;
    const [best] = [...left]
      .map((other) => ({ other, ...common(wanted, sentBy(other)) }))
      .sort((a, b) => b.pairs.length - a.pairs.length);
    if (best === undefined) {
      differ('A recorded client did not connect.');
      continue;
    }
    left.delete(best.other);
    repeated += best.pairs.length;
    const settled = new Set([...best.pairs.map(([message]) => message), ...best.skipped]);
    if (best.skipped.length > 0)
      differ(
        `${best.skipped.length} messages of a client were not compared: too many stand between what it sent as recorded.`,
      );
    for (const message of wanted) if (!settled.has(message)) differ(`"${message.name}" was not sent.`);
    for (const [one, other] of best.pairs) {
      const [before, after] = [answerTo(one, session), answerTo(other, best.other)];
      if (before === null) continue;
      if (after === null) differ(`"${one.name}" was answered in the recording, and not in the replay.`);
      else if (shape(before.args) !== shape(after.args))
        differ(
          `"${one.name}" was answered with ${shape(before.args)}, and in the replay with ${shape(after.args)}.`,
        );
    }
    const arrived = new Set(best.other.messages.filter((each) => !each.sent).map(({ name }) => name));
    const missing = new Set(
      session.messages.filter((each) => !each.sent && each.kind === 'event').map(({ name }) => name),
    );
    for (const name of missing)
      if (!arrived.has(name)) differ(`"${name}" arrived in the recording, and not in the replay.`);
  }
  const differences = [...found].map(([text, count]) =>
    count === 1 ? text : `${text.slice(0, -1)} (${count} times).`,
  );
  return { recorded: total, repeated, differences };
};

const sentBy = ({ messages }: Session): Message[] =>
  messages.filter(({ sent, kind }) => sent && kind !== 'answer');
const keyOf = ({ kind, scope, name }: Message): string => `${kind} ${scope} ${generic(name)}`;
/** Destinations name rooms, which differ. */
const generic = (name: string): string => name.replaceAll(/[\w-]*\d[\w-]*/g, '#');

function answerTo({ id, atMs }: Message, { messages }: Session): Message | null {
  return id === null
    ? null
    : (messages.find((each) => !each.sent && each.id === id && each.atMs >= atMs) ?? null);
}

/** Keys and kinds, for a message to people: `[{ok: true, roomId: string}]`. */
function shape(value: unknown, depth = 0): string {
  if (Array.isArray(value))
    return value.length === 0 || depth > 1
      ? 'a list'
      : `[${value
          .slice(0, 3)
          .map((each) => shape(each, depth + 1))
          .join(', ')}]`;
  if (typeof value !== 'object' || value === null)
    return typeof value === 'boolean' ? `${value}` : value === null ? 'null' : typeof value;
  if (depth > 2 || Buffer.isBuffer(value)) return 'an object';
  return `{${Object.entries(value)
    .slice(0, 6)
    .map(([key, each]) => `${key}: ${shape(each, depth + 1)}`)
    .join(', ')}}`;
}

/**
 * Longest common subsequence, as pairs. What begins and ends alike needs no search; of the rest, which takes time and
 * memory by the square, each side has `mostSearched` messages at most; `skipped` are the others of `one`.
 */
function common(
  one: readonly Message[],
  other: readonly Message[],
): { pairs: [Message, Message][]; skipped: readonly Message[] } {
  const [a, b] = [one.map(keyOf), other.map(keyOf)];
  const shorter = Math.min(a.length, b.length);
  let begin = 0;
  while (begin < shorter && a[begin] === b[begin]) begin += 1;
  let end = 0;
  while (end < shorter - begin && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  const aEnd = Math.min(a.length - end, begin + mostSearched);
  const bEnd = Math.min(b.length - end, begin + mostSearched);
  const pairs: [Message, Message][] = [];
  const pair = (i: number, j: number): void => void pairs.push([one[i]!, other[j]!]);
  for (let at = 0; at < begin; at += 1) pair(at, at);
  for (const [i, j] of commonBetween(a.slice(begin, aEnd), b.slice(begin, bEnd))) pair(begin + i, begin + j);
  for (let left = end; left > 0; left -= 1) pair(a.length - left, b.length - left);
  return { pairs, skipped: one.slice(aEnd, a.length - end) };
}

function commonBetween(a: readonly string[], b: readonly string[]): [number, number][] {
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1)
    for (let j = b.length - 1; j >= 0; j -= 1)
      lengths[i]![j] =
        a[i] === b[j] ? lengths[i + 1]![j + 1]! + 1 : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!);
  const pairs: [number, number][] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) pairs.push([i++, j++]);
    else if (lengths[i + 1]![j]! >= lengths[i]![j + 1]!) i += 1;
    else j += 1;
  }
  return pairs;
}

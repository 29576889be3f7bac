import { stringify } from 'yaml';
import { countBelow } from '../metrics/count-below.ts';
import type { Clock, Draft } from './draft.ts';
import type { Replaced } from './recorded-values.ts';
import type { Session } from './recording.ts';
import { engineConfig, isOwn, yamlStyle } from './scenario-config.ts';
import { writeFlow } from './write-flow.ts';

/** The recorded sessions as a scenario, to be run once. */
export type Replay = {
  text: string;
  /** What was recorded, by name: in variables that are written nowhere. */
  variables: Record<string, string>;
  sessions: Session[];
  seconds: number;
};

/** Length of a phase with one arrival. */
const arrivalMs = 10;

/** Who was there to the end stays for so much longer: on a busy machine others come later than they did. */
const lingerMs = 1_000;

/** Clients take turns no faster than this: who came a moment after another must not come before it on a busy machine. */
const turnMs = 200;
const mostTurnsMs = 10_000;

/** Each recorded client as a scenario of its own, so that a run with one arrival each is the recording again. */
export function writeReplay(
  drafts: readonly Draft[],
  config: (drafts: readonly Draft[]) => Record<string, unknown>,
  shared: readonly string[],
  secrets: readonly string[],
  all: readonly Draft[],
): Replay {
  const variables: Record<string, string> = {};
  const lastSaidMs = drafts
    .flatMap(({ session }) => session.messages)
    .reduce((last, { atMs }) => Math.max(last, atMs), 0);
  // Other servers are not asked: what they gave is known.
  const elsewhere = new Set<unknown>(
    all.flatMap(({ session, requests }) => requests.filter((request) => !isOwn(session, request))),
  );
  const own = drafts.map((draft, index): Draft => {
    const requests = draft.requests.filter((request) => !elsewhere.has(request));
    const replaced = draft.replaced.map((each): Replaced => {
      const isGiven = each.kind === 'capture' || each.kind === 'shared';
      if (isGiven && !elsewhere.has(each.source?.from)) return each;
      const name = `recorded${index}x${each.name.replace('$', '')}`;
      variables[name] = each.value;
      return { ...each, kind: 'room', name, source: null };
    });
    const { session } = draft;
    const closedAtMs = session.closedAtMs + (session.closedAtMs < lastSaidMs ? 0 : lingerMs);
    return { ...draft, requests, replaced, session: { ...session, closedAtMs } };
  });
  const clock = turnClock(drafts);
  const first = clock(Math.min(...drafts.map(({ session }) => session.openedAtMs)));
  const starts = drafts.map(({ session }) => clock(session.openedAtMs) - first);
  const phases = starts.flatMap((start, index) => {
    const gapMs = index === 0 ? 0 : Math.min(10_000, Math.round(start - starts[index - 1]!)) - arrivalMs;
    return [...(gapMs > 0 ? [{ pause: `${gapMs}ms` }] : []), { duration: `${arrivalMs}ms`, arrivalCount: 1 }];
  });
  const document = {
    config: { ...config(own), phases, ...engineConfig(own[0]) },
    scenarios: own.map((draft, index) => ({
      name: `${index}`,
      engine: draft.session.engine,
      ...(draft.session.engine === 'socketio' ? engineConfig(draft) : {}),
      flow: writeFlow(draft, own[0]!, [...own, ...all.slice(own.length)], shared, secrets, [], clock),
    })),
  };
  const last = clock(Math.max(0, ...own.map(({ session }) => session.closedAtMs)));
  return {
    text: stringify(document, yamlStyle),
    variables,
    sessions: drafts.map(({ session }) => session),
    seconds: drafts.length === 0 ? 0 : (last - first) / 1_000 + 1,
  };
}

/** The clock of a replay: the recording with a pause wherever another client's turn comes. */
function turnClock(drafts: readonly Draft[]): Clock {
  const said = drafts
    .flatMap(({ session, requests }, client) => [
      { atMs: session.openedAtMs, client },
      ...session.messages.flatMap(({ sent, atMs }) => (sent ? [{ atMs, client }] : [])),
      ...requests.map(({ atMs }) => ({ atMs, client })),
    ])
    .sort((a, b) => a.atMs - b.atMs);
  const isTurn = (index: number): boolean => index > 0 && said[index]!.client !== said[index - 1]!.client;
  const turns = said.filter((_, index) => isTurn(index)).length;
  const leastMs = Math.min(turnMs, mostTurnsMs / Math.max(1, turns));
  /** When turns come, and how late everything is from then on; a recording may have many thousands. */
  const [atMs, lateMs]: [number[], number[]] = [[], [0]];
  let before = Number.NEGATIVE_INFINITY;
  for (const [index, one] of said.entries()) {
    const last = said[index - 1]?.atMs;
    if (last !== undefined && last < one.atMs) before = last;
    if (!isTurn(index)) continue;
    const gapMs = before === Number.NEGATIVE_INFINITY ? 0 : one.atMs - before;
    atMs.push(one.atMs);
    lateMs.push(lateMs.at(-1)! + Math.max(0, leastMs - gapMs));
  }
  return (recordedMs) => recordedMs + lateMs[countBelow(atMs, recordedMs)]!;
}

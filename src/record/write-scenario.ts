import { stringify } from 'yaml';
import { isTransport } from './decode-sessions.ts';
import type { Draft } from './draft.ts';
import { findOpening, type Opening } from './find-opening.ts';
import { inferSteps, type Step, stepName } from './infer-steps.ts';
import { findReplaced, freeName, type Replaced, secretsOf } from './recorded-values.ts';
import { type HttpExchange, leavesOf, type Session } from './recording.ts';
import { clean } from './render-value.ts';
import { claimsOf, roomSettings } from './room-settings.ts';
import { engineConfig, isOwn, ownConfig, serverOf, targetPath, yamlStyle } from './scenario-config.ts';
import { isBodyLeftOut, sharedProcessor, writeFlow } from './write-flow.ts';
import { type Replay, writeReplay } from './write-replay.ts';

export type WriteOptions = {
  /** Server that the scenario names; the recorded one if not given. */
  target?: string | undefined;
  /** Name of the scenario file without its ending: files beside it begin with it. */
  name: string;
  /** Of the load; twenty seconds of few users if not given. */
  phases?: readonly object[] | undefined;
};

export type WrittenScenario = {
  /** YAML. */
  text: string;
  /** Files beside it, by name: payload and processor. */
  files: Record<string, string>;
  roles: { name: string; sessions: number; steps: number }[];
  /** What the author has to do or know: one sentence each. */
  notes: string[];
  /** Claims of the tokens that were seen, for `measure.jwt`; null where there were none. */
  jwtClaims: Record<string, unknown> | null;
  /** `room` of the settings, where one client opened a room and others joined it; that client is no role then. */
  room: Record<string, unknown> | null;
  /** The same sessions one by one, to be run once, with the recorded values in variables that are written nowhere. */
  replay: Replay & {
    /** Beside it, by name. */
    files: Record<string, string>;
  };
};

const rows = 200;
const mostReplayed = 6;

/** The files that may stand beside a scenario: payload and processor. */
export const filesBeside = (name: string): readonly [payload: string, processor: string] => [
  `${name}-users.csv`,
  `${name}-shared.cjs`,
];

/** Writes the Artillery scenario of decoded sessions. Secrets are in nothing that it gives but `replay.variables`. */
export const writeScenario = (
  sessions: readonly Session[],
  requests: readonly HttpExchange[],
  options: WriteOptions,
): WrittenScenario => {
  const apart = requests.filter((request) => !isTransport(request));
  const speaking = sessions.filter(({ messages, engine }) => messages.length > 0 || engine === 'socketio');
  const used = speaking.length > 0 ? speaking : sessions;
  const asked = requestsOf(used, apart);
  const drafts = used.map((session): Draft => {
    const before = asked.get(session)!;
    const replaced = findReplaced(session, used, before);
    const steps = inferSteps(session, used);
    for (const value of roomsOf(steps, replaced)) replaced.push(value);
    replaced.sort((a, b) => b.value.length - a.value.length);
    return { session, role: '', replaced, requests: neededRequests(session, before, replaced), steps };
  });
  const opening = findOpening(drafts);
  const roles = groupRoles(opening === null ? drafts : withRoom(drafts, opening));
  for (const { drafts: same } of roles) dropChanceAnswers(same);
  const secrets = secretsOf(used, apart);
  const all = roles.map(({ drafts: [first] }) => first!);
  tellRoomsApart(all);
  const notes = [...new Set(used.flatMap(({ notes: each }) => each))];
  const written = roles.flatMap(({ drafts: same }) => same);
  const shared = sharedOf(written);
  const columns = columnsOf(all);
  const target = options.target ?? serverOf(used[0]?.url ?? '');
  const [payloadName, processorName] = filesBeside(options.name);
  const payload = columns.length === 0 ? null : payloadName;
  const config = (each: readonly Draft[], names = shared): Record<string, unknown> => ({
    target: `${target}${targetPath(each)}`,
    ...(names.length === 0 ? {} : { processor: `./${processorName}` }),
  });
  const document = {
    config: {
      ...config(all),
      phases: options.phases ?? [{ duration: 20, arrivalRate: Math.max(2, roles.length) }],
      ...engineConfig(all[0]),
      ...variablesOf(all),
      ...(payload === null
        ? {}
        : {
            payload: {
              path: `./${payload}`,
              fields: columns.map(({ name }) => name),
              order: 'sequence',
              skipHeader: true,
            },
          }),
    },
    scenarios: roles.map(({ name, drafts: same }) => ({
      name,
      engine: same[0]!.session.engine,
      ...(roles.length === 1 ? {} : { weight: same.length }),
      ...(roles.length > 1 && same[0]!.session.engine === 'socketio' ? ownConfig(same[0]!, all[0]!) : {}),
      flow: writeFlow(same[0]!, all[0]!, written, shared, secrets, notes),
    })),
  };
  const replayed = drafts.slice(0, mostReplayed);
  if (drafts.length > mostReplayed)
    notes.push(`The replay has the first ${mostReplayed} of the ${drafts.length} recorded clients.`);
  const recorded = sharedOf(drafts);
  return {
    text: clean(`${header(roles, columns, options)}${stringify(document, yamlStyle)}`, secrets),
    files: {
      ...(payload === null ? {} : { [payload]: clean(csv(columns), secrets) }),
      ...(shared.length === 0 ? {} : { [processorName]: sharedProcessor(shared) }),
    },
    roles: roles.map(({ name, drafts: same }) => ({
      name,
      sessions: same.length,
      steps: same[0]!.steps.length,
    })),
    notes: [...notes, ...requestNotes(used, apart, written), ...notesOf(all, columns, payload)],
    jwtClaims: claimsOf(all),
    room: opening === null ? null : roomSettings(opening, secrets),
    replay: {
      ...writeReplay(replayed, (each) => config(each, recorded), recorded, secrets, drafts),
      files: recorded.length === 0 ? {} : { [processorName]: sharedProcessor(recorded) },
    },
  };
};

/** Values that one client gets and another one sends. */
const sharedOf = (drafts: readonly Draft[]): string[] => [
  ...new Set(
    drafts.flatMap(({ replaced }) =>
      replaced.filter(({ kind }) => kind === 'shared').map(({ name }) => name),
    ),
  ),
];

/** The clients without the owner of the room, which the settings hold open. */
const withRoom = (drafts: readonly Draft[], { owner, value, capture }: Opening<Draft>): Draft[] =>
  drafts
    .filter((draft) => draft !== owner)
    .map((draft) => ({
      ...draft,
      replaced: draft.replaced.map((each) =>
        each.value === value && each.kind === 'shared' && capture !== null
          ? { ...each, kind: 'given', name: capture.name, source: null }
          : each,
      ),
    }));

/** Rooms that only their events tell: captured where the answer gave them, else in variables. */
function roomsOf(steps: readonly Step[], replaced: readonly Replaced[]): Replaced[] {
  const rooms = new Map<string, Replaced>();
  const taken = new Set(replaced.map(({ name }) => name));
  for (const { joins: value, answer } of steps) {
    if (value === null || rooms.has(value) || replaced.some((each) => each.value === value)) continue;
    const given = leavesOf(answer?.message.args ?? []).find((leaf) => String(leaf.value) === value);
    const key = given?.path.findLast((part) => typeof part === 'string');
    const name = freeName(typeof key === 'string' ? key : 'room', taken);
    taken.add(name);
    rooms.set(value, {
      value,
      name,
      kind: given === undefined ? 'room' : 'capture',
      source: given === undefined ? null : { from: answer!.message, path: given.path },
      whole: value.length < 4,
    });
  }
  return [...rooms.values()];
}

/** Roles share the variables of the scenario: two rooms of the same name are two variables. */
function tellRoomsApart(drafts: readonly Draft[]): void {
  const taken = new Set(drafts.flatMap(({ replaced }) => replaced.map(({ name }) => name)));
  const rooms = new Map<string, string>();
  for (const draft of drafts)
    draft.replaced = draft.replaced.map((each) => {
      if (each.kind !== 'room' || (rooms.get(each.name) ?? each.value) === each.value) {
        if (each.kind === 'room') rooms.set(each.name, each.value);
        return each;
      }
      const known = [...rooms].find(([name, value]) => value === each.value && name.startsWith(each.name));
      const name = known?.[0] ?? freeName(each.name, taken);
      taken.add(name);
      rooms.set(name, each.value);
      return { ...each, name };
    });
}

type Role = { name: string; drafts: Draft[] };

/** Clients that did the same are one role: the same HAR, engine and kinds of messages. */
function groupRoles(drafts: readonly Draft[]): Role[] {
  const roles: (Role & { kinds: Set<string> })[] = [];
  for (const draft of drafts) {
    const { session, steps } = draft;
    const kinds = new Set(steps.map(stepName));
    const known = roles.find(({ kinds: other, drafts: [first] }) => {
      const common = [...kinds].filter((kind) => other.has(kind)).length;
      const alike = first!.session.engine === session.engine && first!.session.role === session.role;
      return alike && common >= 0.75 * Math.max(kinds.size, other.size);
    });
    if (known === undefined) roles.push({ name: '', drafts: [draft], kinds });
    else known.drafts.push(draft);
  }
  const named = new Map<string, number>();
  for (const role of roles) {
    // The longest is the most complete.
    role.drafts.sort((a, b) => b.steps.length - a.steps.length);
    const base = role.drafts[0]!.session.role || 'user';
    const count = (named.get(base) ?? 0) + 1;
    named.set(base, count);
    role.name = count === 1 ? base : `${base} ${count}`;
    for (const draft of role.drafts) draft.role = role.name;
  }
  return roles;
}

/** What followed a message at one client, and not at another of its role, is no answer to it: "first in the room". */
function dropChanceAnswers(drafts: readonly Draft[]): void {
  const steps = drafts.flatMap((draft) => draft.steps);
  const nameOf = ({ answer }: Step): string | null =>
    answer?.kind === 'response' && answer.message.id === null ? answer.message.name : null;
  for (const step of steps) {
    const same = steps.filter((each) => stepName(each) === stepName(step));
    if (nameOf(step) === null || same.every((each) => nameOf(each) === nameOf(step))) continue;
    for (const each of same) Object.assign(each, { answer: null, endMs: each.atMs });
  }
}

/**
 * The requests of each client. Behind a relay all clients look alike, so that each has those of the others too: what
 * gives one client what it sends, and another nothing, is not the other's.
 */
function requestsOf(
  sessions: readonly Session[],
  requests: readonly HttpExchange[],
): Map<Session, HttpExchange[]> {
  const asked = new Map(
    sessions.map((session) => [
      session,
      requests.filter(({ atMs, role }) => role === session.role && atMs <= session.closedAtMs),
    ]),
  );
  const sources = new Map(
    sessions.map((session) => [session, sourcesOf(findReplaced(session, sessions, asked.get(session)!))]),
  );
  return new Map(
    sessions.map((session) => {
      const own = sources.get(session)!;
      const others = new Set(
        sessions.filter((each) => each !== session).flatMap((each) => [...sources.get(each)!]),
      );
      return [session, asked.get(session)!.filter((request) => own.has(request) || !others.has(request))];
    }),
  );
}

/** What the values that a client got itself come from. */
const sourcesOf = (replaced: readonly Replaced[]): Set<unknown> =>
  new Set(
    replaced.flatMap(({ source, kind }) => (source === null || kind === 'shared' ? [] : [source.from])),
  );

/**
 * Requests that give what is sent later, and those that change something at the server. Of another server only the
 * former: what a page tells a counter of visits, or orders elsewhere, is none of the load's business.
 */
function neededRequests(
  session: Session,
  requests: readonly HttpExchange[],
  replaced: readonly Replaced[],
): HttpExchange[] {
  const sources = sourcesOf(replaced);
  return requests.filter((request) => sources.has(request) || (changes(request) && isOwn(session, request)));
}

const changes = ({ method, status }: HttpExchange): boolean =>
  !['GET', 'HEAD', 'OPTIONS'].includes(method) && status < 400;

/** What was left out of the requests, and what asks another server. */
function requestNotes(
  sessions: readonly Session[],
  requests: readonly HttpExchange[],
  drafts: readonly Draft[],
): string[] {
  const written = new Set(drafts.flatMap((draft) => draft.requests));
  const named = ({ method, url }: HttpExchange): string => `${method} ${url.split('?')[0]}`;
  const list = (found: readonly HttpExchange[]): string => [...new Set(found.map(named))].join(', ');
  const foreign = (request: HttpExchange): boolean => sessions.every((session) => !isOwn(session, request));
  const left = requests.filter((request) => changes(request) && foreign(request) && !written.has(request));
  const elsewhere = [...written].filter(foreign);
  const bare = [...written].filter(isBodyLeftOut);
  return [
    ...(left.length === 0 ? [] : [`Requests to other servers are left out: ${list(left)}.`]),
    ...(elsewhere.length === 0
      ? []
      : [
          `The scenario asks another server for what it sends later: ${list(elsewhere)}. Name one of your own there before you run it.`,
        ]),
    ...(bare.length === 0
      ? []
      : [`The body of ${list(bare)} is left out: it may hold a secret. Write it into the scenario.`]),
  ];
}

/** Columns of the payload file: names, and secrets that nobody can mint. */
function columnsOf(drafts: readonly Draft[]): Replaced[] {
  const columns = new Map<string, Replaced>();
  for (const { replaced } of drafts)
    for (const value of replaced)
      if ((value.kind === 'user' || value.kind === 'secret') && !columns.has(value.name))
        columns.set(value.name, value);
  return [...columns.values()];
}

/** What a secret's cell says until somebody fills it in. */
const placeholder = 'fill-in';

const csv = (columns: readonly Replaced[]): string => {
  const cell = ({ kind, value }: Replaced, row: number): string =>
    kind === 'secret' ? placeholder : value.includes('@') ? value.replace('@', `${row}@`) : `${value}${row}`;
  const count = columns.some(({ kind }) => kind === 'secret') ? 1 : rows;
  return `${[
    columns.map(({ name }) => name),
    ...Array.from({ length: count }, (_, row) =>
      columns.map((column) => `"${cell(column, row + 1).replaceAll('"', '""')}"`),
    ),
  ]
    .map((line) => line.join(','))
    .join('\n')}\n`;
};

function variablesOf(drafts: readonly Draft[]): object {
  const variables = Object.fromEntries(
    drafts.flatMap(({ replaced }) =>
      replaced.filter(({ kind }) => kind === 'room').map(({ name, value }) => [name, value]),
    ),
  );
  return Object.keys(variables).length === 0 ? {} : { variables };
}

const header = (roles: readonly Role[], columns: readonly Replaced[], { name }: WriteOptions): string =>
  [
    `Recorded by tailgate: ${roles.map((role) => `"${role.name}" (${role.drafts.length})`).join(', ')}.`,
    ...(columns.some(({ kind }) => kind === 'secret')
      ? [`Secrets are not recorded: fill in ${name}-users.csv, one row for each user.`]
      : []),
  ]
    .map((line) => `# ${line}\n`)
    .join('');

function notesOf(drafts: readonly Draft[], columns: readonly Replaced[], payload: string | null): string[] {
  const secrets = columns.filter(({ kind }) => kind === 'secret').map(({ name }) => name);
  const measured = drafts.some(({ steps }) =>
    steps.some(({ answer, delivery }) => answer !== null || delivery !== null),
  );
  return [
    ...(secrets.length === 0
      ? []
      : [`Fill in ${secrets.join(', ')} in ${payload}: secrets are never written.`]),
    ...(measured || drafts.length === 0
      ? []
      : [
          'Nothing that was sent was answered or reached anybody: record with two clients, so that deliveries can be seen.',
        ]),
  ];
}

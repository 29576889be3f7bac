import { stringify } from 'yaml';
import { messageTypeField } from '../engines/ws/ws-message.ts';
import { countBelow } from '../metrics/count-below.ts';
import { idField, isTransport, pathOf, queryOf, sockJsBase } from './decode-sessions.ts';
import { findOpening, type Opening } from './find-opening.ts';
import { type FlowItem, foldLoops, inFull } from './fold-loops.ts';
import { inferSteps, type Step, stepName } from './infer-steps.ts';
import { findReplaced, isSecret, ownHeaders, ownQuery, type Replaced, secretsOf } from './recorded-values.ts';
import { type HttpExchange, jsonOf, leavesOf, type Message, type Session } from './recording.ts';

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
  replay: {
    text: string;
    /** Beside it, by name. */
    files: Record<string, string>;
    variables: Record<string, string>;
    sessions: Session[];
    seconds: number;
  };
};

type Draft = {
  session: Session;
  role: string;
  replaced: Replaced[];
  requests: HttpExchange[];
  steps: Step[];
};

const rows = 200;
const mostReplayed = 6;

/** Writes the Artillery scenario of decoded sessions. Secrets are in nothing that it gives but `replay.variables`. */
export const writeScenario = (
  sessions: readonly Session[],
  requests: readonly HttpExchange[],
  options: WriteOptions,
): WrittenScenario => {
  const apart = requests.filter((request) => !isTransport(request));
  const speaking = sessions.filter(({ messages, engine }) => messages.length > 0 || engine === 'socketio');
  const used = speaking.length > 0 ? speaking : sessions;
  const drafts = used.map((session): Draft => {
    const before = apart.filter(({ atMs, role }) => role === session.role && atMs <= session.closedAtMs);
    const replaced = findReplaced(session, used, before);
    const steps = inferSteps(session, used);
    for (const value of roomsOf(steps, replaced)) replaced.push(value);
    replaced.sort((a, b) => b.value.length - a.value.length);
    return { session, role: '', replaced, requests: neededRequests(before, replaced), steps };
  });
  const opening = findOpening(drafts);
  const roles = groupRoles(opening === null ? drafts : withRoom(drafts, opening));
  for (const { drafts: same } of roles) dropChanceAnswers(same);
  const secrets = secretsOf(used, apart);
  const all = roles.map(({ drafts: [first] }) => first!);
  const notes = [...new Set(used.flatMap(({ notes: each }) => each))];
  const written = roles.flatMap(({ drafts: same }) => same);
  const shared = sharedOf(written);
  const columns = columnsOf(all);
  const target = options.target ?? serverOf(used[0]?.url ?? '');
  const processorName = `${options.name}-shared.cjs`;
  const payload = columns.length === 0 ? null : `${options.name}-users.csv`;
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
      flow: flowOf(same[0]!, all[0]!, written, shared, secrets, notes),
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
    notes: [...notes, ...notesOf(all, columns, payload)],
    jwtClaims: claimsOf(all),
    room: opening === null ? null : roomSettings(opening, secrets),
    replay: {
      ...replayOf(replayed, (each) => config(each, recorded), recorded, secrets, drafts),
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

/** `room` of the settings: how its owner connects, opens the room, and deletes it. Secrets are names of the environment. */
function roomSettings(
  { owner, create, remove, capture }: Opening<Draft>,
  secrets: readonly string[],
): Record<string, unknown> {
  const { replaced } = owner;
  const [secret] = replaced.filter(({ kind }) => kind === 'secret');
  const own = replaced.map((each): Replaced => {
    if (each.kind === 'jwt' || each === secret) return { ...each, kind: 'given', name: 'token' };
    return each;
  });
  /** What stands for one of many users is the owner's own. */
  const plain = own.filter(({ kind }) => kind === 'given' || kind === 'capture' || kind === 'secret');
  const { socketio } = engineConfig({ ...owner, replaced: plain }) as {
    socketio: {
      transports?: string[];
      path?: string;
      auth?: Record<string, unknown>;
      query?: object;
      extraHeaders?: object;
    };
  };
  const render = ({ args }: Message): object => {
    const values = rendered(args, plain, secrets) as unknown[];
    return values.length === 1 ? { data: values[0] } : values.length === 0 ? {} : { args: values };
  };
  const answered = create.answer;
  const says =
    answered === null
      ? {}
      : (matchOf(answered.message, 'socketio') as { match?: { json: string; value: unknown } });
  const field = says.match === undefined ? undefined : /\.(\w+)$/.exec(says.match.json)?.[1];
  const claims = claimsOf([owner]);
  const named = secret?.name.replaceAll(/([a-z])([A-Z])/g, '$1_$2').toUpperCase();
  return {
    ...(create.message.scope === '/' ? {} : { namespace: create.message.scope }),
    ...(socketio.path === undefined ? {} : { path: socketio.path }),
    ...(socketio.transports === undefined || socketio.transports.join() === 'websocket'
      ? {}
      : { transports: socketio.transports }),
    ...(claims === null
      ? named === undefined
        ? {}
        : { token: { env: named } }
      : { jwt: { secret: { env: 'JWT_SECRET' }, claims: ownerClaims(claims) } }),
    ...(socketio.extraHeaders === undefined ? {} : { headers: socketio.extraHeaders }),
    ...(socketio.auth === undefined ? {} : { auth: socketio.auth }),
    ...(socketio.query === undefined ? {} : { query: socketio.query }),
    create: {
      event: create.message.name,
      ...render(create.message),
      ...(answered === null
        ? { confirm: 'none' }
        : answered.kind === 'ack'
          ? {}
          : { confirm: { event: answered.message.name } }),
      ...(field === undefined ? {} : { expect: { [field]: says.match!.value } }),
    },
    ...(capture === null ? {} : { capture: { [capture.name]: capture.path } }),
    ...(remove === null
      ? {}
      : {
          delete: {
            event: remove.message.name,
            ...render(remove.message),
            ...(remove.answer?.kind === 'ack' ? {} : { confirm: 'none' }),
          },
        }),
  };
}

const ownerClaims = (claims: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(claims).map(([name, value]) => [
      name,
      typeof value === 'string' && value.includes('{{') ? 'owner' : value,
    ]),
  );

const yamlStyle = { lineWidth: 118, aliasDuplicateObjects: false } as const;
const serverOf = (url: string): string =>
  (/^[a-z]+:\/\/[^/?#]*/i.exec(url)?.[0] ?? '').replace(/^ws/i, 'http');

/** Rooms that only their events tell: captured where the answer gave them, else in variables. */
function roomsOf(steps: readonly Step[], replaced: readonly Replaced[]): Replaced[] {
  const rooms = new Map<string, Replaced>();
  for (const { joins: value, answer } of steps) {
    if (value === null || rooms.has(value) || replaced.some((each) => each.value === value)) continue;
    const given = leavesOf(answer?.message.args ?? []).find((leaf) => String(leaf.value) === value);
    const key = given?.path.findLast((part) => typeof part === 'string');
    const name = typeof key === 'string' ? key : `room${rooms.size === 0 ? '' : rooms.size + 1}`;
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

/** Requests that give what is sent later, and those that change something at the server. */
function neededRequests(requests: readonly HttpExchange[], replaced: readonly Replaced[]): HttpExchange[] {
  const sources = new Set(
    replaced.flatMap(({ source, kind }) => (source === null || kind === 'shared' ? [] : [source.from])),
  );
  return requests.filter(
    (request) =>
      sources.has(request) || (!['GET', 'HEAD', 'OPTIONS'].includes(request.method) && request.status < 400),
  );
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

function targetPath(drafts: readonly Draft[]): string {
  const first = drafts[0]?.session;
  if (first === undefined || first.engine === 'socketio') return '';
  const path = first.sockjs
    ? `${sockJsBase(first.url)}${first.engine === 'ws' ? '/websocket' : ''}`
    : pathOf(first.url);
  const replaced = drafts[0]!.replaced;
  const query = [...queryOf(first.url)].map(
    ([name, value]) => `${name}=${rendered(value, replaced, [], name)}`,
  );
  return `${path === '/' ? '' : path}${query.length === 0 ? '' : `?${query.join('&')}`}`;
}

/** The options of a role where they are not those of the first. */
function ownConfig(draft: Draft, first: Draft): object {
  const own = engineConfig(draft);
  return JSON.stringify(own) === JSON.stringify(engineConfig(first)) ? {} : own;
}

function engineConfig(draft: Draft | undefined): Record<string, object> {
  if (draft === undefined) return {};
  const { session, replaced } = draft;
  const render = (value: unknown, key = ''): unknown => rendered(value, replaced, [], key);
  const headers = Object.fromEntries(
    ownHeaders(session.headers).map(([name, value]) => [name, render(value, name)]),
  );
  const hasHeaders = Object.keys(headers).length > 0;
  switch (session.engine) {
    case 'socketio': {
      const query = Object.fromEntries(
        ownQuery(session.url).map(([name, value]) => [name, render(value, name)]),
      );
      const auth = Object.values(session.auth).find((each) => Object.keys(each as object).length > 0);
      const path = pathOf(session.url);
      return {
        socketio: {
          ...(session.transports.length === 0 ? {} : { transports: session.transports }),
          ...(path === '/socket.io/' || path === '/socket.io' ? {} : { path }),
          ...(auth === undefined ? {} : { auth: render(auth) }),
          ...(Object.keys(query).length === 0 ? {} : { query }),
          ...(hasHeaders ? { extraHeaders: headers } : {}),
        },
      };
    }
    case 'stomp': {
      const {
        login,
        passcode,
        host,
        'heart-beat': heartbeat,
        'accept-version': _version,
        ...others
      } = session.auth as Record<string, string>;
      const subscribes = draft.steps.some(({ message }) => message.kind === 'subscribe');
      const confirmed = draft.steps.some(({ answer }) => answer?.kind === 'ack');
      return {
        stomp: {
          ...(session.sockjs ? { sockjs: true } : {}),
          ...(login === undefined ? {} : { login: render(login, 'login') }),
          ...(passcode === undefined ? {} : { passcode: render(passcode, 'passcode') }),
          ...(host === undefined ? {} : { host }),
          ...(heartbeat === undefined ? {} : { heartbeat: heartbeat.split(',').map(Number) }),
          ...(Object.keys(others).length === 0 ? {} : { headers: render(others) }),
          ...(subscribes && !confirmed ? { receipts: false } : {}),
        },
      };
    }
    case 'ws': {
      const offered = session.headers['sec-websocket-protocol'];
      const ws = {
        ...(hasHeaders ? { headers } : {}),
        ...(offered === undefined
          ? {}
          : { subprotocols: offered.split(',').map((each) => render(each.trim())) }),
      };
      return Object.keys(ws).length === 0 ? {} : { ws };
    }
  }
}

const variable = (name: string): string => `{{ ${name} }}`;
const templateOf = ({ kind, name }: Replaced): string => variable(kind === 'unique' ? '$uuid' : name);

/** A value with variables in the places of what is not written as it was; binary data as `$binary`. */
function rendered(
  value: unknown,
  replaced: readonly Replaced[],
  secrets: readonly string[],
  key = '',
): unknown {
  if (Buffer.isBuffer(value)) return { $binary: value.toString('base64') };
  if (Array.isArray(value)) return value.map((each) => rendered(each, replaced, secrets, key));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [name, rendered(each, replaced, secrets, name)]),
    );
  if (typeof value !== 'string' && typeof value !== 'number') return value;
  const exact = replaced.find((each) => each.value === String(value));
  if (exact !== undefined) return templateOf(exact);
  if (typeof value === 'number') return value;
  let text = value;
  for (const each of replaced)
    if (!each.whole && text.includes(each.value)) text = text.replaceAll(each.value, templateOf(each));
  return text === value && isSecret(key, value) ? '***' : clean(text, secrets);
}

const clean = (text: string, secrets: readonly string[]): string => {
  let cleaned = text;
  for (const secret of secrets) if (secret.length >= 6) cleaned = cleaned.replaceAll(secret, '***');
  return cleaned;
};

type Capture = { path: (string | number)[]; as: string };

function flowOf(
  draft: Draft,
  /** Whose address is the target. */
  first: Draft,
  all: readonly Draft[],
  shared: readonly string[],
  secrets: readonly string[],
  notes: string[],
  /** Of a replay: step by step, each at its time. */
  replayed: Clock | null = null,
): Record<string, unknown>[] {
  const { session, steps, replaced, requests } = draft;
  const clock = replayed ?? ((ms) => ms);
  const items: FlowItem[] = [];
  const captures = new Map<unknown, Capture[]>();
  const capture = (from: unknown, path: (string | number)[], as: string): void => {
    captures.set(from, [...(captures.get(from) ?? []), { path, as }]);
  };
  for (const { kind, source, name } of replaced)
    if (kind === 'capture' && source !== null) capture(source.from, source.path, name);
  // What another client sends is given by this one, under the name that it has there.
  const gives = new Map<unknown, string[]>();
  for (const other of all)
    for (const { kind, source, name } of other.replaced)
      if (kind === 'shared' && source !== null && other !== draft && holds(draft, source.from)) {
        const known = replaced.find(
          (each) =>
            each.kind === 'capture' &&
            each.source?.from === source.from &&
            String(each.source?.path) === String(source.path),
        );
        const as = known?.name ?? name;
        if (!(captures.get(source.from) ?? []).some((each) => each.as === as))
          capture(source.from, source.path, as);
        gives.set(source.from, [...new Set([...(gives.get(source.from) ?? []), as])]);
      }
  const wanted = replaced
    .filter(({ kind, name }) => kind === 'shared' && shared.includes(name))
    .map(({ name }) => name);
  const waiting = new Set(wanted);
  /** It waits for what another client gives just before it sends it: a pause before that is no pause after it. */
  const take = (thinkMs: number, step: unknown): number => {
    const text = JSON.stringify(step);
    const needed = [...waiting].filter((name) => text.includes(variable(name)));
    for (const [index, name] of needed.entries()) {
      waiting.delete(name);
      items.push({
        signature: `take ${name}`,
        thinkMs: index === 0 ? thinkMs : 0,
        step: { function: takeName(name) },
      });
    }
    return needed.length === 0 ? thinkMs : 0;
  };
  take(0, engineConfig(draft));
  const address = targetPath([draft]);
  if (session.engine === 'ws' && address !== targetPath([first]))
    items.push({
      signature: 'connect',
      thinkMs: 0,
      step: { connect: { target: address.startsWith('/') ? address : `/${address}` } },
    });
  let endMs = Math.min(session.connectedAtMs, requests[0]?.atMs ?? Number.POSITIVE_INFINITY);
  const pause = (atMs: number, end: number): number => {
    const ms = Math.max(0, clock(atMs) - clock(endMs));
    endMs = Math.max(endMs, end);
    return ms;
  };
  const give = (from: unknown): void => {
    for (const as of gives.get(from) ?? [])
      items.push({ signature: `give ${as}`, thinkMs: 0, step: { function: giveName(as) } });
  };
  const opened = [
    ...requests.map((request) => ({ atMs: request.atMs, request })),
    ...steps.map((step) => ({ atMs: step.atMs, step })),
  ].sort((a, b) => a.atMs - b.atMs);
  const listens = new Set<Message>(
    [...captures.keys()].filter(
      (from): from is Message =>
        'kind' in (from as object) && !steps.some(({ answer }) => answer?.message === from),
    ),
  );
  const listen = (until: number): void => {
    for (const message of [...listens].sort((a, b) => a.atMs - b.atMs)) {
      if (message.atMs > until) continue;
      listens.delete(message);
      items.push({
        signature: `listen ${message.name}`,
        thinkMs: pause(Math.min(message.atMs, until), message.atMs),
        step: listenStep(message, session.engine, captures.get(message)!),
      });
      give(message);
    }
  };
  for (const each of opened) {
    listen(each.atMs);
    if ('request' in each) {
      const { request } = each;
      const ask = requestStep(request, session, replaced, secrets, captures.get(request) ?? []);
      items.push({
        signature: `http ${request.method} ${pathOf(request.url)}`,
        thinkMs: take(pause(request.atMs, request.answeredAtMs), ask),
        step: ask,
      });
      give(request);
      continue;
    }
    const { step } = each;
    if (step.message.kind === 'ack' || step.message.kind === 'nack') {
      const { kind, name } = step.message;
      const destination = rendered(name, replaced, secrets);
      const wait = kind === 'ack' ? { destination, ack: true } : destination;
      const thinkMs = pause(step.atMs, step.endMs);
      items.push({ signature: `${kind} ${name}`, thinkMs, step: { waitFor: wait } });
      if (kind === 'nack') items.push({ signature: 'nack', thinkMs: 0, step: { nack: {} } });
      continue;
    }
    const taken = step.answer === null ? [] : (captures.get(step.answer.message) ?? []);
    const send = messageStep(step, draft, secrets, taken);
    const thinkMs = take(pause(step.atMs, step.endMs), send);
    items.push({
      signature: `${stepName(step)} ${step.answer?.kind} ${step.answer?.message.name} ${step.delivery?.event} ${step.joins} ${JSON.stringify(taken)} ${shapeOf(step.message.args)}`,
      thinkMs,
      step: send,
    });
    if (step.answer !== null) give(step.answer.message);
    if (step.unanswered)
      notes.push(
        `"${step.message.name}" asked for an acknowledgement that never came; the scenario does not wait for it.`,
      );
  }
  listen(session.closedAtMs);
  // It stays for as long as it did: others may still send to it.
  items.push({
    signature: 'stay',
    thinkMs: Math.max(items.length === 0 ? 1_000 : 0, clock(session.closedAtMs) - clock(endMs)),
    step: {},
  });
  const flow = replayed === null ? foldLoops(items) : inFull(items);
  return flow.filter((step) => Object.keys(step).length > 0);
}

const holds = ({ session, requests }: Draft, from: unknown): boolean =>
  session.messages.includes(from as Message) || requests.includes(from as HttpExchange);

const takeName = (name: string): string => `take_${name}`;
const giveName = (name: string): string => `give_${name}`;

/** Keys and kinds of a value, without what it says. */
const shapeOf = (value: unknown): string =>
  Array.isArray(value)
    ? `[${value.map(shapeOf).join()}]`
    : typeof value === 'object' && value !== null && !Buffer.isBuffer(value)
      ? `{${Object.entries(value)
          .map(([key, each]) => `${key}:${shapeOf(each)}`)
          .join()}}`
      : typeof value;

const jsonPath = (path: readonly (string | number)[]): string =>
  `$${path.map((part) => (typeof part === 'number' ? `[${part}]` : /^[A-Za-z_]\w*$/.test(part) ? `.${part}` : `['${part}']`)).join('')}`;

/** Arguments are the document in Socket.IO; the one message is in the others. */
const capturesOf = (captures: readonly Capture[], engine: Session['engine']): object => {
  const list = captures.map(({ path, as }) => ({
    json: jsonPath(engine === 'socketio' ? path : path.slice(1)),
    as,
  }));
  return list.length === 0 ? {} : { capture: list.length === 1 ? list[0] : list };
};

/** What an answer that says yes has, in the words of most servers. */
function matchOf(message: Message, engine: Session['engine']): object {
  const at = message.args.findIndex((each) => typeof each === 'object' && each !== null);
  const body = message.args[at] as Record<string, unknown> | undefined;
  const key = ['ok', 'success', 'status'].find((name) =>
    [true, 'ok', 'OK', 'success', 200].includes(body?.[name] as never),
  );
  if (key === undefined) return {};
  return { match: { json: jsonPath(engine === 'socketio' ? [at, key] : [key]), value: body![key] } };
}

function messageStep(
  step: Step,
  draft: Draft,
  secrets: readonly string[],
  captures: readonly Capture[],
): Record<string, unknown> {
  const { message, answer, delivery, joins, leaves } = step;
  const { session, replaced } = draft;
  const { engine } = session;
  const render = (value: unknown): unknown => rendered(value, replaced, secrets);
  const args = render(message.args) as unknown[];
  if (delivery !== null) tagAt(args, delivery.path);
  const room = joins ?? leaves;
  const membership =
    room === null || engine === 'stomp'
      ? {}
      : {
          [joins === null ? 'leaves' : 'joins']: render(room),
          ...(joins !== null && answer === null ? { confirmed: 'sent' } : {}),
        };
  const expects =
    answer === null ? {} : { ...capturesOf(captures, engine), ...matchOf(answer.message, engine) };
  if (engine === 'socketio') {
    const emit =
      args.length === 1
        ? { channel: message.name, data: args[0] }
        : args.length === 0
          ? [message.name]
          : { channel: message.name, args };
    return {
      emit,
      ...(message.scope === '/' ? {} : { namespace: render(message.scope) }),
      ...(answer?.kind === 'ack' ? { acknowledge: expects } : {}),
      ...(answer?.kind === 'response' ? { response: { channel: answer.message.name, ...expects } } : {}),
      ...deliveryStep(delivery, { event: delivery?.event }),
      ...membership,
    };
  }
  if (engine === 'ws') {
    const field = message.id === null ? undefined : idField(message.args[0]);
    const where =
      answer === null
        ? {}
        : answer.message.id !== null && field !== undefined
          ? { field }
          : whereOf(answer.message);
    const response = { ...where, ...expects };
    const [send] = args;
    return {
      send: typeof send === 'number' || typeof send === 'boolean' ? String(send) : send,
      ...(answer === null ? {} : { response: Object.keys(response).length === 0 ? true : response }),
      ...deliveryStep(delivery, delivery?.event === message.name ? {} : whereOf(delivery?.message)),
      ...membership,
    };
  }
  const destination = render(message.name);
  if (message.kind === 'subscribe')
    return {
      subscribe: destination,
      ...(['auto', undefined].includes(message.headers?.ack) ? {} : { ack: message.headers?.ack }),
    };
  if (message.kind === 'unsubscribe') return { unsubscribe: destination };
  const {
    destination: _to,
    receipt,
    'content-type': contentType,
    'content-length': _length,
    ...headers
  } = message.headers ?? {};
  const body = args[0];
  return {
    send: {
      destination,
      ...(body === undefined ? {} : typeof body === 'string' ? { body } : { json: body }),
      ...(contentType === undefined || typeof body !== 'string' ? {} : { contentType }),
      ...(Object.keys(headers).length === 0 ? {} : { headers: render(headers) }),
    },
    ...(receipt !== undefined && answer?.kind === 'ack' ? { receipt: true } : {}),
    ...stompDelivery(delivery, message.name, render),
  };
}

/** Where a broker would send it back to its sender, and does not, that is said. */
function stompDelivery(
  delivery: Step['delivery'],
  sentTo: string,
  render: (value: unknown) => unknown,
): object {
  if (delivery === null) return {};
  const spec = {
    ...(delivery.event === sentTo ? {} : { destination: render(delivery.event) }),
    ...(delivery.includesSender ? {} : { includesSender: false }),
    ...(delivery.selective ? { expect: 'unknown' } : {}),
  };
  const keys = Object.keys(spec);
  if (keys.length === 0) return {};
  return { delivery: keys.length === 1 && keys[0] === 'destination' ? render(delivery.event) : spec };
}

/** What tells a message of a WebSocket apart from others, where something does. */
const whereOf = (message: Message | undefined): { where?: Record<string, unknown> } => {
  const found = messageTypeField(message?.args[0]);
  return found === null ? {} : { where: { [found.field]: found.type } };
};

/** `chat` where that says it all. Whoever is in no room of ours may be left out by the server: then nothing is lost. */
function deliveryStep(
  delivery: Step['delivery'],
  what: { event?: string | undefined; where?: unknown },
): object {
  if (delivery === null) return {};
  const spec = {
    ...what,
    ...(delivery.includesSender ? { includesSender: true } : {}),
    ...(delivery.selective ? { expect: 'unknown' } : {}),
  };
  const only = Object.keys(spec);
  if (only.length === 0) return {};
  return {
    delivery:
      only.length === 1 && only[0] !== 'includesSender' && only[0] !== 'expect' && only[0] !== 'where'
        ? Object.values(spec)[0]
        : spec,
  };
}

function tagAt(args: unknown[], path: readonly (string | number)[]): void {
  let at = args as unknown as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown>;
  const last = path.at(-1)!;
  at[last] = `${String(at[last])} {{ $tag }}`;
}

function listenStep(
  message: Message,
  engine: Session['engine'],
  captures: readonly Capture[],
): Record<string, unknown> {
  const taken = capturesOf(captures, engine);
  if (engine === 'socketio')
    return {
      response: { channel: message.name, ...taken },
      ...(message.scope === '/' ? {} : { namespace: message.scope }),
    };
  if (engine === 'ws') return { wait: { ...whereOf(message), ...taken } };
  return { waitFor: message.name, ...taken };
}

function requestStep(
  request: HttpExchange,
  session: Session,
  replaced: readonly Replaced[],
  secrets: readonly string[],
  captures: readonly Capture[],
): Record<string, unknown> {
  const server = serverOf(session.url);
  const url = request.url.startsWith(server) ? request.url.slice(server.length) : request.url;
  const value = jsonOf(request.body ?? '');
  const isForm = /urlencoded/.test(request.headers['content-type'] ?? '');
  const body =
    request.body === null || request.body === ''
      ? {}
      : typeof value === 'object'
        ? { json: rendered(value, replaced, secrets) }
        : isForm
          ? { form: rendered(Object.fromEntries(new URLSearchParams(request.body)), replaced, secrets) }
          : { body: rendered(request.body, replaced, secrets) };
  const authorization = request.headers.authorization;
  const list = captures.map(({ path, as }) =>
    path[0] === 'set-cookie' ? { header: 'set-cookie', as } : { json: jsonPath(path), as },
  );
  return {
    [request.method.toLowerCase()]: {
      url: rendered(url, replaced, secrets),
      ...body,
      ...(authorization === undefined
        ? {}
        : { headers: { authorization: rendered(authorization, replaced, secrets, 'authorization') } }),
      ...(list.length === 0 ? {} : { capture: list }),
    },
  };
}

/** Clients of one process give each other what they got from the server: the latest is taken, and waited for. */
const sharedProcessor = (
  names: readonly string[],
): string => `// What one role gets from the server and another one sends.
const given = {};

const give = (name) => (context, events, done) => {
  given[name] = context.vars[name];
  done();
};

const take = (name) => (context, events, done) => {
  const until = Date.now() + 10_000;
  const look = () => {
    if (given[name] === undefined && Date.now() < until) return setTimeout(look, 20);
    if (given[name] === undefined) return done(new Error('nobody gave "' + name + '"'));
    context.vars[name] = given[name];
    done();
  };
  look();
};

module.exports = {
${names.map((name) => `  ${giveName(name)}: give('${name}'),\n  ${takeName(name)}: take('${name}'),`).join('\n')}
};
`;

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

function claimsOf(drafts: readonly Draft[]): Record<string, unknown> | null {
  for (const { replaced } of drafts) {
    const token = replaced.find(({ kind }) => kind === 'jwt');
    if (token === undefined) continue;
    const claims = jsonOf(Buffer.from(token.value.split('.')[1] ?? '', 'base64url').toString()) as
      | object
      | undefined;
    const kept = Object.entries(claims ?? {}).filter(
      ([name]) => !['iat', 'exp', 'nbf', 'jti'].includes(name),
    );
    return Object.fromEntries(
      kept.map(([name, value]) => [
        name,
        typeof value !== 'string'
          ? value
          : replaced.some((each) => each.value === value && each.kind === 'user')
            ? rendered(value, replaced, [])
            : /^(sub|id|.*name|.*id|email)$/i.test(name)
              ? 'user-{{ $uuid }}'
              : value,
      ]),
    );
  }
  return null;
}

/** Length of a phase with one arrival. */
const arrivalMs = 10;

/** Who was there to the end stays for so much longer: on a busy machine others come later than they did. */
const lingerMs = 1_000;

/** When something of the recording comes in the replay, milliseconds. */
type Clock = (recordedMs: number) => number;

/** Clients take turns no faster than this: who came a moment after another must not come before it on a busy machine. */
const turnMs = 200;
const mostTurnsMs = 10_000;

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

/** Each recorded client as a scenario of its own, so that a run with one arrival each is the recording again. */
function replayOf(
  drafts: readonly Draft[],
  config: (drafts: readonly Draft[]) => Record<string, unknown>,
  shared: readonly string[],
  secrets: readonly string[],
  all: readonly Draft[],
): Omit<WrittenScenario['replay'], 'files'> {
  const variables: Record<string, string> = {};
  const lastSaidMs = drafts
    .flatMap(({ session }) => session.messages)
    .reduce((last, { atMs }) => Math.max(last, atMs), 0);
  const own = drafts.map((draft, index): Draft => {
    const replaced = draft.replaced.map((each): Replaced => {
      if (each.kind === 'capture' || each.kind === 'shared') return each;
      const name = `recorded${index}x${each.name.replace('$', '')}`;
      variables[name] = each.value;
      return { ...each, kind: 'room', name };
    });
    const { session } = draft;
    const closedAtMs = session.closedAtMs + (session.closedAtMs < lastSaidMs ? 0 : lingerMs);
    return { ...draft, replaced, session: { ...session, closedAtMs } };
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
      flow: flowOf(draft, own[0]!, [...own, ...all.slice(own.length)], shared, secrets, [], clock),
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

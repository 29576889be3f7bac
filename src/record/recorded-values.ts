import { queryOf } from './decode-sessions.ts';
import { type HttpExchange, jsonOf, type Leaf, leavesOf, type Message, type Session } from './recording.ts';

/** Where a client got a value from that it sends. */
export type Source = { from: Message | HttpExchange; path: (string | number)[] };

/** A value that is not written as it was recorded. */
export type Replaced = {
  value: string;
  /** Variable that stands for it. */
  name: string;
  /** `given`: the room of the settings gives it. */
  kind: 'capture' | 'shared' | 'given' | 'user' | 'room' | 'secret' | 'jwt' | 'unique';
  /** Of a capture; of a shared value, where the other client got it. */
  source: Source | null;
  /** Whether it stands only for a whole text, never for a part of one. */
  whole: boolean;
};

const userKey =
  /^(user_?name|user_?id|user|nick(_?name)?|name|email|e-?mail|login|display_?name|handle|author|sender|from|player)$/i;

const userEvent = /user|nick|name|login|register|identif/i;

const roomKey = /room|channel|topic|lobby|group/i;

const roomEvent = /room|join|channel|lobby|group/i;

const secretKey =
  /pass(word|code|wd)?$|secret|token|authori[sz]ation|bearer|api[-_]?key|jwt|cookie|credential|^pin$|private|access[-_]?key/i;

const jwtPattern = /^(Bearer )?eyJ[\w-]+\.[\w-]+\.[\w-]*$/;

const uuidPattern = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;

/** What `tailgate init` sends where a password is wanted: nobody's. */
export const madeUpPassword = 'tailgate-password';

type Given = { atMs: number; leaf: Leaf; from: Message | HttpExchange };

/** Whether a value under this key must stand in no file. */
export const isSecret = (key: string, value: string): boolean =>
  value.length > 0 &&
  value !== madeUpPassword &&
  (isJwt(value) || /^(Bearer|Basic) \S/i.test(value) || secretKey.test(key));

/** The same of a value of any kind: a number may be a PIN or a code where it has four digits and is no count. */
export const isSecretValue = (key: string, value: string | number): boolean =>
  isSecret(key, String(value)) && (typeof value === 'string' || Math.abs(value) >= 1_000);

/** Headers that an application sets; the others are the browser's. */
export const ownHeaders = (headers: Readonly<Record<string, string>>): [string, string][] =>
  Object.entries(headers).filter(
    ([name]) =>
      name === 'authorization' ||
      name === 'cookie' ||
      (/^x-|token|key|auth/.test(name) &&
        !/^(x-forwarded|x-real-ip|sec-|x-requested-with)|keep-alive/.test(name)),
  );

/** Parameters of every address of Socket.IO. */
export const engineParameters: ReadonlySet<string> = new Set(['EIO', 'transport', 'sid', 't', 'b64']);

/** The parameters that an application sets; those of Socket.IO are its own only where that is spoken. */
export const ownQuery = ({ url, engine }: Pick<Session, 'url' | 'engine'>): [string, string][] =>
  [...queryOf(url)].filter(([name]) => engine !== 'socketio' || !engineParameters.has(name));

/**
 * The values of one client that are not written as they were: what a server gave is captured, what another client got is
 * shared, secrets and names are columns of the payload, rooms are variables. Those that stand for longer texts come first.
 */
export const findReplaced = (
  session: Session,
  all: readonly Session[],
  requests: readonly HttpExchange[],
): Replaced[] => {
  const found = new Map<string, Replaced>();
  const names = new Set<string>();
  const nameFor = (wanted: string): string => {
    const name = freeName(wanted, names);
    names.add(name);
    return name;
  };
  const own = requests.filter(({ role }) => role === session.role);
  const sent = sentBy(session, own);
  const firstSent = new Map<string, number>();
  for (const { leaf, atMs } of sent)
    if (!firstSent.has(String(leaf.value))) firstSent.set(String(leaf.value), atMs);
  const given = received(session, own);
  const shared = all
    .filter((each) => each !== session)
    .flatMap((each) =>
      received(
        each,
        requests.filter(({ role }) => role === each.role),
      ),
    );
  for (const { atMs, leaf, event, opens } of sent) {
    const value = String(leaf.value);
    const key = keyOf(leaf);
    if (value === '' || found.has(value)) continue;
    const sameAs = ({ leaf: other }: Given): boolean => String(other.value) === value && isTelling(other);
    const source = given.find(
      (each) => each.atMs < atMs && sameAs(each) && each.atMs <= firstSent.get(value)!,
    );
    const wanted = key === '' ? (source === undefined ? event : keyOf(source.leaf)) : key;
    const put = (kind: Replaced['kind'], name: string, from: Source | null, whole: boolean): void => {
      found.set(value, { value, name, kind, source: from, whole });
    };
    if (source !== undefined) {
      put(
        'capture',
        nameFor(keyOf(source.leaf) || wanted),
        { from: source.from, path: source.leaf.path },
        value.length < 5,
      );
      continue;
    }
    const bare = value.replace(/^(Bearer|Basic) /i, '');
    if (bare !== value && found.has(bare)) continue;
    if (isSecretLeaf(leaf) || (typeof leaf.value === 'string' && opens && isCredential(key, value))) {
      const jwt = isJwt(value);
      const name = jwt ? '$token' : nameFor(key === 'authorization' || key === '' ? 'token' : key);
      const held = given.find((each) => String(each.leaf.value) === bare && each.atMs < atMs);
      const from = held === undefined ? null : { from: held.from, path: held.leaf.path };
      found.set(bare, {
        value: bare,
        name: from === null ? name : nameFor(keyOf(held!.leaf)),
        kind: from !== null ? 'capture' : jwt ? 'jwt' : 'secret',
        source: from,
        whole: bare.length < 5,
      });
      continue;
    }
    if (typeof leaf.value !== 'string') continue;
    const other = shared.find((each) => sameAs(each) && each.atMs < firstSent.get(value)! && isTelling(leaf));
    const sentBefore = all.some(
      (each) =>
        each !== session &&
        each.messages.some(
          (message) =>
            message.sent &&
            message.atMs < atMs &&
            leavesOf(message.args).some((at) => at.value === value) &&
            !shared.some((from) => sameAs(from) && from.atMs < message.atMs),
        ),
    );
    if (other !== undefined && !sentBefore)
      put(
        'shared',
        nameFor(keyOf(other.leaf) || wanted),
        { from: other.from, path: other.leaf.path },
        value.length < 5,
      );
    else if (uuidPattern.test(value)) put('unique', nameFor(wanted), null, false);
    else if (/\s/.test(value) || value.length > 40) continue;
    else if (roomKey.test(key) || (key === '' && roomEvent.test(event) && event !== ''))
      put('room', nameFor(key === '' ? 'room' : key), null, value.length < 4);
    else if (userKey.test(key) || (key === '' && userEvent.test(event) && event !== ''))
      put('user', nameFor(key === '' ? 'username' : key), null, true);
  }
  return [...found.values()].sort((a, b) => b.value.length - a.value.length);
};

/** A name for a variable that no other one has. */
export const freeName = (wanted: string, taken: ReadonlySet<string>): string => {
  const base =
    wanted.replaceAll(/[^A-Za-z0-9_]+(\w)?/g, (_, next: string | undefined) => (next ?? '').toUpperCase()) ||
    'value';
  const plain = /^\d/.test(base) ? `value${base}` : base;
  let name = plain;
  for (let count = 2; taken.has(name); count += 1) name = `${plain}${count}`;
  return name;
};

/** Every secret of a recording: what must stand in no file, whether or not it is written anywhere. */
export const secretsOf = (sessions: readonly Session[], requests: readonly HttpExchange[]): string[] => {
  const held = [
    ...sessions.flatMap((session) => [
      ...sentBy(session, []).map(({ leaf, opens }) =>
        opens && isCredential(keyOf(leaf), String(leaf.value)) ? { ...leaf, path: ['secret'] } : leaf,
      ),
      ...session.messages.flatMap(({ args }) => leavesOf(args)),
    ]),
    ...requests.flatMap((exchange) => [
      ...leavesOf(jsonOf(exchange.body ?? '')),
      ...[...new URLSearchParams(exchange.body ?? '')].map(([key, value]): Leaf => ({ path: [key], value })),
      ...bodyLeaves(exchange),
      ...[...queryOf(exchange.url)].map(([key, value]): Leaf => ({ path: [key], value })),
      ...ownHeaders(exchange.headers).map(([key, value]): Leaf => ({ path: [key], value })),
    ]),
  ];
  const values = held.flatMap((leaf) => {
    const value = String(leaf.value);
    return isSecretLeaf(leaf) ? [value, value.replace(/^(Bearer|Basic) /i, '')] : [];
  });
  // "guest" or "1" would stand in any text.
  return [...new Set(values)].filter((value) => value.length >= 4).sort((a, b) => b.length - a.length);
};

function isSecretLeaf(leaf: Leaf): boolean {
  return isSecretValue(keyOf(leaf), leaf.value);
}

function isJwt(value: string): boolean {
  return jwtPattern.test(value);
}

type Sent = {
  atMs: number;
  leaf: Leaf;
  event: string;
  /** Part of a handshake, where credentials stand. */
  opens?: true;
};

/** Everything that the client sent, handshake first, as texts and numbers. */
function sentBy(session: Session, requests: readonly HttpExchange[]): Sent[] {
  const handshake = [
    ...leavesOf(session.auth),
    ...ownHeaders(session.headers).map(([name, value]): Leaf => ({ path: [name], value })),
  ].map((leaf): Sent => ({ atMs: session.openedAtMs, leaf, event: '', opens: true }));
  // A query also holds what is no secret: names, versions, events.
  const queried = ownQuery(session).map(
    ([name, value]): Sent => ({
      atMs: session.openedAtMs,
      leaf: { path: [name], value },
      event: '',
      ...(/\d/.test(value) && /[a-z]/i.test(value) && value.length >= 16 ? { opens: true } : {}),
    }),
  );
  const asked = requests.flatMap(({ atMs, body, url }) => [
    ...leavesOf(jsonOf(body ?? '') ?? Object.fromEntries(new URLSearchParams(body ?? ''))).map((leaf) => ({
      atMs,
      leaf,
      event: '',
    })),
    ...(url.split('?')[0] ?? '')
      .split('/')
      .slice(3)
      .map((part): Sent => ({ atMs, leaf: { path: [], value: part }, event: '' })),
    ...[...queryOf(url)].map(([name, value]): Sent => ({ atMs, leaf: { path: [name], value }, event: '' })),
  ]);
  const messages = session.messages
    .filter(({ sent }) => sent)
    .flatMap(({ atMs, args, name, kind, headers }) => [
      ...leavesOf(args).map((leaf) => ({ atMs, leaf, event: kind === 'event' ? name : '' })),
      ...(headers === undefined
        ? []
        : partsOf(name).map((part): Sent => ({ atMs, leaf: { path: [], value: part }, event: '' }))),
      ...leavesOf(headers ?? {})
        .filter(
          (leaf) => !/^(id|destination|receipt|content-(length|type)|ack|subscription)$/.test(keyOf(leaf)),
        )
        .map((leaf) => ({ atMs, leaf, event: '' })),
    ]);
  return [...asked, ...handshake, ...queried, ...messages].sort((a, b) => a.atMs - b.atMs);
}

function partsOf(destination: string): string[] {
  return destination.split(/[/.]/).filter((part) => part !== '');
}

function keyOf({ path }: Leaf): string {
  return String(path.findLast((part) => typeof part === 'string') ?? '');
}

function received(session: Session, requests: readonly HttpExchange[]): Given[] {
  return [
    ...requests.flatMap((exchange) =>
      bodyLeaves(exchange).map((leaf): Given => ({ atMs: exchange.answeredAtMs, leaf, from: exchange })),
    ),
    ...session.messages
      .filter(({ sent }) => !sent)
      .flatMap((message) =>
        leavesOf(message.args).map((leaf): Given => ({ atMs: message.atMs, leaf, from: message })),
      ),
  ];
}

function bodyLeaves(exchange: HttpExchange): Leaf[] {
  const body = leavesOf(jsonOf(exchange.response ?? ''));
  const cookie = exchange.responseHeaders['set-cookie'];
  return cookie === undefined ? body : [...body, { path: ['set-cookie'], value: cookie.split(';')[0]! }];
}

/** A text or number that tells itself apart from others, so that seeing it twice is no accident. */
function isTelling({ path, value }: Leaf): boolean {
  const keyed = /id$|_id|token|code|key|ticket|nonce|hash|slug|room|csrf/i.test(String(path.at(-1) ?? ''));
  if (typeof value === 'number') return keyed ? value > 1 : Number.isInteger(value) && value >= 10_000;
  if (/\s/.test(value) || value.length < 3) return false;
  return keyed || value.length >= 16 || (/\d/.test(value) && /[a-z]/i.test(value) && value.length >= 5);
}

/** What a handshake carries, and is neither a name nor a room, may well be a credential. */
function isCredential(key: string, value: string): boolean {
  return (
    value.length >= 6 &&
    !/[\s/]/.test(value) &&
    !userKey.test(key) &&
    !roomKey.test(key) &&
    !/^(uu|gu)?id$|(client|peer|player|device|user)[-_]?id$/i.test(key) &&
    !/^(version|platform|client|locale|lang|device|os|login|heart-beat|accept-version|host)/i.test(key)
  );
}

import { messageTypeField } from '../engines/ws/ws-message.ts';
import { idField, pathOf } from './decode-sessions.ts';
import type { Clock, Draft } from './draft.ts';
import { type FlowItem, foldLoops, inFull } from './fold-loops.ts';
import { type Step, stepName } from './infer-steps.ts';
import type { Replaced } from './recorded-values.ts';
import { type HttpExchange, jsonOf, type Message, type Session } from './recording.ts';
import { renderValue, variable } from './render-value.ts';
import { engineConfig, renderQuery, serverOf, targetPath } from './scenario-config.ts';

type Capture = { path: (string | number)[]; as: string };

/** The flow of one client: what it sends, what it waits for, and its pauses. Adds to `notes` what its author has to know. */
export function writeFlow(
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
      const destination = renderValue(name, replaced, secrets);
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
export function matchOf(message: Message, engine: Session['engine']): object {
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
  const render = (value: unknown): unknown => renderValue(value, replaced, secrets);
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
  const authorization = request.headers.authorization;
  const list = captures.map(({ path, as }) =>
    path[0] === 'set-cookie' ? { header: 'set-cookie', as } : { json: jsonPath(path), as },
  );
  return {
    [request.method.toLowerCase()]: {
      url: `${renderValue(url.split('?')[0]!, replaced, secrets)}${renderQuery(url, replaced, secrets)}`,
      ...bodyOf(request, replaced, secrets),
      ...(authorization === undefined
        ? {}
        : { headers: { authorization: renderValue(authorization, replaced, secrets, 'authorization') } }),
      ...(list.length === 0 ? {} : { capture: list }),
    },
  };
}

/** A body in parts, or of no form that tells which of its texts is a secret, is not written when it may hold one. */
export const isBodyLeftOut = ({ body, headers }: HttpExchange): boolean =>
  body !== null &&
  body !== '' &&
  typeof jsonOf(body) !== 'object' &&
  !isForm(headers) &&
  (/multipart/i.test(headers['content-type'] ?? '') ||
    /pass|secret|token|credential|authori|api.?key/i.test(body));

const isForm = (headers: HttpExchange['headers']): boolean =>
  /urlencoded/.test(headers['content-type'] ?? '');

function bodyOf(request: HttpExchange, replaced: readonly Replaced[], secrets: readonly string[]): object {
  const { body, headers } = request;
  if (body === null || body === '' || isBodyLeftOut(request)) return {};
  const value = jsonOf(body);
  if (typeof value === 'object') return { json: renderValue(value, replaced, secrets) };
  return isForm(headers)
    ? { form: renderValue(Object.fromEntries(new URLSearchParams(body)), replaced, secrets) }
    : { body: renderValue(body, replaced, secrets) };
}

/** Clients of one process give each other what they got from the server: the latest is taken, and waited for. */
export const sharedProcessor = (
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

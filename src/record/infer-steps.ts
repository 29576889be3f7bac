import { leavesOf, type Message, type Session } from './recording.ts';

/** What a client did: one message, what answered it, and whom it reached. */
export type Step = {
  atMs: number;
  /** When its answer came. */
  endMs: number;
  message: Message;
  /** `ack`: acknowledgement or RECEIPT; `response`: another message to the same client. */
  answer: { kind: 'ack' | 'response'; message: Message } | null;
  /** An acknowledgement was asked for, and never came. */
  unanswered: boolean;
  delivery: Delivery | null;
  /** The room it enters or leaves, as it stands in the message. */
  joins: string | null;
  leaves: string | null;
};

export type Delivery = {
  event: string;
  /** As the first one got it. */
  message: Message;
  /** Where in the arguments the text is that is found again, and that takes the tag. */
  path: (string | number)[];
  includesSender: boolean;
  /** Somebody who was connected did not get it. */
  selective: boolean;
};

const answerWithinMs = 2_000;

const deliveryWithinMs = 5_000;

/** Keys whose text people write. A tag in a room or a name would change where a message goes. */
const written = /^(text|message|msg|body|content|data|payload|value|line|comment|chat|note|title)$/i;

const steering =
  /room|channel|topic|user|name|type|event|action|method|kind|status|id$|token|to$|from$|^(dst|src|dest\w*|target|recipient|peer)|email|url/i;

const joining = /join|enter|subscribe|(create|open|new).?(room|game|channel)/i;

const leaving = /leave|exit|part$|unsubscribe/i;

const roomKey = /room|channel|topic|lobby|group|game|doc(ument)?|board|session/i;

/**
 * What each message of a session is: which answer belongs to it, by its id or by always following it; which message of
 * another client (or its own echo) carries the same text; and which ones enter and leave a room.
 */
export const inferSteps = (session: Session, all: readonly Session[]): Step[] => {
  const { messages } = session;
  const others = all.filter((each) => each !== session && hostOf(each.url) === hostOf(session.url));
  const sent = messages.filter((message) => message.sent && message.kind !== 'answer');
  const steps = sent.map((message): Step => {
    const delivery = deliveryOf(message, session, others);
    const answer = answerById(message, messages, session.engine);
    return {
      atMs: message.atMs,
      endMs: answer?.message.atMs ?? message.atMs,
      message,
      answer,
      unanswered: message.id !== null && answer === null && session.engine !== 'ws',
      delivery,
      joins: null,
      leaves: null,
    };
  });
  addResponses(steps, session);
  addRooms(steps);
  return steps;
};

export const stepName = ({ message }: Step): string => `${message.scope} ${message.kind} ${message.name}`;

function hostOf(url: string): string {
  return /^[a-z]+:\/\/([^/?#]*)/i.exec(url)?.[1] ?? '';
}

function deliveryOf(message: Message, own: Session, others: readonly Session[]): Delivery | null {
  if (message.kind !== 'event') return null;
  const texts = textsOf(message)
    .filter(({ path }) => !steering.test(String(path.at(-1))) || written.test(String(path.at(-1))))
    .sort(
      (a, b) => Number(written.test(String(b.path.at(-1)))) - Number(written.test(String(a.path.at(-1)))),
    );
  const gets = (session: Session, text: string): Message | undefined =>
    session.messages.find(
      (each) =>
        !each.sent &&
        each.kind === 'event' &&
        each.scope === message.scope &&
        each.atMs >= message.atMs - 20 &&
        each.atMs <= message.atMs + deliveryWithinMs &&
        leavesOf(each.args).some(({ value }) => typeof value === 'string' && value.includes(text)),
    );
  // Where there is no key to go by, a single word may be a name or a room.
  const isText = ({ path, value }: { path: (string | number)[]; value: string }): boolean =>
    written.test(String(path.at(-1))) ||
    /\s/.test(value) ||
    !/room|join|user|nick|name|login|enter/i.test(message.name);
  for (const { path, value } of texts.filter(isText)) {
    // The same words of somebody else are no echo.
    const isOnlyOnes = !others.some(({ messages }) =>
      messages.some(
        (each) =>
          each.sent &&
          Math.abs(each.atMs - message.atMs) < deliveryWithinMs &&
          leavesOf(each.args).some((leaf) => typeof leaf.value === 'string' && leaf.value.includes(value)),
      ),
    );
    const echo = isOnlyOnes ? gets(own, value) : undefined;
    const present = others.filter(
      (each) => each.openedAtMs < message.atMs && (each.messages.at(-1)?.atMs ?? 0) >= message.atMs,
    );
    const reached = present.flatMap((each) => gets(each, value) ?? []);
    const first = reached[0] ?? echo;
    if (first === undefined) continue;
    return {
      event: first.name,
      message: first,
      path,
      includesSender: echo !== undefined,
      selective: reached.length < present.length,
    };
  }
  return null;
}

function textsOf(message: Message): { path: (string | number)[]; value: string }[] {
  return leavesOf(message.args)
    .filter((leaf): leaf is { path: (string | number)[]; value: string } => typeof leaf.value === 'string')
    .filter(({ value }) => value.trim().length >= 2);
}

function answerById(
  message: Message,
  messages: readonly Message[],
  engine: Session['engine'],
): Step['answer'] {
  if (message.id === null) return null;
  const found = messages.find(
    ({ sent, kind, id, atMs }) =>
      !sent && id === message.id && atMs >= message.atMs && (kind === 'answer' || engine === 'ws'),
  );
  if (found === undefined) return null;
  return { kind: found.kind === 'answer' ? 'ack' : 'response', message: found };
}

/** An event that always and only comes after another is its answer. */
function addResponses(steps: Step[], { messages, engine }: Session): void {
  const received = messages.filter((message) => !message.sent && message.kind === 'event');
  const byName = new Map<string, Step[]>();
  for (const step of steps) byName.set(stepName(step), [...(byName.get(stepName(step)) ?? []), step]);
  const taken = new Set(steps.flatMap(({ answer }) => (answer === null ? [] : [answer.message])));
  for (const same of byName.values()) {
    if (engine === 'stomp' || same.some(({ answer, message }) => answer !== null || message.kind !== 'event'))
      continue;
    const followers = same.map((step) => {
      const end = steps.find(({ atMs }) => atMs > step.atMs)?.atMs ?? Number.POSITIVE_INFINITY;
      return received.filter(
        (each) =>
          !taken.has(each) &&
          each.scope === step.message.scope &&
          each.atMs >= step.atMs &&
          each.atMs <= Math.min(end, step.atMs + answerWithinMs),
      );
    });
    const names = [...new Set((followers[0] ?? []).map(({ name }) => name))].filter(
      (name) => name !== 'message' || engine !== 'ws',
    );
    const name = names
      .filter((each) => followers.every((list) => list.some((message) => message.name === each)))
      .filter((each) => received.filter((message) => message.name === each).length <= same.length)
      .find((each) => {
        const delivered = same[0]!.delivery;
        if (delivered !== null) return delivered.event !== each;
        return same.length >= 2 || sharesWord(stepName(same[0]!), each) || names.length === 1;
      });
    if (name === undefined) continue;
    for (const [index, step] of same.entries()) {
      const message = followers[index]!.find((each) => each.name === name)!;
      taken.add(message);
      step.answer = { kind: 'response', message };
      step.endMs = message.atMs;
    }
  }
}

function sharesWord(one: string, other: string): boolean {
  const words = new Set(wordsOf(one));
  return wordsOf(other).some((word) => words.has(word));
}

function wordsOf(name: string): string[] {
  return name
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word.length > 2)
    .map((word) => word.replace(/(ed|ing|s|e)$/, '').slice(0, 5));
}

/** A message that is named so, with a room in it or in its answer, moves its sender. */
function addRooms(steps: Step[]): void {
  for (const step of steps) {
    const { message } = step;
    if (message.kind !== 'event') continue;
    const enters = joining.test(message.name) && !leaving.test(message.name);
    if (!enters && !leaving.test(message.name)) continue;
    const room = roomIn(message.args) ?? (enters ? roomIn(step.answer?.message.args ?? []) : null);
    if (room === null) continue;
    if (enters) step.joins = room;
    else step.leaves = room;
  }
}

function roomIn(args: readonly unknown[]): string | null {
  const [only] = args;
  if (args.length >= 1 && typeof only === 'string' && !/\s/.test(only)) return only;
  const leaf = leavesOf(args).find(({ path }) =>
    path.some((key) => typeof key === 'string' && roomKey.test(key)),
  );
  return leaf === undefined ? null : String(leaf.value);
}

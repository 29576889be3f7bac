import type { Step } from './infer-steps.ts';
import type { Replaced } from './recorded-values.ts';
import type { Session } from './recording.ts';

/** A recorded client, as far as rooms go. */
type Client = { session: Session; steps: Step[]; replaced: Replaced[] };

/** A room that one client opened and others joined. */
export type Opening<T extends Client> = {
  owner: T;
  create: Step;
  /** What the owner deleted it with. */
  remove: Step | null;
  /** As it was recorded. */
  value: string;
  /** Where the answer to `create` has it, and under which name others send it; null where the owner chose it. */
  capture: { name: string; path: string } | null;
};

const opens = /(create|open|new|host|start)/i;
const removes = /delete|close|destroy|remove|end/i;

/** Finds it where exactly one client opens a room and no other does, and another one joins the same room. */
export const findOpening = <T extends Client>(clients: readonly T[]): Opening<T> | null => {
  const openings = clients.flatMap((owner) =>
    owner.steps
      .filter(
        ({ joins, message }) => joins !== null && opens.test(message.name) && !/join/i.test(message.name),
      )
      .map((create) => ({ owner, create })),
  );
  const [first] = openings;
  if (first === undefined || openings.length > 1 || first.owner.session.engine !== 'socketio') return null;
  const { owner, create } = first;
  const value = create.joins!;
  const others = clients.filter((each) => each !== owner && each.steps.some(({ joins }) => joins === value));
  const known = owner.replaced.find((each) => each.value === value);
  if (others.length === 0 || known === undefined) return null;
  const remove =
    owner.steps.find(({ leaves, message }) => leaves === value && removes.test(message.name)) ?? null;
  if (known.kind === 'room') return { owner, create, remove, value, capture: null };
  const path = known.source?.from === create.answer?.message ? payloadPath(known, create) : null;
  return path === null ? null : { owner, create, remove, value, capture: { name: known.name, path } };
};

/** The place below the payload, which is the only argument of an answer, or stands behind a null. */
function payloadPath({ source }: Replaced, { answer }: Step): string | null {
  const [index, ...path] = source?.path ?? [];
  const args = answer?.message.args ?? [];
  const at = args.length > 1 && (args[0] === null || args[0] === undefined) ? 1 : 0;
  return index === at && path.length > 0 ? path.join('.') : null;
}

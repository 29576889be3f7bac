import { StepFailure } from '../step-failure.ts';

/** Where something is in a message: names of fields, and indexes of lists. */
export type PayloadPath = readonly (string | number)[];

/** A path leads nowhere in a message; what is said is for the author of the scenario. */
export class NoPlaceError extends StepFailure {
  /** What is there instead. */
  readonly at: unknown;

  constructor(problem: string, at: unknown) {
    super('no place in the message', problem);
    this.at = at;
  }
}

/** Stands, within a text, before the digits of a number that a double cannot hold. */
const digits = '\u0000digits ';

/**
 * A path of the settings into the arguments of an event: `0.body.id`, or `text` for that field of the first argument.
 */
export const payloadPath = (text: string): PayloadPath => {
  const parts = partsOf(text);
  return typeof parts[0] === 'number' ? parts : [0, ...parts];
};

/** A path into a message that has no arguments: `id`, `data.id`, or `1` for a member of a list. */
export const messagePath = (text: string): PayloadPath => partsOf(text);

/** The value at a path of `messagePath`, in text that is JSON too. */
export const readMessage = (message: unknown, path: PayloadPath): unknown =>
  readPath(message, pathIn(message, path));

/** As `changePath`, with a path of `messagePath`. */
export const changeMessage = (
  message: unknown,
  path: PayloadPath,
  replace: (old: unknown) => unknown,
): unknown => changePath(message, pathIn(message, path), replace);

export const readPath = (value: unknown, path: PayloadPath): unknown => {
  let current = value;
  for (const key of path) {
    current = structureOf(current);
    if (typeof current !== 'object' || current === null) return undefined;
    current = (current as Record<string | number, unknown>)[key];
  }
  return current;
};

/**
 * A copy of `value` with `replace(old)` at the path; what is on the way is copied, the rest is shared. Objects that are
 * missing on the way are made, and text that is JSON stays text. Throws `NoPlaceError` where the path leads nowhere:
 * nothing that the author wrote is replaced.
 */
export const changePath = (
  value: unknown,
  path: PayloadPath,
  replace: (old: unknown) => unknown,
): unknown => {
  const [key, ...rest] = path;
  if (key === undefined)
    return replace(
      typeof value === 'string' && value.startsWith(digits) ? Number(value.slice(digits.length)) : value,
    );
  if (Array.isArray(value)) {
    // An event without arguments gets its first.
    if (typeof key !== 'number' || key >= Math.max(value.length, 1))
      throw new NoPlaceError(`a list of ${value.length} has no member "${key}"`, value);
    const copy = [...value];
    copy[key] = changePath(copy[key], rest, replace);
    return copy;
  }
  if (typeof value === 'string') {
    const structure = structureOf(value, exactly);
    if (structure !== value) return written(changePath(structure, path, replace));
  }
  if (value === undefined || value === null) return { [key]: changePath(undefined, rest, replace) };
  if (typeof value !== 'object' || isBinary(value))
    throw new NoPlaceError(`${nameOf(value)} has no field "${key}"`, value);
  const record = value as Record<string, unknown>;
  return { ...record, [key]: changePath(record[key], rest, replace) };
};

/**
 * Puts a tag behind what stands in its place, so that the message keeps its content. `makeTag` is called once, when
 * there is a place for it. Throws `NoPlaceError`.
 */
export const withTag = (old: unknown, makeTag: () => string): unknown => {
  if (old === undefined || old === null || old === '') return makeTag();
  if (Buffer.isBuffer(old)) return Buffer.concat([old, Buffer.from(makeTag())]);
  if (typeof old === 'string') return `${old} ${makeTag()}`;
  throw new NoPlaceError(`the tag of a delivery is put behind text, and ${nameOf(old)} is none`, old);
};

function partsOf(text: string): (string | number)[] {
  return text
    .replace(/^\$\.?/, '')
    .replace(/\[(\d+)\]/g, '.$1')
    .split('.')
    .filter((part) => part !== '')
    .map((part) => (isIndex(part) ? Number(part) : part));
}

function isIndex(part: string): boolean {
  return /^(?:0|[1-9]\d*)$/.test(part);
}

/** The path for this message: it is its own first argument, unless it is a list. */
function pathIn(message: unknown, path: PayloadPath): PayloadPath {
  return path[0] === 0 && !Array.isArray(structureOf(message)) ? path.slice(1) : path;
}

/** The object or list that a text stands for; anything else as it is. */
function structureOf(value: unknown, parse: (text: string) => unknown = JSON.parse): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value;
  try {
    return parse(value);
  } catch {
    return value;
  }
}

/** Parses JSON so that `written` gives it back as it was: numbers beyond a double's precision keep their digits. */
function exactly(text: string): unknown {
  return JSON.parse(
    text.replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, (token) =>
      token.startsWith('"') || String(Number(token)) === token ? token : JSON.stringify(digits + token),
    ),
  );
}

function written(value: unknown): string {
  return JSON.stringify(value).replace(/"\\u0000digits ([^"]*)"/g, (_text, number: string) => number);
}

/** Bytes, or what stands for them in a scenario. */
function isBinary(value: object): boolean {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer || '$binary' in value;
}

function nameOf(value: unknown): string {
  if (typeof value === 'object' && value !== null && isBinary(value)) return 'binary data';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

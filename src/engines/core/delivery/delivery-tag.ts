import { type PayloadPath, readPath } from './payload-path.ts';

/**
 * What travels in a message so that each receiver can time it without asking the sender:
 * `~tg<worker>.<sender>.<sequence>.<watch>.<sent>[.<room>]~`, numbers in base 36, `sent` in microseconds of the host's
 * monotonic clock, filled up with zeros. Only letters, digits, dots and tildes, so that it passes through JSON, HTML and URLs unchanged.
 */
export type DeliveryTag = {
  worker: number;
  sender: number;
  sequence: number;
  watch: number;
  sentUs: number;
  /** Hash of the room it was sent to; only where several processes drive one load. */
  room?: number;
};

const marker = '~tg';

const markerBytes = Buffer.from(marker);

/** Longest tag: six numbers of at most 11 digits. */
const maxLength = 80;

/** Length of every tag: in a protocol whose messages hold their own length, an author can count on it. */
export const tagLength = 40;

const maxDepth = 12;

/** Finds the tag in what a receiver got. Remembers where the last one was, since messages of one event look alike. */
export class TagFinder {
  #path: PayloadPath | null = null;
  readonly #fixed: PayloadPath | null;

  /** `path` is where the tag must be, from the list of arguments on; null searches everywhere. */
  constructor(path: PayloadPath | null) {
    this.#fixed = path;
  }

  get isAnywhere(): boolean {
    return this.#fixed === null;
  }

  find(args: unknown): DeliveryTag | null {
    if (this.#fixed !== null) return tagInLeaf(readPath(args, this.#fixed));
    if (this.#path !== null) {
      const tag = tagInLeaf(readPath(args, this.#path));
      if (tag !== null) return tag;
    }
    return this.#search(args, []);
  }

  #search(value: unknown, path: PayloadPath): DeliveryTag | null {
    const tag = tagInLeaf(value);
    if (tag !== null) {
      this.#path = path;
      return tag;
    }
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || path.length > maxDepth)
      return null;
    const entries = Array.isArray(value) ? value.entries() : Object.entries(value);
    for (const [key, child] of entries) {
      const found = this.#search(child, [...path, key]);
      if (found !== null) return found;
    }
    return null;
  }
}

export const formatTag = (tag: DeliveryTag): string => {
  const head = `${marker}${tag.worker.toString(36)}.${tag.sender.toString(36)}.${tag.sequence.toString(36)}.${tag.watch.toString(36)}.`;
  const tail = `${tag.room === undefined ? '' : `.${tag.room.toString(36)}`}~`;
  const sent = Math.round(tag.sentUs).toString(36);
  return `${head}${sent.padStart(tagLength - head.length - tail.length, '0')}${tail}`;
};

/** The first tag in a string; null if there is none. */
export const tagInText = (text: string): DeliveryTag | null => {
  for (let at = text.indexOf(marker); at >= 0; at = text.indexOf(marker, at + 1)) {
    const tag = parseAt(text, at);
    if (tag !== null) return tag;
  }
  return null;
};

/** The first tag in binary data; null if there is none. */
export const tagInBytes = (data: ArrayBuffer | ArrayBufferView): DeliveryTag | null => {
  const bytes = ArrayBuffer.isView(data)
    ? Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    : Buffer.from(data);
  for (let at = bytes.indexOf(markerBytes); at >= 0; at = bytes.indexOf(markerBytes, at + 1)) {
    const tag = parseAt(bytes.toString('latin1', at, at + maxLength), 0);
    if (tag !== null) return tag;
  }
  return null;
};

function parseAt(text: string, start: number): DeliveryTag | null {
  const fields = [0, 0, 0, 0, 0, 0];
  let field = 0;
  let digits = 0;
  for (let index = start + marker.length; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    const digit = digitOf(code);
    if (digit >= 0) {
      fields[field] = fields[field]! * 36 + digit;
      digits += 1;
      continue;
    }
    if (digits === 0) return null;
    digits = 0;
    if (code === 46 && field < 5) field += 1;
    else if (code === 126 && field >= 4)
      return {
        worker: fields[0]!,
        sender: fields[1]!,
        sequence: fields[2]!,
        watch: fields[3]!,
        sentUs: fields[4]!,
        ...(field === 5 ? { room: fields[5]! } : {}),
      };
    else return null;
  }
  return null;
}

function digitOf(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  if (code >= 97 && code <= 122) return code - 87;
  return -1;
}

function tagInLeaf(value: unknown): DeliveryTag | null {
  if (typeof value === 'string') return tagInText(value);
  if (typeof value !== 'object' || value === null) return null;
  return value instanceof ArrayBuffer || ArrayBuffer.isView(value) ? tagInBytes(value) : null;
}

/**
 * Artillery resolves the templates of `config` once, when the script is loaded. A template there that names a variable
 * of the virtual user (a token from the payload file, in `extraHeaders`) becomes undefined, and the connection hangs
 * without a word. Such templates are kept out of that pass here, so that the engines can resolve them for each user.
 */

const opening = '\u0001\u0002';

const placeholder = /\{\{\{?\s*([^{}]+?)\s*\}?\}\}/g;

/** Whether every variable that the text names is known at load time; function calls (`$randomNumber(1,9)`) are. */
const resolvesAtLoad = (text: string, known: ReadonlySet<string>): boolean => {
  for (const match of text.matchAll(placeholder)) {
    const name = match[1]!;
    if (/^\$[A-Za-z0-9_]+\s*\(/.test(name)) continue;
    if (!known.has(name.split(/[.[]/, 1)[0]!.trim())) return false;
  }
  return true;
};

/** A deep copy with every string, keys included, changed. */
export const mapStrings = (value: unknown, change: (text: string) => string): unknown => {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, change));
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype)
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [change(key), mapStrings(item, change)]),
    );
  return value;
};

/** Hides the templates that only a virtual user can resolve. */
export const hideUserTemplates = (config: unknown, known: ReadonlySet<string>): unknown =>
  mapStrings(config, (text) =>
    text.includes('{{') && !resolvesAtLoad(text, known) ? text.replaceAll('{{', opening) : text,
  );

/** Brings them back. */
export const showUserTemplates = (config: unknown): unknown =>
  mapStrings(config, (text) => text.replaceAll(opening, '{{'));

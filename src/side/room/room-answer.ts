/** What the server said, short enough for a message: JSON, cut after 300 characters. */
export const inWords = (value: unknown): string => {
  let text: string | undefined;
  if (value instanceof Error) text = value.message;
  else if (typeof value === 'string') text = JSON.stringify(value);
  else {
    try {
      text = JSON.stringify(value);
    } catch {
      // A cycle: fall through.
    }
  }
  text ??= String(value);
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
};

/** Whether `value` has everything that `expected` has: objects may have more fields, lists may not be longer. */
export const matches = (value: unknown, expected: unknown): boolean => {
  if (Array.isArray(expected)) {
    return (
      Array.isArray(value) &&
      value.length === expected.length &&
      expected.every((each, index) => matches(value[index], each))
    );
  }
  if (isObject(expected)) {
    return isObject(value) && Object.entries(expected).every(([name, each]) => matches(value[name], each));
  }
  return Object.is(value, expected);
};

/** The value at a dotted path, as in `data.members.0.id`; undefined if there is none. */
export const valueAt = (value: unknown, dottedPath: string): unknown =>
  dottedPath
    .replace(/^\$\.?/, '')
    .split('.')
    .filter((step) => step !== '')
    .reduce<unknown>(
      (found, step) => (isObject(found) && Object.hasOwn(found, step) ? found[step] : undefined),
      value,
    );

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

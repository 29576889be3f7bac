const isPresent = (value: unknown): boolean => value !== null && value !== undefined;

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

/** The payload of an acknowledgement: its only argument, or what follows a null in `(error, result)` style. */
export const payloadOf = (args: readonly unknown[]): unknown =>
  args.length > 1 && !isPresent(args[0]) ? args[1] : args[0];

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

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

/**
 * Whether an answer says by itself that it is a failure, in one of the ways that servers commonly use:
 * `(error)` before a missing result, `{ ok: false }`, `{ success: false }`, `{ status: "error" }`, a status of 400
 * or more, `{ error: ... }`. Asked only when the settings do not say what to expect.
 */
export const looksLikeFailure = (args: readonly unknown[]): boolean => {
  if (args[0] instanceof Error) return true;
  if (args.length > 1 && isPresent(args[0]) && !isPresent(args[1])) return true;
  const payload = payloadOf(args);
  if (!isObject(payload)) return false;
  const { ok, success, status, statusCode, error } = payload;
  if (ok === false || success === false) return true;
  if (typeof status === 'string' && /^(error|fail|failed|failure|ng)$/i.test(status)) return true;
  if ([status, statusCode].some((code) => typeof code === 'number' && code >= 400 && code < 600)) return true;
  return error !== undefined && error !== null && error !== false && error !== '';
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

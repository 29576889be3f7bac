export type PayloadPath = readonly (string | number)[];

const isIndex = (part: string): boolean => /^(?:0|[1-9]\d*)$/.test(part);

/**
 * A path of the settings into the arguments of an event: `0.body.id`, or `text` for that field of the first argument.
 */
export const payloadPath = (text: string): PayloadPath => {
  const parts = text
    .replace(/\[(\d+)\]/g, '.$1')
    .split('.')
    .filter((part) => part !== '')
    .map((part) => (isIndex(part) ? Number(part) : part));
  return typeof parts[0] === 'number' ? parts : [0, ...parts];
};

export const readPath = (value: unknown, path: PayloadPath): unknown => {
  let current = value;
  for (const key of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = (current as Record<string | number, unknown>)[key];
  }
  return current;
};

/**
 * A copy of `value` with `replace(old)` at the path; what is on the way is copied, the rest is shared. Objects that
 * are missing on the way are made.
 */
export const changePath = (
  value: unknown,
  path: PayloadPath,
  replace: (old: unknown) => unknown,
): unknown => {
  const [key, ...rest] = path;
  if (key === undefined) return replace(value);
  if (Array.isArray(value)) {
    const copy = [...value];
    copy[key as number] = changePath(copy[key as number], rest, replace);
    return copy;
  }
  const record = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  return { ...record, [key]: changePath(record[key], rest, replace) };
};

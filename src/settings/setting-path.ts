/** Keys and list indexes from the top of the settings: `['suites', 0, 'room', 'token']`. */
export type SettingPath = readonly (string | number)[];

/** A path as it is shown: `suites[0].room.token`. */
export const formatPath = (path: SettingPath): string =>
  path.reduce<string>(
    (text, step) =>
      typeof step === 'number' ? `${text}[${step}]` : text === '' ? String(step) : `${text}.${step}`,
    '',
  );

export type Tree = Record<string, unknown>;

export const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value at `path`; undefined where there is none. */
export const valueAt = (value: unknown, path: SettingPath): unknown =>
  path.reduce<unknown>(
    (inner, step) =>
      typeof inner === 'object' && inner !== null
        ? (inner as Record<string | number, unknown>)[step]
        : undefined,
    value,
  );

/** `over` on top of `under`: groups are merged key by key, everything else (lists too) is replaced. */
export const mergeTrees = (under: unknown, over: unknown): unknown => {
  if (over === undefined) return under;
  if (!isTree(under) || !isTree(over)) return over;
  const merged: Tree = { ...under };
  for (const [key, value] of Object.entries(over)) {
    // Not an assignment: a key named "__proto__" stays a plain key.
    Object.defineProperty(merged, key, {
      value: mergeTrees(Object.hasOwn(under, key) ? under[key] : undefined, value),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return merged;
};

/** A tree that holds `value` at `path` and nothing else. */
export const treeWith = (path: readonly string[], value: unknown): Tree =>
  path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Tree;

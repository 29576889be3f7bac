const simplePath = /^\$(?:\.(?:[A-Za-z_][\w]*|\d+)|\[\d+\]|\['[^'\\]+'\])*$/;

/**
 * Compiles a JSONPath that is only property names and indexes (`$.a.b[0]`), without the cost of the general one; null
 * for any other. The value is undefined where the path leads nowhere.
 */
export const compileSimplePath = (path: string): ((document: unknown) => unknown) | null => {
  if (!simplePath.test(path)) return null;
  const keys = [...path.matchAll(/\.(\w+)|\[(\d+)\]|\['([^']+)'\]/g)].map(
    (part) => part[1] ?? part[2] ?? part[3]!,
  );
  return (document) => {
    let value = document;
    for (const key of keys) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
      value = (value as Record<string, unknown>)[key];
    }
    return value;
  };
};

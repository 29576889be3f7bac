/** What the load reads the time from and waits by: each place, and the names in it. */
const kept: readonly (readonly [place: string, owner: () => object, names: readonly string[]])[] = [
  // What stands in them first: an accessor of the whole is no obstacle to what is in it.
  ['performance.', () => performance, ['now']],
  ['process.hrtime.', () => process.hrtime, ['bigint']],
  ['process.', () => process, ['hrtime', 'nextTick']],
  ['Date.', () => Date, ['now']],
  [
    '',
    () => globalThis,
    [
      'performance',
      'Date',
      'Promise',
      'setTimeout',
      'clearTimeout',
      'setInterval',
      'clearInterval',
      'setImmediate',
      'clearImmediate',
      'queueMicrotask',
    ],
  ],
];

const refused = new Set<string>();

/**
 * Keeps the clocks and timers of this process as they are now, for the load and for every library in it: what a
 * processor or a plugin puts in their place has no effect, and is named by `refusedGlobals`. To be called before code of
 * the user is loaded.
 */
export const keepGlobals = (): void => {
  for (const [place, owner, names] of kept) {
    for (const name of names) {
      const object = owner() as Record<string, unknown>;
      const found = object[name];
      // A method that others call bare, or find in place of their own, has to know whose it is.
      const value = place === 'performance.' ? (found as () => number).bind(object) : found;
      Object.defineProperty(object, name, {
        configurable: false,
        enumerable: Object.getOwnPropertyDescriptor(object, name)?.enumerable ?? true,
        get: () => value,
        set: (next: unknown) => {
          if (next !== value) refused.add(`${place}${name}`);
        },
      });
    }
  }
};

/** What code of the user tried to replace, by name. */
export const refusedGlobals = (): readonly string[] => [...refused];

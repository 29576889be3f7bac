/**
 * The numbers of a JSON value by dotted name: `{ db: { rows: 3 }, lag: [1, 2] }` gives `db.rows`, `lag.0`, `lag.1`.
 * Throws an Error that names the place of anything that is no finite number: a metric that vanishes in silence would
 * pass every limit.
 */
export const flattenNumbers = (value: unknown): Record<string, number> => {
  const numbers: Record<string, number> = {};
  const add = (name: string, each: unknown): void => {
    if (typeof each === 'number' && Number.isFinite(each)) numbers[name] = each;
    else if (typeof each === 'object' && each !== null) {
      for (const [key, inner] of Object.entries(each)) add(name === '' ? key : `${name}.${key}`, inner);
    } else throw new Error(`"${name}" is ${JSON.stringify(each)}, which is no number`);
  };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`it is no object: ${JSON.stringify(value)?.slice(0, 120)}`);
  }
  add('', value);
  if (Object.keys(numbers).length === 0) throw new Error('it has no number in it');
  return numbers;
};

/** The JSON in the output of a command: all of it, or its last line where a tool prints something before. */
export const parseJsonOutput = (output: string): unknown => {
  const text = output.trim();
  if (text === '') throw new Error('it printed nothing');
  for (const candidate of [text, text.split('\n').at(-1)!]) {
    try {
      return JSON.parse(candidate);
    } catch {
      // Try the next.
    }
  }
  throw new Error(`it printed no JSON: ${text.slice(0, 200)}`);
};

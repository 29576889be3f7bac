import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { PayloadSpec } from '../scenario/script.ts';

/** Reads the rows of a payload file with the options that Artillery gives the same CSV reader. */
export const readPayload = async (spec: PayloadSpec): Promise<unknown[][]> => {
  const { default: parse } = await import('csv-parse');
  const text = await readFile(spec.path, 'utf8');
  const rows = await promisify<string, object, unknown>(parse)(text, {
    skip_empty_lines: spec.skipEmptyLines ?? true,
    cast: spec.cast ?? true,
    from_line: spec.skipHeader === true ? 2 : 1,
    delimiter: spec.delimiter || ',',
    ...spec.options,
  });
  return rows as unknown[][];
};

import { TailgateError } from '../errors.ts';
import { inputPlace } from './input-overlay.ts';
import { inputDefinitions, type RawInputs } from './inputs.ts';

/** The input that overrides a setting. */
const inputOf = (setting: string): string | null =>
  inputDefinitions.find((input) => input.setting?.join('.') === setting)?.name ?? null;

/**
 * A problem for somebody who has no settings file: keys of the file that inputs stand for are named as those
 * ("target.start" is "--start" on the command line).
 */
export const asInputs = (problem: TailgateError, source: RawInputs['source']): TailgateError => {
  const shown = (name: string): string => (source === 'cli' ? `"--${name}"` : `the input "${name}"`);
  const named = (text: string): string =>
    text.replace(/"([a-z]\w*(?:\.\w+)+)"/g, (quoted, key: string) => {
      const input = inputOf(key);
      return input === null ? quoted : shown(input);
    });
  const { code, what, fix, exit, where, cause } = problem;
  const input = where.key === undefined ? null : inputOf(where.key.replace(/^suites\[\d+\]\./, ''));
  const place = input === null ? where : inputPlace(source, input);
  return new TailgateError(code, named(what), named(fix), exit, place, cause);
};

import { type TailgateError, tailgateError } from '../errors.ts';
import { nearestName } from '../metrics/nearest-name.ts';
import { inputPlace, inputText } from './input-overlay.ts';
import { actionModes, type RawInputs } from './inputs.ts';

export type ActionMode = (typeof actionModes)[number];

/** What the step is to do, the input `mode`, or what it most likely was to be; with SETTINGS_INVALID_VALUE where that is wrong. */
export const actionMode = (inputs: RawInputs): { mode: ActionMode; problems: TailgateError[] } => {
  const text = inputText(inputs, 'mode') ?? 'gate';
  const mode = actionModes.find((known) => known === text);
  if (mode !== undefined) return { mode, problems: mode === 'capacity' ? shardProblems(inputs) : [] };
  const near = nearestName(text, [...actionModes]);
  const known = actionModes.map((name) => `"${name}"`).join(' or ');
  const problem = tailgateError(
    'SETTINGS_INVALID_VALUE',
    {
      key: 'mode',
      problem: `got "${text}"`,
      expected: `${near === undefined ? '' : `Did you mean "${near}"? `}Write ${known}.`,
    },
    inputPlace(inputs.source, 'mode'),
  );
  return { mode: actionModes.find((one) => one === near) ?? 'gate', problems: [problem] };
};

/** A search drives loads that it chooses as it goes, so it cannot be divided. */
function shardProblems(inputs: RawInputs): TailgateError[] {
  const key = ['shard', 'start-at', 'rendezvous', 'merge'].find(
    (name) => inputText(inputs, name) !== undefined,
  );
  if (key === undefined) return [];
  const params = { key, problem: 'a search for the capacity has no shards', expected: 'Take it out.' };
  return [tailgateError('SETTINGS_INVALID_VALUE', params, inputPlace(inputs.source, key))];
}

import { tailgateError } from '../errors.ts';
import { nearestName } from '../metrics/nearest-name.ts';
import { inputPlace, inputText } from './input-overlay.ts';
import { actionModes, type RawInputs } from './inputs.ts';

export type ActionMode = (typeof actionModes)[number];

/** What the step is to do: the input `mode`. Throws SETTINGS_INVALID_VALUE. */
export const actionMode = (inputs: RawInputs): ActionMode => {
  const text = inputText(inputs, 'mode') ?? 'gate';
  const mode = actionModes.find((known) => known === text);
  if (mode === 'capacity') assertNoShards(inputs);
  if (mode !== undefined) return mode;
  const near = nearestName(text, [...actionModes]);
  const known = actionModes.map((name) => `"${name}"`).join(' or ');
  throw tailgateError(
    'SETTINGS_INVALID_VALUE',
    {
      key: 'mode',
      problem: `got "${text}"`,
      expected: `${near === undefined ? '' : `Did you mean "${near}"? `}Write ${known}.`,
    },
    inputPlace(inputs.source, 'mode'),
  );
};

/** A search drives loads that it chooses as it goes, so it cannot be divided. */
const assertNoShards = (inputs: RawInputs): void => {
  const key = ['shard', 'start-at', 'rendezvous', 'merge'].find(
    (name) => inputText(inputs, name) !== undefined,
  );
  if (key === undefined) return;
  const params = { key, problem: 'a search for the capacity has no shards', expected: 'Take it out.' };
  throw tailgateError('SETTINGS_INVALID_VALUE', params, inputPlace(inputs.source, key));
};

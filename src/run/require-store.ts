import { tailgateError } from '../errors.ts';
import type { LoadedSettings } from '../settings/load-settings.ts';

/** Throws SETTINGS_INVALID_VALUE when the settings keep no records. */
export const requireStore = (loaded: LoadedSettings): void => {
  const { mode } = loaded.settings.baseline;
  if (mode !== 'none') return;
  throw tailgateError(
    'SETTINGS_INVALID_VALUE',
    {
      key: 'baseline.mode',
      problem: `"${mode}" stores nothing`,
      expected: 'Set it to "branch" or "file", or give --baseline file:PATH.',
    },
    loaded.placeOf(['baseline', 'mode']),
  );
};

import type { SourcePosition } from '../errors.ts';
import { formatPath, type SettingPath } from './setting-path.ts';
import type { SettingsText } from './settings-file.ts';

/** Where settings were written: the input that gave one, or its line and column in the file. */
export type SettingPlaces = {
  value(path: SettingPath): SourcePosition;
  key(path: SettingPath): SourcePosition;
};

/**
 * The places of settings that come from `text` (the file `file`) and from inputs, which `inputPlaceOf` knows. A setting
 * that is written nowhere has the place of what is around it.
 */
export const settingPlaces = (
  inputPlaceOf: (path: SettingPath) => SourcePosition | null,
  text: SettingsText | null,
  file: string | undefined,
): SettingPlaces => {
  const nearest = (path: SettingPath, inText: (text: SettingsText, path: SettingPath) => SourcePosition) => {
    for (let length = path.length; length > 0; length--) {
      const at = path.slice(0, length);
      const twin = twinAtTop(at);
      const input = inputPlaceOf(at) ?? (twin === null ? null : inputPlaceOf(twin));
      if (input !== null) return input;
      for (const candidate of twin === null ? [at] : [at, twin])
        if (text?.has(candidate) === true) return inText(text, candidate);
    }
    return file === undefined ? { key: formatPath(path) } : { file };
  };
  return {
    value: (path) => nearest(path, (from, at) => from.valuePlace(at)),
    key: (path) => nearest(path, (from, at) => from.keyPlace(at)),
  };
};

/** A group of a suite takes what it does not say from the group of the same name at the top level. */
function twinAtTop(path: SettingPath): SettingPath | null {
  return path[0] === 'suites' && path.length > 2 ? path.slice(2) : null;
}

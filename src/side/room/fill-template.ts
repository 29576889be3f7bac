import { tailgateError } from '../../errors.ts';

const whole = /^\{\{\s*([\w$.-]+)\s*\}\}$/;
const anywhere = /\{\{\s*([\w$.-]+)\s*\}\}/g;

/**
 * `value` with every `{{ name }}` in its strings, at any depth, replaced by that variable. A string that is nothing
 * but one template takes the variable as it is, so that numbers stay numbers. `key` is the setting's name for
 * messages. Throws SETTINGS_INVALID_VALUE for an unknown name.
 */
export const fillTemplate = (
  value: unknown,
  variables: Readonly<Record<string, unknown>>,
  key: string,
): unknown => {
  if (typeof value === 'string') {
    const look = (name: string): unknown => {
      if (Object.hasOwn(variables, name)) return variables[name];
      throw tailgateError(
        'SETTINGS_INVALID_VALUE',
        {
          key,
          problem: `there is no variable "${name}"`,
          expected:
            name === 'token'
              ? 'Set "room.token" or "room.jwt": that is where the token comes from.'
              : `Known here: ${Object.keys(variables).join(', ') || 'none'}; "room.capture" adds variables for "room.delete".`,
        },
        { key },
      );
    };
    const only = whole.exec(value);
    if (only !== null) return look(only[1]!);
    return value.replace(anywhere, (_, name: string) => {
      const found = look(name);
      return typeof found === 'object' ? JSON.stringify(found) : String(found);
    });
  }
  if (Array.isArray(value))
    return value.map((each, index) => fillTemplate(each, variables, `${key}.${index}`));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, fillTemplate(each, variables, `${key}.${name}`)]),
  );
};

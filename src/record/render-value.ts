import { isSecret, isSecretValue, type Replaced } from './recorded-values.ts';

/** A variable as a scenario puts it in. */
export const variable = (name: string): string => `{{ ${name} }}`;
const templateOf = ({ kind, name }: Replaced): string => variable(kind === 'unique' ? '$uuid' : name);

/** A value with variables in the places of what is not written as it was; binary data as `$binary`. */
export function renderValue(
  value: unknown,
  replaced: readonly Replaced[],
  secrets: readonly string[],
  key = '',
): unknown {
  if (Buffer.isBuffer(value)) return { $binary: value.toString('base64') };
  if (Array.isArray(value)) return value.map((each) => renderValue(each, replaced, secrets, key));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [name, renderValue(each, replaced, secrets, name)]),
    );
  if (typeof value !== 'string' && typeof value !== 'number') return value;
  const exact = replaced.find((each) => each.value === String(value));
  if (exact !== undefined) return templateOf(exact);
  if (typeof value === 'number') return isSecretValue(key, value) ? '***' : value;
  let text = value;
  for (const each of replaced)
    if (!each.whole && text.includes(each.value)) text = text.replaceAll(each.value, templateOf(each));
  return text === value && isSecret(key, value) ? '***' : clean(text, secrets);
}

/** A text without secrets. */
export const clean = (text: string, secrets: readonly string[]): string => {
  let cleaned = text;
  for (const secret of secrets) if (secret.length >= 6) cleaned = cleaned.replaceAll(secret, '***');
  return cleaned;
};

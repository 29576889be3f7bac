import { z } from 'zod';
import { languageLevels, valueNames } from './scenario-language.ts';
import { isMapping } from './script.ts';

/**
 * What a value of the scenario must be, in words ("a number or text"); null when it is that. Groups are only asked to be
 * mappings, because their keys are checked one by one, and a template may stand for anything. Pure.
 */
export const expectedValue = (type: z.ZodType, value: unknown): string | null =>
  accepts(type, value) ? null : named(type);

/** The type without what wraps it. */
export const bareType = (type: z.ZodType): z.ZodType =>
  type instanceof z.ZodOptional || type instanceof z.ZodLazy ? bareType(type.unwrap() as z.ZodType) : type;

const accepts = (wrapped: z.ZodType, value: unknown): boolean => {
  const type = bareType(wrapped);
  if (type instanceof z.ZodUnknown) return true;
  // A template without quotes has a message of its own.
  if (isMapping(value) && '[object Object]' in value) return true;
  if (typeof value === 'string' && value.includes('{{')) return true;
  if (type instanceof z.ZodObject || type instanceof z.ZodRecord) return isMapping(value);
  if (type instanceof z.ZodArray)
    return Array.isArray(value) && value.every((item) => accepts(type.element as z.ZodType, item));
  if (type instanceof z.ZodUnion) return type.options.some((option) => accepts(option as z.ZodType, value));
  return type.safeParse(value).success;
};

const named = (wrapped: z.ZodType): string => {
  const names = [...new Set(namesOf(wrapped))];
  return names.length < 2
    ? (names[0] ?? 'something else')
    : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
};

const namesOf = (wrapped: z.ZodType): string[] => {
  const type = bareType(wrapped);
  const given = valueNames.get(type)?.what;
  if (given !== undefined) return [given];
  if (type instanceof z.ZodUnion) return type.options.flatMap((option) => namesOf(option as z.ZodType));
  if (type instanceof z.ZodObject)
    return [languageLevels.get(type) === undefined ? 'a mapping' : `a mapping with ${keysIn(type)}`];
  if (type instanceof z.ZodRecord) return ['a mapping'];
  if (type instanceof z.ZodArray) return ['a list'];
  if (type instanceof z.ZodEnum || type instanceof z.ZodLiteral)
    return [...(type instanceof z.ZodEnum ? type.options : type.values)].map((value) =>
      JSON.stringify(value),
    );
  if (type instanceof z.ZodBoolean) return ['true or false'];
  if (type instanceof z.ZodNumber) return ['a number'];
  return type instanceof z.ZodString ? ['text'] : [];
};

const maxKeys = 4;

const keysIn = (type: z.ZodObject): string => {
  const keys = Object.keys(type.shape).map((key) => `"${key}"`);
  return keys.length <= maxKeys ? keys.join(', ') : `${keys.slice(0, maxKeys).join(', ')} ...`;
};

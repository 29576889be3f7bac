import { madeUpPassword } from '../record/recorded-values.ts';

/** Stands in a first guess where each user has a value of its own. */
export const ownId = '{{ $uuid }}';

/** What to send for a field, by its name. */
export const guessValue = (name: string): unknown => {
  if (/pass(word|wd|code)|secret|token/i.test(name)) return madeUpPassword;
  if (/room|channel|topic|lobby|group|game|session|board/i.test(name)) return 'room-1';
  if (/user|nick|name|author|sender|from|login|player/i.test(name)) return 'tailgate';
  if (
    /^(x|y|x\d|y\d|lat|lng|lon|\w*width|\w*height|size|count|amount|score|position|index|num|number|level|speed|angle|value)$/i.test(
      name,
    )
  )
    return 1;
  if (/^(is|has|can)[A-Z]|typing|enabled|ready|active/.test(name)) return true;
  if (/time|date|timestamp|createdAt/i.test(name)) return 1_700_000_000_000;
  if (/email/i.test(name)) return 'user@example.com';
  return 'hello from tailgate';
};

/** What to send for a field of a declared type; its name decides where the type leaves it open. */
export const guessTyped = (name: string, type: string): unknown => {
  if (/\[\]$|^Array</.test(type)) return [];
  if (/^number$/i.test(type)) return 1;
  if (/^boolean$/i.test(type)) return true;
  const literal = /^['"]([^'"]*)['"]/.exec(type)?.[1];
  return literal ?? guessValue(name);
};

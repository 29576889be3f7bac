import { contextFuncs } from '../../node_modules/artillery/dist/lib/core/runner.js';

/** What the users of the CPU bench send: the same each time, with variables put in, or with functions called too. */
export type PayloadName = 'static' | 'variables' | 'calls';

type Payload = {
  /** As it stands in a scenario. */
  scenario: Record<string, unknown>;
  /** The variables of a user. */
  vars: (index: number) => Record<string, unknown>;
  /** The same as the code of a bare client writes it: message `n` of a user. */
  bare: (index: number, n: number) => Record<string, unknown>;
};

const fixed = {
  user: 'Ann',
  n: 1,
  text: 'a message of the length that people write in a chat',
  tags: ['a', 'b'],
};
const nameOf = (index: number): string => `user ${index}`;
const vars = (index: number) => ({ name: nameOf(index) });
const { $randomNumber, $randomString } = contextFuncs;

export const payloads: Record<PayloadName, Payload> = {
  static: { scenario: fixed, vars: () => ({}), bare: () => fixed },
  variables: {
    scenario: {
      user: '{{ name }}',
      n: '{{ $loopCount }}',
      text: '{{ name }} writes message {{ $loopCount }}, of the length of a chat',
      tags: ['a', 'b'],
    },
    vars,
    bare: (index, n) => ({
      user: nameOf(index),
      n,
      text: `${nameOf(index)} writes message ${n}, of the length of a chat`,
      tags: ['a', 'b'],
    }),
  },
  calls: {
    scenario: {
      user: '{{ name }}',
      n: '{{ $randomNumber(1, 1000) }}',
      text: '{{ $randomString(40) }}',
      tags: ['a', 'b'],
    },
    vars,
    bare: (index) => ({
      user: nameOf(index),
      n: $randomNumber(1, 1_000),
      text: $randomString(40),
      tags: ['a', 'b'],
    }),
  },
};

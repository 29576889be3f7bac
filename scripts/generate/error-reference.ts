import { catalogue, exitCodes } from '../../src/errors.ts';

/** Parts of docs/troubleshooting.md, with the beginnings of the codes in each, in the order of a run. */
const parts: readonly { title: string; codes: RegExp; more: string }[] = [
  {
    title: 'Settings, inputs and the command line',
    codes: /^(SETTINGS|EXTENDS|FILE|WORKING|SUITE|OVERRIDE|SECRET|INPUT|COMMAND|OPTION|ARGUMENTS)_/,
    more: 'Every key is in [settings.md](settings.md); `tailgate validate` names all mistakes at once.',
  },
  {
    title: 'Limits',
    codes: /^(THRESHOLD|CAPACITY)_/,
    more: 'Names, units and the grammar are in [thresholds.md](thresholds.md).',
  },
  {
    title: 'The scenario',
    codes: /^SCENARIO_/,
    more: 'What can be written is in [scenarios.md](scenarios.md).',
  },
  {
    title: 'The server',
    codes: /^(BUILD|TARGET|PORT|LIMIT|CUSTOM|INJECTION)_/,
    more: 'How it is started, watched and stopped is in [server.md](server.md).',
  },
  {
    title: 'The room',
    codes: /^ROOM_/,
    more: 'Owner, token and creation are explained in [chat-room.md](chat-room.md).',
  },
  {
    title: 'The measurement',
    codes: /^(LOAD|NOTHING_MEASURED|GENERATOR)/,
    more: 'When a round counts is explained in [how-it-decides.md](how-it-decides.md).',
  },
  {
    title: 'Baselines',
    codes: /^(BASE|BASELINE|RECORDS|CONFIRMATION|JOB)_/,
    more: 'What is compared with what is in [baselines.md](baselines.md).',
  },
  {
    title: 'GitHub and reports',
    codes: /^(GITHUB|REPORT|REPORTS|PULL|NOTHING_IN)_/,
    more: 'Permissions and forks are in [github.md](github.md).',
  },
  {
    title: 'Record, import and init',
    codes: /^(RECORDING|IMPORT|INIT)_/,
    more: 'How a scenario is recorded is in [record.md](record.md).',
  },
  {
    title: 'Several machines',
    codes: /^SHARDS?_/,
    more: 'How shards start, and what is merged, is in [scale.md](scale.md).',
  },
  {
    title: 'Bisect and compare',
    codes: /^(BISECT|COMPARED|SUITES)_/,
    more: 'The search for a commit is in [bisect.md](bisect.md).',
  },
  { title: 'Everything else', codes: /./, more: '' },
];

/** Every error of the catalogue: its message, what to do, and the exit code, with a word in angles for what varies. */
export const renderErrorReference = (): string => {
  const left = new Set(Object.keys(catalogue));
  return parts
    .flatMap(({ title, codes, more }) => {
      const own = [...left].filter((code) => codes.test(code));
      for (const code of own) left.delete(code);
      if (own.length === 0) return [];
      return [`### ${title}`, ...(more === '' ? [] : [more]), ...own.map(renderError)];
    })
    .join('\n\n');
};

type Words = (params: unknown) => string;

const renderError = (code: string): string => {
  const { exit, cause, fix } = catalogue[code as keyof typeof catalogue] as unknown as {
    exit: keyof typeof exitCodes;
    cause: Words;
    fix: Words;
  };
  const said = [...wordsOf(cause).split('\n'), '', ...wordsOf(fix).split('\n')].map((line) =>
    `${line}`.trimEnd(),
  );
  return [`#### ${code}`, '', `Exit code ${exitCodes[exit]}.`, '', '```text', ...said, '```'].join('\n');
};

/** A message with the name of each parameter in the place of its value. */
const wordsOf = (words: Words): string => {
  const params = new Proxy({}, { get: (_, key) => stand(String(key)) });
  const said = String(words(params)).replaceAll('NaN', '<number>');
  if (/\bundefined\b/.test(said)) throw new Error(`a message of the catalogue says nothing here: ${said}`);
  return said;
};

/** Stands for a parameter whatever is done with it: a text, a list of one, or a group. */
const stand = (name: string): unknown => {
  const text = `<${name
    .replaceAll(/([A-Z])/g, ' $1')
    .toLowerCase()
    .replace(/ ms$/, '')}>`;
  return new Proxy([text], {
    get: (list, key) => {
      if (key === Symbol.toPrimitive) return (hint: string) => (hint === 'number' ? Number.NaN : text);
      if (key === 'toString') return () => text;
      const own: unknown = Reflect.get(list, key) ?? Reflect.get(Object(text), key);
      if (typeof own === 'function') return own.bind(Reflect.has(list, key) ? list : text);
      return own ?? stand(String(key));
    },
  });
};

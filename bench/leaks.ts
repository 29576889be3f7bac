/**
 * Whether a suite of `kind: endurance` finds what stays in memory, and takes nothing else for it: leaks are put into the
 * example servers, and so are caches that fill up and code that is compiled late.
 *
 *   npm run bench -- leaks [MINUTES] [NAME,...]
 *
 * Measures for so many minutes (0: nothing), the kind that is furthest from its number first; what was measured before
 * is kept in bench/results/leaks.jsonl and gone on with. Then writes bench/results/leaks.md from all of it. Give it a
 * machine of its own.
 */
import { appendFileSync, cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Figure, figure, share } from './figure.ts';
import {
  type Change,
  type Edit,
  inChat,
  inject,
  readSentences,
  repositoryWith,
  root,
  type Sentence,
  tailgateTells,
} from './injected-changes.ts';
import { pieceOfSeries, resultsIn, thisMachine } from './timed-series.ts';

export const about =
  'Injected leaks, caches and late code: what does a suite of kind "endurance" say of each?';

const kept = path.join(import.meta.dirname, 'results/leaks.jsonl');
const table = path.join(import.meta.dirname, 'results/leaks.md');
const endurance = 1.5;

/**
 * `names`: what may be named as the class; none where there is no leak, or, of a server that is not Node, nothing to name.
 * `runs`: how often it is measured.
 */
type Leak = Change & {
  title: string;
  server: Server;
  leak?: true;
  names: string[];
  runs: number;
};
type Server = 'chat' | 'location' | 'go';

const inServer = (find: string, put: string): Edit => ({ file: 'chat-server/server.js', find, put });
const inJoin = (put: string): Edit =>
  inServer(
    '    const room = existingRoom(roomId);\n    enter(socket',
    `    const room = existingRoom(roomId);\n${put}\n    enter(socket`,
  );
const beside = (put: string): Edit => {
  const rooms = 'const rooms = new Map();\n';
  return inServer(rooms, `${rooms}${put}\n`);
};

export const changes: Leak[] = [
  {
    name: 'message',
    title: 'an object for each message',
    server: 'chat',
    runs: 3,
    edits: [
      beside(
        'class Seen {\n  constructor(at, by) {\n    this.at = at;\n    this.by = by;\n    this.reads = 0;\n  }\n}\nconst history = [];',
      ),
      inChat('    history.push(new Seen(performance.now(), socket.id.slice(1)));'),
    ],
    leak: true,
    names: ['Seen'],
    marks: ['new Seen('],
  },
  {
    name: 'listener',
    title: 'a listener for each session',
    server: 'chat',
    runs: 3,
    edits: [
      inServer(
        "import { createServer } from 'node:http';\n",
        "import { EventEmitter } from 'node:events';\nimport { createServer } from 'node:http';\n",
      ),
      beside('const news = new EventEmitter();\nnews.setMaxListeners(0);'),
      inJoin("    news.on('closing', () => socket.emit('closing', { roomId }));"),
    ],
    leak: true,
    names: ['closing', 'Socket', '', 'anonymous'],
    marks: ["news.on('closing'"],
  },
  {
    name: 'room',
    title: 'a room for each session, never deleted',
    server: 'chat',
    runs: 3,
    edits: [
      beside(
        'class OwnRoom {\n  constructor(member) {\n    this.owner = member;\n    this.members = new Set([member]);\n    this.messages = [];\n  }\n}\nconst ownRooms = new Map();',
      ),
      inJoin('    ownRooms.set(roomId + socket.id, new OwnRoom(socket.id));'),
    ],
    leak: true,
    names: ['OwnRoom'],
    marks: ['new OwnRoom('],
  },
  {
    name: 'entry',
    title: 'a small entry for each session, never deleted',
    server: 'chat',
    runs: 3,
    edits: [
      beside(
        'class Visit {\n  constructor(roomId) {\n    this.roomId = roomId;\n    this.seen = new Set();\n  }\n}\nconst visits = new Map();',
      ),
      inJoin('    visits.set(socket.id, new Visit(roomId));'),
    ],
    leak: true,
    names: ['Visit'],
    marks: ['new Visit('],
  },
  {
    name: 'same',
    title: 'the same twice',
    server: 'chat',
    runs: 6,
    edits: [inServer('const rooms = new Map();\n', '// The same.\nconst rooms = new Map();\n')],
    names: [],
    marks: [],
  },
  {
    name: 'location',
    title: 'the same twice, location server',
    server: 'location',
    runs: 5,
    edits: [
      { file: 'location-server/server.js', find: 'const store = ', put: '// The same.\nconst store = ' },
    ],
    names: [],
    marks: [],
  },
  {
    name: 'cache',
    title: 'a cache that fills',
    server: 'chat',
    runs: 5,
    edits: [
      beside('const recent = new Map();'),
      inChat(
        '    recent.set(socket.id + performance.now(), { text: message });\n    if (recent.size > 1500) recent.delete(recent.keys().next().value);',
      ),
    ],
    names: [],
    marks: [],
  },
  {
    name: 'late-code',
    title: 'code that is compiled late',
    server: 'chat',
    runs: 4,
    edits: [
      beside(
        "let calls = 0;\nconst late = [];\nconst compileLate = () => {\n  calls += 1;\n  const step = Math.floor(Math.sqrt(calls));\n  if (step * step === calls && late.length < 60)\n    late.push(new Function('x', 'switch (x) { ' + Array.from({ length: 40 }, (_, n) => 'case ' + n + ': return x + ' + n * step + ';').join(' ') + ' }'));\n  for (const each of late) each(calls % 40);\n};",
      ),
      inChat('    compileLate();'),
    ],
    names: [],
    marks: [],
  },
  {
    name: 'go',
    title: 'a slice for each session, server in Go',
    server: 'go',
    runs: 3,
    leak: true,
    edits: [{ file: 'go-server/server.go', find: 'keeps = "no"', put: 'keeps = "yes"' }],
    names: [],
    marks: [],
  },
  {
    name: 'go-same',
    title: 'the same twice, server in Go',
    server: 'go',
    runs: 3,
    edits: [{ file: 'go-server/server.go', find: 'keeps = "no"', put: 'keeps = "no" // The same.' }],
    names: [],
    marks: [],
  },
];

type Result = {
  name: string;
  leak: boolean;
  /** Whether a class and a line are to be named. */
  isNamed: boolean;
  verdict: string;
  reason: string;
  /** Of the head and of the baseline, bytes. */
  perSession: (number | null)[];
  text: string;
  rightClass: boolean;
  rightLine: boolean;
  tookMs: number;
  machine: string;
  /** Heap of both sides after each wave, bytes: the noise that a simulation can be given. */
  heap: { baseline: number[]; head: number[] };
  sessions: number[];
};

const scenarios: Record<Server, string> = {
  chat: `config:
  target: http://127.0.0.1:3000
  phases: [{ duration: 600, arrivalRate: 40 }]
  socketio: { transports: [websocket], auth: { accessToken: "Bearer {{ $token }}" } }
scenarios:
  - engine: socketio
    flow:
      - emit: { channel: joinRoom, data: { roomId: lobby } }
        acknowledge: {}
      - loop:
          - emit: { channel: chat, data: { roomId: lobby, text: hello } }
            acknowledge: {}
          - think: 40ms
        count: 8
`,
  location: `config:
  target: http://127.0.0.1:3000
  phases: [{ duration: 600, arrivalRate: 40 }]
  socketio: { transports: [websocket] }
scenarios:
  - engine: socketio
    flow:
      - loop:
          - emit:
              channel: save_msg
              data: { token: "{{ $token }}", longitude: 13.4, latitude: 52.5, contents: hello, radius: 2000 }
            acknowledge: { match: { json: "$.0.ok", value: true } }
          - think: 40ms
        count: 4
`,
  go: `config:
  target: ws://127.0.0.1:3000
  phases: [{ duration: 600, arrivalRate: 40 }]
scenarios:
  - engine: ws
    flow:
      - loop:
          - { send: hello, response: true }
          - think: 40ms
        count: 4
`,
};
const environments: Record<Server, string> = {
  chat: '{ JWT_SECRET: example-secret, CREATE_ON_JOIN: "true" }',
  location:
    '{ JWT_SECRET: example-secret, NODE_ENV: test, DATABASE_URL: "file:.tailgate/location-test-{{ port }}.db" }',
  go: '{}',
};
const settingsOf = (server: Server): string => `suites:
  - name: memory
    kind: endurance
    minutes: ${endurance}
    scenario: ${server}.yml
target:
${
  server === 'go'
    ? '  build: cd go-server && go build -o server server.go\n  start: exec go-server/server\n  ready: { type: http, path: / }'
    : `  start: node ${server}-server/server.js\n  ready: { type: socketio }`
}
  env: ${environments[server]}
baseline: { mode: side-by-side, ref: base }
measure:
  jwt: { secret: example-secret, claims: { sub: virtual-user } }
`;

/** The servers with the modules that they need. */
const writeServers = (dir: string): void => {
  for (const server of ['chat', 'location', 'go'] as const) {
    const from = server === 'go' ? 'bench/leaks-go' : `examples/${server}-server`;
    cpSync(path.join(root, from), path.join(dir, `${server}-server`), { recursive: true });
    writeFileSync(path.join(dir, `${server}.yml`), scenarios[server]);
    writeFileSync(path.join(dir, `${server}-settings.yml`), settingsOf(server));
  }
  symlinkSync(path.join(root, 'node_modules'), path.join(dir, 'node_modules'));
  writeFileSync(path.join(dir, '.gitignore'), '.tailgate\ngo-server/server\n');
  mkdirSync(path.join(dir, '.tailgate'));
};

type Told = {
  suites: {
    verdict: string;
    reason: string;
    explanation?: { sentences: Sentence[] };
    metrics: { id: string; baselineValue: number | null; headValue: number | null }[];
    rounds: { side: 'baseline' | 'head'; quiet?: { heapBytes: number | null; sessions: number } }[];
  }[];
};

const measure = (one: Leak, repository: ReturnType<typeof repositoryWith>): Result => {
  const lines = inject(one, repository);
  const began = performance.now();
  const { told, said } = tailgateTells<Told>(
    repository.dir,
    ['run', '--config', `${one.server}-settings.yml`],
    400_000,
  );
  const tookMs = Math.round(performance.now() - began);
  const suite = told?.suites[0];
  if (suite === undefined) throw new Error(`${one.name}: ${said}`);
  const { text, places } = readSentences(suite.explanation?.sentences ?? []);
  const metric = suite.metrics.find(({ id }) => id === 'server.retained.perSession');
  const heapOf = (side: 'baseline' | 'head') =>
    suite.rounds.flatMap((round) => (round.side === side ? (round.quiet?.heapBytes ?? []) : []));
  return {
    name: one.name,
    leak: one.leak === true,
    isNamed: one.names.length > 0,
    verdict: suite.verdict,
    reason: suite.reason,
    perSession: [metric?.headValue ?? null, metric?.baselineValue ?? null],
    text,
    rightClass: one.names.some((name) => text.includes(`\`${name}\``) || text.includes(`class \`${name}\``)),
    rightLine: places.some((place) => lines.includes(place)),
    tookMs,
    machine: thisMachine(),
    heap: { baseline: heapOf('baseline'), head: heapOf('head') },
    sessions: suite.rounds.flatMap((round) => (round.side === 'head' ? (round.quiet?.sessions ?? []) : [])),
  };
};

export const run = async (words: readonly string[]): Promise<Figure[]> => {
  const { chosen, untilMs } = pieceOfSeries('leaks', words, changes);
  const done = resultsIn<Result>(kept);
  const runsOf = ({ name }: Leak): number => done.filter((result) => result.name === name).length;
  const repository = repositoryWith(writeServers);
  try {
    while (performance.now() < untilMs) {
      const [next] = chosen
        .filter((one) => runsOf(one) < one.runs)
        .sort((one, other) => runsOf(one) / one.runs - runsOf(other) / other.runs);
      if (next === undefined) break;
      const result = measure(next, repository);
      appendFileSync(kept, `${JSON.stringify(result)}\n`);
      done.push(result);
      const { name, verdict, tookMs, reason, text } = result;
      process.stderr.write(`${name}: ${verdict} in ${tookMs} ms: ${reason} ${text}\n`);
    }
  } finally {
    rmSync(repository.dir, { recursive: true, force: true });
  }
  if (done.length > 0) writeFileSync(table, renderTable(done));
  return figuresOf(done);
};

function figuresOf(done: readonly Result[]): Figure[] {
  const leaks = done.filter(({ leak }) => leak);
  const others = done.filter(({ leak }) => !leak);
  const planned = (leak: boolean): number =>
    changes.reduce((sum, one) => sum + ((one.leak === true) === leak ? one.runs : 0), 0);
  const injected = `${leaks.length} of ${planned(true)} runs with an injected leak`;
  const named = leaks.filter(({ isNamed }) => isNamed);
  const all = (name: string, isSo: (result: Result) => boolean, of = named): Figure =>
    figure(name, share(of, isSo), 'share', '>=', 1, injected);
  const longest = Math.max(...leaks.map(({ tookMs }) => tookMs / 1000));
  const unchanged = `${others.length} of ${planned(false)} runs of servers that are the same, fill a cache or compile late`;
  return [
    ...(leaks.length === 0
      ? []
      : [
          all('leaks found', ({ verdict }) => verdict === 'fail', leaks),
          ...(named.length === 0
            ? []
            : [
                all('leaks with the right class', ({ rightClass }) => rightClass),
                all('leaks with the right line', ({ rightLine }) => rightLine),
              ]),
          figure('longest time to find one', longest, 's', '<=', 120, injected),
        ]),
    ...(others.length === 0
      ? []
      : [
          figure(
            'no leak, and one is reported',
            share(others, ({ verdict }) => verdict === 'fail'),
            'share',
            '<=',
            0,
            unchanged,
          ),
        ]),
  ];
}

function renderTable(done: readonly Result[]): string {
  const line = (cells: readonly unknown[]): string => `| ${cells.join(' | ')} |`;
  const rows = changes.flatMap((one) => {
    const results = done.filter(({ name }) => name === one.name);
    if (results.length === 0) return [];
    const count = (isSo: (result: Result) => boolean): number => results.filter(isSo).length;
    const isNamed = one.names.length > 0;
    const seconds = results.map(({ tookMs }) => Math.round(tookMs / 1000));
    return [
      line([
        one.title,
        `${results.length} of ${one.runs}`,
        ...['fail', 'pass', 'inconclusive', 'invalid'].map((verdict) =>
          count((result) => result.verdict === verdict),
        ),
        ...(isNamed
          ? [count(({ rightClass }) => rightClass), count(({ rightLine }) => rightLine)]
          : ['–', '–']),
        `${Math.min(...seconds)} to ${Math.max(...seconds)} s`,
        results.find(({ text }) => text !== '')?.text.replaceAll('|', '\\|') ?? '–',
      ]),
    ];
  });
  return `# What stays in memory: is it found, and named?

Runs of the shipped gate with a suite of \`kind: endurance\` (${endurance} minutes, side by side) on the example servers. Aims: each leak fails within
two minutes, start, waves and explanation together, with its class and its line named; and none of the runs without a leak fails. Of servers that are not Node the resident memory is judged, and nothing is named.
The series goes on wherever it stopped: \`npm run bench -- leaks 30\` measures for half an hour more, on a machine that does nothing else. Raw values:
\`bench/results/leaks.jsonl\`.

${line(['Head', 'Measured', 'Failed', 'Passed', 'Undecided', 'Invalid', 'Class', 'Line', 'Took', 'Said, once'])}
|---|---|---|---|---|---|---|---|---|---|
${rows.join('\n')}

Measured on: ${[...new Set(done.map(({ machine }) => machine))].join('; ')}.
`;
}

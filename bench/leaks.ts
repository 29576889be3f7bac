/**
 * Whether a suite of `kind: endurance` finds what stays in memory, and takes nothing else for it: leaks are put into the
 * example chat server, each as a commit of its own, and so are caches that fill up and code that is compiled late.
 *
 *   npm run bench -- leaks RESULTS.jsonl [AT_MOST | NAME,NAME]
 *
 * What is in the file already is not measured again, so that a series can be made in pieces; what is named is.
 */
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Figure, figure, share } from './figure.ts';
import {
  type Change,
  continueSeries,
  type Edit,
  inChat,
  inject,
  readSentences,
  repositoryWith,
  root,
  type Sentence,
  tailgateTells,
} from './injected-changes.ts';

export const about =
  'Injected leaks, caches and late code: what does a suite of kind "endurance" say of each?';

const minutes = 1.5;

/** `names`: what may be named as the class; none for no leak. */
type Leak = Change & { names: string[] };

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
    edits: [
      beside(
        'class Seen {\n  constructor(at, by) {\n    this.at = at;\n    this.by = by;\n    this.reads = 0;\n  }\n}\nconst history = [];',
      ),
      inChat('    history.push(new Seen(performance.now(), socket.id.slice(1)));'),
    ],
    names: ['Seen'],
    marks: ['new Seen('],
  },
  {
    name: 'listener',
    edits: [
      inServer(
        "import { createServer } from 'node:http';\n",
        "import { EventEmitter } from 'node:events';\nimport { createServer } from 'node:http';\n",
      ),
      beside('const news = new EventEmitter();\nnews.setMaxListeners(0);'),
      inJoin("    news.on('closing', () => socket.emit('closing', { roomId }));"),
    ],
    names: ['closing', 'Socket', '', 'anonymous'],
    marks: ["news.on('closing'"],
  },
  {
    name: 'room',
    edits: [
      beside(
        'class Visit {\n  constructor(roomId) {\n    this.roomId = roomId;\n    this.seen = new Set();\n  }\n}\nconst visits = new Map();',
      ),
      inJoin('    visits.set(socket.id, new Visit(roomId));'),
    ],
    names: ['Visit'],
    marks: ['new Visit('],
  },
  { name: 'same', edits: [], names: [], marks: [] },
  {
    name: 'cache',
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
    edits: [
      beside(
        "let calls = 0;\nconst late = [];\nconst compileLate = () => {\n  calls += 1;\n  const step = Math.floor(Math.sqrt(calls));\n  if (step * step === calls && late.length < 60)\n    late.push(new Function('x', 'switch (x) { ' + Array.from({ length: 40 }, (_, n) => 'case ' + n + ': return x + ' + n * step + ';').join(' ') + ' }'));\n  for (const each of late) each(calls % 40);\n};",
      ),
      inChat('    compileLate();'),
    ],
    names: [],
    marks: [],
  },
];

type Result = {
  name: string;
  leak: boolean;
  verdict: string;
  reason: string;
  /** Of the head and of the baseline, bytes. */
  perSession: (number | null)[];
  text: string;
  rightClass: boolean;
  rightLine: boolean;
  tookMs: number;
  /** Heap of both sides after each wave, bytes: the noise that a simulation can be given. */
  heap: { baseline: number[]; head: number[] };
  sessions: number[];
};

const scenario = `config:
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
`;
const settings = `suites:
  - name: memory
    kind: endurance
    minutes: ${minutes}
    scenario: waves.yml
target:
  start: node chat-server/server.js
  env: { JWT_SECRET: example-secret, CREATE_ON_JOIN: "true" }
  ready: { type: socketio }
baseline: { mode: side-by-side, ref: base }
measure:
  jwt: { secret: example-secret, claims: { sub: virtual-user } }
`;

/** The chat server with the modules that it needs. */
const writeServer = (dir: string): void => {
  cpSync(path.join(root, 'examples/chat-server'), path.join(dir, 'chat-server'), { recursive: true });
  symlinkSync(path.join(root, 'node_modules'), path.join(dir, 'node_modules'));
  writeFileSync(path.join(dir, 'waves.yml'), scenario);
  writeFileSync(path.join(dir, 'tailgate.yml'), settings);
  writeFileSync(path.join(dir, '.gitignore'), '.tailgate\n');
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
  const { told, said } = tailgateTells<Told>(repository.dir, ['run'], 400_000);
  const tookMs = Math.round(performance.now() - began);
  if (told === null) throw new Error(`${one.name}: ${said}`);
  const [suite] = told.suites;
  const { text, places } = readSentences(suite!.explanation?.sentences ?? []);
  const metric = suite!.metrics.find(({ id }) => id === 'server.retained.perSession');
  const heapOf = (side: 'baseline' | 'head') =>
    suite!.rounds.flatMap((round) => (round.side === side ? (round.quiet?.heapBytes ?? []) : []));
  return {
    name: one.name,
    leak: one.names.length > 0,
    verdict: suite!.verdict,
    reason: suite!.reason,
    perSession: [metric?.headValue ?? null, metric?.baselineValue ?? null],
    text,
    rightClass: one.names.some((name) => text.includes(`\`${name}\``) || text.includes(`class \`${name}\``)),
    rightLine: places.some((place) => lines.includes(place)),
    tookMs,
    heap: { baseline: heapOf('baseline'), head: heapOf('head') },
    sessions: suite!.rounds.flatMap((round) => (round.side === 'head' ? (round.quiet?.sessions ?? []) : [])),
  };
};

export const run = async ([file = 'leaks.jsonl', which = '1000']: readonly string[]): Promise<Figure[]> => {
  const done = continueSeries(
    { file, which, cases: changes },
    () => repositoryWith(writeServer),
    measure,
    ({ name, verdict, tookMs, reason, text }) => `${name}: ${verdict} in ${tookMs} ms: ${reason} ${text}`,
  );
  const leaks = done.filter(({ leak }) => leak);
  const others = done.filter(({ leak }) => !leak);
  const injected = `${leaks.length} injected`;
  return [
    figure(
      'leaks found',
      share(leaks, ({ verdict }) => verdict === 'fail'),
      'share',
      '>=',
      1,
      injected,
    ),
    figure(
      'leaks with the right class',
      share(leaks, ({ rightClass }) => rightClass),
      'share',
      '>=',
      1,
      injected,
    ),
    figure(
      'leaks with the right line',
      share(leaks, ({ rightLine }) => rightLine),
      'share',
      '>=',
      1,
      injected,
    ),
    figure(
      'longest time to find one',
      Math.max(0, ...leaks.map(({ tookMs }) => tookMs / 1000)),
      's',
      '<=',
      120,
      injected,
    ),
    figure(
      'no leak, and one is reported',
      share(others, ({ verdict }) => verdict === 'fail'),
      'share',
      '<=',
      0,
      `${others.length} runs of servers that are the same, fill a cache or compile late`,
    ),
  ];
};

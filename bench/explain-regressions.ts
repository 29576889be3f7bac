/**
 * Whether `tailgate explain` names the function and the line: one regression of one function at a time is put into three
 * example servers, each as a commit of its own, and both commits are counted.
 *
 *   npm run bench -- explain-regressions RESULTS.jsonl [AT_MOST | 30min | NAME,NAME]
 *
 * What is in the file already is not measured again, so that a series can be made in pieces; what is named is. The figures
 * tell the first result of each case apart from the last. Unchanged servers come after the changes, ten times each.
 */
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Figure, figure, share } from './figure.ts';
import {
  type Change,
  continueSeries,
  type Edit,
  edit,
  firstAndLast,
  inChat,
  inject,
  readSentences,
  repositoryWith,
  root,
  type Sentence,
  tailgateTells,
} from './injected-changes.ts';

export const about = 'Injected regressions of one function each: does "explain" name it, and its line?';

type Server = 'chat' | 'location' | 'nest';
/** `names`: the functions that may be named. */
type Regression = Change & {
  kind: string;
  server: Server;
  names: string[];
  /** `waits`: no more work; `same`: nothing at all. */
  truth?: 'waits' | 'same';
};

type Result = {
  name: string;
  kind: string;
  server: Server;
  truth: string;
  verdict: string;
  named: string | null;
  line: string | null;
  rightFunction: boolean;
  rightLine: boolean;
  text: string;
};

const inLocation = (put: string): Edit => ({
  file: 'location-server/server.js',
  find: '  positions.set(socket, place);\n',
  put: `  positions.set(socket, place);\n${put}\n`,
});
const inNest = (put: string): Edit => ({
  file: 'nest/src/chat/chat.gateway.ts',
  find: '    await this.slowdown.apply();\n',
  put: `    await this.slowdown.apply();\n${put}\n`,
});

export const regressions: Regression[] = [
  {
    name: 'token-twice',
    kind: 'repeated call',
    server: 'chat',
    edits: [inChat('    userOf(socket);')],
    names: ['userOf', 'verifyToken'],
    marks: ['    userOf(socket);'],
  },
  {
    name: 'linear-room',
    kind: 'slower algorithm',
    server: 'chat',
    edits: [
      {
        file: 'chat-server/server.js',
        find: "rooms.get(text(roomId, 'roomId'))",
        put: "[...rooms].find(([id]) => id === text(roomId, 'roomId'))?.[1]",
      },
    ],
    names: ['', 'existingRoom', 'text'],
    marks: ['[...rooms].find'],
  },
  {
    name: 'regular-expression',
    kind: 'regular expression',
    server: 'chat',
    edits: [
      inChat(
        "    const words = message.repeat(8).match(/[\\w ,.~]+!/g);\n    if (words !== null) throw new Error('!');",
      ),
    ],
    names: ['chat'],
    marks: ['.match(', 'words !== null'],
  },
  {
    name: 'larger-payload',
    kind: 'larger payload',
    server: 'chat',
    edits: [
      {
        file: 'chat-server/server.js',
        find: 'text: message });',
        put: "text: message, trace: 'x'.repeat(6000) });",
      },
    ],
    names: ['chat'],
    marks: ["'x'.repeat(6000)"],
  },
  {
    name: 'extra-broadcast',
    kind: 'extra broadcast',
    server: 'chat',
    edits: [inChat("    socket.to(roomId).emit('typing', { roomId });")],
    names: ['chat', 'emit', 'to', 'newBroadcastOperator'],
    marks: ["'typing'"],
  },
  {
    name: 'serialise-twice',
    kind: 'serialising twice',
    server: 'chat',
    edits: [
      inChat('    JSON.parse(JSON.stringify(Array.from(rooms, ([id, room]) => [id, [...room.members]])));'),
    ],
    names: ['chat', ''],
    marks: ['JSON.parse(JSON.stringify'],
  },
  {
    name: 'file-access',
    kind: 'synchronous file access',
    server: 'chat',
    edits: [
      {
        file: 'chat-server/server.js',
        find: "import { createServer } from 'node:http';",
        put: "import { readFileSync } from 'node:fs';\nimport { createServer } from 'node:http';",
      },
      inChat("    readFileSync(new URL('./token.js', import.meta.url), 'utf8');"),
    ],
    names: ['chat', 'readFileSync', 'URL'],
    marks: ['readFileSync(new URL'],
  },
  {
    name: 'growing-list',
    kind: 'growing list scanned',
    server: 'chat',
    edits: [
      {
        file: 'chat-server/server.js',
        find: 'const rooms = new Map();',
        put: 'const rooms = new Map();\nconst seen = [];',
      },
      inChat('    seen.push(message);\n    seen.filter((one) => one === message);'),
    ],
    names: ['chat', ''],
    marks: ['seen.filter', 'seen.push'],
  },
  {
    name: 'allocation',
    kind: 'extra allocation',
    server: 'chat',
    edits: [
      inChat(
        '    const copy = new Array(3000).fill(roomId).concat([message]);\n    if (copy.length === 0) return { ok: false };',
      ),
    ],
    names: ['chat'],
    marks: ['new Array(3000)', 'copy.length'],
  },
  {
    name: 'awaits',
    kind: 'extra await',
    server: 'chat',
    edits: [inChat('    for (let turn = 0; turn < 300; turn += 1) await turn;')],
    names: ['chat'],
    marks: ['await turn'],
  },
  {
    name: 'logging',
    kind: 'logging',
    server: 'chat',
    edits: [inChat("    console.log('chat', roomId, user);")],
    names: ['chat', 'log'],
    marks: ["console.log('chat'"],
  },
  {
    name: 'anonymous-handler',
    kind: 'anonymous handler',
    server: 'chat',
    edits: [
      {
        file: 'chat-server/server.js',
        find: "io.on('connection', (socket) => {\n",
        put: "io.on('connection', (socket) => {\n  socket.use((packet, next) => next(packet.length > 9 ? new Error('!') : undefined));\n",
      },
    ],
    names: ['', 'use'],
    marks: ['socket.use('],
  },
  {
    name: 'inlined-callee',
    kind: 'callee inlined from another file',
    server: 'chat',
    edits: [
      {
        file: 'chat-server/token.js',
        find: '  const claims = parse(payload);',
        put: '  parse(payload);\n  const claims = parse(payload);',
      },
    ],
    names: ['parse', 'verifyToken'],
    marks: ['  parse(payload);'],
  },
  {
    name: 'new-module',
    kind: 'new function in a new file',
    server: 'chat',
    edits: [
      {
        file: 'chat-server/mask.js',
        find: '',
        put: "export const mask = (text) =>\n  text\n    .split('')\n    .reverse()\n    .join('');\n",
      },
      {
        file: 'chat-server/server.js',
        find: "import { verifyToken } from './token.js';",
        put: "import { mask } from './mask.js';\nimport { verifyToken } from './token.js';",
      },
      inChat('    mask(message);'),
    ],
    names: ['mask'],
    marks: ['    mask(message);'],
  },
  {
    name: 'dependency',
    kind: 'dependency bump',
    server: 'chat',
    edits: [
      {
        file: 'node_modules/text-clean/index.js',
        find: 'text.trim()',
        put: "text.split('').map((letter) => letter.toLowerCase()).join('')",
      },
      { file: 'node_modules/text-clean/package.json', find: '1.0.0', put: '1.1.0' },
      { file: 'package-lock.json', find: '1.0.0', put: '1.1.0' },
    ],
    names: ['clean', '', 'text-clean'],
    marks: ['"1.1.0"'],
  },
  {
    name: 'distance-twice',
    kind: 'repeated call',
    server: 'location',
    edits: [
      {
        file: 'location-server/server.js',
        find: '    if (distance > metres) continue;',
        put: '    if (distance > metres || distanceMetres(position, place) > metres) continue;',
      },
    ],
    names: ['distanceMetres', 'radians'],
    marks: ['distanceMetres(position, place)'],
  },
  {
    name: 'slow-distance',
    kind: 'slower algorithm',
    server: 'location',
    edits: [
      {
        file: 'location-server/distance.js',
        find: '  const latitude = ',
        put: '  for (let step = 0; step < 40; step += 1) radians(Math.atan2(b.latitude, step));\n  const latitude = ',
      },
    ],
    names: ['distanceMetres', 'radians'],
    marks: ['radians(Math.atan2'],
  },
  {
    name: 'sorted-positions',
    kind: 'slower algorithm',
    server: 'location',
    edits: [
      {
        file: 'location-server/server.js',
        find: 'of positions) {',
        put: 'of [...positions].sort(([, a], [, b]) => a.latitude - b.latitude)) {',
      },
    ],
    names: ['', 'saveMessage'],
    marks: ['[...positions].sort('],
  },
  {
    name: 'saved-twice',
    kind: 'extra write',
    server: 'location',
    edits: [
      inLocation(
        "  save({ id: id.replace('-', '-copy-'), sender, ...place, contents, radius: metres, savedAt: '' });",
      ),
    ],
    names: ['save'],
    marks: ['-copy-'],
  },
  {
    name: 'token-again',
    kind: 'repeated call',
    server: 'location',
    edits: [inLocation("  verifyToken(token.replace(/^Bearer /i, ''), secret);")],
    names: ['verifyToken', 'parse'],
    marks: ['  verifyToken(token.replace'],
  },
  {
    name: 'key-derived',
    kind: 'slower algorithm',
    server: 'location',
    edits: [
      {
        file: 'location-server/server.js',
        find: "import { randomUUID } from 'node:crypto';",
        put: "import { pbkdf2Sync, randomUUID } from 'node:crypto';",
      },
      inLocation("  pbkdf2Sync(id, 'salt', 200, 32, 'sha256');"),
    ],
    names: ['saveMessage', 'pbkdf2Sync'],
    marks: ['pbkdf2Sync(id'],
  },
  {
    name: 'nest-clean',
    kind: 'TypeScript with source maps',
    server: 'nest',
    edits: [
      {
        file: 'nest/src/chat/chat.gateway.ts',
        find: 'text: body?.text });',
        put: 'text: this.clean(body?.text) });',
      },
      {
        file: 'nest/src/chat/chat.gateway.ts',
        find: '  private announce(',
        put: "  private clean(text = ''): string {\n    return text.replace(/[^\\x20-\\x7e]/g, '');\n  }\n\n  private announce(",
      },
    ],
    names: ['clean'],
    marks: ['this.clean(body?.text)'],
  },
  {
    name: 'nest-guard',
    kind: 'NestJS guard',
    server: 'nest',
    edits: [
      {
        file: 'nest/src/auth/jwt.guard.ts',
        find: '    return user;',
        put: '    return JSON.parse(JSON.stringify(Array(60).fill(user)))[0];',
      },
    ],
    names: ['handleRequest'],
    marks: ['Array(60).fill(user)'],
  },
  {
    name: 'nest-rooms',
    kind: 'growing list scanned',
    server: 'nest',
    edits: [
      {
        file: 'nest/src/chat/rooms.service.ts',
        find: '    const room = this.rooms.get(id);\n',
        put: '    const room = [...this.rooms].find((entry) => entry[0] === id)?.[1];\n',
      },
    ],
    names: ['', 'existing'],
    marks: ['[...this.rooms].find'],
  },
  {
    name: 'nest-slowdown-twice',
    kind: 'repeated call',
    server: 'nest',
    edits: [inNest('    await this.slowdown.apply();')],
    names: ['apply'],
    marks: ['await this.slowdown.apply();'],
  },
  {
    name: 'sleep',
    kind: 'a sleep',
    server: 'chat',
    edits: [inChat('    await pause(5);')],
    names: [],
    marks: [],
    truth: 'waits',
  },
  {
    name: 'lock',
    kind: 'a lock',
    server: 'chat',
    edits: [
      {
        file: 'chat-server/server.js',
        find: 'const rooms = new Map();',
        put: 'const rooms = new Map();\nlet lock = Promise.resolve();',
      },
      inChat('    await (lock = lock.then(() => pause(2)));'),
    ],
    names: [],
    marks: [],
    truth: 'waits',
  },
  {
    name: 'slow-database',
    kind: 'a slower database',
    server: 'chat',
    edits: [inChat('    await new Promise((done) => setTimeout(done, 4 + Math.random() * 4));')],
    names: [],
    marks: [],
    truth: 'waits',
  },
  {
    name: 'delayed-answer',
    kind: 'a batched answer',
    server: 'location',
    edits: [
      {
        file: 'location-server/server.js',
        find: '      acknowledge(saveMessage(socket, message ?? {}));',
        put: '      const answer = saveMessage(socket, message ?? {});\n      setTimeout(() => acknowledge(answer), 6);',
      },
    ],
    names: [],
    marks: [],
    truth: 'waits',
  },
  {
    name: 'blocked',
    kind: 'a blocking wait',
    server: 'chat',
    edits: [inChat('    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3);')],
    names: [],
    marks: [],
    truth: 'waits',
  },
  {
    name: 'nest-sleep',
    kind: 'a sleep',
    server: 'nest',
    edits: [inNest('    await new Promise((resolve) => setTimeout(resolve, 6));')],
    names: [],
    marks: [],
    truth: 'waits',
  },
  ...Array.from({ length: 10 }, (_, index) => index + 1).flatMap((turn) =>
    (['chat', 'location', 'nest'] as const).map(
      (server): Regression => ({
        name: `same-${server}-${turn}`,
        kind: 'no change',
        server,
        edits: [{ file: '.gitignore', find: '.tailgate', put: '.tailgate\n*.log' }],
        names: [],
        marks: [],
        truth: 'same',
      }),
    ),
  ),
];

const settingsOf: Record<Server, { from: string; start: string; more: (text: string) => string }> = {
  chat: { from: 'chat-server', start: 'node chat-server/server.js', more: (text) => text },
  location: {
    from: 'location-server',
    start: 'node location-server/server.js',
    more: (text) =>
      text.replace(/\n {2}# Rows[\s\S]*?count-messages\.js\n/, '\n').replace('  - custom.lost = 0\n', ''),
  },
  nest: {
    from: 'nest-chat-server',
    start: 'node nest/dist/main.js',
    more: (text) => text.replace(/build: .*/, 'build: node_modules/.bin/tsc -p nest --sourceMap'),
  },
};

/** The three servers and their settings: what every regression starts from. */
const writeServers = (dir: string): void => {
  for (const [server, { from, start, more }] of Object.entries(settingsOf)) {
    cpSync(path.join(root, 'examples', from), path.join(dir, server === 'nest' ? 'nest' : from), {
      recursive: true,
      filter: (source) => !/\/(dist|node_modules|\.tailgate)(\/|$)/.test(source.slice(root.length)),
    });
    const text = readFileSync(path.join(root, 'examples', from, 'tailgate.yml'), 'utf8');
    writeFileSync(
      path.join(dir, `${server}.yml`),
      more(text)
        .replace(/start: .*/, `start: ${start}`)
        .replace('../../scenarios/', ''),
    );
  }
  for (const file of ['chat-room.yml', 'location-messages.yml', 'location-messages.csv'])
    cpSync(path.join(root, 'scenarios', file), path.join(dir, file));
  mkdirSync(path.join(dir, 'node_modules/text-clean'), { recursive: true });
  for (const name of [
    '.bin',
    '@nestjs',
    '@types',
    'passport',
    'passport-jwt',
    'reflect-metadata',
    'rxjs',
    'socket.io',
    'typescript',
  ])
    symlinkSync(path.join(root, 'node_modules', name), path.join(dir, 'node_modules', name));
  writeFileSync(
    path.join(dir, 'node_modules/text-clean/index.js'),
    'export const clean = (text) => text.trim();\n',
  );
  writeFileSync(
    path.join(dir, 'node_modules/text-clean/package.json'),
    '{ "name": "text-clean", "version": "1.0.0", "type": "module", "main": "index.js" }\n',
  );
  writeFileSync(
    path.join(dir, 'package-lock.json'),
    `${JSON.stringify({ lockfileVersion: 3, packages: { 'node_modules/text-clean': { version: '1.0.0' } } }, null, 2)}\n`,
  );
  edit(dir, {
    file: 'chat-server/server.js',
    find: "import { Server } from 'socket.io';",
    put: "import { Server } from 'socket.io';\nimport { clean } from 'text-clean';",
  });
  edit(dir, {
    file: 'chat-server/server.js',
    find: 'text: message });',
    put: 'text: message });\n    clean(message);',
  });
  writeFileSync(path.join(dir, '.gitignore'), '.tailgate\nnest/dist\n');
};

type Explained = {
  kind?: string;
  unavailable?: string;
  sentences?: Sentence[];
};

/** Puts a regression in and explains it against the base. */
const measure = (one: Regression, repository: ReturnType<typeof repositoryWith>): Result => {
  const lines = inject(one, repository);
  const { told, said } = tailgateTells<Explained[]>(
    repository.dir,
    ['explain', '--config', `${one.server}.yml`],
    180_000,
  );
  const [explained = {}] = told ?? [{ unavailable: said.slice(-300) }];
  const { text, places } = readSentences(explained.sentences ?? []);
  const named = /^The function/.test(text) ? '' : (/`([^`]+)`/.exec(text)?.[1] ?? null);
  const verdict = explained.kind ?? `unavailable: ${explained.unavailable}`;
  const truth = one.truth ?? 'more-work';
  const isWork = verdict === 'more-work' || verdict === 'dependency';
  return {
    name: one.name,
    kind: one.kind,
    server: one.server,
    truth,
    verdict,
    named,
    line: places.at(-1) ?? null,
    rightFunction:
      truth === 'waits'
        ? verdict === 'waits-longer'
        : truth === 'same'
          ? verdict === 'none'
          : isWork && one.names.includes(named ?? '?'),
    rightLine:
      truth !== 'more-work'
        ? verdict !== 'more-work'
        : isWork && places.some((place) => lines.includes(place)),
    text,
  };
};

export const run = async ([file = 'explain-regressions.jsonl', ...which]: readonly string[]): Promise<
  Figure[]
> => {
  const done = continueSeries(
    { file, which, cases: regressions },
    () => repositoryWith(writeServers),
    measure,
    (result) =>
      `${result.rightFunction && result.rightLine ? 'right' : 'WRONG'} ${result.name}: ${result.verdict}: ${result.text}`,
  );
  if (done.length === 0) return [];
  const longest = Math.max(...done.map(({ seconds = 0 }) => seconds));
  return [
    ...Object.entries(firstAndLast(done)).flatMap(([which, results]) =>
      figuresOf(`${which} results`, results),
    ),
    figure('longest explanation of one counted pair', longest, 'seconds', '<=', 90, `${done.length} in all`),
  ];
};

function figuresOf(which: string, results: readonly Result[]): Figure[] {
  const shareOf = (
    name: string,
    truth: string,
    holds: (one: Result) => boolean,
    operator: '>=' | '<=',
    bound: number,
  ): Figure[] => {
    const cases = results.filter((one) => one.truth === truth);
    return cases.length === 0
      ? []
      : [figure(name, share(cases, holds), 'share', operator, bound, `${which}, ${cases.length} cases`)];
  };
  return [
    ...shareOf('the right function', 'more-work', (one) => one.rightFunction, '>=', 23 / 24),
    ...shareOf('the right line', 'more-work', (one) => one.rightLine, '>=', 23 / 24),
    ...shareOf('waits with nobody blamed', 'waits', (one) => one.rightFunction, '>=', 1),
    ...shareOf(
      'unchanged servers in which a function is named',
      'same',
      (one) => !one.rightFunction,
      '<=',
      0,
    ),
  ];
}

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { build } from 'esbuild';
import type { SideWork } from '../../../src/explain/side-work.ts';
import { type FunctionWork, workOfFunctions } from '../../../src/explain/work-of-functions.ts';
import { placeReader } from '../../../src/run/read-change.ts';
import { mergeScripts } from '../../../src/side/measure-work.ts';
import { startTarget } from '../../../src/side/target/start-target.ts';
import { cleanEnvironment, serverSettings, startOptions } from './fixtures/target-fixture.ts';

const repository = path.resolve(import.meta.dirname, '../../..');
const requests = 7;
let folder: string;

const files: Record<string, string> = {
  'package.json': '{ "type": "module", "scripts": { "serve": "node src/server.ts" } }\n',
  'src/answer.ts': `export type Answer = string;

type Asked = { url: string | undefined };

export function answer({ url }: Asked): Answer {
  return clean(url ?? '');
}

function clean(text: string): string {
  return text.trim();
}
`,
  'src/server.ts': `import { createServer } from 'node:http';
import { answer } from './answer.ts';

createServer((request, response) => response.end(answer({ url: request.url }))).listen(Number(process.env.PORT));
`,
  'src/threads.ts': `import { createServer } from 'node:http';
import { Worker } from 'node:worker_threads';

const worker = new Worker(new URL('./thread.ts', import.meta.url));
const waiting: ((text: string) => void)[] = [];
worker.on('message', (text: string) => waiting.shift()!(text));
worker.once('online', () =>
  createServer((request, response) => {
    waiting.push((text) => response.end(text));
    worker.postMessage(request.url);
  }).listen(Number(process.env.PORT)),
);
`,
  'src/thread.ts': `import { parentPort } from 'node:worker_threads';
import { answer } from './answer.ts';

parentPort!.on('message', (url: string) => parentPort!.postMessage(answer({ url })));
`,
  'src/cluster.ts': `import cluster from 'node:cluster';

if (cluster.isPrimary) for (let index = 0; index < 2; index += 1) cluster.fork();
else await import('./server.ts');
`,
  'src/launch.ts': `import { spawn } from 'node:child_process';

const NODE_OPTIONS = process.argv[2] === 'bare' ? '' : process.env.NODE_OPTIONS;
spawn(process.execPath, ['src/server.ts'], { env: { ...process.env, NODE_OPTIONS }, stdio: 'inherit' });
`,
  'start.sh': '#!/bin/sh\necho starting\nnode src/server.ts\n',
};

before(async () => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'counted-starts-')));
  mkdirSync(path.join(folder, 'src'));
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
  chmodSync(path.join(folder, 'start.sh'), 0o755);
  symlinkSync(path.join(repository, 'node_modules'), path.join(folder, 'node_modules'));
  await build({
    entryPoints: [path.join(folder, 'src/server.ts')],
    outfile: path.join(folder, 'dist/server.js'),
    bundle: true,
    minify: true,
    sourcemap: true,
    platform: 'node',
    format: 'esm',
  });
});
after(() => rmSync(folder, { recursive: true, force: true }));

const starts: [how: string, command: string][] = [
  ["node's type stripping", 'node src/server.ts'],
  ['npm run', 'npm run serve'],
  ['a shell script', './start.sh'],
  ['tsx', 'node_modules/.bin/tsx src/server.ts'],
  ['tsx as a loader', 'node --import tsx src/server.ts'],
  ['worker threads', 'node src/threads.ts'],
  ['cluster', 'node src/cluster.ts'],
  ['a program that starts it', 'node src/launch.ts'],
  ['a minified bundle with a source map', 'node dist/server.js'],
];

const start = (t: Parameters<typeof startOptions>[0], command: string) => {
  const PATH = `${path.dirname(process.execPath)}${path.delimiter}${process.env.PATH}`;
  return startTarget(
    serverSettings('', { start: command, nodePreload: true }),
    startOptions(t, { cwd: folder, env: { ...cleanEnvironment(), PATH }, counting: 'work' }),
  );
};

for (const [how, command] of starts)
  test(`calls are counted where they were written, of a server started by ${how}`, async (t) => {
    await using target = await start(t, command);
    const counter = target.counter!;
    await counter.ask('start-calls');
    // A connection each, so that both processes of a cluster answer.
    for (let number = 0; number < requests; number += 1)
      assert.equal(
        await (await fetch(`${target.url}/a${number}`, { headers: { connection: 'close' } })).text(),
        `/a${number}`,
      );
    const calls = new Map<string, number>();
    for (const { process, thread, value } of await counter.ask('take-calls'))
      for (const [key, count] of value.calls as [string, number][])
        calls.set(`${process}.${thread} ${key}`, count);
    const replies = await counter.ask('scripts', 20_000);
    const work: SideWork = {
      ...mergeScripts(replies, [calls]),
      messages: [requests],
      latenciesMs: {},
      profiles: [],
      stacks: [],
      profiledMessages: 0,
      profiledCpuUs: null,
      profiledQueueUs: 0,
      allocated: null,
    };
    const own = workOfFunctions(work, placeReader(work, folder)).filter(({ owner }) => owner.kind === 'own');
    const found = (name: string): Partial<FunctionWork> => {
      const { file, line, calls } = own.find((one) => one.name === name) ?? {};
      return { file, line, calls } as Partial<FunctionWork>;
    };
    assert.deepEqual(
      [found('answer'), found('clean')],
      [
        { file: 'src/answer.ts', line: 5, calls: [1] },
        { file: 'src/answer.ts', line: 9, calls: [1] },
      ],
      JSON.stringify(own.map(({ name, file, line, calls }) => [name, file, line, calls])),
    );
  });

for (const [how, command] of [
  ['a start command', 'NODE_OPTIONS=--no-warnings node src/server.ts'],
  ['a program that starts it', 'node src/launch.ts bare'],
] as const)
  test(`a server whose NODE_OPTIONS ${how} sets is told apart from one that did nothing`, async (t) => {
    await using target = await start(t, command);
    assert.equal(target.counter!.threads(), 0);
    await assert.rejects(
      target.counter!.ask('start-calls'),
      /no Node process of the server loaded the preload/,
    );
  });

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { root } from './runner.ts';

/** A checkout of a user's repository: the example chat server, a scenario and settings, in a git repository. */
export type Checkout = {
  dir: string;
  write(name: string, text: string): void;
  git(...args: string[]): string;
  remove(): void;
};

export const chatServer = `node ${path.join(root, 'dist/examples/chat-server.js')}`;

/** Three seconds of load: short enough for a test, long enough to measure something. */
export const shortScenario = `config:
  target: http://127.0.0.1:3000
  phases:
    - { duration: 2, arrivalRate: 12, name: steady }
  socketio:
    transports: [websocket]
    auth: { accessToken: "Bearer {{ token }}" }
scenarios:
  - name: chat
    engine: socketio
    flow:
      - emit: { channel: joinRoom, data: { roomId: load-test } }
        acknowledge: { match: { json: "$.0.ok", value: true } }
      - loop:
          - emit: { channel: chat, data: { roomId: load-test, text: "hello {{ $loopCount }}" } }
            acknowledge: {}
          - think: 100ms
        count: 5
      - emit: { channel: leaveRoom, data: { roomId: load-test } }
        acknowledge: {}
`;

/** The server, and the room of the scenario. */
export const serverAndRoom = `target:
  start: ${chatServer}
  ready: { type: http, path: /health }
room:
  auth: { accessToken: "Bearer {{ token }}" }
  jwt: { secret: example-secret, claims: { sub: owner } }
  create: { event: createRoom, data: { roomId: load-test } }
`;

export const settings = (
  more = '',
): string => `${serverAndRoom}  delete: { event: deleteRoom, data: { roomId: load-test } }
measure:
  jwt: { secret: example-secret, claims: { sub: "user" } }
suites:
  - name: chat
    scenario: chat.yml
verdict: { minSamplesP50: 10, minSamplesP95: 20, minSamplesP99: 50 }
baseline: { mode: none }
${more}`;

export const checkout = (): Checkout => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'tailgate-checkout-'));
  const git = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@example.com', ...args], {
      cwd: dir,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  const write = (name: string, text: string): void => writeFileSync(path.join(dir, name), text);
  git('init', '-q', '-b', 'main');
  write('chat.yml', shortScenario.replace('{{ token }}', '{{ $token }}'));
  write('tailgate.yml', settings());
  git('add', '-A');
  git('commit', '-qm', 'Chat server');
  return { dir, write, git, remove: () => rmSync(dir, { recursive: true, force: true }) };
};

const example = (name: string): string => readFileSync(path.join(root, 'examples/chat-server', name), 'utf8');

/** Source of the example chat server. */
export const serverSource = example('server.js');

/** A checkout with that source in `server.js`, to be changed; it is not committed yet. */
export const checkoutWithSource = (): Checkout => {
  const repo = checkout();
  symlinkSync(path.join(root, 'node_modules'), path.join(repo.dir, 'node_modules'));
  repo.write('package.json', '{ "type": "module" }\n');
  repo.write('server.js', serverSource);
  repo.write('token.js', example('token.js'));
  repo.write('.gitignore', '.tailgate\n');
  return repo;
};

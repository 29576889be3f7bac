import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Fault, Given } from '../fault.ts';

const words = {
  jwt: 'JwtSecret-7f3a9c41',
  auth: 'AuthSecret "q" \\ u-88cd41',
  url: 'UrlPassw0rd-a1b2',
  column: 'ColumnToken-9911zz',
  declared: 'DeclaredSecret-55ee',
  header: 'HeaderSecret-51ab77',
  remote: 'RemoteToken-ghpabc123',
};
/** What of them must be found nowhere: no JSON breaks these pieces. */
const hidden = ['7f3a9c41', '88cd41', 'a1b2', '9911zz', '55ee', '51ab77', 'ghpabc123'];

const settings = (room: object = {}): object => ({
  target: { url: `http://user:${words.url}@127.0.0.1:{{ port }}` },
  secrets: ['DECLARED'],
  secretColumns: ['token'],
  room: {
    headers: { 'x-secret': { env: 'HEADER' } },
    auth: { token: { env: 'AUTH' }, jwt: '{{ token }}' },
    jwt: { secret: { env: 'JWT' }, claims: { sub: 'owner' } },
    create: { event: 'createRoom', data: { x: { env: 'AUTH' } }, expect: { ok: true } },
    timeoutMs: 1_000,
    ...room,
  },
  measure: { jwt: { secret: { env: 'JWT' }, claims: { sub: 'u' } } },
});
const jwt = { jwt: { secret: { env: 'JWT' }, claims: { sub: 'u' } } };
const given = (server: string, more: Partial<Given> = {}): Given => ({
  server,
  settings: settings(),
  scenario: {
    config: {
      payload: { path: 'u.csv', fields: ['token'] },
      socketio: {
        transports: ['websocket'],
        auth: { token: '{{ token }}', jwt: '{{ $token }}', d: '{{ $processEnvironment.DECLARED }}' },
        extraHeaders: { 'x-secret': '{{ $processEnvironment.HEADER }}' },
      },
    },
  },
  files: { 'u.csv': `${words.column}\n` },
  env: { JWT: words.jwt, AUTH: words.auth, HEADER: words.header, DECLARED: words.declared },
  args: ['run', '--json', 'out.json', '--markdown', 'out.md', '--html', 'out.html', '--junit', 'out.xml'],
  ...more,
});
const any = { verdicts: ['pass', 'fail', 'invalid', null], exits: [0, 1, 4] } as const;
const secret = (id: string, what: string, how: Given): Fault => ({
  id: `secret-${id}`,
  what,
  ...any,
  hides: hidden,
  given: how,
});

/** Who repeats a secret that it was told. Nothing that is printed, reported or stored shows one. */
export const secrets: readonly Fault[] = [
  {
    ...secret('repeated', 'a server logs all that it is told, in base64 as well', given('repeats-secrets')),
    quick: true,
  },
  secret('refused', 'a server refuses users with what they told it', given('refuses-with-secrets')),
  secret(
    'refused-no-room',
    'the same without a room',
    given('refuses-with-secrets', { settings: { ...settings(), room: false } }),
  ),
  secret('room', 'a server refuses the room with JSON in JSON in JSON', given('room-repeats-secrets')),
  secret(
    'build',
    'a build prints its environment and fails',
    given('well-behaved', {
      settings: {
        ...settings(),
        target: { url: `http://user:${words.url}@127.0.0.1:{{ port }}`, build: 'env; exit 5' },
      },
    }),
  ),
  secret(
    'start',
    'a server prints its environment and dies',
    given('well-behaved', {
      settings: {
        ...settings(),
        target: {
          url: `http://user:${words.url}@127.0.0.1:{{ port }}`,
          start: 'env; env | base64 -w0; exit 5',
        },
      },
    }),
  ),
  secret(
    'custom',
    'a command for metrics prints its environment and fails',
    given('well-behaved', {
      settings: { ...settings(), measure: { ...jwt, custom: { command: 'env >&2; exit 1' } } },
    }),
  ),
  secret(
    'custom-url',
    'a URL for metrics below one with a password',
    given('well-behaved', { settings: { ...settings(), measure: { ...jwt, custom: { url: '/metrics' } } } }),
  ),
  secret('unreachable', 'a server with a password in its address is not there', given('other-port')),
  secret(
    'processor',
    'a processor prints its environment',
    given('well-behaved', {
      scenario: { config: { processor: './p.js' } },
      files: {
        'p.js': 'console.log(process.env); throw new Error(JSON.stringify(process.env));',
        'u.csv': `${words.column}\n`,
      },
    }),
  ),
  secret(
    'remote',
    'a remote with a token in its address is not there',
    given('well-behaved', {
      settings: {
        ...settings(),
        room: false,
        baseline: { mode: 'branch', remote: `http://x:${words.remote}@127.0.0.1:9/r.git`, require: true },
      },
    }),
  ),
  {
    ...secret(
      'stored',
      'a server puts words into the names of errors that are stored',
      given('refuses-some', {
        settings: {
          ...settings(),
          room: false,
          thresholds: ['errors.rate < 99%'],
          baseline: { mode: 'file', path: 'b.jsonl', record: 'always' },
        },
      }),
    ),
    also: ({ folder }) =>
      /alice|ticket/.test(readFileSync(path.join(folder, 'b.jsonl'), 'utf8'))
        ? 'words of the server are stored'
        : null,
  },
];

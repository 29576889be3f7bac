import { spawnSync } from 'node:child_process';
import { lstatSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { formatRecord } from '../../../src/baseline/record-format.ts';
import { recordOf } from '../../baseline/records.ts';
import type { Fault, Outcome } from '../fault.ts';

const line = (number: number): string => `${formatRecord(recordOf(number, { suite: 's' }))}\n`;
const accepted = { verdicts: [null], exits: [0] } as const;
const refused = { verdicts: [null], exits: [4] } as const;
const accept = '$TG baseline accept r.jsonl --why x --by me --baseline file:b.jsonl';
const linesOf = (folder: string, name = 'b.jsonl'): number =>
  readFileSync(path.join(folder, name), 'utf8').split('\n').filter(Boolean).length;
const holds =
  (count: number, name?: string) =>
  ({ folder }: Outcome): string | null => {
    const found = linesOf(folder, name);
    return found === count ? null : `${found} of ${count} records`;
  };
/** For writers that are killed at any instant: what was there and what was accepted last, and at most one of each. */
const holdsBetween =
  (least: number, most: number) =>
  ({ folder }: Outcome): string | null => {
    const found = linesOf(folder);
    return found >= least && found <= most ? null : `${found} of ${least} to ${most} records`;
  };

const store = (
  id: string,
  what: string,
  shell: string,
  expected: Pick<Fault, 'verdicts' | 'exits'>,
  more: Partial<Fault> = {},
): Fault => ({
  id: `store-${id}`,
  what,
  ...expected,
  ...more,
  given: {
    shell,
    // For those that name no file.
    settings: { baseline: { mode: 'branch', remote: 'origin' } },
    files: { 'r.jsonl': line(1), 'old.jsonl': line(0) },
    ...more.given,
  },
});
const foreign = `'{"host":"elsewhere","namespace":"pid:[1]","pid":1,"startTime":"1","token":"x"}'`;
const badSketch = (() => {
  const record = JSON.parse(line(5)) as { rounds: { metrics: Record<string, { bins: string }> }[] };
  record.rounds[0]!.metrics['chat.ack']!.bins = 'AAAAAAAAAAAA';
  return `${JSON.stringify(record)}\n`;
})();
const remote = (url: string): string => `git init -q .; git remote add origin ${url}`;
const git = `git init -q --bare -b main remote.git; ${remote('./remote.git')}`;
const onBranch = '$TG baseline accept r.jsonl --why x --by me';

/** A program that kills another at each of its writes, one after the other (`killed-writes.ts`), and says what is wrong. */
const killed = (id: string, what: string, more: Partial<Fault> = {}): Fault => ({
  id: `killed-${id}`,
  what: `killed at every write: ${what}`,
  ...accepted,
  says: /killed at every one of \d+ instants/,
  ...more,
  given: {
    shell: `"${process.execPath}" "${path.resolve(import.meta.dirname, '../killed-writes.ts')}" ${id}`,
    timeoutMs: 600_000,
  },
});
/** Git is killed by what strace injects into it. */
const hasStrace = spawnSync('strace', ['-qq', '-e', 'trace=none', 'true']).status === 0;

/** What git can wait for without end, and how it comes to do so. */
const script = (name: string): string => `printf '#!/bin/sh\\nsleep 1000\\n' > ${name}; chmod +x ${name}`;
const silentGits: readonly [id: string, what: string, setUp: string][] = [
  [
    'git-ssh',
    'an ssh that never answers',
    `${remote('ssh://x@127.0.0.1/r.git')}; git config core.sshcommand 'sleep 1000 #'`,
  ],
  [
    'git-hook',
    'a hook of the repository that never ends',
    `${git}; ${script('remote.git/hooks/pre-receive')}`,
  ],
  [
    'git-helper',
    'a program that is to know the password',
    `${script('helper')}; "${process.execPath}" -e "require('http').createServer((q,r)=>r.writeHead(401,{'www-authenticate':'Basic realm=x'}).end()).listen(0,function(){require('fs').writeFileSync('port',String(this.address().port));setTimeout(()=>process.exit(),150000).unref()})" & s=$!; trap "kill $s" EXIT; while [ ! -s port ]; do sleep 0.05; done; ${remote('http://127.0.0.1:$(cat port)/r.git')}; export GIT_ASKPASS=$PWD/helper`,
  ],
];

/** Stored records under locks, links, damage and refusals. Nothing that was accepted is lost. */
export const stores: readonly Fault[] = [
  store('first', 'no file yet', accept, accepted, { also: holds(1) }),
  store('next', 'a file with a record', `cp old.jsonl b.jsonl; ${accept}`, accepted, {
    also: holds(2),
    quick: true,
  }),
  store('twice', 'the same record twice', `${accept}; ${accept}`, accepted),
  store(
    'link',
    'a link to another volume',
    `mkdir v; cp old.jsonl v/b.jsonl; ln -s v/b.jsonl b.jsonl; ${accept}`,
    accepted,
    {
      also: ({ folder }) =>
        lstatSync(path.join(folder, 'b.jsonl')).isSymbolicLink() && linesOf(folder, 'v/b.jsonl') === 2
          ? null
          : 'the link was replaced',
    },
  ),
  store(
    'link-dangling',
    'a link to a file that is not there yet',
    `mkdir v; ln -s v/b.jsonl b.jsonl; ${accept}`,
    accepted,
    { also: holds(1, 'v/b.jsonl') },
  ),
  store('link-loop', 'a link to itself', `ln -s b.jsonl b.jsonl; ${accept}`, refused),
  store(
    'mode',
    'a file with a mode and an owner',
    `cp old.jsonl b.jsonl; chmod 664 b.jsonl; chown 1234:1234 b.jsonl; ${accept}`,
    accepted,
    {
      also: ({ folder }) => {
        const { mode, uid } = statSync(path.join(folder, 'b.jsonl'));
        return (mode & 0o777) === 0o664 && uid === 1_234
          ? null
          : `mode ${(mode & 0o777).toString(8)}, owner ${uid}`;
      },
    },
  ),
  store('device', 'a device', accept.replace('b.jsonl', '/dev/null'), refused, {
    says: /not a regular file/,
    also: () => (lstatSync('/dev/null').isCharacterDevice() ? null : '/dev/null was replaced'),
  }),
  store('pipe', 'a pipe', `mkfifo b.jsonl; ${accept}`, refused, { says: /not a regular file/ }),
  store('folder', 'a folder', `mkdir b.jsonl; ${accept}`, refused),
  store('proc', 'a path below /proc', accept.replace('b.jsonl', '/proc/x/y/b.jsonl'), refused),
  store('below-file', 'a path below a file', `touch x; ${accept.replace('b.jsonl', 'x/b.jsonl')}`, refused),
  store(
    'read-only',
    'a folder that is read-only for this user',
    `mkdir d; chmod 555 d; chmod 777 .; exec setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/tmp ${accept.replace('b.jsonl', 'd/b.jsonl')}`,
    refused,
  ),
  store('lock-empty', 'an empty lock that somebody left', `touch b.jsonl.lock; ${accept}`, accepted, {
    also: holds(1),
    given: { timeoutMs: 120_000 },
  }),
  store(
    'lock-foreign',
    'a lock of a host that is gone',
    `echo ${foreign} > b.jsonl.lock; ${accept}`,
    accepted,
    { also: holds(1), given: { timeoutMs: 120_000 } },
  ),
  store(
    'lock-dead',
    'a lock of a process that was killed',
    // A writer that was done before it was killed has added its record: each of the five may have.
    `cp old.jsonl b.jsonl; for i in 1 2 3 4 5; do ${accept} & p=$!; sleep 0.$((i * 5 + 20)); kill -9 $p; wait $p; done; ${accept}`,
    accepted,
    { also: holdsBetween(2, 7) },
  ),
  store(
    'lock-signal',
    'SIGINT while it waits for a lock',
    `(while sleep 0.5; do touch b.jsonl.lock; done) & w=$!; echo ${foreign} > b.jsonl.lock; ${accept} & p=$!; sleep 1.5; kill -INT $p; wait $p; c=$?; kill $w; exit $c`,
    { verdicts: [null], exits: [130] },
    { quick: true },
  ),
  store(
    'damaged-lines',
    'damaged lines',
    `printf 'x\\n{"half":\\n' > b.jsonl; cat old.jsonl >> b.jsonl; ${accept}`,
    accepted,
    { also: holds(4) },
  ),
  store(
    'damaged-sketch',
    'a sketch that cannot be read',
    `cp bad.jsonl b.jsonl; ${accept} && $TG baseline show --baseline file:b.jsonl`,
    accepted,
    {
      says: /Damaged, and skipped/,
      quick: true,
      given: {
        shell: `cp bad.jsonl b.jsonl; ${accept} && $TG baseline show --baseline file:b.jsonl`,
        files: { 'r.jsonl': line(1), 'bad.jsonl': badSketch },
      },
    },
  ),
  store('damaged-bytes', 'a file of bytes', `head -c 5000 /dev/urandom > b.jsonl; ${accept}`, accepted),
  store('record-damaged', 'a record to accept that is damaged', `echo x > r.jsonl; ${accept}`, {
    verdicts: [null],
    exits: [2, 4],
  }),
  store('record-missing', 'a record to accept that is not there', `rm r.jsonl; ${accept}`, {
    verdicts: [null],
    exits: [2, 4],
  }),
  store(
    'hostile-words',
    'hostile names in a record',
    `$TG baseline accept r.jsonl --why $'\\e]0;title\\a \\u202e' --by $'\\e[31mme' --baseline file:b.jsonl && $TG baseline show --baseline file:b.jsonl`,
    accepted,
  ),
  store('branch', 'a branch of a bare repository', `${git}; ${onBranch}`, accepted),
  store(
    'branch-refused',
    'a branch that a hook protects',
    `${git}; printf '#!/bin/sh\\necho no writing here >&2\\nexit 1\\n' > remote.git/hooks/pre-receive; chmod +x remote.git/hooks/pre-receive; ${onBranch}`,
    refused,
    { says: /no writing here|pre-receive hook declined/ },
  ),
  store(
    'branch-lock',
    'a lock that a git which died left on the ref',
    `${git}; mkdir -p remote.git/refs/heads; touch remote.git/refs/heads/tailgate.lock; ${onBranch}`,
    refused,
    {
      says: /tailgate\.lock/,
      given: {
        timeoutMs: 120_000,
        shell: `${git}; mkdir -p remote.git/refs/heads; touch remote.git/refs/heads/tailgate.lock; ${onBranch}`,
        files: { 'r.jsonl': line(1) },
      },
    },
  ),
  store(
    'branch-lock-signal',
    'SIGINT while it waits for that lock',
    `${git}; mkdir -p remote.git/refs/heads; touch remote.git/refs/heads/tailgate.lock; ${onBranch} & p=$!; sleep 3; kill -INT $p; wait $p`,
    { verdicts: [null], exits: [130] },
  ),
  store('branch-missing', 'a repository that is not there', `${remote('./none.git')}; ${onBranch}`, refused),
  store(
    'branch-silent',
    'a server of git that never answers',
    `"${process.execPath}" -e "require('net').createServer(()=>{}).listen(0,function(){require('fs').writeFileSync('port',String(this.address().port))})" & s=$!; while [ ! -s port ]; do sleep 0.05; done; ${remote('http://127.0.0.1:$(cat port)/r.git')}; ${onBranch} & p=$!; sleep 3; kill -INT $p; wait $p; c=$?; kill $s; exit $c`,
    { verdicts: [null], exits: [130] },
  ),
  ...silentGits.flatMap(([id, what, setUp]) => [
    store(
      `${id}-signal`,
      `SIGINT while git waits for ${what}`,
      `${setUp}; ${onBranch} & p=$!; sleep 3; kill -INT $p; wait $p`,
      { verdicts: [null], exits: [130] },
      id === 'git-ssh' ? { quick: true } : {},
    ),
    store(id, `git waits for ${what}`, `${setUp}; ${onBranch}`, refused, {
      says: /took longer than/,
      given: {
        shell: `${setUp}; ${onBranch}`,
        settings: { baseline: { mode: 'branch', remote: 'origin' } },
        files: { 'r.jsonl': line(1) },
        timeoutMs: 200_000,
      },
    }),
  ]),
  store(
    'git-keeps-pipes',
    'ssh goes on in the background with the pipes of git, as it does to share a connection',
    `${remote('ssh://x@127.0.0.1/r.git')}; git config core.sshcommand '(sleep 30 >/dev/null </dev/null &) ; exit 1 #'; ${onBranch}`,
    refused,
    { also: ({ ms }) => (ms < 15_000 ? null : `it took ${Math.round(ms)} ms`) },
  ),
  killed('file', 'a file with a record', { quick: true }),
  killed('file-first', 'no file yet'),
  killed('branch', 'a branch of a git repository'),
  killed('api', "a branch behind GitHub's interface"),
  killed('jobs', 'the jobs of "verify"'),
  killed('bisect', 'the commits of "bisect"'),
  killed('reports', 'reports in files that exist'),
  killed('settings', 'a scenario that is replaced'),
  ...(hasStrace
    ? [
        killed('git-fetch', 'git, while it fetches'),
        killed('git-import', 'git, while it writes a commit'),
        killed('git-push', 'git, while it pushes, on both ends'),
      ]
    : []),
  store('no-git', 'git is not installed', `${git}; PATH=/nonexistent ${onBranch}`, refused, { says: /git/ }),
];

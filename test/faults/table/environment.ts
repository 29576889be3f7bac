import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { any, type Fault, fail, type Given, pass, usage } from '../fault.ts';

const shell = (
  id: string,
  what: string,
  line: string,
  expected: Pick<Fault, 'verdicts' | 'exits'>,
  more: Partial<Fault> & { given?: Given } = {},
): Fault => ({ id: `env-${id}`, what, ...expected, ...more, given: { shell: line, ...more.given } });

const run = '$TG run --json out.json';
const piped = (reader: string): string => `${run} 2>&1 | ${reader}; exit \${PIPESTATUS[0]}`;
/** A file system of its own, so small that it is soon full. */
const small = (kib: number): Given => ({
  before: (folder) => {
    mkdirSync(path.join(folder, 'small'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kib}k`, 'tmpfs', path.join(folder, 'small')]);
  },
  after: (folder) => execFileSync('umount', ['-l', path.join(folder, 'small')]),
});
const noReport = { verdicts: ['pass', null], exits: [0, 2] } as const;
const others = [
  'compare a.json b.json',
  'report a.json',
  'baseline show',
  '--help',
  'run --help',
  'validate',
];

/** What surrounds a run: pipes, disks, folders, users, limits. Exit codes stay verdicts. */
export const environment: readonly Fault[] = [
  shell('stdout-closed', 'standard output is closed', `${run} >&-`, pass),
  shell('stderr-closed', 'standard error is closed', `${run} 2>&-`, pass),
  shell('both-closed', 'both are closed', `${run} >&- 2>&-`, pass),
  shell('stdin-closed', 'standard input is closed', `${run} <&-`, pass),
  shell('reader-leaves', 'the reader takes one line and leaves', piped('head -1'), pass, { quick: true }),
  shell('reader-gone', 'the reader is gone before', piped('true'), pass),
  shell('reader-leaves-fail', 'the reader leaves, and a limit fails', piped('head -1'), fail, {
    given: { settings: { thresholds: ['messages.sent < 1'] } },
  }),
  shell('disk-full', 'the disk of the log is full', `${run} > /dev/full 2> /dev/full`, pass, { quick: true }),
  shell(
    'disk-full-fail',
    'the disk of the log is full, and a limit fails',
    `${run} > /dev/full 2> /dev/full`,
    fail,
    {
      given: { settings: { thresholds: ['messages.sent < 1'] } },
    },
  ),
  ...others.map((words, index) =>
    shell(
      `reader-gone-${index}`,
      `the reader of "tailgate ${words}" is gone`,
      `$TG ${words} 2>&1 | true; exit \${PIPESTATUS[0]}`,
      {
        verdicts: [null],
        exits: [0, 2, 4],
      },
    ),
  ),
  shell(
    'reports-full',
    'the disk of the reports is full',
    '$TG run --report-dir small/r --json out.json',
    noReport,
    { given: small(16) },
  ),
  shell(
    'reports-tiny',
    'the disk of the reports has no room at all',
    '$TG run --report-dir small/r --json out.json',
    noReport,
    { given: small(4) },
  ),
  shell('reports-file', 'the folder of the reports is a file', 'touch rep; $TG run --report-dir rep', usage),
  shell(
    'reports-link',
    'the folder of the reports is a link to nothing',
    'ln -s none rep; $TG run --report-dir rep',
    { verdicts: [null], exits: [0, 2] },
  ),
  shell('temp-missing', 'the folder for temporary files is not there', run, pass, {
    given: { env: { TMPDIR: '/nonexistent/x' } },
  }),
  shell(
    'folder-gone',
    'the working folder is removed',
    'mkdir gone; cd gone; rmdir ../gone; exec $TG run',
    usage,
    {
      says: /no longer exists/,
      quick: true,
    },
  ),
  shell(
    'folder-gone-show',
    'the working folder of "baseline show" is removed',
    'mkdir gone; cd gone; rmdir ../gone; exec $TG baseline show',
    usage,
  ),
  shell(
    'odd-folder',
    'blanks, quotes and dollars in the folder',
    `d="a b'c \\"d\\" \\$HOME;x"; mkdir "$d"; cp s.yml tailgate.yml "$d"; cd "$d"; exec $TG run --json ../out.json`,
    pass,
  ),
  shell('no-path', 'the search path is empty', `PATH= exec ${run}`, pass),
  shell('no-home', 'there is no home', `unset HOME; exec ${run}`, pass),
  shell('no-environment', 'the environment is empty', `exec env -i FAULT=$FAULT ${run}`, pass),
  shell(
    'few-files',
    'fewer open files than users need',
    `ulimit -n 64; exec ${run}`,
    { verdicts: ['invalid', null], exits: [2, 4] },
    {
      given: { scenario: { config: { phases: [{ duration: 2, arrivalRate: 60 }] } } },
    },
  ),
  shell(
    'nobody',
    'a user that owns nothing',
    `chmod 777 .; exec setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/tmp ${run}`,
    pass,
  ),
  shell('small-heap', 'a heap of 64 MB', `NODE_OPTIONS=--max-old-space-size=64 exec ${run}`, pass),
  shell('small-files', 'files of 32 kB at most', `ulimit -f 32; trap '' XFSZ; exec ${run}`, {
    verdicts: ['pass', 'invalid', null],
    exits: [0, 2, 4],
  }),
  shell(
    'busy-machine',
    'four other processes that compute',
    `for i in 1 2 3 4; do timeout 12 "${process.execPath}" -e 'for(;;);' & done; $TG run --json out.json; code=$?; kill %1 %2 %3 %4; exit $code`,
    any,
  ),
  shell(
    'settings-pipe',
    'the settings are a pipe that nobody writes to',
    'rm tailgate.yml; mkdir tailgate.yml; exec $TG run',
    usage,
  ),
  shell(
    'settings-bytes',
    'the settings are bytes',
    'head -c 3000 /dev/urandom > tailgate.yml; exec $TG run',
    usage,
  ),
  shell('scenario-bytes', 'the scenario is bytes', 'head -c 3000 /dev/urandom > s.yml; exec $TG run', usage),
  shell('scenario-folder', 'the scenario is a folder', 'rm s.yml; mkdir s.yml; exec $TG run', usage),
  shell(
    'settings-aliases',
    'the settings grow without end by aliases',
    `{ echo 'a: &a [x,x,x,x,x,x,x,x,x]'; for l in b c d e f g h i; do p=$(echo $l | tr 'b-i' 'a-h'); echo "$l: &$l [*$p,*$p,*$p,*$p,*$p,*$p,*$p,*$p,*$p]"; done; } > tailgate.yml; exec $TG run`,
    usage,
  ),
];

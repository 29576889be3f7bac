import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { type ExitName, exitCodes, exitMeanings } from '../../src/errors.ts';
import { parseCommandLine } from '../../src/settings/cli-flags.ts';
import { buildProgram, inputFlags } from '../../src/settings/cli-program.ts';
import { inputDefinitions } from '../../src/settings/inputs.ts';

const read = (...argv: string[]) => parseCommandLine(argv, '1.2.3');
const commands = buildProgram('1.2.3', () => {}).commands.map((command) => command.name());
const noFiles = {
  json: undefined,
  markdown: undefined,
  html: undefined,
  junit: undefined,
  csv: undefined,
  openmetrics: undefined,
  otlp: undefined,
};

test('the flags are the inputs of the action', () => {
  assert.deepEqual(
    inputFlags,
    inputDefinitions
      .filter(({ name }) => !['github-token', 'matrix', 'mode', 'comment', 'check', 'merge'].includes(name))
      .map((input) => input.name),
  );
  const help = read('capacity', '--help');
  assert.ok(help.command === 'help');
  const other = inputDefinitions.filter(({ command = 'capacity' }) => command !== 'capacity');
  for (const flag of inputFlags)
    assert.equal(help.text.includes(`--${flag} `), !other.some(({ name }) => name === flag), flag);
  assert.throws(() => read('run', '--capacity', '{}'), { code: 'OPTION_UNKNOWN' });
});

test('every flag that is an input arrives as that input', () => {
  for (const { name, placeholder, actionOnly, command = 'capacity' } of inputDefinitions) {
    if (actionOnly) continue;
    const argv = placeholder === undefined ? [`--${name}`] : [`--${name}`, 'some value'];
    const request = read(command, ...argv);
    assert.ok(request.command === command && 'inputs' in request);
    const value = placeholder === undefined ? 'true' : 'some value';
    assert.deepEqual(request.inputs, { source: 'cli', values: { [name]: value } });
  }
});

test('run takes inputs, files and thresholds that are repeated', () => {
  const argv =
    'run --url http://h:1 --thresholds p95<1s --thresholds lost=0 --json r.json --junit=r.xml --quiet';
  assert.deepEqual(read(...argv.split(' ')), {
    command: 'run',
    inputs: { source: 'cli', values: { target: 'http://h:1', thresholds: 'p95<1s\nlost=0' } },
    files: { ...noFiles, json: 'r.json', junit: 'r.xml' },
    dashboard: undefined,
    quiet: true,
  });
});

test('each command gives what it was given', () => {
  const inputs = { source: 'cli', values: {} };
  const table: [string, object][] = [
    [
      'validate --config a.yml',
      { command: 'validate', inputs: { source: 'cli', values: { config: 'a.yml' } } },
    ],
    ['baseline show --json b.json', { command: 'baseline show', inputs, json: 'b.json' }],
    ['baseline record', { command: 'baseline record', inputs, files: noFiles, quiet: false }],
    [
      'baseline accept last.json --why planned --by ann',
      { command: 'baseline accept', inputs, record: 'last.json', by: 'ann', why: 'planned' },
    ],
    [
      'baseline accept --why planned',
      { command: 'baseline accept', inputs, record: undefined, by: undefined, why: 'planned' },
    ],
    [
      'compare a.json b.json',
      { command: 'compare', inputs, before: 'a.json', after: 'b.json', files: noFiles },
    ],
    [
      'report r.json --html r.html',
      { command: 'report', report: 'r.json', files: { ...noFiles, html: 'r.html' } },
    ],
    [
      'capacity --from 5 --to 500 --step-seconds 10 --precision 2.5 --at-least 300',
      {
        command: 'capacity',
        dashboard: undefined,
        inputs: {
          source: 'cli',
          values: { capacity: '{"from":5,"to":500,"stepMs":10000,"precisionPercent":2.5,"atLeast":300}' },
        },
        files: noFiles,
        quiet: false,
      },
    ],
    [
      'verify --aa 12 --inject 1.05,1.1 --jobs 3 --raw x.jsonl',
      {
        command: 'verify',
        inputs,
        aa: 12,
        inject: [1.05, 1.1],
        jobs: 3,
        injectEnv: undefined,
        roundPairs: 10,
        raw: 'x.jsonl',
        pairs: undefined,
        atMost: undefined,
      },
    ],
    [
      'verify --inject 2 --inject-env SLOWER --rounds-pairs 4 --pairs 6 --at-most 1',
      {
        command: 'verify',
        inputs,
        aa: 0,
        inject: [2],
        jobs: 5,
        injectEnv: 'SLOWER',
        roundPairs: 4,
        raw: undefined,
        pairs: 6,
        atMost: 1,
      },
    ],
    [
      'bisect --good v1 --minutes 30 --jobs 2/4',
      {
        command: 'bisect',
        inputs,
        good: 'v1',
        bad: 'HEAD',
        job: { number: 2, of: 4 },
        minutes: 30,
        json: undefined,
      },
    ],
    ['--version', { command: 'version', text: '1.2.3' }],
  ];
  for (const [line, expected] of table) assert.deepEqual(read(...line.split(' ')), expected, line);
});

test('a mistake on the command line is a usage error that says what to write', () => {
  const table: [string, string, string][] = [
    ['rnu', 'COMMAND_UNKNOWN', 'There is no command "rnu".\nDid you mean "run"?'],
    [
      'frobnicate',
      'COMMAND_UNKNOWN',
      `There is no command "frobnicate".\nCommands: ${commands.map((name) => `"${name}"`).join(', ')}.`,
    ],
    ['baseline shwo', 'COMMAND_UNKNOWN', 'There is no command "shwo".\nDid you mean "show"?'],
    [
      'run --scenari x',
      'OPTION_UNKNOWN',
      '"tailgate run" has no option "--scenari".\nDid you mean "--scenario"?',
    ],
    [
      'baseline show --quux',
      'OPTION_UNKNOWN',
      '"tailgate baseline show" has no option "--quux".\n"tailgate baseline show --help" lists its options.',
    ],
    [
      'run --github-token x',
      'OPTION_UNKNOWN',
      '"tailgate run" has no option "--github-token".\n"tailgate run --help" lists its options.',
    ],
    [
      'run chat.yml',
      'ARGUMENTS_INVALID',
      'The command line is not valid: too many arguments for \'run\'. Expected 0 arguments but got 1.\n"tailgate run --help" shows the syntax.',
    ],
    [
      'run --scenario',
      'ARGUMENTS_INVALID',
      'The command line is not valid: option \'--scenario <file>\' argument missing.\n"tailgate run --help" shows the syntax.',
    ],
    [
      'compare a.json',
      'ARGUMENTS_INVALID',
      'The command line is not valid: missing required argument \'after\'.\n"tailgate compare --help" shows the syntax.',
    ],
    [
      'baseline accept',
      'ARGUMENTS_INVALID',
      'The command line is not valid: required option \'--why <reason>\' not specified.\n"tailgate baseline accept --help" shows the syntax.',
    ],
    [
      'capacity --from lots',
      'ARGUMENTS_INVALID',
      'The command line is not valid: --from takes a number of at least 0.001, and got "lots".\n"tailgate capacity --help" shows the syntax.',
    ],
    [
      'verify',
      'ARGUMENTS_INVALID',
      'The command line is not valid: there is nothing to verify: neither --aa nor --inject is given.\n"tailgate verify --help" shows the syntax.',
    ],
    [
      'verify --aa 1.5',
      'ARGUMENTS_INVALID',
      'The command line is not valid: --aa takes a whole number, and got "1.5".\n"tailgate verify --help" shows the syntax.',
    ],
    [
      'bisect --good v1 --jobs 5/4',
      'ARGUMENTS_INVALID',
      'The command line is not valid: --jobs takes the number of a job and how many there are, such as "2/4", and got "5/4".\n"tailgate bisect --help" shows the syntax.',
    ],
    [
      'verify --inject 1.1,slow',
      'ARGUMENTS_INVALID',
      'The command line is not valid: --inject takes factors such as "1.05,1.1,1.2", and got "slow".\n"tailgate verify --help" shows the syntax.',
    ],
  ];
  for (const [line, code, message] of table)
    assert.throws(() => read(...line.split(' ')), { code, message, exit: 'usage' }, line);
});

test('help names every command and every exit code; no command at all shows it too', () => {
  const help = read('--help');
  assert.ok(help.command === 'help' && help.asked);
  assert.ok(commands.length >= 9);
  for (const command of commands) assert.match(help.text, new RegExp(`^  ${command} `, 'm'));
  for (const [name, code] of Object.entries(exitCodes))
    assert.ok(help.text.includes(`${String(code).padStart(5)}  ${exitMeanings[name as ExitName]}`), name);
  for (const argv of [[], ['baseline']]) {
    const shown = read(...argv);
    assert.ok(shown.command === 'help' && !shown.asked && shown.text.includes('Usage: tailgate'));
  }
  const ofCommand = read('help', 'compare');
  assert.ok(ofCommand.command === 'help' && ofCommand.asked);
  assert.match(ofCommand.text, /Usage: tailgate compare \[options\] <before> <after>/);
  assert.match(ofCommand.text, /Exit codes:/);
});

test('help is short and long, says what belongs together, and gives examples', () => {
  for (const words of [['-h'], ['run', '-h'], ['baseline', 'show', '-h']]) {
    const short = read(...words);
    assert.ok(short.command === 'help' && short.asked);
    assert.deepEqual(short, read(...words.slice(0, -1), '--help'));
  }
  assert.deepEqual(read('-v'), read('--version'));
  const run = read('run', '--help');
  assert.ok(run.command === 'help');
  for (const heading of ['Server and room:', 'Baseline:', 'Reports:', 'Examples:'])
    assert.match(run.text, new RegExp(`^${heading}$`, 'm'));
  assert.doesNotMatch(
    run.text.split('More:')[1]!.split('Examples:')[0]!,
    /--(?!quiet|help)\w/,
    'a flag has no group',
  );
});

test('completion knows the commands and flags of its shell', () => {
  const words = (line: string): string[] => {
    const script = read('completion', 'bash');
    assert.ok(script.command === 'completion');
    const list = line.split(' ');
    const typed = list.map((word) => `'${word}'`).join(' ');
    const done = spawnSync('bash', [
      '-c',
      `${script.text}\nCOMP_WORDS=(${typed}); COMP_CWORD=${list.length - 1}; _tailgate; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ]);
    return done.stdout.toString().trim().split('\n');
  };
  assert.deepEqual(words('tailgate ca'), ['capacity']);
  assert.deepEqual(words('tailgate baseline sh'), ['show']);
  assert.deepEqual(words('tailgate run --base-r'), ['--base-ref']);
  assert.deepEqual(words('tailgate baseline accept --wh'), ['--why']);
  const fish = read('completion', 'fish');
  assert.ok(fish.command === 'completion');
  assert.match(fish.text, /^complete -c tailgate -n '__fish_seen_subcommand_from run' -l suite /m);
  assert.throws(() => read('completion', 'cmd'), { code: 'ARGUMENTS_INVALID' });
});

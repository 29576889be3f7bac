import { Argument, Command, Option } from 'commander';
import { type ExitName, exitCodes, exitMeanings, tailgateError } from '../errors.ts';
import type { CliRequest, ReportFiles } from './cli-request.ts';
import { inputDefinitions, type RawInputs } from './inputs.ts';
import { type Shell, shellCompletion, shells } from './shell-completion.ts';

/** Inputs that commands without load take. */
const storeInputs = ['config', 'working-directory', 'suite', 'baseline', 'report-dir'];

/** A search judges nothing and builds each commit itself. */
const bisectInputs = [
  ...['config', 'working-directory', 'suite', 'scenario', 'environment', 'variables'],
  ...['build', 'start', 'ready', 'room', 'measure', 'verdict', 'seed', 'report-dir'],
];

const judgeInputs = ['config', 'working-directory', 'thresholds', 'fail-on', 'report-dir'];

const cliInputs = inputDefinitions.filter((input) => input.actionOnly !== true);

/** Names of the flags that are inputs of the action as well. */
export const inputFlags: readonly string[] = cliInputs.map((input) => input.name);

const flagGroups: Readonly<Record<string, readonly string[]>> = {
  'What is measured:': ['config', 'working-directory', 'suite', 'scenario', 'environment', 'variables'],
  'Server and room:': ['target', 'build', 'start', 'ready', 'room'],
  'What is judged:': ['measure', 'thresholds', 'verdict', 'fail-on'],
  'Baseline:': [
    'baseline',
    'base-ref',
    'baseline-dir',
    'base-url',
    'require-baseline',
    'record-baseline',
    'confirm',
    'confirm-from',
  ],
  'How it is measured:': [
    'shard',
    'start-at',
    'rendezvous',
    'rounds',
    'max-minutes',
    'explain',
    'same-code',
    'seed',
    'capacity',
  ],
  'Reports:': ['report-dir'],
};

type Values = Record<string, string | boolean | undefined>;

const examplesOf: Readonly<Record<string, readonly (readonly [line: string, what: string])[]>> = {
  run: [
    ['tailgate run', 'everything from tailgate.yml'],
    ['tailgate run --suite chat --baseline side-by-side --base-ref main', 'one suite, against main'],
    ['tailgate run --thresholds "p95 < 250ms" --fail-on fail,inconclusive', 'another limit, judged strictly'],
  ],
  merge: [['tailgate merge shards/', 'one verdict for all shards below this folder']],
  compare: [['tailgate compare before.json after.json --html changes.html', 'two reports, as a page']],
  record: [
    [
      'tailgate record --target http://127.0.0.1:3000',
      'click through the application at the address that is shown',
    ],
    ['tailgate record host.har guest.har --out chat.yml', 'two roles, from the browser'],
  ],
  report: [['tailgate report .tailgate/report.json', 'the last report in full, on the terminal']],
  explain: [['tailgate explain main .', 'which function does more than on main']],
  bisect: [
    ['tailgate bisect --good v1.4.0', 'which commit since v1.4.0 made it slower'],
    ['tailgate bisect --good HEAD~20 --bad main --jobs 2/4', 'the second of four jobs of a matrix'],
  ],
  capacity: [
    ['tailgate capacity --from 20 --at-least 300', 'search from 20 users a second, and fail below 300'],
  ],
  verify: [['tailgate verify --aa 12 --inject 1.1', 'false alarms, and whether +10% is found']],
};

/** The command line: its commands and flags. Each command gives what it understood to `done`. */
export const buildProgram = (version: string, done: (request: CliRequest) => void): Command => {
  const program = new Command('tailgate')
    .description('Gates changes on the performance of realtime servers: Socket.IO, WebSocket and STOMP.')
    .version(version, '-v, --version', 'Print the version.')
    .helpOption('-h, --help', 'Print this help.')
    .helpCommand('help [command]', 'Print the help of a command.');
  const onValues = (command: Command, read: (values: Values, words: string[]) => CliRequest): void => {
    command.action((...given: unknown[]) => {
      const words = given
        .slice(0, -2)
        .flat()
        .filter((word): word is string => typeof word === 'string');
      done(read(command.opts<Values>(), words));
    });
  };

  onValues(
    withQuiet(withDashboard(withFiles(withInputs(program.command('run'))))).description(
      'Measure the server, compare it with the baseline and judge it.',
    ),
    (values) => ({
      command: 'run',
      inputs: inputsOf(values),
      files: filesOf(values),
      quiet: values.quiet === true,
      dashboard: dashboardOf(values, 'run'),
    }),
  );
  onValues(
    withQuiet(withFiles(withInputs(program.command('merge <folder>')))).description(
      'Judge together what the shards of a run left in a folder ("run --shard").',
    ),
    (values, [folder]) => {
      const inputs = inputsOf(values);
      return {
        command: 'merge',
        inputs: { ...inputs, values: { ...inputs.values, merge: folder! } },
        files: filesOf(values),
        quiet: values.quiet === true,
      };
    },
  );
  onValues(
    withInputs(program.command('validate')).description(
      'Check settings, thresholds and scenarios; start nothing.',
    ),
    (values) => ({ command: 'validate', inputs: inputsOf(values) }),
  );

  const baseline = program.command('baseline').description('Show and change stored baselines.');
  onValues(
    withInputs(baseline.command('show'), storeInputs)
      .description('Print the stored records of each suite.')
      .option('--json <file>', 'Write the records as JSON.'),
    (values) => ({
      command: 'baseline show',
      inputs: inputsOf(values),
      json: textOf(values, 'json'),
    }),
  );
  onValues(
    withQuiet(withFiles(withInputs(baseline.command('record')))).description(
      'Measure the server and store the result as a baseline, without a verdict against the last.',
    ),
    (values) => ({
      command: 'baseline record',
      inputs: inputsOf(values),
      files: filesOf(values),
      quiet: values.quiet === true,
    }),
  );
  onValues(
    withInputs(baseline.command('accept [record]'), storeInputs)
      .description('Store a run that failed as the new baseline; the last run if no record file is named.')
      .requiredOption('--why <reason>', 'Why the change is accepted; stored with the record.')
      .option('--by <name>', 'Who accepts it; the user of git if not given.'),
    (values, words) => ({
      command: 'baseline accept',
      inputs: inputsOf(values),
      record: words[0],
      by: textOf(values, 'by'),
      why: textOf(values, 'why') ?? '',
    }),
  );
  onValues(
    withFiles(withInputs(program.command('compare <before> <after>'), judgeInputs)).description(
      'Compare two JSON reports and judge the second.',
    ),
    (values, words) => ({
      command: 'compare',
      inputs: inputsOf(values),
      before: words[0]!,
      after: words[1]!,
      files: filesOf(values),
    }),
  );
  onValues(
    withInputs(program.command('explain [base] [head]'))
      .description(
        'Count the work of two versions, commits or folders (./FOLDER), and name the function that does more.',
      )
      .option('--json <file>', 'Write what was found as JSON.'),
    (values, words) => ({
      command: 'explain',
      inputs: inputsOf(values),
      base: words[0],
      head: words[1],
      json: textOf(values, 'json'),
    }),
  );
  onValues(
    withInputs(program.command('bisect'), bisectInputs)
      .description('Find the commit that made the server slower, with its probability and its explanation.')
      .requiredOption('--good <ref>', 'A commit that was fast.')
      .option('--bad <ref>', 'A later commit that is slow; HEAD if not given.')
      .option(
        '--minutes <count>',
        'Minutes after which the search ends; called again, it goes on. 60 if not given.',
      )
      .option(
        '--jobs <i/n>',
        'Measure the share of job i of n alone, for a search that goes on from their files.',
      )
      .option('--json <file>', 'Write what was found as JSON.'),
    (values) => ({
      command: 'bisect',
      inputs: inputsOf(values),
      good: textOf(values, 'good') ?? '',
      bad: textOf(values, 'bad') ?? 'HEAD',
      job: jobOf(values),
      minutes: numberOf(values, 'minutes', 'bisect', 0) ?? 60,
      json: textOf(values, 'json'),
    }),
  );
  onValues(
    withFiles(program.command('report <report>')).description(
      'Render a JSON report in other formats; on the terminal if no file is named.',
    ),
    (values, words) => ({ command: 'report', report: words[0]!, files: filesOf(values) }),
  );
  onValues(
    withQuiet(withDashboard(withFiles(withInputs(program.command('capacity')))))
      .description('Find the highest load at which the limits still hold.')
      .option('--from <users>', 'Virtual users a second of the first step.')
      .option('--to <users>', 'Virtual users a second at which the search ends.')
      .option('--step-seconds <seconds>', 'Length of a step.')
      .option('--precision <percent>', 'How close the highest load that holds is found.')
      .option('--at-least <users>', 'Virtual users a second that the server must take.'),
    (values) => ({
      command: 'capacity',
      inputs: withCapacity(inputsOf(values), values),
      files: filesOf(values),
      quiet: values.quiet === true,
      dashboard: dashboardOf(values, 'capacity'),
    }),
  );
  onValues(
    withInputs(program.command('verify'))
      .description('Prove the verdict on your server: false alarms on equal versions, and changes found.')
      .option('--aa <jobs>', 'Jobs that compare the server with itself.')
      .option('--inject <factors>', 'Service times to inject into the head, for example 1.05,1.1,1.2.')
      .option('--jobs <count>', 'Jobs at each injected factor.')
      .option(
        '--inject-env <name>',
        'Environment variable by which the server takes the factor and slows itself; Node servers need none.',
      )
      .option(
        '--rounds-pairs <count>',
        'Pairs measured in whole rounds too, to compare their noise: 10 with --aa, or 0.',
      )
      .option('--raw <file>', 'JSON-lines file of raw values; one that exists is continued.')
      .option('--pairs <count>', 'Pairs after which a job ends once its verdict stands: all, if not given.')
      .option(
        '--at-most <jobs>',
        'Jobs that this command runs; the same command again goes on with the rest.',
      ),
    (values) => {
      const aa = wholeOf(values, 'aa', 'verify', 0) ?? 0;
      const inject = factorsOf(values);
      if (aa === 0 && inject.length === 0) {
        const problem = 'there is nothing to verify: neither --aa nor --inject is given';
        throw tailgateError('ARGUMENTS_INVALID', { command: 'verify', problem });
      }
      return {
        command: 'verify',
        inputs: inputsOf(values),
        aa,
        inject,
        jobs: wholeOf(values, 'jobs', 'verify', 1) ?? 5,
        injectEnv: textOf(values, 'inject-env'),
        roundPairs: wholeOf(values, 'rounds-pairs', 'verify', 0) ?? (aa > 0 ? 10 : 0),
        raw: textOf(values, 'raw'),
        pairs: wholeOf(values, 'pairs', 'verify', 1),
        atMost: wholeOf(values, 'at-most', 'verify', 1),
      };
    },
  );
  onValues(
    program
      .command('init')
      .description(
        'Write settings, a first scenario and the workflow for the server of this folder, and try them.',
      )
      .option('--yes', 'Ask nothing.')
      .option('--start <command>', 'Command that starts the server.')
      .addOption(
        new Option('--ci <system>', 'Where the gate is to run.').choices(['github', 'gitlab', 'jenkins']),
      )
      .option('--no-run', 'Do not run what was written for ten seconds.')
      .option('--force', 'Replace files that exist.'),
    (values) => ({
      command: 'init',
      yes: values.yes === true,
      start: textOf(values, 'start'),
      ci: textOf(values, 'ci') as 'github' | 'gitlab' | 'jenkins' | undefined,
      run: values.run !== false,
      force: values.force === true,
    }),
  );
  onValues(
    withInputs(program.command('doctor'), ['config', 'working-directory', 'suite']).description(
      'Check the machine, the repository, its workflow and the settings; start nothing.',
    ),
    (values) => ({ command: 'doctor', inputs: inputsOf(values) }),
  );
  onValues(
    program
      .command('import <script>')
      .description(
        'Take over a script around artillery run, a k6 script or a JMeter plan, as far as it maps.',
      )
      .option('--out <file>', 'File to write: tailgate.yml or scenario.yml if not given.')
      .option('--force', 'Replace a file that exists.'),
    (values, words) => ({
      command: 'import',
      file: words[0]!,
      out: textOf(values, 'out'),
      force: values.force === true,
    }),
  );
  onValues(
    program
      .command('record [hars...]')
      .description(
        'Make a scenario of a click-through: of HAR files, each a role, or through a relay to a server.',
      )
      .option('--target <url>', 'The server: the relay leads there, and the replay goes there.')
      .option('--port <port>', 'Port of the relay; a free one if not given.')
      .option('--out <file>', 'Scenario to write: scenario.yml if not given.')
      .option('--seconds <seconds>', 'End the recording after so long; else Enter ends it.')
      .option('--no-replay', 'Do not run the scenario once.')
      .option('--force', 'Replace files that exist.'),
    (values, hars) => {
      const target = textOf(values, 'target');
      if (hars.length === 0 && target === undefined) {
        const problem = 'there is nothing to record: neither a HAR nor --target is given';
        throw tailgateError('ARGUMENTS_INVALID', { command: 'record', problem });
      }
      if (target !== undefined && !/^(https?|wss?):\/\/[^/]/.test(target)) {
        const problem = `--target takes a URL such as http://127.0.0.1:3000, and got "${target}"`;
        throw tailgateError('ARGUMENTS_INVALID', { command: 'record', problem });
      }
      return {
        command: 'record',
        hars,
        target: target?.replace(/\/$/, ''),
        port: wholeOf(values, 'port', 'record', 0) ?? 0,
        out: textOf(values, 'out') ?? 'scenario.yml',
        seconds: numberOf(values, 'seconds', 'record', 0.1),
        replay: values.replay !== false,
        force: values.force === true,
      };
    },
  );
  onValues(
    program
      .command('demo')
      .description('Try the gate on an embedded server, made slower on purpose: about two minutes.'),
    () => ({ command: 'demo' }),
  );
  onValues(
    program
      .command('completion')
      .addArgument(new Argument('<shell>', 'The shell that you use.').choices(shells))
      .description('Print the script that completes commands and flags in your shell.'),
    (_values, [shell]) => ({ command: 'completion', text: shellCompletion(program, shell as Shell) }),
  );
  for (const [name, examples] of Object.entries(examplesOf))
    withExamples(program.commands.find((command) => command.name() === name)!, examples);
  withExamples(program, [
    ['tailgate demo', 'see the gate fail a change, in a minute'],
    ['tailgate run --baseline side-by-side', 'compare the working directory with the commit it began from'],
    ['source <(tailgate completion bash)', 'complete commands and flags'],
  ]);
  program.addHelpText(
    'after',
    '\n"tailgate <command> --help" lists the flags of a command. Most of them are settings too, and go over tailgate.yml.',
  );
  program.addHelpText('afterAll', `\nExit codes:\n${exitHelp()}`);
  return program;
};

function withQuiet(command: Command): Command {
  return command.option('--quiet', 'Print the result alone, no progress.');
}

function withDashboard(command: Command): Command {
  return command
    .optionsGroup('Reports:')
    .option(
      '--dashboard [port]',
      'Serve the page of the report on 127.0.0.1 while it is measured; at a free port if none is given.',
    )
    .optionsGroup('More:');
}

function withFiles(command: Command): Command {
  return command
    .optionsGroup('Reports:')
    .option('--json <file>', 'Write the report as JSON.')
    .option('--markdown <file>', 'Write the report as Markdown.')
    .option('--html <file>', 'Write the report as one HTML page.')
    .option('--junit <file>', 'Write the report as JUnit XML, one test case for each limit.')
    .option('--csv <file>', 'Write the numbers of the report as CSV.')
    .option('--openmetrics <file>', 'Write them as OpenMetrics text, for Prometheus.')
    .option('--otlp <file>', 'Write them as OTLP metrics in JSON, for an OpenTelemetry collector.')
    .optionsGroup('More:');
}

function withInputs(command: Command, names: readonly string[] = loadFlags(command)): Command {
  for (const input of cliInputs.filter(({ name }) => names.includes(name))) {
    const value = input.placeholder === undefined ? '' : ` <${input.placeholder}>`;
    const description = input.description.replaceAll('`', '');
    const option = new Option(`--${input.name}${value}`, description);
    if (input.repeatable)
      option.argParser((line: string, before: string | undefined) =>
        before === undefined ? line : `${before}\n${line}`,
      );
    command.addOption(option.helpGroup(groupOf(input.name)));
  }
  if (names.includes('target'))
    command.addOption(new Option('--url <url>', 'The same as --target.').helpGroup(groupOf('target')));
  return command;
}

/** Flags of a command that drives load: all but those that only another command has a use for. */
function loadFlags(command: Command): string[] {
  return cliInputs
    .filter((input) => input.command === undefined || input.command === command.name())
    .map(({ name }) => name);
}

/** Under which heading the help of a command lists a flag. */
function groupOf(name: string): string {
  const [group = 'More:'] = Object.entries(flagGroups).find(([, names]) => names.includes(name)) ?? [];
  return group;
}

function inputsOf(values: Values): RawInputs {
  const given = inputFlags.flatMap((name): [string, string][] => {
    const value = values[camel(name)] ?? (name === 'target' ? values.url : undefined);
    return value === undefined ? [] : [[name, String(value)]];
  });
  return { source: 'cli', values: Object.fromEntries(given) };
}

function camel(name: string): string {
  return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function filesOf(values: Values): ReportFiles {
  return {
    json: textOf(values, 'json'),
    markdown: textOf(values, 'markdown'),
    html: textOf(values, 'html'),
    junit: textOf(values, 'junit'),
    csv: textOf(values, 'csv'),
    openmetrics: textOf(values, 'openmetrics'),
    otlp: textOf(values, 'otlp'),
  };
}

function textOf(values: Values, name: string): string | undefined {
  const value = values[camel(name)];
  return typeof value === 'string' ? value : undefined;
}

/** The port of `--dashboard`: 0 for any, undefined where the flag is not given. */
function dashboardOf(values: Values, command: string): number | undefined {
  if (values.dashboard === true) return 0;
  const port = wholeOf(values, 'dashboard', command, 1);
  if (port === undefined || port <= 65_535) return port;
  const problem = `--dashboard takes a port of at most 65535, and got "${port}"`;
  throw tailgateError('ARGUMENTS_INVALID', { command, problem });
}

function wholeOf(values: Values, name: string, command: string, least: number): number | undefined {
  const value = numberOf(values, name, command, least);
  if (value === undefined || Number.isInteger(value)) return value;
  const problem = `--${name} takes a whole number, and got "${textOf(values, name)}"`;
  throw tailgateError('ARGUMENTS_INVALID', { command, problem });
}

function numberOf(values: Values, name: string, command: string, least: number): number | undefined {
  const text = textOf(values, name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= least) return value;
  const problem = `--${name} takes a number of at least ${least}, and got "${text}"`;
  throw tailgateError('ARGUMENTS_INVALID', { command, problem });
}

function jobOf(values: Values): { number: number; of: number } | undefined {
  const text = textOf(values, 'jobs');
  if (text === undefined) return undefined;
  const [, number, of] = (/^(\d{1,4})\/(\d{1,4})$/.exec(text) ?? []).map(Number);
  if (number !== undefined && of !== undefined && number >= 1 && number <= of) return { number, of };
  const problem = `--jobs takes the number of a job and how many there are, such as "2/4", and got "${text}"`;
  throw tailgateError('ARGUMENTS_INVALID', { command: 'bisect', problem });
}

/** The flags of `capacity` as the input of that name. */
function withCapacity(inputs: RawInputs, values: Values): RawInputs {
  const seconds = numberOf(values, 'step-seconds', 'capacity', 1);
  const given = {
    from: numberOf(values, 'from', 'capacity', 0.001),
    to: numberOf(values, 'to', 'capacity', 0.001),
    stepMs: seconds === undefined ? undefined : Math.round(seconds * 1000),
    precisionPercent: numberOf(values, 'precision', 'capacity', 0.1),
    atLeast: numberOf(values, 'at-least', 'capacity', 0.001),
  };
  if (Object.values(given).every((value) => value === undefined)) return inputs;
  if (inputs.values.capacity !== undefined) {
    const problem = '--capacity holds all settings of the search, and another flag gives one of them';
    throw tailgateError('ARGUMENTS_INVALID', { command: 'capacity', problem });
  }
  return { ...inputs, values: { ...inputs.values, capacity: JSON.stringify(given) } };
}

function factorsOf(values: Values): number[] {
  const text = textOf(values, 'inject') ?? '';
  return text
    .split(',')
    .filter((factor) => factor.trim() !== '')
    .map((factor) => {
      const value = Number(factor);
      if (Number.isFinite(value) && value > 0) return value;
      const problem = `--inject takes factors such as "1.05,1.1,1.2", and got "${factor.trim()}"`;
      throw tailgateError('ARGUMENTS_INVALID', { command: 'verify', problem });
    });
}

/** Command lines to begin with, shown below the flags. */
function withExamples(
  command: Command,
  examples: readonly (readonly [line: string, what: string])[],
): Command {
  const width = Math.max(...examples.map(([line]) => line.length));
  const lines = examples.map(([line, what]) => `  ${line.padEnd(width)}  ${what}`);
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}

function exitHelp(): string {
  return Object.entries(exitCodes)
    .map(([name, code]) => `  ${String(code).padStart(3)}  ${exitMeanings[name as ExitName]}`)
    .join('\n');
}

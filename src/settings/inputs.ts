/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: a default of action.yml is an expression of GitHub */
/**
 * The inputs of the action, which are the flags of the command line too: one list, from which `action.yml`, the
 * flags, `--help` and the README's table are made, and which the settings are read from.
 */

/** How the text of an input becomes a setting; `special` ones are taken by name. */
export type InputKind =
  | 'text'
  | 'path'
  | 'whole number'
  | 'number'
  | 'yes or no'
  | 'list'
  | 'lines'
  | 'yaml'
  | 'ready'
  | 'baseline'
  | 'fail-on'
  | 'special';

export type InputDefinition = {
  name: string;
  description: string;
  kind: InputKind;
  /** The setting of tailgate.yml that it overrides; null for what has no setting. */
  setting: readonly string[] | null;
  /** Default in action.yml; none when the settings file or the schema decides. */
  default?: string;
  /** What stands for the value in `--help`; the flag takes none when it is absent. */
  placeholder?: string;
  /** Not offered on the command line. */
  actionOnly?: true;
  /** Offered on the command line by this command alone; by all that drive load if not given. */
  command?: string;
  /** May be given several times on the command line; the values become lines. */
  repeatable?: true;
};

export const inputDefinitions: readonly InputDefinition[] = [
  {
    name: 'mode',
    description:
      '`gate` measures, compares and judges; `capacity` looks for the highest load at which the limits still hold.',
    kind: 'special',
    setting: null,
    default: 'gate',
    actionOnly: true,
  },
  {
    name: 'config',
    description:
      'Settings file. If not given: `tailgate.yml`, `tailgate.yaml`, or one of the two in `.github`, if there is one.',
    kind: 'special',
    setting: null,
    placeholder: 'file',
  },
  {
    name: 'working-directory',
    description: 'Folder in which everything is looked up and run.',
    kind: 'special',
    setting: null,
    placeholder: 'folder',
  },
  {
    name: 'suite',
    description:
      'Suites to run, by name (`name`, or `name/level` for one level), separated by commas. All, if not given.',
    kind: 'special',
    setting: null,
    placeholder: 'names',
  },
  {
    name: 'scenario',
    description:
      'Artillery scenario file. Runs instead of the suites of the settings file; together with `suite`, replaces the scenario of that suite.',
    kind: 'special',
    setting: null,
    placeholder: 'file',
  },
  {
    name: 'environment',
    description: 'Environment of the scenario (`config.environments`), for every suite that runs.',
    kind: 'special',
    setting: null,
    placeholder: 'name',
  },
  {
    name: 'variables',
    description: 'Variables for the scenario, as YAML or JSON, added to those of every suite.',
    kind: 'special',
    setting: null,
    placeholder: 'yaml',
  },
  {
    name: 'target',
    description: 'URL of the server. `{{ port }}` is the port that Tailgate chose.',
    kind: 'text',
    setting: ['target', 'url'],
    placeholder: 'url',
  },
  {
    name: 'build',
    description: 'Command that builds the server, run once before the first start.',
    kind: 'text',
    setting: ['target', 'build'],
    placeholder: 'command',
  },
  {
    name: 'start',
    description:
      'Command that starts the server; it finds its port in the environment variable `PORT` and as `{{ port }}`. Without it, the server at `target` must run already.',
    kind: 'text',
    setting: ['target', 'start'],
    placeholder: 'command',
  },
  {
    name: 'ready',
    description:
      'How to tell that the server is ready: `tcp`, `http:/health`, `http://127.0.0.1:9000/health`, `log:/listening/`, `socketio` or `websocket:/path`.',
    kind: 'ready',
    setting: ['target', 'ready'],
    placeholder: 'probe',
  },
  {
    name: 'room',
    description:
      'The test room, as YAML or JSON, merged over `room` of the settings file; `false` for no room. Its keys: docs/settings.md.',
    kind: 'yaml',
    setting: ['room'],
    placeholder: 'yaml',
  },
  {
    name: 'measure',
    description: 'What is measured, as YAML or JSON, merged over `measure` of the settings file.',
    kind: 'yaml',
    setting: ['measure'],
    placeholder: 'yaml',
  },
  {
    name: 'thresholds',
    description:
      'Limits, one to a line (`chat.ack.p95 < 200ms`, `p95 < +10%`, `lost = 0`). They replace those of the settings file.',
    kind: 'lines',
    setting: ['thresholds'],
    placeholder: 'limit',
    repeatable: true,
  },
  {
    name: 'baseline',
    description:
      'What to compare with: `side-by-side`, `branch`, `branch:NAME`, `file:PATH` (or a path), or `none`.',
    kind: 'baseline',
    setting: ['baseline'],
    placeholder: 'source',
  },
  {
    name: 'base-ref',
    description: 'For `side-by-side`: the commit to compare with. Found from the event, if not given.',
    kind: 'text',
    setting: ['baseline', 'ref'],
    placeholder: 'ref',
  },
  {
    name: 'baseline-dir',
    description: 'For `side-by-side` without git: folder that holds the base version.',
    kind: 'path',
    setting: ['baseline', 'dir'],
    placeholder: 'folder',
  },
  {
    name: 'base-url',
    description:
      'For `side-by-side` of two versions that run already: URL of the base version, where `target` is that of the head.',
    kind: 'text',
    setting: ['baseline', 'url'],
    placeholder: 'url',
  },
  {
    name: 'require-baseline',
    description:
      'Whether a missing baseline makes the run invalid; otherwise the absolute limits decide alone. If not given: yes for `side-by-side`, no for stored records.',
    kind: 'yes or no',
    setting: ['baseline', 'require'],
  },
  {
    name: 'record-baseline',
    description: 'When this run is stored as a baseline: `default-branch`, `always` or `never`.',
    kind: 'text',
    setting: ['baseline', 'record'],
    placeholder: 'when',
  },
  {
    name: 'confirm',
    description:
      'Where a run that exceeds what stored runs allow is measured again before it can fail: `same-job`, or `fresh-job`: it then ends with the output `verdict: suspect`.',
    kind: 'text',
    setting: ['baseline', 'confirm'],
    placeholder: 'where',
  },
  {
    name: 'confirm-from',
    description:
      'Records of a suspect run (`records.jsonl`, or the report folder of its job), which this run confirms or refutes.',
    kind: 'path',
    setting: ['baseline', 'confirmFrom'],
    placeholder: 'path',
  },
  {
    name: 'capacity',
    description:
      'How the highest load is searched, as YAML or JSON, merged over `capacity` of the settings file: `{ from: 50, atLeast: 300 }`. Its keys: docs/settings.md.',
    kind: 'yaml',
    setting: ['capacity'],
    placeholder: 'yaml',
    command: 'capacity',
  },
  {
    name: 'shard',
    description:
      'Drive only this part of the load, such as `3/10`, beside jobs that drive the others; `merge` judges them together (docs/scale.md).',
    kind: 'special',
    setting: null,
    placeholder: 'i/n',
    command: 'run',
  },
  {
    name: 'start-at',
    description:
      'When all shards start, the same in each: an instant such as `2030-01-31T12:00:00Z`, or seconds since 1970.',
    kind: 'special',
    setting: null,
    placeholder: 'instant',
    command: 'run',
  },
  {
    name: 'rendezvous',
    description:
      'Where all shards reach shard 1, such as `tcp://10.0.0.5:7400`, or a file in which it tells them: it starts the server, leads the others, and judges (docs/scale.md).',
    kind: 'special',
    setting: null,
    placeholder: 'address',
    command: 'run',
  },
  {
    name: 'merge',
    description:
      'Measure nothing: judge what the shards of this run left in this folder, as `tailgate merge` does (docs/scale.md).',
    kind: 'special',
    setting: null,
    actionOnly: true,
  },
  {
    name: 'rounds',
    description: 'Rounds of a run that is not side by side.',
    kind: 'whole number',
    setting: ['rounds'],
    placeholder: 'count',
  },
  {
    name: 'max-minutes',
    description: 'Minutes after which no further round is started; the verdict is given with what there is.',
    kind: 'number',
    setting: ['maxMinutes'],
    placeholder: 'minutes',
  },
  {
    name: 'seed',
    description: 'Seed of everything random, so that a run can be repeated.',
    kind: 'whole number',
    setting: ['seed'],
    placeholder: 'number',
  },
  {
    name: 'fail-on',
    description:
      'Verdicts that fail the step: `fail`, `inconclusive`, `invalid`, separated by commas; or `none`.',
    kind: 'fail-on',
    setting: ['failOn'],
    placeholder: 'verdicts',
  },
  {
    name: 'explain',
    description:
      'When to count which function does more, side by side: `never`, `on-change` (after a failure, or when what a message costs has moved) or `always`.',
    kind: 'text',
    setting: ['explain'],
    placeholder: 'when',
    command: 'run',
  },
  {
    name: 'same-code',
    description:
      'What to do when both sides ran the same code: `pass` after the first pair, or `measure` all the same.',
    kind: 'text',
    setting: ['sameCode'],
    placeholder: 'what',
    command: 'run',
  },
  {
    name: 'comment',
    description: 'When to comment on the pull request: `always`, `on-change`, `on-fail` or `never`.',
    kind: 'text',
    setting: ['comment'],
    // The command line writes no comment and no check: a flag would be heard and ignored.
    actionOnly: true,
  },
  {
    name: 'check',
    description: 'A check with a fixed name beside the job: `none`, `check-run` or `commit-status`.',
    kind: 'text',
    setting: ['check', 'kind'],
    actionOnly: true,
  },
  {
    name: 'report-dir',
    description: 'Folder for reports, logs and raw values.',
    kind: 'path',
    setting: ['reportDir'],
    placeholder: 'folder',
  },
  {
    name: 'matrix',
    description:
      'Values of the job in its matrix, as JSON: they keep the legs of a matrix apart in the comment that they share. The default is right.',
    kind: 'special',
    setting: null,
    default: '${{ toJSON(matrix) }}',
    actionOnly: true,
  },
  {
    name: 'github-token',
    description: 'Token for the comment, the check and the baseline branch.',
    kind: 'special',
    setting: null,
    default: '${{ github.token }}',
    actionOnly: true,
  },
];

/** What the action can do: the input `mode`. */
export const actionModes = ['gate', 'capacity'] as const;

/** The outputs of the action. */
export const outputDefinitions: readonly { name: string; description: string }[] = [
  {
    name: 'verdict',
    description:
      '`pass`, `fail`, `inconclusive` or `invalid`; `suspect` when stored runs make it look worse and another machine should confirm.',
  },
  { name: 'report-json', description: 'Path of the JSON report.' },
  { name: 'report-markdown', description: 'Path of the report as Markdown.' },
  { name: 'report-html', description: 'Path of the report as one HTML page.' },
  { name: 'comment-url', description: 'URL of the pull-request comment; empty when there is none.' },
  { name: 'regressions', description: 'The limits that failed, as a JSON list of `suite: rule`.' },
  {
    name: 'capacity',
    description:
      'In the mode `capacity`: the highest load that held, in virtual users a second; empty when none was found.',
  },
  {
    name: 'baseline-commit',
    description: 'Commit that the head was compared with; empty without a baseline.',
  },
];

/** What the user gave outside of the settings file; absent and empty values are the same. */
export type RawInputs = { source: 'action' | 'cli'; values: Readonly<Record<string, string>> };

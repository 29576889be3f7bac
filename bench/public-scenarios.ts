/**
 * What `tailgate validate` says of scenario files of other people: `npm run bench -- public-scenarios FOLDER`, where the folder
 * holds files as they stand in public repositories, in a folder for each, `OWNER+NAME`. Prints the table of
 * `docs/artillery-differences.md` to stderr.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { markdownTable } from 'markdown-table';
import { type Figure, figure } from './figure.ts';

export const about = 'what validate says of scenario files of other people, and how often once';

const cli = path.resolve(import.meta.dirname, '../dist/cli.js');

/** Reasons, by what the first error says; the first that fits. */
const reasons: readonly (readonly [reason: string, says: RegExp])[] = [
  ['Nothing in it can be timed: what to add to the steps or the settings', /measures nothing/],
  [
    '`acknowledge` or `response` stands inside of `emit`, where Artillery ignores it, and nothing else is timed',
    /"(acknowledge|response)" means nothing in "emit"/,
  ],
  [
    'The processor, or the payload file, that it names is not there',
    /(processor|payload file) .* does not exist/,
  ],
  [
    'A step that its engine does not have (`emit` over `ws`, `wait`, `repeat`, `set`), or no engine is named',
    /has no step with|keys of a scenario, not of a step|the key of a step|is no step by itself/,
  ],
  ['The processor needs a package that is not installed', /cannot be used: Cannot find/],
  [
    'A template that stands for nothing (`$randomInt`, `$timestamp`, a variable that nobody defines or sets)',
    /stands for nothing/,
  ],
  ['An event that Socket.IO keeps for itself (`emit: [disconnect]`)', /keeps for itself/],
  ['No YAML, or no scenario', /not valid YAML|not a mapping|it is empty|"scenarios" is required/],
  ['A plugin that is not installed, or is an engine', /uses the plugin|is an engine and no plugin/],
  ['A key that is needed is called otherwise (`emit: { name: ... }`)', /means nothing in/],
];
const valid = 'Valid';
const warned =
  'Valid, with warnings (keys that do nothing, fractions of a second, messages that nothing answers)';
const other = 'Anything else';

export const run = async ([folder]: readonly string[]): Promise<Figure[]> => {
  if (folder === undefined) throw new Error('Name the folder with the scenario files.');
  const files = scenarioFiles(path.resolve(folder));
  const counts = new Map<string, number>();
  let mostErrors = 0;
  let several = 0;
  for (const file of files) {
    const { reason, errors } = await validate(file);
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
    mostErrors = Math.max(mostErrors, errors);
    if (errors > 1) {
      several += 1;
      process.stderr.write(`${errors} errors: ${path.relative(folder, file)}\n`);
    }
    if (reason === other) process.stderr.write(`not classified: ${path.relative(folder, file)}\n`);
  }
  const authors = new Set(files.map((file) => path.relative(folder, file).split('+')[0]));
  const rows = [valid, warned, ...reasons.map(([reason]) => reason), other]
    .filter((reason) => counts.has(reason))
    .map((reason) => [reason, String(counts.get(reason))]);
  const refused = files.length - (counts.get(valid) ?? 0) - (counts.get(warned) ?? 0);
  process.stderr.write(
    `${files.length} files of ${authors.size} authors: ${refused - several} get one error, ${several} get more\n`,
  );
  process.stderr.write(`${markdownTable([['What it says', 'Files'], ...rows])}\n`);
  return [
    figure('files that get more than one error', several, 'files', '<=', files.length * 0.05, 'all files'),
    figure('most errors of one file', mostErrors, 'errors', '<=', 3, 'one mistake, one error'),
    figure(
      'files whose error is none of the kinds above',
      counts.get(other) ?? 0,
      'files',
      '<=',
      0,
      'all files',
    ),
  ];
};

const engine = /["']?engine["']?\s*:\s*["']?(socketio|socketio-v3|ws)["']?\s*(?:#|,|\n|\r|\}|$)/;

/** Files with a scenario for one of our engines, each content once. */
const scenarioFiles = (folder: string): string[] => {
  const seen = new Set<string>();
  return globSync('**/*.{yml,yaml,json}', { cwd: folder })
    .sort()
    .map((file) => path.join(folder, file))
    .filter((file) => {
      const text = readFileSync(file, 'utf8');
      if (!engine.test(text) || !/scenarios["']?\s*:/.test(text)) return false;
      const hash = createHash('sha256').update(text.replace(/\s+/g, ' ')).digest('hex');
      return !seen.has(hash) && seen.add(hash) !== undefined;
    });
};

const validate = async (file: string): Promise<{ reason: string; errors: number }> => {
  const args = [cli, 'validate', '--scenario', file, '--start', 'node server.js', '--baseline', 'none'];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, {
    cwd: path.dirname(file),
  }).catch((error: { stdout: string; stderr: string }) => error);
  const lines = `${stdout}\n${stderr}`.split('\n');
  const errors = lines.filter((line) => line.startsWith('Error: '));
  if (errors.length > 0)
    return { reason: reasons.find(([, says]) => says.test(errors[0]!))?.[0] ?? other, errors: errors.length };
  return { reason: lines.some((line) => line.startsWith('Warning: ')) ? warned : valid, errors: 0 };
};

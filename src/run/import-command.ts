import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { exitCodes, tailgateError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { readNamedFile } from '../host/pipe-files.ts';
import { importScript } from '../init/import-script.ts';
import type { CliRequest } from '../settings/cli-request.ts';
import { writeText } from './write-reports.ts';

export type ImportCommand = Omit<Extract<CliRequest, { command: 'import' }>, 'command'> & {
  host: Host;
  print: (text: string) => void;
};

/** `tailgate import`: writes what maps of another tool's script, and lists what does not, with its place. */
export const importCommand = async ({ host, print, file, out, force }: ImportCommand): Promise<number> => {
  const source = path.resolve(host.cwd, file);
  let text: string;
  try {
    text = await readNamedFile(source);
  } catch (error) {
    throw tailgateError(
      'FILE_UNREADABLE',
      { path: file, reason: (error as Error).message.split(',')[0]! },
      {},
      error,
    );
  }
  const imported = importScript(text, (name) => {
    const places = [path.dirname(source), host.cwd].map((folder) => path.join(folder, name));
    const found = places.find((place) => existsSync(place));
    return found === undefined ? null : readFileSync(found, 'utf8');
  });
  if (imported === null) throw tailgateError('IMPORT_UNKNOWN', { path: file });
  for (const [name, content] of Object.entries(imported.files)) {
    const place = out ?? name;
    if (existsSync(path.resolve(host.cwd, place)) && !force)
      throw tailgateError('FILE_EXISTS', { path: place, command: 'import' });
    await writeText(path.resolve(host.cwd, place), content);
    print(`Wrote ${place}, of a script for ${imported.tool}.`);
  }
  if (imported.left.length === 0) print('Everything in it maps.');
  else
    print(
      `Not taken over:\n${imported.left.map(({ line, what }) => `  ${file}:${line}  ${what}`).join('\n')}`,
    );
  return exitCodes.pass;
};

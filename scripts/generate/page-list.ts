import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** A list of the pages in a folder, by their file names, each with its title. */
export const renderPageList = (folder: string): string =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.md') && name !== 'README.md')
    .sort()
    .map((name) => {
      const title = /^# (.+)$/m.exec(readFileSync(path.join(folder, name), 'utf8'))?.[1] ?? name;
      return `- [${name}](${name}): ${title}`;
    })
    .join('\n');

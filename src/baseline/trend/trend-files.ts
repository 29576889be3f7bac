import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { BaselineRecord } from '../baseline-record.ts';
import { capacityHistory } from '../history-name.ts';
import type { BranchSnapshot } from '../record-branch.ts';
import { suiteFolder } from './segments.ts';
import { trendData } from './trend-data.ts';

/** `data/index.json` of the branch. */
type TrendIndex = {
  schemaVersion: 1;
  /** Hash of the page's own files, so that they are written only when they change. */
  page: string;
  /** `capacity` names the file of the searches for the capacity of a suite. */
  suites: { name: string; file: string; capacity?: string }[];
};

const indexPath = 'data/index.json';

const readme = `# Performance history

This branch is written by Tailgate: do not merge it. \`records/\` holds what was measured on the default branch, one
record a line; \`data/\` and \`index.html\` show it and can be served by GitHub Pages (Settings, Pages, this branch).
`;

/**
 * The files of the page of trends after an append: the data of the suites that got records, the list of suites, and the
 * page itself where it is absent or of another version. A page that cannot be made must not cost the records: then
 * there are none.
 */
export const trendFiles = async (
  snapshot: BranchSnapshot,
  suites: ReadonlyMap<string, readonly BaselineRecord[]>,
): Promise<Map<string, string>> => {
  const changes = new Map<string, string>();
  const page = await pageFiles().catch(() => null);
  if (page === null) return changes;
  const hash = createHash('sha256')
    .update(JSON.stringify([...page]))
    .digest('hex')
    .slice(0, 16);
  const known = snapshot.paths.includes(indexPath) ? parseIndex((await snapshot.read([indexPath]))[0]) : null;
  const entries = new Map((known?.suites ?? []).map((entry) => [entry.name, entry]));
  for (const [name, records] of suites) {
    const file = `data/${suiteFolder(name)}.json`;
    entries.set(name, { name, file });
    changes.set(file, `${JSON.stringify(trendData(name, records))}\n`);
  }
  const listed = [...entries.values()]
    .map(({ name, file }) => {
      const capacity = entries.get(capacityHistory(name))?.file;
      return { name, file, ...(capacity === undefined ? {} : { capacity }) };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const index: TrendIndex = { schemaVersion: 1, page: hash, suites: listed };
  changes.set(indexPath, `${JSON.stringify(index)}\n`);
  if (known?.page !== hash) for (const [path, text] of page) changes.set(path, text);
  return changes;
};

async function pageFiles(): Promise<ReadonlyMap<string, string>> {
  const read = (name: string) => readFile(new URL(`./${name}`, import.meta.url), 'utf8');
  return new Map([
    ['index.html', await read('trend-page.html')],
    ['trends.js', await read('trend-page.js')],
    ['notation.js', await read('notation.js')],
    ['README.md', readme],
    // GitHub Pages would otherwise look for templates in all of this.
    ['.nojekyll', ''],
  ]);
}

function parseIndex(text: string | undefined): TrendIndex | null {
  try {
    const index = JSON.parse(text ?? '') as Partial<TrendIndex>;
    const isListed = (entry: unknown): boolean =>
      typeof (entry as { name?: unknown } | null)?.name === 'string' &&
      typeof (entry as { file?: unknown }).file === 'string';
    return Array.isArray(index.suites) && index.suites.every(isListed) ? (index as TrendIndex) : null;
  } catch {
    return null;
  }
}

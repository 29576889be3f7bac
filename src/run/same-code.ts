import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { tryGit } from '../baseline/run-git.ts';
import { sameScripts } from '../explain/explain-work.ts';
import type { Host } from '../host/host.ts';
import { plural } from '../metrics/notation.ts';
import type { RanCode, RanScripts } from '../side/measure-round.ts';
import type { ChangeRoots } from './read-change.ts';

export type SameCodeRequest = {
  roots: ChangeRoots;
  /** Folder of the server at the head, and files that both sides are measured with, whatever they hold. */
  serverFolder: string;
  sharedFiles: readonly string[];
  host: Host;
};

/**
 * What shows that both sides of a pair are the same code, as a clause; null when anything differs or is not known: a
 * script, the version of Node, a native add-on, or a changed file that the server could read.
 */
export const sameCode = async (ran: RanCode, request: SameCodeRequest): Promise<string | null> => {
  const { roots, host } = request;
  if (roots.baseSha === null) return null;
  const work = (side: RanScripts) => ({
    ...side,
    functions: [],
    messages: [],
    latenciesMs: {},
    profiles: [],
    stacks: [],
    profiledMessages: 0,
    profiledCpuUs: null,
    profiledQueueUs: 0,
    allocated: null,
  });
  const place = (root: string) => ({ root, sourceMaps: new Map() });
  const same = sameScripts({
    baseline: work(ran.baseline),
    head: work(ran.head),
    places: { baseline: place(roots.baseline), head: place(roots.head) },
  });
  if (same !== true || ran.baseline.node.join() !== ran.head.node.join()) return null;
  if (digestOf(ran.baseline.nativeFiles, roots.baseline) !== digestOf(ran.head.nativeFiles, roots.head))
    return null;
  const changed = await changedFiles(roots, host);
  if (changed === null) return null;
  // The roots are real paths; a checkout may lie behind a link.
  const real = (file: string): Promise<string> => realpath(file).catch(() => file);
  const folder = path.relative(roots.head, await real(request.serverFolder));
  const shared = await Promise.all(request.sharedFiles.map(real));
  const server = { folder, reachesOut: runsCodeOutside(ran.head.scripts, roots.head, folder) };
  if (changed.some((file) => !shared.includes(path.join(roots.head, file)) && couldBeRead(file, server)))
    return null;
  const own = ran.head.scripts.filter(({ url }) => url.startsWith('file:')).length;
  return [
    plural(own, 'script'),
    `Node ${ran.head.node.join(', ').replaceAll('v', '')}`,
    changed.length === 0
      ? 'no file changed'
      : `changed: ${changed.slice(0, 3).join(', ')}${changed.length > 3 ? ` and ${changed.length - 3} more` : ''}`,
  ].join('; ');
};

/** Documentation, tests, pictures and what only people and their tools read. */
const readByNobody = [
  /\.(md|markdown|mdx|rst|adoc|png|jpe?g|gif|webp|ico|svg|drawio|pdf)$/i,
  /(^|\/)(docs?|tests?|__tests__|__mocks__|specs?|e2e|\.github|\.gitlab|\.vscode|\.idea)\//,
  /\.(test|spec)\.[cm]?[jt]sx?$/,
  /(^|\/)(LICEN[CS]E|CHANGELOG|AUTHORS|CODEOWNERS|NOTICE)[^/]*$/i,
  /(^|\/)\.(gitignore|gitattributes|editorconfig|prettierrc[^/]*|eslintrc[^/]*|dockerignore)$/,
];
/** Ignored by git, and made by the build (its scripts are compared) or by tools. */
const madeByTools =
  /(^|\/)(node_modules|dist|build|lib|out|coverage|\.nyc_output|\.cache|\.turbo|\.tailgate)\/?$|\.(log|tsbuildinfo)$/;

/** Where a server is in its repository: its folder, from the root, and whether it runs code from outside of that. */
export type ServerPlace = { folder: string; reachesOut: boolean };

/**
 * Whether a server could read a file, by its path from the root of the repository: those of its own folder, those at the
 * root, which are for all, and any other if it reaches out. What only people and their tools read, it does not; the
 * folder itself may have any name.
 */
export const couldBeRead = (file: string, { folder, reachesOut }: ServerPlace): boolean => {
  const isInside = folder === '' || file.startsWith(`${folder}/`);
  const name = isInside && folder !== '' ? file.slice(folder.length + 1) : file;
  if (readByNobody.some((pattern) => pattern.test(name))) return false;
  return isInside || reachesOut || !file.includes('/');
};

/** Whether a server whose folder is `folder` ran code of the repository at `root` that lies elsewhere in it. */
export const runsCodeOutside = (
  scripts: readonly { url: string }[],
  root: string,
  folder: string,
): boolean => {
  const serverFolder = path.join(root, folder);
  return scripts.some(({ url }) => {
    if (!url.startsWith('file://') || url.includes('/node_modules/')) return false;
    const file = decodeURIComponent(url.slice('file://'.length));
    return file.startsWith(`${root}/`) && !file.startsWith(`${serverFolder}/`);
  });
};

/** Files that differ between base and work tree, and those that only one has; null when git cannot tell. */
async function changedFiles(roots: ChangeRoots, host: Host): Promise<string[] | null> {
  const list = async (args: readonly string[]): Promise<string[] | null> => {
    try {
      const { code, stdout } = await tryGit(args, {
        cwd: roots.head,
        env: host.env,
        signal: host.signal,
        config: [['safe.directory', '*']],
      });
      return code === 0 ? stdout.split('\0').filter((name) => name !== '') : null;
    } catch {
      return null;
    }
  };
  const untracked = ['ls-files', '--others', '--exclude-standard', '--directory', '-z'];
  const [differing, added, ignored] = [
    await list(['diff', '--name-only', '--no-renames', '-z', roots.baseSha!, '--']),
    await list(untracked),
    await list([...untracked, '--ignored']),
  ];
  if (differing === null || added === null || ignored === null) return null;
  const own = [...added, ...ignored].filter((name) => !madeByTools.test(name));
  return [...new Set([...differing, ...own])].sort();
}

/** Content of native add-ons, wherever the two versions lie. */
function digestOf(files: readonly string[], root: string): string {
  return files
    .map((file) => {
      try {
        return `${path.relative(root, file)} ${createHash('sha256').update(readFileSync(file)).digest('hex')}`;
      } catch {
        return `${file} unreadable ${root}`;
      }
    })
    .join('\n');
}

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
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
  if (changed === null || changed.some((file) => couldBeRead(file, request))) return null;
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

/** Whether no server reads a file, by its path in the repository. */
export const isReadByNobody = (file: string): boolean => readByNobody.some((pattern) => pattern.test(file));

function couldBeRead(file: string, { roots, serverFolder, sharedFiles }: SameCodeRequest): boolean {
  const absolute = path.join(roots.head, file);
  if (sharedFiles.includes(absolute) || isReadByNobody(file)) return false;
  const inServer = path.relative(serverFolder, absolute);
  return !inServer.startsWith('..');
}

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

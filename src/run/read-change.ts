import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { TraceMap } from '@jridgewell/trace-mapping';
import { GitError, type GitResult, tryGit } from '../baseline/run-git.ts';
import { type DependencyChange, dependencyChanges, isDockerfile } from '../explain/dependency-changes.ts';
import { type FileChange, parseDiff } from '../explain/parse-diff.ts';
import type { PlaceReader } from '../explain/places.ts';
import type { SideWork } from '../explain/side-work.ts';
import type { Host } from '../host/host.ts';
import type { SideName } from '../metrics/round-measurement.ts';

/** The folders that stand for the repository on both sides, and the commit of the base if it is one. */
export type ChangeRoots = { baseline: string; head: string; baseSha: string | null };

/** What of a side tells which of its files matter. */
type Ran = Pick<SideWork, 'scripts'> & Partial<Pick<SideWork, 'stacks'>>;

const lockfiles = ['package-lock.json', 'npm-shrinkwrap.json', 'yarn.lock', 'pnpm-lock.yaml'];
const dockerfiles = ['Dockerfile', 'Containerfile'];
/** What is read is the same whatever the settings of the user's git say. */
const diffArguments = [
  'diff',
  '--unified=0',
  '--find-renames',
  '--no-color',
  '--no-ext-diff',
  '--no-textconv',
  '--src-prefix=a/',
  '--dst-prefix=b/',
  '--inter-hunk-context=0',
];
const diffTimeoutMs = 20_000;
const maxMapBytes = 50_000_000;

/** For a reader who would take it that what changed was looked at. */
export const unreadSentence = (unread: string): string =>
  `What changed could not be read (${unread}), so no line of it is named.`;

/**
 * The root of the repository that `cwd` is in, and the folder that stands for it in the base version. A base that is a plain
 * folder stands for `cwd`: where it lies elsewhere in its own tree than `cwd` in the repository, nothing stands for the root.
 */
export const changeRoots = async (
  cwd: string,
  base: { dir: string; sha: string | null },
  host: Host,
): Promise<ChangeRoots> => {
  const [head, baseline] = await Promise.all([realpath(cwd), realpath(base.dir)]);
  const { code, stdout } = await git(['rev-parse', '--show-toplevel'], head, host);
  const root = code === 0 ? await realpath(stdout.trim()) : head;
  const inside = path.relative(root, head);
  if (inside === '' || !baseline.endsWith(`${path.sep}${inside}`))
    return { baseline, head, baseSha: base.sha };
  return { baseline: baseline.slice(0, -inside.length - 1), head: root, baseSha: base.sha };
};

/** What changed, and why not all of it could be read: a clause, null where it was. */
export type ChangesRead = { files: FileChange[]; unread: string | null };

/** What changed from base to head: by git, or, for folders that are no commits, of the files that ran. Never throws. */
export const readChanges = async (
  roots: ChangeRoots,
  work: Record<SideName, Ran>,
  places: { baseline: PlaceReader; head: PlaceReader },
  host: Host,
): Promise<ChangesRead> => {
  if (roots.baseSha !== null) {
    const args = [...diffArguments, roots.baseSha, '--'];
    const result = await git(args, roots.head, host);
    return {
      files: parseDiff(result.stdout),
      unread: result.code === 0 ? null : failure(args, result, host),
    };
  }
  const files = new Set([
    ...filesThatRan(work.baseline, places.baseline),
    ...filesThatRan(work.head, places.head),
    ...lockfiles,
    ...dockerfiles,
  ]);
  const changes: FileChange[] = [];
  let unread: string | null = null;
  for (const file of [...files].sort()) {
    const [before, after] = [path.join(roots.baseline, file), path.join(roots.head, file)];
    if (textOf(before) === textOf(after)) continue;
    const sides = [before, after].map((side) => (existsSync(side) ? side : '/dev/null'));
    const args = [...diffArguments, '--no-index', '--', ...sides];
    const result = await git(args, roots.head, host);
    // It ends with 1 where the files differ.
    if (result.code !== 0 && result.code !== 1) unread ??= failure(args, result, host);
    for (const change of parseDiff(result.stdout))
      changes.push({
        ...change,
        before: existsSync(before) ? file : null,
        after: existsSync(after) ? file : null,
      });
  }
  return { files: changes, unread };
};

/** The same where only the head ran: files of the base version that it does not have are of no interest. */
export const readFileChanges = (roots: ChangeRoots, head: Ran, host: Host): Promise<ChangesRead> => {
  const places = {
    baseline: placeReader({ scripts: [] }, roots.baseline),
    head: placeReader(head, roots.head),
  };
  return readChanges(roots, { baseline: { scripts: [] }, head }, places, host);
};

/**
 * Packages and base images in another version than before, by the lockfile of the root or of the folder of the server,
 * and by the Dockerfiles above or in that folder, which is absolute.
 */
export const readDependencyChanges = (
  roots: ChangeRoots,
  folder: string,
  changes: readonly FileChange[],
): DependencyChange[] => {
  // The roots are real paths; a checkout may lie behind a link.
  const fromRoot = path.relative(roots.head, existsSync(folder) ? realpathSync(folder) : folder);
  const serverFolder = fromRoot.startsWith('..') ? '.' : fromRoot;
  const names = [...lockfiles, ...dockerfiles];
  const changed = changes.flatMap(({ after }) => {
    const place = path.dirname(after ?? '');
    const [inside, above] = [path.relative(serverFolder, place), path.relative(place, serverFolder)];
    const isNear = !inside.startsWith('..') || !above.startsWith('..');
    return after !== null && isDockerfile(after) && isNear ? [after] : [];
  });
  const files = [...new Set([...names.flatMap((name) => [name, path.join(serverFolder, name)]), ...changed])];
  return dependencyChanges(
    files
      .map((file) => ({
        file,
        baseline: textOf(path.join(roots.baseline, file)),
        head: textOf(path.join(roots.head, file)),
      }))
      .filter(({ baseline, head }) => baseline !== head),
    changes,
  );
};

/**
 * Reads the repository's own files that ran, and the source maps of its scripts, so that functions stand where they were
 * written. `head`, of the base version: what ran there, so that a file which both sides ran has one name.
 */
export const placeReader = (
  work: Ran,
  root: string,
  head?: { scripts: SideWork['scripts']; root: string },
): PlaceReader => {
  const here = new Set(work.scripts.map(({ url }) => url));
  const urls = new Set(head?.scripts.map(({ url }) => url).filter((url) => here.has(url)));
  const sourceMaps = new Map<string, { map: string; url: string }>();
  for (const { url, sourceMapUrl } of work.scripts) {
    if (sourceMapUrl === '' || url.includes('/node_modules/') || !url.startsWith('file:')) continue;
    const read = readMap(url, sourceMapUrl);
    const from = head !== undefined && urls.has(url) ? head.root : root;
    if (read !== null) sourceMaps.set(url, { ...read, map: withFiles(read.map, url, from) });
  }
  const reader = { root, sourceMaps, ownFiles: ownFiles(work, { root, sourceMaps }) };
  return head === undefined ? reader : { ...reader, shared: { urls, root: head.root } };
};

/**
 * Files of the repository that a profile names, by the name there: absolute, or relative to wherever it was compiled, so
 * that the end of its path may be one of the repository; and those of the scripts that ran.
 */
function ownFiles(work: Ran, { root, sourceMaps }: PlaceReader): Map<string, { file: string; text: string }> {
  const names = new Set((work.stacks ?? []).flatMap(({ frames }) => frames.map(({ file }) => file)));
  const found = new Map<string, { file: string; text: string }>();
  for (const file of filesThatRan(work, { root, sourceMaps })) {
    const text = textOf(path.join(root, file));
    if (text !== null) found.set(file, { file, text });
  }
  for (const name of names) {
    if (name === '' || found.has(name)) continue;
    const inside = path.relative(root, name);
    const isAbsolute = path.isAbsolute(name);
    if (isAbsolute && existsSync(name) && inside.startsWith('..')) continue;
    const parts = name.split('/').filter((part) => part !== '' && part !== '.');
    const candidates =
      isAbsolute && !inside.startsWith('..') ? [inside] : parts.map((_, from) => parts.slice(from).join('/'));
    for (const file of candidates) {
      const text = file.startsWith('..') ? null : textOf(path.join(root, file));
      if (text === null) continue;
      found.set(name, { file, text });
      break;
    }
  }
  return found;
}

function readMap(url: string, sourceMapUrl: string): { map: string; url: string } | null {
  const inline = /^data:application\/json[^,]*?(;base64)?,(.*)$/s.exec(sourceMapUrl);
  if (inline !== null) {
    const [, base64, text = ''] = inline;
    return { map: base64 ? Buffer.from(text, 'base64').toString('utf8') : decodeURIComponent(text), url };
  }
  try {
    const mapUrl = new URL(sourceMapUrl, url);
    const map = readFileSync(fileURLToPath(mapUrl), 'utf8');
    return map.length > maxMapBytes ? null : { map, url: mapUrl.href };
  } catch {
    return null;
  }
}

/** A source map in which sources that webpack names are the files that they are: Places know no bundler. */
function withFiles(map: string, url: string, root: string): string {
  if (!map.includes('webpack://')) return map;
  try {
    const parsed = JSON.parse(map) as { sources?: (string | null)[] };
    const sources = parsed.sources?.map((source) =>
      source?.startsWith('webpack://') ? fileOfWebpack(source, fileURLToPath(url), root) : source,
    );
    return JSON.stringify({ ...parsed, sources });
  } catch {
    return map;
  }
}

/**
 * The file behind `webpack://NAME/./src/server.ts?1a2b`, as a URL. The path begins in the folder where webpack ran: the
 * nearest one above the script that has such a file. What has no file is webpack's own, as its loader of modules is.
 */
function fileOfWebpack(source: string, script: string, root: string): string {
  // The name is that of a package, and may hold a slash.
  const inside = source.replace(/\?.*$/s, '').replace(/^webpack:\/\/(?:.*?\/(?=\.{1,2}\/)|[^/]*\/)/, '');
  let folder = path.dirname(script);
  while (folder !== root && !path.relative(root, folder).startsWith('..')) {
    folder = path.dirname(folder);
    const file = path.resolve(folder, inside);
    if (existsSync(file)) return pathToFileURL(file).href;
  }
  const file = path.resolve(root, inside);
  const isOwn = inside.startsWith('.') || existsSync(file);
  return pathToFileURL(isOwn ? file : path.join(root, 'node_modules/webpack', inside)).href;
}

/** Own files behind the scripts that ran, relative to the root. */
function filesThatRan(work: Ran, { root, sourceMaps, ownFiles }: PlaceReader): string[] {
  const profiled = [...(ownFiles?.values() ?? [])].map(({ file }) => file);
  const ran = work.scripts.flatMap(({ url }) => {
    if (!url.startsWith('file:') || url.includes('/node_modules/')) return [];
    const map = sourceMaps.get(url);
    const urls = map === undefined ? [url] : sourcesOf(map);
    return urls.flatMap((each) => {
      try {
        const relative = path.relative(root, fileURLToPath(each));
        return relative.startsWith('..') ? [] : [relative];
      } catch {
        return [];
      }
    });
  });
  return [...ran, ...profiled];
}

function sourcesOf({ map, url }: { map: string; url: string }): string[] {
  try {
    // As Places read it, so that what is called a file of the change is one.
    return new TraceMap(map, url).resolvedSources;
  } catch {
    return [];
  }
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

function git(args: readonly string[], cwd: string, host: Host): Promise<GitResult> {
  return tryGit(args, {
    cwd,
    // It would go over the arguments.
    env: { ...host.env, GIT_DIFF_OPTS: undefined },
    signal: host.signal,
    timeoutMs: diffTimeoutMs,
    config: [['safe.directory', '*']],
  });
}

function failure(args: readonly string[], result: GitResult, { signal }: Host): string {
  return signal.aborted ? 'there was no time left for it' : new GitError(args, result).message;
}

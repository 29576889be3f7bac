import { addedLines, type FileChange } from './parse-diff.ts';

/** A package or base image whose version changed; null on the side that does not have it. */
export type DependencyChange = {
  kind: 'package' | 'image';
  name: string;
  before: string | null;
  after: string | null;
  /** The lockfile or Dockerfile, and the line of its new version. */
  file: string;
  line: number | null;
};

/** One lockfile or Dockerfile of both sides; null where it does not exist. */
export type Lockfile = { file: string; baseline: string | null; head: string | null };

/** What a lockfile of npm, yarn or pnpm, or a Dockerfile, has in another version than before, by name. */
export const dependencyChanges = (
  lockfiles: readonly Lockfile[],
  changes: readonly FileChange[],
): DependencyChange[] =>
  lockfiles.flatMap(({ file, baseline, head }) => {
    const [before, after] = [versionsOf(file, baseline), versionsOf(file, head)];
    const added = addedLines(
      changes.find((change) => change.after === file) ?? { before: null, after: null, hunks: [] },
    );
    return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((name): DependencyChange[] => {
      const [was, is] = [before.get(name) ?? null, after.get(name) ?? null];
      if (was === is) return [];
      const line = added.find(({ text }) => is !== null && text.includes(is.split(', ')[0]!))?.line ?? null;
      return [{ kind: isDockerfile(file) ? 'image' : 'package', name, before: was, after: is, file, line }];
    });
  });

/** Whether a file says which images a container is built from. */
export function isDockerfile(file: string): boolean {
  return /(^|\/)((Docker|Container)file(\.[^/]+)?|[^/]+\.(Docker|Container)file)$/i.test(file);
}

/** Versions by name; several of one package in order, separated by commas. */
function versionsOf(file: string, text: string | null): Map<string, string> {
  const found = new Map<string, Set<string>>();
  const add = (name: string, version: string): void => {
    found.set(name, (found.get(name) ?? new Set()).add(version));
  };
  if (text !== null && isDockerfile(file)) readDockerfile(text, add);
  else if (text !== null && file.endsWith('.json')) readNpm(text, add);
  else if (text !== null && file.endsWith('yarn.lock')) readYarn(text, add);
  else if (text !== null) readPnpm(text, add);
  return new Map([...found].map(([name, versions]) => [name, [...versions].sort().join(', ')]));
}

type Add = (name: string, version: string) => void;

/** The base images of the stages; a stage that builds on another stage is none. */
function readDockerfile(text: string, add: Add): void {
  const stages = new Set<string>();
  // A line may go on in the next one.
  const lines = text.replace(/\\\r?\n/g, ' ');
  const defaults = new Map<string, string>();
  for (const [, name, value] of lines.matchAll(/^[ \t]*ARG[ \t]+(\w+)=["']?([^\s"']*)/gim))
    defaults.set(name!, value!);
  for (const [, written, stage] of lines.matchAll(
    /^[ \t]*FROM[ \t]+(?:--\S+[ \t]+)*(\S+)(?:[ \t]+AS[ \t]+(\S+))?/gim,
  )) {
    const image = written!.replace(
      /\$(?:(\w+)|\{(\w+)(?::?-([^}]*))?\})/g,
      (all, plain, braced, otherwise) => defaults.get(plain ?? braced) ?? otherwise ?? all,
    );
    if (!stages.has(image.toLowerCase()) && image !== 'scratch') {
      const [plain = '', digest] = image.split('@');
      const tag = /:([^/:]+)$/.exec(plain);
      const version = [tag?.[1], digest].filter((part) => part !== undefined).join('@');
      add(tag === null ? plain : plain.slice(0, tag.index), version === '' ? 'latest' : version);
    }
    if (stage !== undefined) stages.add(stage.toLowerCase());
  }
}

function readNpm(text: string, add: Add): void {
  try {
    const { packages = {} } = JSON.parse(text) as { packages?: Record<string, { version?: string }> };
    for (const [path, { version }] of Object.entries(packages)) {
      const at = path.lastIndexOf('node_modules/');
      if (at >= 0 && version !== undefined) add(path.slice(at + 'node_modules/'.length), version);
    }
  } catch {
    // A lockfile that cannot be read names no version.
  }
}

function readYarn(text: string, add: Add): void {
  for (const [, name, version] of text.matchAll(/^"?(@?[^@\s"]+)@[^\n]*:\n\s+version:? "?([^"\s]+)"?/gm))
    add(name!, version!);
}

function readPnpm(text: string, add: Add): void {
  for (const [, name, version] of text.matchAll(/^ {2}'?\/?(@?[^@\s'(]+)@([^\s:'(]+)[^\n]*:$/gm))
    add(name!, version!);
}

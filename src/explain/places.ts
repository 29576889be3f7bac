import {
  GREATEST_LOWER_BOUND,
  LEAST_UPPER_BOUND,
  originalPositionFor,
  TraceMap,
  traceSegment,
} from '@jridgewell/trace-mapping';
import type { ProfiledFrame } from './side-work.ts';

/** Whose code it is: of the repository, of a package, or of Node and V8 themselves. */
export type Owner = { kind: 'own' } | { kind: 'package'; name: string } | { kind: 'node' };

/** How URLs of a side become places in the repository. */
export type PlaceReader = {
  /** Absolute path of the folder that stands for the repository, without a slash at its end. */
  root: string;
  /**
   * What both sides ran of one and the same file outside of their folders, and the folder from which its path is told;
   * the path of anything else outside is told from `root`. Absent: of everything.
   */
  shared?: { urls: ReadonlySet<string>; root: string };
  /** Source maps by the URL of their script. */
  sourceMaps: ReadonlyMap<string, { map: string; url: string }>;
  /** Files of the repository by their path in it, or by what profiles call them, with their text. */
  ownFiles?: ReadonlyMap<string, { file: string; text: string }>;
};

export type Place = { file: string; line: number; column: number; owner: Owner };

/** What a function is called to a reader. */
export const shownName = (name: string): string => (name === '' ? '(anonymous)' : name);

/** Where the name of a function stands in its text. */
const nameOffsets = [
  '',
  'function ',
  'function*',
  'function* ',
  'async ',
  'async function ',
  'async function*',
].map(({ length }) => length);

/** Places and names of the functions of a side, after source maps. */
export class Places {
  readonly #reader: PlaceReader;
  readonly #maps = new Map<string, TraceMap | null>();

  constructor(reader: PlaceReader) {
    this.#reader = reader;
  }

  /** Line from 1, column from 0. */
  at(url: string, line: number, column: number): Place {
    const map = this.#mapOf(url);
    if (map !== null) {
      for (const bias of [GREATEST_LOWER_BOUND, LEAST_UPPER_BOUND] as const) {
        const original = originalPositionFor(map, { line, column, bias });
        if (original.source === null || original.line === null) continue;
        return { ...this.#file(original.source, url), line: original.line, column: original.column };
      }
    }
    return { ...this.#file(url), line, column };
  }

  /**
   * What a function was called before it was minified: a source map keeps that where the name stands, which is in front
   * of the parameters, or, with an arrow, before it.
   */
  nameOf(url: string, line: number, column: number, name: string): string {
    const map = name === '' ? null : this.#mapOf(url);
    if (map === null) return name;
    for (const at of [
      ...nameOffsets.map((offset) => column + offset),
      column - name.length,
      column - name.length - 1,
    ]) {
      const segment = at < 0 ? null : traceSegment(map, line - 1, at);
      if (segment?.length === 5 && segment[0] === at) return map.names[segment[4]] ?? name;
    }
    return name;
  }

  /** Of a function in a profile that is not of V8. */
  ofFrame({ file, line, module }: ProfiledFrame): Place {
    const own = this.#reader.ownFiles?.get(file);
    if (own !== undefined) return { file: own.file, line, column: 0, owner: { kind: 'own' } };
    const inPackage = packageOf(file);
    const inside = file.startsWith(`${this.#reader.root}/`) ? this.#relative(file) : file;
    const library = module.split('/').at(-1)!;
    return {
      file: inPackage?.file ?? (file === '' ? library : inside),
      line,
      column: 0,
      owner: { kind: 'package', name: inPackage?.name ?? library },
    };
  }

  /** Text of an own file of the repository, as `ofFrame` names it; null when it is not known. */
  textOf(file: string): string | null {
    const { ownFiles } = this.#reader;
    const known = ownFiles?.get(file);
    if (known !== undefined) return known.text;
    for (const own of ownFiles?.values() ?? []) if (own.file === file) return own.text;
    return null;
  }

  #mapOf(url: string): TraceMap | null {
    const known = this.#maps.get(url);
    if (known !== undefined) return known;
    const source = this.#reader.sourceMaps.get(url);
    let map: TraceMap | null = null;
    try {
      if (source !== undefined) map = new TraceMap(source.map, source.url);
    } catch {
      // A map that is none leaves the lines of the script that ran.
    }
    this.#maps.set(url, map);
    return map;
  }

  /** What a profile calls a script to a reader: no path of this machine. */
  urlOf(url: string): string {
    if (url.startsWith('file://') || url.startsWith(`${this.#reader.root}/`))
      return this.#relative(pathOf(url), url);
    return url;
  }

  #file(url: string, script = url): Pick<Place, 'file' | 'owner'> {
    if (url === '' || url.startsWith('node:')) return { file: url, owner: { kind: 'node' } };
    const file = pathOf(url);
    const inPackage = packageOf(file);
    if (inPackage !== null) return { file: inPackage.file, owner: { kind: 'package', name: inPackage.name } };
    return { file: this.#relative(file, script), owner: { kind: 'own' } };
  }

  /** The folder of a side may be a checkout that is gone by the time somebody reads of it. */
  #relative(file: string, script = ''): string {
    const { root, shared } = this.#reader;
    if (!file.startsWith('/')) return file;
    return relativePath(shared?.urls.has(script) ? shared.root : root, file);
  }
}

function relativePath(folder: string, file: string): string {
  const [from, to] = [folder.split('/'), file.split('/')];
  let same = 0;
  while (same < from.length && from[same] === to[same]) same += 1;
  return [...from.slice(same).map(() => '..'), ...to.slice(same)].join('/');
}

/** A file of a package is called by its name and the path in it. */
function packageOf(file: string): { name: string; file: string } | null {
  const at = file.lastIndexOf('/node_modules/');
  if (at < 0) return null;
  const parts = file.slice(at + '/node_modules/'.length).split('/');
  const name = parts.slice(0, parts[0]?.startsWith('@') ? 2 : 1).join('/');
  return { name, file: parts.join('/') };
}

function pathOf(url: string): string {
  if (!url.startsWith('file://')) return url;
  try {
    return decodeURIComponent(new URL(url).pathname);
  } catch {
    return url.slice('file://'.length);
  }
}

import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type YAMLMap,
} from 'yaml';
import { type SourcePosition, type TailgateError, tailgateError } from '../errors.ts';
import { isTree, type SettingPath, type Tree } from './setting-path.ts';

/** A settings text as data, with the way back from a setting to its place in the text. */
export type SettingsText = {
  value: Tree;
  /** Place of the value at `path`, or of the nearest setting around it. */
  valuePlace(path: SettingPath): SourcePosition;
  /** Place of the last key of `path`, or of the nearest setting around it. */
  keyPlace(path: SettingPath): SourcePosition;
  /** Whether `path` itself stands in the text. */
  has(path: SettingPath): boolean;
  problems: TailgateError[];
};

/** Aliases that one alias may expand to: enough for people, too few for a "billion laughs" file. */
const maxAliasCount = 100;

/**
 * Reads a settings text. `file` names it in places; keys that begin with `x-` at the top are left out, so that anchors
 * can be kept there. Never throws: what is wrong is in `problems`.
 */
export const readSettingsText = (text: string, file: string): SettingsText => {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    merge: true,
    uniqueKeys: true,
    prettyErrors: false,
  });
  const placeAt = (offset: number | undefined): SourcePosition => {
    if (offset === undefined) return { file };
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  const placeOf = (node: Node | null): SourcePosition => placeAt(node?.range?.[0]);
  const problems = document.errors.map((error) =>
    tailgateError('SETTINGS_NOT_YAML', { reason: `${reasonOf(error.message)}.` }, placeAt(error.pos[0])),
  );
  let value: unknown = {};
  if (problems.length === 0) {
    try {
      value = document.toJS({ maxAliasCount }) ?? {};
    } catch (error) {
      problems.push(tailgateError('SETTINGS_NOT_YAML', { reason: `${(error as Error).message}.` }, { file }));
    }
    if (!isTree(value)) {
      problems.push(
        tailgateError(
          'SETTINGS_NOT_YAML',
          { reason: 'the whole file must be settings written "key: value".' },
          placeOf(deref(document, document.contents)),
        ),
      );
      value = {};
    }
  }
  return {
    value: Object.fromEntries(Object.entries(value as Tree).filter(([key]) => !key.startsWith('x-'))),
    valuePlace: (path) => {
      const { key, value: node } = find(document, path);
      if (node?.range === undefined || node.range === null) return placeOf(key);
      // Columns inside a text count from its first character, not from the quotation mark.
      const quoted = isScalar(node) && (node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE');
      return placeAt(node.range[0] + (quoted ? 1 : 0));
    },
    keyPlace: (path) => {
      const found = find(document, path);
      return placeOf(found.key ?? found.value);
    },
    has: (path) => find(document, path).complete,
    problems,
  };
};

/** The first line of the parser's message without the picture it draws below. */
function reasonOf(message: string): string {
  return (message.split('\n')[0] ?? message).replace(/ at line \d+, column \d+:?$/, '').replace(/:$/, '');
}

function deref(document: Document, node: unknown): Node | null {
  if (!isNode(node)) return null;
  return isAlias(node) ? (node.resolve(document) ?? null) : node;
}

type Found = { key: Node | null; value: Node | null; complete: boolean };

function find(document: Document, path: SettingPath): Found {
  let found: Found = { key: null, value: deref(document, document.contents), complete: true };
  for (const step of path) {
    const inside = found.value;
    let next: Found | null = null;
    if (isMap(inside)) {
      const pair = pairIn(document, inside, String(step));
      if (pair !== null)
        next = {
          key: isNode(pair.key) ? pair.key : null,
          value: deref(document, pair.value),
          complete: true,
        };
    } else if (isSeq(inside) && typeof step === 'number') {
      const item = deref(document, inside.items[step]);
      if (item !== null) next = { key: item, value: item, complete: true };
    }
    if (next === null) return { ...found, complete: false };
    found = next;
  }
  return found;
}

/** The pair of `key` in `map`, or in the maps that `<<` merges into it. */
function pairIn(document: Document, map: YAMLMap, key: string): Pair | null {
  const own = map.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === key);
  if (own !== undefined) return own;
  const merge = map.items.find((pair) => isMergeKey(pair.key));
  if (merge === undefined) return null;
  const source = deref(document, merge.value);
  const maps = isSeq(source) ? source.items.map((item) => deref(document, item)) : [source];
  for (const each of maps) {
    const pair = isMap(each) ? pairIn(document, each, key) : null;
    if (pair !== null) return pair;
  }
  return null;
}

/** The parser gives the key `<<` as a symbol where it merges. */
function isMergeKey(key: unknown): boolean {
  return (
    isScalar(key) && (key.value === '<<' || (typeof key.value === 'symbol' && key.value.description === '<<'))
  );
}

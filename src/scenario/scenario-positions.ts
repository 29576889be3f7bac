import { isMap, isNode, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import type { SourcePosition } from '../errors.ts';

/** A place in a scenario: the keys and indexes that lead to it. */
export type ScenarioPath = readonly (string | number)[];

/** Where the parts of a YAML or JSON text stand. */
export type ScenarioPositions = {
  /**
   * The position of a value: of its key where it begins on a line below it, of the nearest part above it where the
   * place does not exist.
   */
  positionOf(place: ScenarioPath): SourcePosition;
  /** Whether a part holds YAML anchors, so that it may be there to be repeated. */
  holdsAnchor(place: ScenarioPath): boolean;
};

export const scenarioPositions = (path: string, text: string): ScenarioPositions => {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    merge: true,
    strict: false,
    uniqueKeys: false,
    logLevel: 'silent',
  });
  const nodeAt = (place: ScenarioPath) => document.getIn(place, true);
  /** What may be one or a list of several is read as a list, also where the file has one. */
  const withoutImpliedLists = (place: ScenarioPath): ScenarioPath => {
    const path: (string | number)[] = [];
    for (const part of place) if (part !== 0 || path.length === 0 || !isMap(nodeAt(path))) path.push(part);
    return path;
  };
  const keyAt = (place: ScenarioPath) => {
    const group = place.length === 1 ? document.contents : nodeAt(place.slice(0, -1));
    if (!isMap(group)) return undefined;
    return group.items.find(({ key }) => isScalar(key) && String(key.value) === String(place.at(-1)))?.key;
  };
  const lineOf = (node: unknown) =>
    isNode(node) && node.range !== undefined && node.range !== null ? lines.linePos(node.range[0]) : null;
  return {
    positionOf(asked) {
      const place = withoutImpliedLists(asked);
      const key = place.map(String).join('.');
      for (let length = place.length; length > 0; length -= 1) {
        const at = place.slice(0, length);
        const value = lineOf(nodeAt(at));
        const name = lineOf(keyAt(at));
        const found = value !== null && (name === null || name.line === value.line) ? value : name;
        if (found !== null) return { file: path, line: found.line, column: found.col, key };
      }
      return { file: path, line: 1, column: 1, ...(key === '' ? {} : { key }) };
    },
    holdsAnchor(place) {
      const node = nodeAt(place);
      let found = false;
      if (isNode(node))
        visit(node, {
          Node: (_, inner) => {
            if ('anchor' in inner && inner.anchor !== undefined) found = true;
          },
        });
      return found;
    },
  };
};

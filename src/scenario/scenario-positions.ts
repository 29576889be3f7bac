import { isNode, LineCounter, parseDocument } from 'yaml';
import type { SourcePosition } from '../errors.ts';

/** A place in a scenario: the keys and indexes that lead to it. */
export type ScenarioPath = readonly (string | number)[];

/** Positions of the nodes of a YAML or JSON text: of the nearest node above a place that does not exist. */
export const positionsIn = (path: string, text: string): ((place: ScenarioPath) => SourcePosition) => {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    merge: true,
    strict: false,
    uniqueKeys: false,
    logLevel: 'silent',
  });
  return (place) => {
    const key = place.map(String).join('.');
    for (let length = place.length; length > 0; length -= 1) {
      const node = document.getIn(place.slice(0, length), true);
      if (isNode(node) && node.range !== undefined && node.range !== null) {
        const { line, col } = lines.linePos(node.range[0]);
        return { file: path, line, column: col, key };
      }
    }
    return { file: path, line: 1, column: 1, ...(key === '' ? {} : { key }) };
  };
};

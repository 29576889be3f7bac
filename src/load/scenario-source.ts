import { readFile } from 'node:fs/promises';
import { isNode, LineCounter, parseDocument } from 'yaml';
import { type SourcePosition, tailgateError } from '../errors.ts';
import { loadUserModule } from './user-module.ts';

/** A place in a scenario: the keys and indexes that lead to it. */
export type ScenarioPath = readonly (string | number)[];

/** A scenario file as its author wrote it. */
export type ScenarioSource = {
  path: string;
  /** The parsed file, before environments, overrides and templates. */
  content: Record<string, unknown>;
  /** Where a setting or a step stands; the nearest place above it that exists. */
  positionOf(place: ScenarioPath): SourcePosition;
};

type YamlReason = { reason?: string; message?: string; mark?: { line: number; column: number } };

/** Positions of the nodes of a YAML or JSON text. */
export const positionsIn = (path: string, text: string): ScenarioSource['positionOf'] => {
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

/**
 * Reads a scenario file: YAML and JSON with the parser that Artillery uses, so that every value is what Artillery sees,
 * or a module that exports the script. Throws SCENARIO_MISSING and SCENARIO_INVALID.
 */
export const readScenarioSource = async (path: string): Promise<ScenarioSource> => {
  const isModule = /\.[cm]?[jt]s$/.test(path);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw tailgateError('SCENARIO_MISSING', { path }, { file: path }, error);
  }
  let content: unknown;
  if (isModule) {
    try {
      content = await loadUserModule(path);
    } catch (error) {
      const problem = `it cannot be loaded (${error instanceof Error ? error.message : String(error)})`;
      throw tailgateError('SCENARIO_INVALID', { path, problem }, { file: path }, error);
    }
  } else {
    const { parseScript } = await import('artillery/util');
    try {
      content = await parseScript(text);
    } catch (error) {
      const { reason, message, mark } = error as YamlReason;
      const where = mark === undefined ? {} : { line: mark.line + 1, column: mark.column + 1 };
      const problem = `it is not valid YAML (${reason ?? message ?? 'unreadable'})`;
      throw tailgateError('SCENARIO_INVALID', { path, problem }, { file: path, ...where }, error);
    }
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    const problem = 'it is not a mapping with "config" and "scenarios"';
    throw tailgateError('SCENARIO_INVALID', { path, problem }, { file: path });
  }
  return {
    path,
    content: content as Record<string, unknown>,
    positionOf: isModule ? () => ({ file: path }) : positionsIn(path, text),
  };
};

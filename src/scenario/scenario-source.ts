import { type SourcePosition, tailgateError } from '../errors.ts';
import { readNamedFile } from '../host/pipe-files.ts';
import type { ScenarioPath, ScenarioPositions } from './scenario-positions.ts';
import { loadUserModule } from './user-module.ts';

/** A scenario file as its author wrote it. */
export type ScenarioSource = {
  path: string;
  /** Its text; empty for a scenario written as a module, which has no positions. */
  text: string;
  /** The parsed file, before environments, overrides and templates. */
  content: Record<string, unknown>;
  /** Where a setting or a step stands; the nearest place above it that exists. */
  positionOf(place: ScenarioPath): Promise<SourcePosition>;
};

type YamlReason = { reason?: string; message?: string; mark?: { line: number; column: number } };

/**
 * Reads a scenario file: YAML and JSON with the parser that Artillery uses, so that every value is what Artillery sees,
 * or a module that exports the script. Throws SCENARIO_MISSING and SCENARIO_INVALID.
 */
export const readScenarioSource = async (path: string): Promise<ScenarioSource> => {
  const isModule = /\.[cm]?[jt]s$/.test(path);
  let text: string;
  try {
    text = await readNamedFile(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw tailgateError('SCENARIO_MISSING', { path }, { file: path }, error);
    throw tailgateError('FILE_UNREADABLE', { path, reason: message }, { file: path }, error);
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
      const hint = yamlHint(text.split('\n')[mark?.line ?? -1] ?? '', reason);
      const problem = `it is not valid YAML (${reason ?? message ?? 'unreadable'})${hint === null ? '' : `: ${hint}`}`;
      throw tailgateError('SCENARIO_INVALID', { path, problem }, { file: path, ...where }, error);
    }
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    const problem =
      content === undefined || content === null
        ? 'it is empty'
        : 'it is not a mapping with "config" and "scenarios"';
    throw tailgateError('SCENARIO_INVALID', { path, problem }, { file: path });
  }
  let positions: ScenarioPositions | null = null;
  return {
    path,
    text: isModule ? '' : text,
    content: content as Record<string, unknown>,
    async positionOf(place) {
      if (isModule) return { file: path };
      // A second parser, only for positions: generator processes seldom need it, and start faster without.
      const { scenarioPositions } = await import('./scenario-positions.ts');
      positions ??= scenarioPositions(path, text);
      return positions.positionOf(place);
    },
  };
};

/** What is wrong in a line that the parser refused, where that can be told. */
function yamlHint(line: string, reason: string | undefined): string | null {
  const template = /(?:^|[:,[-])\s*(\{\{[^{}]*\}\}[^\s,\]}]*)/.exec(line)?.[1];
  if (template !== undefined) return `a template needs quotes, "${template}"`;
  if (reason?.startsWith('end of the stream'))
    return 'keys of one level begin in the same column, and this line begins in another than the first';
  return null;
}

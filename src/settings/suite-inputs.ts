import path from 'node:path';
import type { SourcePosition, TailgateError } from '../errors.ts';
import { inputPlace, inputText, inputTree, suiteNames } from './input-overlay.ts';
import type { RawInputs } from './inputs.ts';
import { isTree, mergeTrees, type SettingPath, type Tree } from './setting-path.ts';

/** The settings with `suites` as the inputs make them, and which input gave a part of a suite. */
export type SuiteInputs = {
  tree: Tree;
  placeOf(path: SettingPath): SourcePosition | null;
  problems: TailgateError[];
};

/**
 * Applies the inputs `scenario`, `environment` and `variables` to the suites as written in the file. A scenario replaces
 * all suites with one, or, where `suite` names one of them, the scenario of that one.
 */
export const applySuiteInputs = (settings: Tree, inputs: RawInputs, cwd: string): SuiteInputs => {
  const problems: TailgateError[] = [];
  const written = Array.isArray(settings.suites) ? settings.suites : [];
  const scenario = inputText(inputs, 'scenario');
  const names = suiteNames(inputs);
  const named =
    names.length === 1 ? written.findIndex((suite) => isTree(suite) && suite.name === names[0]) : -1;
  let suites: unknown[] = written;
  if (scenario !== undefined) {
    const absolute = path.resolve(cwd, scenario);
    suites =
      named >= 0
        ? written.with(named, { ...(written[named] as Tree), scenario: absolute })
        : [{ name: names[0] ?? path.parse(scenario).name, scenario: absolute }];
  }
  const environment = inputText(inputs, 'environment');
  const variables = inputTree(inputs, 'variables', problems);
  const over = { ...(environment !== undefined && { environment }), variables };
  const fromScenario = Math.max(0, named);
  return {
    tree:
      suites === written && written.length === 0
        ? settings
        : { ...settings, suites: suites.map((suite) => (isTree(suite) ? mergeTrees(suite, over) : suite)) },
    problems,
    placeOf: ([group, index, key]) => {
      if (group !== 'suites') return null;
      if (key === 'scenario' && scenario !== undefined && index === fromScenario)
        return inputPlace(inputs.source, 'scenario');
      if (key === 'environment' && environment !== undefined) return inputPlace(inputs.source, 'environment');
      return null;
    },
  };
};

/**
 * What a runner gives to an action alone: inputs (tokens among them), its saved state and its command files; and what
 * only shards may know.
 */
const withheld =
  /^(INPUT_|STATE_|ACTIONS_RUNTIME_|ACTIONS_ID_TOKEN_|ACTIONS_RESULTS_|GITHUB_(OUTPUT|ENV|PATH|STATE|STEP_SUMMARY)$|TAILGATE_RENDEZVOUS_TOKEN$)/;

/**
 * The environment for a command of the user: `base` without what belongs to the action alone, then `extra`. The code
 * under test must neither read the action's tokens nor write its outputs.
 */
export const childEnvironment = (
  base: Readonly<Record<string, string | undefined>>,
  extra: Readonly<Record<string, string | number | boolean>>,
): Record<string, string> => {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(base)) {
    if (value !== undefined && !withheld.test(name)) environment[name] = value;
  }
  for (const [name, value] of Object.entries(extra)) environment[name] = String(value);
  return environment;
};

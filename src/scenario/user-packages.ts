import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

/**
 * File of a package that the author of a scenario installed: from the node_modules folders above the scenario, from
 * an Artillery installed there (which carries some plugins inside), or from ARTILLERY_PLUGIN_PATH. Null if there is none.
 */
export const resolveUserPackage = (name: string, scenarioPath: string): string | null => {
  const require = createRequire(scenarioPath);
  const attempts: (() => string)[] = [
    () => require.resolve(name),
    () => {
      const artillery = path.dirname(require.resolve('artillery/package.json'));
      return require.resolve(path.join(artillery, 'dist', 'builtin-packages', name));
    },
    ...(process.env.ARTILLERY_PLUGIN_PATH ?? '')
      .split(path.delimiter)
      .filter((folder) => folder !== '')
      .map((folder) => () => require.resolve(path.resolve(folder, name))),
  ];
  for (const attempt of attempts) {
    try {
      const file = attempt();
      if (existsSync(file)) return file;
    } catch {
      // not there: the next place
    }
  }
  return null;
};

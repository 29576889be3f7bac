import { bundledEngines } from './engine-packages.ts';
import type { ReadScenario } from './read-scenario.ts';

const known: readonly string[] = bundledEngines;

/**
 * Why a scenario cannot be driven in alternating slices, as a clause; null when it can. An engine that is not ours
 * does not know the load clock: its users would go on sending in the other side's turn.
 */
export const sliceObstacle = (scenario: Pick<ReadScenario, 'scenarios' | 'config'>): string | null => {
  const fallback = (scenario.config.engine as string | undefined) ?? 'http';
  const foreign = scenario.scenarios
    .map(({ engine }) => engine ?? fallback)
    .find((engine) => !known.includes(engine));
  return foreign === undefined
    ? null
    : `the engine "${foreign}" cannot be paused between the slices of one side`;
};

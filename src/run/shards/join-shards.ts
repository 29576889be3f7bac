import type { Fingerprint } from '../../baseline/baseline-record.ts';
import { tailgateVersion } from '../../host/versions.ts';
import type { SuitePlan } from '../../settings/run-plan.ts';
import type { GateRequest } from '../gate-request.ts';
import type { Stage } from '../prepare-run.ts';
import { isBestEffort } from '../suite-run.ts';
import { ciRun } from './ci-run.ts';
import { type JoinedShards, joinBlobs } from './join-blobs.ts';

/**
 * Joins what the shards of this run measured; null when everything is measured here. Throws the problems of SHARD_* and
 * SHARDS_*.
 */
export async function joinShards(
  { host, provenance, readShards }: GateRequest,
  { plan, scenarios }: Stage,
  suites: readonly { suite: SuitePlan; fingerprint: Fingerprint }[],
): Promise<JoinedShards | null> {
  if (readShards === undefined) return null;
  return joinBlobs(await readShards(), {
    run: ciRun(host.env),
    commit: provenance.headSha,
    tailgate: tailgateVersion,
    seed: plan.seed,
    suites: suites.map(({ suite, fingerprint: { scenarioHash, settingsHash } }) => {
      const { scenario } = scenarios.get(suite.name)!;
      const isFixed = scenario.phases.every(({ maxUsers, mode }) => maxUsers === null && mode !== 'poisson');
      return {
        suite: suite.name,
        scenarioHash,
        settingsHash,
        planned: plan.rounds,
        users: isFixed ? scenario.plannedUsers : null,
        bestEffort: isBestEffort({ suite }),
      };
    }),
  });
}

/** Another number of shards is another load generator, so it is compared with runs of as many alone. */
export function shardedFingerprint(
  own: Fingerprint,
  shards: { count: number; environment?: Fingerprint['environment'] } | null,
): Fingerprint {
  if (shards === null) return own;
  const { count, environment = own.environment } = shards;
  return { ...own, settingsHash: `${own.settingsHash}/${count}`, environment };
}

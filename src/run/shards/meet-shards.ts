import path from 'node:path';
import { deserialize } from 'node:v8';
import { settingsHash } from '../../baseline/fingerprint.ts';
import { machineId } from '../../baseline/machine-id.ts';
import { exitCodes, problemsOf } from '../../errors.ts';
import type { HookVariables } from '../../generator/load-protocol.ts';
import type { Host } from '../../host/host.ts';
import { tailgateVersion } from '../../host/versions.ts';
import type { LoadedSettings } from '../../settings/load-settings.ts';
import type { Rendezvous } from '../../settings/shard-inputs.ts';
import { logName } from '../../side/log-name.ts';
import { loadOf } from '../../side/open-load.ts';
import { contextOf, prepareRun, type Stage } from '../prepare-run.ts';
import { suiteLabel } from '../suite-run.ts';
import { ciRun } from './ci-run.ts';
import { followShard, tellCannot } from './follow-shard.ts';
import { type Crew, gatherShards } from './gather-shards.ts';
import type { RunIdentity } from './rendezvous.ts';

/** Quartz keeps to this; more is no clock to time anything by. */
const driftShare = 100e-6;
const leastDriftUs = 10_000;

type Meeting = {
  host: Host;
  rendezvous: Rendezvous;
  count: number;
  /** The commit that is checked out. */
  commit: string | null;
};

/** Shard 1: waits for the others, which it leads from then on. Throws as `gatherShards`. */
export const leadShards = ({ host, rendezvous, count, commit }: Meeting, stage: Stage): Promise<Crew> =>
  gatherShards({
    rendezvous,
    identity: identityOf(stage, host, count, commit),
    machine: machineId(),
    driftUs: Math.max(leastDriftUs, stage.plan.maxMinutes * 60e6 * driftShare),
    host,
  });

/**
 * Every other shard: drives its part of each load as shard 1 tells it, and judges nothing. Gives the exit code; throws
 * what is wrong with it, of which shard 1 is told, and as `followShard`.
 */
export const runFollower = async (
  meeting: Meeting & { number: number; loaded: LoadedSettings },
): Promise<number> => {
  const { host, rendezvous, number, count, commit, loaded } = meeting;
  let stage: Stage;
  try {
    stage = await prepareRun(loaded, host, 1 / count);
  } catch (failure) {
    await tellCannot({ rendezvous, number, host }, host.mask(problemsOf(failure)[0]!.what));
    throw failure;
  }
  const { plan, logDir } = stage;
  await followShard({
    rendezvous,
    number,
    identity: identityOf(stage, host, count, commit),
    machine: machineId(),
    host,
    openLoad: ({ load, hooks, apartUs }, url, aheadUs, label) => {
      const suite = plan.suites.find(({ name }) => name === load.suite)!;
      const part = { shard: { index: number - 1, count }, clock: { aheadUs, apartUs } };
      // No server takes cores of this machine.
      const context = { ...contextOf(stage, suite, host), seed: load.seed, pinning: null, part };
      const logFile = (kind: string): string =>
        path.join(logDir, `${logName(`${suiteLabel(suite)}-shard${number}-${label}`)}.${kind}`);
      const left: HookVariables = deserialize(Buffer.from(hooks, 'base64'));
      return loadOf(suite, load.side, context, logFile).open({ url, variables: load.variables }, left);
    },
  });
  host.info(`Shard ${number} of ${count}: the run is over, and shard 1 reports it.`);
  return exitCodes.pass;
};

const identityOf = (
  { plan, scenarios }: Stage,
  host: Host,
  count: number,
  commit: string | null,
): RunIdentity => ({
  tailgate: tailgateVersion,
  run: ciRun(host.env),
  commit,
  count,
  seed: plan.seed,
  suites: plan.suites.map((suite) => ({
    suite: suite.name,
    scenarioHash: scenarios.get(suite.name)!.scenario.hash,
    settingsHash: settingsHash(suite),
  })),
});

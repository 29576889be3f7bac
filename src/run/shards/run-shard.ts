import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { environmentFingerprint, settingsHash } from '../../baseline/fingerprint.ts';
import { machineId } from '../../baseline/machine-id.ts';
import { exitCodes, type TailgateError, tailgateError, throwProblems } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { tailgateVersion } from '../../host/versions.ts';
import type { LoadedSettings } from '../../settings/load-settings.ts';
import { measureRound } from '../../side/measure-round.ts';
import { openSide } from '../../side/open-side.ts';
import type { CheckedScenario } from '../check-scenarios.ts';
import { showProblems } from '../deliver.ts';
import { exitCodeOfProblems } from '../exit-code.ts';
import { contextOf, prepareRun, type Stage } from '../prepare-run.ts';
import { unwritable } from '../report-folder.ts';
import { keepingProblems, suiteLabel } from '../suite-run.ts';
import { writeText } from '../write-reports.ts';
import { ciRun } from './ci-run.ts';
import { type ClockOffset, serverClock } from './server-clock.ts';
import { blobName, formatBlob, type ShardBlob, type ShardRound, type ShardSuite } from './shard-blob.ts';

/** What a shard needs from outside. */
export type ShardRequest = {
  host: Host;
  loaded: LoadedSettings;
  shard: ShardBlob['shard'];
  /** When the first round starts, by the clock of the machine, milliseconds since 1970; the same in every shard. */
  startAtMs: number;
  /** The commit that is checked out. */
  commit: string | null;
  /** Commits that the server may have been built from, where it tells that. */
  commits: readonly string[];
};

/**
 * Drives one part of the load of every suite, at the instants that all shards know without talking, and leaves what it
 * measured as a blob in the report folder, whatever went wrong. Judges nothing. Gives the exit code; throws what is
 * wrong before anything is started.
 */
export const runShard = async (request: ShardRequest): Promise<number> => {
  const { host, loaded, shard, startAtMs, commit, commits } = request;
  const { number, count } = shard;
  const file = path.join(loaded.settings.reportDir, blobName(shard));
  // One that an earlier run left must not be taken for this one's.
  await rm(file, { force: true }).catch((failure) => {
    throw unwritable(file, failure);
  });
  const stage = await prepareRun(loaded, host, 1 / count);
  const { plan } = stage;
  throwProblems(plan.suites.flatMap(({ name }) => obstacles(stage.scenarios.get(name)!)));
  host.info(`Shard ${number} of ${count}: starts at ${new Date(startAtMs).toISOString()}.`);
  const suites: ShardSuite[] = [];
  const problems: TailgateError[] = [];
  let dueAtMs = startAtMs;
  let clock: ClockOffset | null = null;
  for (const suite of plan.suites) {
    const checked = stage.scenarios.get(suite.name)!;
    const end = host.group(`Suite ${suite.name}`);
    const run = { problems: [] as TailgateError[] };
    const rounds: ShardRound[] = [];
    await keepingProblems(run, async () => {
      for (let round = 1; round <= plan.rounds; round += 1) {
        const measured = await oneRound(
          {
            host,
            loaded,
            shard,
            commits,
            stage,
            checked,
            onOpen: async (url) => {
              clock ??= await serverClock(url, dueAtMs, host.signal);
            },
          },
          round,
          dueAtMs,
        );
        dueAtMs += slotMs(checked);
        if (measured.round !== null) rounds.push(measured.round);
        if (measured.problem !== null) throw measured.problem;
      }
    });
    end();
    problems.push(...run.problems);
    suites.push({
      suite: suite.name,
      scenarioHash: checked.scenario.hash,
      settingsHash: settingsHash(suite),
      targetHash: createHash('sha256').update(suite.target.url).digest('hex').slice(0, 16),
      planned: plan.rounds,
      rounds,
      problems: run.problems.map(({ what }) => host.mask(what.split('\n')[0] ?? '')),
    });
    // The others are not measured at instants that nobody knows any more; they stand in the blob as not measured.
    if (run.problems.length > 0) break;
  }
  const blob = formatBlob({
    shard,
    tailgate: tailgateVersion,
    run: ciRun(host.env),
    startAtMs,
    commit,
    seed: plan.seed,
    environment: environmentFingerprint(),
    machine: machineId(),
    clock,
    suites,
  });
  await writeText(file, blob);
  host.info(`Shard ${number} of ${count}: ${path.relative(host.cwd, file)}`);
  if (problems.length === 0) return exitCodes.pass;
  showProblems(host, problems);
  return exitCodeOfProblems(problems);
};

type RoundOf = Omit<ShardRequest, 'commit' | 'startAtMs'> & {
  stage: Stage;
  checked: CheckedScenario;
  /** Told when the server answers, while there is time before the round. */
  onOpen: (url: string) => Promise<void>;
};

const oneRound = async (
  { host, loaded, shard, commits, stage, checked: { suite }, onOpen }: RoundOf,
  round: number,
  dueAtMs: number,
): Promise<{ round: ShardRound | null; problem: TailgateError | null }> => {
  const part = { shard: { index: shard.number - 1, count: shard.count } };
  const context = { ...contextOf(stage, suite, host), part };
  const label = `${suiteLabel(suite)}-shard${shard.number}-round${round}`;
  await using side = await openSide(suite, { name: 'head', cwd: loaded.cwd, commits }, context, label);
  await onOpen(side.target.url);
  await untilInstant(dueAtMs, round, host);
  let startedAtMs = 0;
  const { measurement, problem } = await measureRound(side, {
    host,
    deadlineMs: stage.plan.maxMinutes * 60_000,
    onProgress: () => {},
    onStart: () => {
      startedAtMs = Date.now();
    },
  });
  if (measurement === null) return { round: null, problem };
  const tagged = (measurement.counters['deliveries.expected'] ?? 0) > 0 || measurement.deliveryShard;
  return {
    round: { dueAtMs, startedAtMs, measurement },
    problem: problem ?? (tagged ? unsupported(suite.name, 'deliveries') : null),
  };
};

/** Waits for an instant of the machine's clock. Throws SHARD_LATE when it has passed, and CANCELLED. */
const untilInstant = async (dueAtMs: number, round: number, { signal }: Host): Promise<void> => {
  const lateMs = Date.now() - dueAtMs;
  if (lateMs > 0) throw tailgateError('SHARD_LATE', { round, lateMs });
  // A clock may be set while it is waited for.
  for (let leftMs = -lateMs; leftMs > 0; leftMs = dueAtMs - Date.now()) {
    await delay(Math.min(leftMs, 1_000), undefined, { signal }).catch(() => {});
    if (signal.aborted) throw tailgateError('CANCELLED', { signal: String(signal.reason) });
  }
};

/** For the next server connection, room and generators to be ready. */
const openingMs = 15_000;
/** How long sessions go on after the last arrival, where their flow does not tell. */
const unknownSessionMs = 30_000;

/** From the start of a round to that of the next: the same in every shard, because it comes from the settings alone. */
const slotMs = ({ scenario, session, suite }: CheckedScenario): number =>
  scenario.plannedMs +
  (session.idleMs ?? unknownSessionMs) +
  suite.measure.timeoutMs +
  suite.measure.drainMs +
  openingMs;

const reasons = {
  start: {
    what: '"target.start" would start a server in every shard',
    instead:
      'Let the shards meet ("rendezvous"): shard 1 starts it. Or start it before, and name it in "target.url" alone.',
  },
  room: {
    what: '"room" would open a room in every shard',
    instead:
      'Let the shards meet ("rendezvous"): shard 1 opens it. Or open it before, and give its name in "variables".',
  },
  hooks: {
    what: 'its scenario has a "before" or "after" section, which would run in every shard',
    instead:
      'Let the shards meet ("rendezvous"): shard 1 runs them. Or do it in a step of its own, and give what it leaves in "variables".',
  },
  ensure: {
    what: 'its scenario has conditions of "ensure", which would judge each shard alone',
    instead: 'Write them as "thresholds", which judge the whole, or let the shards meet ("rendezvous").',
  },
  custom: {
    what: '"measure.custom" would be read by every shard',
    instead: 'Let the shards meet ("rendezvous"): shard 1 reads it for all of them. Or take it out.',
  },
  endurance: {
    what: 'it is of kind "endurance", and what stays in a server is read where the server runs',
    instead: 'Measure this suite in a job of its own ("--suite").',
  },
  deliveries: {
    what: 'deliveries between machines cannot be counted or timed, because shards that do not talk have no common clock',
    instead:
      'Let the shards meet ("rendezvous"). Or take "measure.deliveries" and "{{ $tag }}" out and judge acknowledgements.',
  },
} as const;

const unsupported = (suite: string, reason: keyof typeof reasons): TailgateError =>
  tailgateError('SHARD_UNSUPPORTED', { suite, ...reasons[reason] });

/** What cannot be divided between machines that do not talk, one error each. */
const obstacles = ({ suite, scenario }: CheckedScenario): TailgateError[] => {
  const { script } = scenario;
  const { target, room, measure } = suite;
  const found: (keyof typeof reasons)[] = [];
  if (suite.endurance !== undefined) found.push('endurance');
  if (target.start !== undefined) found.push('start');
  if (room !== null) found.push('room');
  if (script.before !== undefined || script.after !== undefined) found.push('hooks');
  if ('ensure' in script.config || 'ensure' in (script.config.plugins ?? {})) found.push('ensure');
  if (measure.custom !== undefined) found.push('custom');
  if (measure.deliveries.length > 0 || JSON.stringify(script).includes('$tag')) found.push('deliveries');
  return found.map((reason) => unsupported(suite.name, reason));
};

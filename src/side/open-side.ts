import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type TailgateError, tailgateError } from '../errors.ts';
import type { LoadSession } from '../generator/load-session.ts';
import type { Host } from '../host/host.ts';
import { ResourceStack } from '../host/resource-stack.ts';
import type { SideName } from '../metrics/round-measurement.ts';
import { limitsLoopDelay, type SuitePlan } from '../settings/run-plan.ts';
import { logName } from './log-name.ts';
import { loadOf, type PreparedLoad } from './open-load.ts';
import { type OpenRoom, openRoom } from './room/open-room.ts';
import type { RoundContext } from './round-context.ts';
import { isOneOf, readCommitIds, shortCommit } from './target/deployed-commit.ts';
import { openResourceSource, type ResourceSource } from './target/resource-source.ts';
import type { RunningTarget } from './target/running-target.ts';
import { startTarget } from './target/start-target.ts';

/** What differs between the two sides of a comparison. */
export type SideSource = {
  name: SideName;
  /** Folder of the version that is measured: the checkout, or the worktree of the base commit. */
  cwd: string;
  /** How messages name it, where it is not the head: `the base version (1234567890)`. */
  version?: string | undefined;
  /** Command that starts this version, if it is not the suite's own. */
  start?: string | undefined;
  /** Where it runs already, if that is not the suite's own URL. */
  url?: string | undefined;
  /** Commits that it may have been built from, where a server that runs already tells that; any if not given. */
  commits?: readonly string[] | undefined;
  /** Environment variables of this version, over those of the suite. */
  env?: Readonly<Record<string, string>> | undefined;
};

/** One server with its room open and its load ready, paused. Closing it ends all three in reverse order. */
export type OpenSide = AsyncDisposable & {
  readonly name: SideName;
  readonly suite: SuitePlan;
  readonly target: RunningTarget;
  readonly room: OpenRoom | null;
  /** The user's source for the resources of the server; null without one. */
  readonly resources: ResourceSource | null;
  readonly load: LoadSession;
  /** Throws TARGET_VERSION_* when what runs there is not, or no more, what is to be measured. */
  checkVersion(): Promise<void>;
  /** Resolves with the first thing that makes the measurement worthless: server died, room lost. */
  readonly failed: Promise<TailgateError>;
};

/** A server that dies takes the room along, and its end is reported a moment later. */
const deathDelayMs = 1_000;

/** One server with its room open, and no load yet. */
export type OpenServer = Omit<OpenSide, 'load'>;

/**
 * Starts the server, opens the room and prepares the load of one side. `label` names its logs and must be unique in
 * the run. Throws the errors of target, room and load; whatever was started is closed first.
 */
export const openSide = async (
  suite: SuitePlan,
  source: SideSource,
  context: RoundContext,
  label: string,
): Promise<OpenSide> => {
  await using opening = new ResourceStack();
  const prepared = opening.use(prepareLoad(suite, source.name, context, label));
  const server = opening.use(await openServer(suite, source, context, label));
  const load = opening.use(await openLoad(server, context.host, prepared));
  const owned = opening.move();
  return { ...server, load, [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose]() };
};

/** Starts the server of one side alone. Throws the errors of the target. */
export const startSideTarget = (
  suite: SuitePlan,
  source: SideSource,
  context: RoundContext,
  label: string,
): Promise<RunningTarget> => {
  const { host } = context;
  const settings = {
    ...suite.target,
    ...(source.start === undefined ? {} : { start: source.start }),
    ...(source.url === undefined ? {} : { url: source.url }),
    env: { ...suite.target.env, ...source.env },
  };
  return startTarget(settings, {
    cwd: path.resolve(source.cwd, settings.cwd),
    logPath: logFileOf(context, label)('server.log'),
    label,
    version: source.version,
    cpus: context.pinning?.server ?? null,
    openFiles: context.limits?.openFilesNeeded,
    env: host.env,
    secrets: host.secrets,
    signal: host.signal,
    limitsLoopDelay: limitsLoopDelay(suite),
    counting: context.counting,
    warn: (message) => host.warn(message),
  });
};

/** Starts the server and opens the room of one side. Throws the errors of target and room. */
export const openServer = async (
  suite: SuitePlan,
  source: SideSource,
  context: RoundContext,
  label: string,
): Promise<OpenServer> => {
  await using opening = new ResourceStack();
  const { host } = context;
  const target = opening.use(await startSideTarget(suite, source, context, label));
  const checkVersion = () => checkDeployed(suite, source, host, target);
  await checkVersion();
  const resources = await openResources(suite, source, context, target);
  if (resources !== null) opening.use(resources);
  const room =
    suite.room === null
      ? null
      : opening.use(
          await whileAlive(
            target,
            host,
            openRoom(suite.room, {
              url: target.url,
              env: host.env,
              secretValues: { add: (value) => host.secret(value) },
              signal: host.signal,
              warn: (message) => host.warn(message),
            }),
          ),
        );
  const failed = room === null ? target.died : Promise.race([target.died, causeOfLoss(room, target)]);
  const owned = opening.move();
  return {
    name: source.name,
    suite,
    target,
    room,
    resources,
    checkVersion,
    failed,
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
};

/** Starts the generators of a load for one side; `openLoad` hands them over. */
export const prepareLoad = (
  suite: SuitePlan,
  side: SideName,
  context: RoundContext,
  label: string,
): PreparedLoad => loadOf(suite, side, context, logFileOf(context, label));

/** Prepares a load for a server that runs. Throws the errors of the load. */
export const openLoad = (
  { target, room }: OpenServer,
  host: Host,
  prepared: PreparedLoad,
): Promise<LoadSession> =>
  whileAlive(target, host, prepared.open({ url: target.url, variables: room?.variables ?? {} }));

function logFileOf(context: RoundContext, label: string) {
  return (kind: string): string => path.join(context.logDir, `${logName(label)}.${kind}`);
}

/** Whether a server that runs already is the version that is to be measured, as far as it tells. */
async function checkDeployed(
  { target: { version } }: SuitePlan,
  { name: side, commits }: SideSource,
  { cwd, env, secrets }: Host,
  { url }: RunningTarget,
): Promise<void> {
  if (version === undefined || commits === undefined) return;
  const found = await readCommitIds(version, { url, side, cwd, env, secrets });
  if (!isOneOf(found, commits))
    throw tailgateError('TARGET_VERSION_OTHER', { url, side, found, wanted: commits.map(shortCommit) });
}

/** Opens the source of resources that the suite names; of shards the first alone asks. Throws RESOURCES_FAILED. */
async function openResources(
  { target: { resources } }: SuitePlan,
  source: SideSource,
  { host, part }: RoundContext,
  target: RunningTarget,
): Promise<ResourceSource | null> {
  return resources === undefined || (part !== undefined && part.shard.index > 0)
    ? null
    : await whileAlive(
        target,
        host,
        openResourceSource(resources, {
          url: target.url,
          side: source.name,
          cwd: host.cwd,
          env: host.env,
          serverEnv: target.env,
          secrets: host.secrets,
        }),
      );
}

/** What is being opened on a server that runs; if the server died, that is why it failed. */
async function whileAlive<T>(target: RunningTarget, host: Host, opening: Promise<T>): Promise<T> {
  try {
    return await opening;
  } catch (failure) {
    if (host.signal.aborted) throw tailgateError('CANCELLED', { signal: String(host.signal.reason) });
    throw (await Promise.race([target.died, delay(deathDelayMs, null, { ref: false })])) ?? failure;
  }
}

/** Why the room was lost: because the server died, or by itself. */
async function causeOfLoss(room: OpenRoom, target: RunningTarget): Promise<TailgateError> {
  const lost = await room.lost;
  return (await Promise.race([target.died, delay(deathDelayMs, null, { ref: false })])) ?? lost;
}

import { TailgateError, tailgateError } from '../../errors.ts';
import { childEnvironment } from '../../host/processes/child-environment.ts';
import { outputMask } from '../../host/processes/output-mask.ts';
import { descendantsOf, readProcesses } from '../../host/processes/process-table.ts';
import { type ShellProcess, startShell } from '../../host/processes/shell-process.ts';
import { untilAborted } from '../../host/until-aborted.ts';
import { shownPath } from '../../settings/resolve-paths.ts';
import type { TargetSettings } from '../../settings/settings-schema.ts';
import { logBecomesReady, type Readiness, serverBecomesReady } from './await-ready.ts';
import { openFileLimit, openFilesToSet } from './limits.ts';
import { openNodeSamplePipe } from './node-samples.ts';
import { isHeldByOthers, portHolder, portsOf } from './port-holder.ts';
import { assertPortFree, freePort, portBecomesFree } from './ports.ts';
import { readTree } from './process-tree-usage.ts';
import { describeProbe, probeOnce } from './readiness-probe.ts';
import { watchRemoteTarget } from './remote-target.ts';
import type { RunningTarget } from './running-target.ts';
import { filledEnvironment, fillPort, targetAddress, wantsFreePort } from './target-address.ts';
import { type CountingMode, openWorkCounter } from './work-counter.ts';

export type StartOptions = {
  /** Absolute path of the folder that the command runs in. */
  cwd: string;
  logPath: string;
  /** Heads the lines in the log, for example `head`. */
  label: string;
  /** Names the version in messages, where it is not the head. */
  version?: string | undefined;
  /** Cores to run on; null for any. */
  cpus?: readonly number[] | null | undefined;
  /** Open files that the server is going to need (`LimitPlan.openFilesNeeded`). */
  openFiles?: number | undefined;
  /** Instead of the port in the settings or a free one. */
  port?: number | undefined;
  /** The environment that the server inherits; that of this process if not given. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Never written to the log, nor shown in an error. */
  secrets?: Iterable<string> | undefined;
  /** Ends the start with CANCELLED; a stop after it has fired is a quick one. */
  signal?: AbortSignal | undefined;
  /** Whether the delay of its event loop is limited, and thus looked at more often. */
  limitsLoopDelay?: boolean | undefined;
  /** What is counted in its Node processes. */
  counting?: CountingMode | undefined;
  /** Told what cannot be thrown any more, such as a port that stays in use after the server was stopped. */
  warn?: ((message: string) => void) | undefined;
};

/** After a cancellation everything has to be gone within 3 s, whatever the settings allow at other times. */
const cancelledStopTimeoutMs = 1_200;

const portFreeTimeoutMs = 1_000;

const aliveAttempts = 3;

/**
 * Starts the server under test, waits until it is ready, and watches it; or, without `settings.start`, waits until
 * the server at `settings.url` answers.
 *
 * Throws SETTINGS_INVALID_VALUE, PORT_IN_USE, TARGET_EXITED, TARGET_NOT_READY, TARGET_UNREACHABLE or CANCELLED; in
 * every case nothing of the server runs on.
 */
export const startTarget = async (
  settings: TargetSettings,
  options: StartOptions,
): Promise<RunningTarget> => {
  if (settings.start === undefined) return watchRemoteTarget(settings, options);
  const chosenPort = options.port ?? (wantsFreePort(settings) ? await freePort() : null);
  const { url, port, local } = targetAddress(settings, chosenPort);
  if (local && port !== null) await assertPortFree(port);

  const command = fillPort(settings.start, port);
  const maskSecrets = outputMask(options.secrets ?? []);
  /** The command as it may be shown. */
  const shown = maskSecrets(command);
  const warn = options.warn ?? (() => {});
  const ownEnvironment = filledEnvironment(settings, port);
  const env = childEnvironment(options.env ?? process.env, {
    ...(port === null ? {} : { PORT: port }),
    ...ownEnvironment,
  });
  const pipe = settings.nodePreload ? openNodeSamplePipe(env, options) : null;
  const counter =
    settings.nodePreload && options.counting !== undefined
      ? openWorkCounter(options.counting, { ...env, ...pipe?.env }, local ? port : null)
      : null;

  let shell: ShellProcess;
  try {
    shell = await startShell({
      command,
      cwd: options.cwd,
      env: { ...env, ...pipe?.env, ...counter?.env },
      logPath: options.logPath,
      label: options.label,
      maskSecrets,
      cpus: options.cpus ?? null,
      openFiles: openFilesToSet(openFileLimit('self'), options.openFiles ?? 0),
    });
  } catch (error) {
    pipe?.close();
    counter?.close();
    throw error;
  }

  let closing: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    const timeoutMs =
      options.signal?.aborted === true
        ? Math.min(settings.stopTimeoutMs, cancelledStopTimeoutMs)
        : settings.stopTimeoutMs;
    const left = await shell.stop(settings.stopSignal, timeoutMs);
    pipe?.close();
    counter?.close();
    if (left.length > 0) warn(`The server "${shown}" left behind what would not end: ${left.join(', ')}.`);
    if (local && port !== null && !(await portBecomesFree(port, portFreeTimeoutMs))) {
      const holder = portHolder(port)?.description;
      warn(
        `Port ${port} is still in use after the server was stopped${holder === undefined ? '' : `, by ${holder}`}.`,
      );
    }
  };
  const closeOnce = (): Promise<void> => {
    closing ??= close();
    return closing;
  };

  try {
    await waitUntilReady(settings, shown, url, shell, options);
  } catch (error) {
    await closeOnce();
    throw error;
  }
  const family = shell.note();
  const pid = local && port !== null ? samplesFrom(shell.pid, family, port, settings) : shell.pid;
  if (pid === null && settings.resources === undefined)
    warn(
      `The server that answers on port ${port} is none of the processes that "${shown}" started: in a container, or handed over to another. Its processor time, memory and files are not sampled; name a source that tells of them in "target.resources".`,
    );

  const deathBy = (exitCode: string): TailgateError =>
    tailgateError('TARGET_DIED', { command: shown, exitCode, tail: shell.log.tail() });
  let dead: TailgateError | null = null;
  const died = new Promise<TailgateError>((resolve) => {
    void shell.exited.then((exit) => {
      if (closing !== null) return;
      dead = deathBy(exit.description);
      resolve(dead);
    });
  });

  return {
    url,
    port,
    cwd: options.cwd,
    env: ownEnvironment,
    pid,
    nodeSamples: pipe?.samples ?? null,
    counter,
    died,
    assertAlive: async () => {
      // The kernel goes on accepting connections for it.
      const still = readTree(shell.pid).find((entry) => entry.isStopped);
      if (still !== undefined)
        throw dead ?? deathBy(`process ${still.pid} (${still.command}) stopped by a signal`);
      if (settings.ready.type !== 'log') {
        let answer = '';
        for (let attempt = 0; attempt < aliveAttempts && dead === null; attempt += 1) {
          const probe = await probeOnce(settings.ready, url, 2_000);
          if (probe.ready) return;
          answer = probe.answer;
        }
        // The exit may be reported a moment after the connection was refused.
        await Promise.race([shell.exited, new Promise((resolve) => setTimeout(resolve, 500))]);
        throw dead ?? deathBy(`no answer (${answer})`);
      }
      if (dead !== null) throw dead;
    },
    tail: () => shell.log.tail(),
    [Symbol.asyncDispose]: closeOnce,
  };
};

/**
 * The process whose tree is the server: the command's own, or what left it and listens on the port. Null where the server
 * is none of what the command started.
 */
function samplesFrom(
  root: number,
  family: readonly number[],
  port: number,
  { ready }: TargetSettings,
): number | null {
  const tree = readTree(root).map(({ pid }) => pid);
  // By a line of the output it may be ready before it listens.
  const isToBeSeen = ready.type !== 'log' || portHolder(port) !== null;
  if (!isToBeSeen || !isHeldByOthers(port, tree)) return root;
  return family.find((pid) => portsOf([pid]).includes(port)) ?? null;
}

/** Throws TARGET_EXITED, TARGET_NOT_READY, TARGET_UNSUPPORTED or CANCELLED. */
async function waitUntilReady(
  settings: TargetSettings,
  command: string,
  url: string,
  shell: ShellProcess,
  { version, logPath, signal }: Pick<StartOptions, 'version' | 'logPath' | 'signal'>,
): Promise<void> {
  const { ready } = settings;
  const started = () => ({
    command,
    version,
    log: shownPath(process.cwd(), logPath),
    tail: shell.log.tail(),
  });
  const limit = timeoutSignal(ready.timeoutMs);
  const { aborted, forget } = untilAborted(signal);
  try {
    const readiness: Promise<Readiness> =
      ready.type === 'log'
        ? logBecomesReady(ready, shell.log, limit.signal)
        : serverBecomesReady(ready, url, limit.signal);
    const end = await Promise.race([shell.exited, aborted, readiness]);
    if (end instanceof TailgateError) throw end;
    if ('description' in end) {
      throw tailgateError('TARGET_EXITED', { ...started(), exitCode: end.description });
    }
    if (!end.ready && end.unsupported)
      throw tailgateError('TARGET_UNSUPPORTED', { ...started(), answer: end.last });
    if (!end.ready) {
      const port = Number(new URL(url).port);
      const family = descendantsOf(shell.pid, readProcesses()).map(({ pid }) => pid);
      throw tailgateError('TARGET_NOT_READY', {
        ...started(),
        probe: describeProbe(ready, url),
        timeoutMs: ready.timeoutMs,
        last: end.last,
        port,
        listens: portsOf([shell.pid, ...family]),
      });
    }
  } finally {
    limit.stop();
    forget();
  }
}

function timeoutSignal(timeoutMs: number): { signal: AbortSignal; stop: () => void } {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), timeoutMs);
  return {
    signal: controller.signal,
    stop: () => {
      clearTimeout(timer);
      controller.abort();
    },
  };
}

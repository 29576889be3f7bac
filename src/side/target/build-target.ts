import { TailgateError, tailgateError } from '../../errors.ts';
import { childEnvironment } from '../../host/processes/child-environment.ts';
import { outputMask } from '../../host/processes/output-mask.ts';
import { startShell } from '../../host/processes/shell-process.ts';
import { untilAborted } from '../../host/until-aborted.ts';
import { shownPath } from '../../settings/resolve-paths.ts';
import type { TargetSettings } from '../../settings/settings-schema.ts';

export type BuildOptions = {
  /** Absolute path of the folder that the command runs in. */
  cwd: string;
  logPath: string;
  /** Heads the lines in the log, for example `head`. */
  label: string;
  /** Names the version in messages, where it is not the head. */
  version?: string | undefined;
  /** The environment that the command inherits; that of this process if not given. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Never written to the log, nor shown in an error. */
  secrets?: Iterable<string> | undefined;
  /** Ends the build with CANCELLED. */
  signal?: AbortSignal | undefined;
};

/**
 * Runs the build command, if there is one. Resolves with how long it took, in milliseconds.
 * Throws BUILD_FAILED (also after `buildTimeoutMs`) or CANCELLED; nothing of it runs on afterwards.
 */
export const buildTarget = async (settings: TargetSettings, options: BuildOptions): Promise<number> => {
  if (settings.build === undefined) return 0;
  const startedAt = performance.now();
  const maskSecrets = outputMask(options.secrets ?? []);
  const shell = await startShell({
    command: settings.build,
    cwd: options.cwd,
    env: childEnvironment(options.env ?? process.env, settings.env),
    logPath: options.logPath,
    label: options.label,
    maskSecrets,
    cpus: null,
    openFiles: null,
  });
  const { aborted, forget } = untilAborted(options.signal);
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<'timeout'>((resolve) => {
    timer = setTimeout(() => resolve('timeout'), settings.buildTimeoutMs);
  });
  try {
    const end = await Promise.race([shell.exited, aborted, timeout]);
    if (end instanceof TailgateError) throw end;
    if (end === 'timeout' || end.code !== 0) {
      throw tailgateError('BUILD_FAILED', {
        command: maskSecrets(settings.build),
        version: options.version,
        log: shownPath(process.cwd(), options.logPath),
        exitCode: end === 'timeout' ? `a timeout after ${settings.buildTimeoutMs} ms` : end.description,
        tail: shell.log.tail(),
      });
    }
    return performance.now() - startedAt;
  } finally {
    clearTimeout(timer);
    forget();
    await shell.stop('SIGTERM', 1_000);
  }
};

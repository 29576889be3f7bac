import { TailgateError, tailgateError } from '../../errors.ts';
import { hasProcessTable, readProcess } from '../../host/processes/process-table.ts';
import { untilAborted } from '../../host/until-aborted.ts';
import type { TargetSettings } from '../../settings/settings-schema.ts';
import { serverBecomesReady } from './await-ready.ts';
import { probeOnce } from './readiness-probe.ts';
import type { RunningTarget } from './running-target.ts';
import { filledEnvironment, targetAddress } from './target-address.ts';

const watchIntervalMs = 500;
const aliveAttempts = 3;

/**
 * The server at `settings.url`, which somebody else started: waits until it answers, and never stops it. With
 * `settings.pid` its end is noticed; without, `assertAlive` has to be asked.
 * Throws SETTINGS_INVALID_VALUE, TARGET_UNREACHABLE or CANCELLED.
 */
export const watchRemoteTarget = async (
  settings: TargetSettings,
  options: { port?: number | undefined; signal?: AbortSignal | undefined },
): Promise<RunningTarget> => {
  const { url, port } = targetAddress(settings, options.port ?? null);
  const { ready } = settings;
  if (ready.type === 'log') {
    throw tailgateError('SETTINGS_INVALID_VALUE', {
      key: 'ready.type',
      problem: 'the output of a server that is not started here cannot be read',
      expected: 'Use "http", "tcp", "socketio" or "websocket", or set "target.start".',
    });
  }
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), ready.timeoutMs);
  const { aborted, forget } = untilAborted(options.signal);
  try {
    const end = await Promise.race([serverBecomesReady(ready, url, limit.signal), aborted]);
    if (end instanceof TailgateError) throw end;
    if (!end.ready) throw tailgateError('TARGET_UNREACHABLE', { url, reason: end.last });
  } finally {
    clearTimeout(timer);
    limit.abort();
    forget();
  }

  const pid = settings.pid ?? null;
  const deathBy = (exitCode: string): TailgateError =>
    tailgateError('TARGET_DIED', { command: url, exitCode, tail: '' });
  let watch: NodeJS.Timeout | undefined;
  let dead: TailgateError | null = null;
  const died = new Promise<TailgateError>((resolve) => {
    const first = pid !== null && hasProcessTable ? readProcess(pid) : null;
    if (pid === null || first === null) return;
    watch = setInterval(() => {
      if (readProcess(pid)?.startTime === first.startTime) return;
      clearInterval(watch);
      dead = deathBy(`the end of process ${pid}`);
      resolve(dead);
    }, watchIntervalMs);
    watch.unref();
  });

  return {
    url,
    port,
    cwd: null,
    env: filledEnvironment(settings, port),
    pid,
    nodeSamples: null,
    counter: null,
    died,
    assertAlive: async () => {
      let answer = '';
      for (let attempt = 0; attempt < aliveAttempts && dead === null; attempt += 1) {
        const probe = await probeOnce(ready, url, 2_000);
        if (probe.ready) return;
        answer = probe.answer;
      }
      throw dead ?? deathBy(`no answer (${answer})`);
    },
    tail: () => '',
    [Symbol.asyncDispose]: async () => {
      clearInterval(watch);
    },
  };
};

import { existsSync, mkdtempSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type ReadProfile, readProfile } from '../../explain/read-profile.ts';
import { childEnvironment } from '../../host/processes/child-environment.ts';
import { outputMask } from '../../host/processes/output-mask.ts';
import type { MeasureSettings } from '../../settings/settings-schema.ts';
import { askCommandBytes, askUrlBytes, fillAddress, fillUrl, portOf } from './ask-source.ts';
import { readTree } from './process-tree-usage.ts';
import type { RunningTarget } from './running-target.ts';

export type ProfileOptions = {
  target: Pick<RunningTarget, 'url' | 'pid' | 'env' | 'cwd'>;
  /** Folder that a command runs in. */
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  secrets: Iterable<string>;
};

/** Takes profiles of a server while it is under load. */
export type ProfileSource = {
  /** The profile of about `forMs` from now on, unless `signal` fires. Throws, with a clause that says why there is none. */
  take(forMs: number, signal?: AbortSignal): Promise<ReadProfile>;
};

/** By a kernel timer, which virtual machines have too, other than the counters of the processor. */
const samplesPerSecond = 499;
const perfFields = 'comm,pid,ip,sym,dso,srcline';
/** Reading symbols takes a second or two; a huge binary is not waited for. */
const perfTimeoutMs = 25_000;
const maxBytes = 200_000_000;

/** The source that the settings name; null when they name none. */
export const profileSource = (
  setting: MeasureSettings['profile'],
  options: ProfileOptions,
): ProfileSource | null => {
  if (setting === undefined) return null;
  return {
    take: (forMs, signal) => named(setting, () => take(setting, options, forMs, signal), options),
  };
};

/** Whether `perf` is installed here. */
export const hasPerf = (env: Readonly<Record<string, string | undefined>>): boolean =>
  process.platform === 'linux' &&
  (env.PATH ?? '')
    .split(path.delimiter)
    .some((folder) => folder !== '' && existsSync(path.join(folder, 'perf')));

/** Whether the process below `root` that has used the processor most runs Node, of which `perf` sees nothing inside. */
export const isMostlyNode = (root: number): boolean => {
  const [most] = readTree(root).sort((a, b) => b.cpuTicks - a.cpuTicks);
  try {
    return (
      most !== undefined &&
      /^(node|nodejs|bun|deno)$/.test(path.basename(readlinkSync(`/proc/${most.pid}/exe`)))
    );
  } catch {
    return false;
  }
};

async function named(
  setting: NonNullable<MeasureSettings['profile']>,
  read: () => Promise<Buffer>,
  { secrets }: ProfileOptions,
): Promise<ReadProfile> {
  try {
    return readProfile(decompressed(await read()));
  } catch (failure) {
    // Some programs explain themselves over many lines.
    const lines = (failure as Error).message.split('\n').map((line) => line.trim());
    const said = lines.filter((line) => line !== '' && line !== 'Error:').slice(0, 2);
    const reason = outputMask(secrets)(said.join(' ')).slice(0, 240);
    const who = setting === 'perf' ? '`perf`' : 'the source in `measure.profile`';
    throw new Error(`${who} gave no profile: ${reason}`);
  }
}

async function take(
  setting: NonNullable<MeasureSettings['profile']>,
  options: ProfileOptions,
  forMs: number,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const { target, cwd } = options;
  if (setting === 'perf') return byPerf(options, forMs, signal);
  const seconds = Math.max(1, Math.floor(forMs / 1_000));
  const limits = { timeoutMs: forMs + setting.timeoutMs, maxBytes, signal };
  const values = { seconds: String(seconds), pid: String(target.pid ?? '') };
  if (setting.url !== undefined) return askUrlBytes(fillUrl(setting.url, target.url, values), limits);
  const env = childEnvironment(options.env, {
    ...target.env,
    TAILGATE_SERVER_DIR: target.cwd ?? cwd,
    TAILGATE_URL: target.url,
    TAILGATE_SECONDS: seconds,
    TAILGATE_PID: target.pid ?? '',
    PORT: portOf(target.url),
  });
  return askCommandBytes(fillAddress(setting.command!, target.url, values), { ...limits, cwd, env });
}

/** Stacks are unwound by debug information: most programs and libraries are built without frame pointers. */
async function byPerf(
  { target, env }: ProfileOptions,
  forMs: number,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  if (target.pid === null) throw new Error('the server runs elsewhere');
  if (!hasPerf(env)) throw new Error('it is not installed');
  const pids = readTree(target.pid).map(({ pid }) => pid);
  const folder = mkdtempSync(path.join(tmpdir(), 'tailgate-perf-'));
  try {
    const record = `perf record -q -N -e cpu-clock -F ${samplesPerSecond} --call-graph dwarf -p ${pids.join(',')} -o samples -- sleep ${(forMs / 1_000).toFixed(1)}`;
    const script = `perf script -i samples -F ${perfFields} --full-source-path`;
    const limits = { timeoutMs: forMs + perfTimeoutMs, maxBytes, signal };
    return await askCommandBytes(`${record} >&2 && ${script}`, {
      ...limits,
      cwd: folder,
      env: { ...childEnvironment(env, {}), HOME: folder, PERF_BUILDID_DIR: folder },
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Go and others compress what they give. */
function decompressed(content: Buffer): Buffer {
  if (content[0] !== 0x1f || content[1] !== 0x8b) return content;
  try {
    return gunzipSync(content, { maxOutputLength: maxBytes });
  } catch {
    throw new Error('its compression is damaged');
  }
}

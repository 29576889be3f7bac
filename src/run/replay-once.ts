import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { defaultEngineSettings } from '../engines/core/engine-settings.ts';
import { seedInOrder } from '../generator/artillery/weighted-pick.ts';
import { startLoadSession } from '../generator/start-load-session.ts';
import { atMost } from '../host/at-most.ts';
import type { Host } from '../host/host.ts';
import { compareReplay, type ReplayComparison } from '../record/compare-replay.ts';
import { decodeSessions } from '../record/decode-sessions.ts';
import { openRelay } from '../record/relay.ts';
import type { WrittenScenario } from '../record/write-scenario.ts';

/** What waits for answers that never come may take longer than the recording. */
const graceMs = 15_000;

/**
 * Runs the recorded clients once against `target`, one arrival each, with the generator that measures, and compares what
 * goes over the wire with the recording. Recorded values, secrets among them, reach the generator in memory.
 */
export const replayOnce = async (
  written: WrittenScenario,
  target: string,
  host: Host,
): Promise<ReplayComparison> => {
  const { text, variables, sessions, seconds } = written.replay;
  host.info(
    `Replaying ${sessions.length === 1 ? 'one client' : `${sessions.length} clients`}: about ${Math.ceil(seconds)} s.`,
  );
  const folder = await mkdtemp(path.join(tmpdir(), 'tailgate-replay-'));
  try {
    const scenarioPath = path.join(folder, 'replay.yml');
    await writeFile(scenarioPath, text);
    for (const [name, content] of Object.entries(written.replay.files))
      await writeFile(path.join(folder, name), content);
    await using relay = await openRelay(target);
    await using load = await startLoadSession(
      {
        scenarioPath,
        environment: null,
        overrides: {},
        variables,
        targetUrl: relay.url,
        engine: { ...defaultEngineSettings, timeoutMs: 5_000, seed: seedInOrder(sessions.length) },
        rawPath: null,
        secrets: [...host.secrets],
      },
      { logPath: path.join(folder, 'load.log'), cpus: null, env: host.env, signal: host.signal },
    );
    await load.resume();
    await atMost(load.finished, seconds * 1_000 + graceMs);
    const { errors } = await load.collect(true);
    const comparison = compareReplay(sessions, decodeSessions(relay.recording));
    return {
      ...comparison,
      differences: [
        ...errors.map(
          ({ name, count, messages }) =>
            `${count} × ${name}${messages[0] === undefined ? '' : `: ${messages[0]}`}`,
        ),
        ...comparison.differences,
      ],
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

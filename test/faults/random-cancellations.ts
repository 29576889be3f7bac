import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../../src/metrics/seeded-random.ts';
import { runFault } from './run-fault.ts';

const servers = ['well-behaved', 'ignores-signals', 'daemon', 'daemon-clean', 'stands-still'];
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL', 'SIGINT twice', 'SIGINT to all'] as const;
const latestMs = 6_000;
/** Before its first line a process ends as the system ends it; nothing of it runs then. */
const loadingMs = 400;

/** Cancels a run at an instant drawn from `seed`; gives what was wrong, in words. */
export const cancelAtRandom = async (seed: number): Promise<string[]> => {
  const random = seededRandom(seed);
  const atMs = Math.round(random() * latestMs);
  const signal = signals[seed % signals.length]!;
  const server = servers[Math.floor(seed / signals.length) % servers.length]!;
  const name = `${signal} after ${atMs} ms, server ${server}`;
  return await runFault(
    {
      id: `random-${seed}`,
      given: {
        server,
        scenario: { config: { phases: [{ duration: 8, arrivalRate: 6 }] } },
        during: async (child) => {
          await delay(atMs);
          if (child.exitCode !== null) return;
          if (signal === 'SIGINT to all') process.kill(-child.pid!, 'SIGINT');
          else child.kill(signal === 'SIGINT twice' ? 'SIGINT' : signal);
          if (signal === 'SIGINT twice') {
            await delay(random() * 500);
            child.kill('SIGINT');
          }
        },
      },
    },
    ({ exit, signal: endedBy, left, timedOut }) => {
      const endsAsAsked =
        exit === 130 || (endedBy !== null && (signal === 'SIGKILL' || atMs < loadingMs)) || exit === 4;
      return [
        ...(left.length > 0 ? [`${name}: left ${left.join(' | ')}`] : []),
        ...(timedOut ? [`${name}: hangs`] : []),
        ...(endsAsAsked ? [] : [`${name}: exit ${exit ?? endedBy}`]),
      ];
    },
  );
};

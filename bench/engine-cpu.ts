import type { CpuAnswer, CpuRequest } from './engine-load/cpu-generator.ts';
import { startGenerator, startServer } from './engine-load/processes.ts';
import { takeTurns } from './engine-load/take-turns.ts';
import { type Figure, figure } from './figure.ts';

export const about =
  'CPU time of an acknowledged message, against the built-in engine and a bare socket.io-client';

const peers = ['ours', 'bare', 'artillery'] as const;
type Peer = (typeof peers)[number];

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * Ratios of our CPU time of a message to that of the others, over all turns together: what is paid only now and then,
 * such as collecting garbage and aggregating metrics, belongs to it.
 */
const compare = async (url: string, templated: boolean, turns: number): Promise<Record<Peer, number>> => {
  const times = await takeTurns<Peer, CpuAnswer>(
    peers,
    async (peer) =>
      await startGenerator('cpu-generator.ts', {
        peer,
        url,
        users: 40,
        messages: 200,
        templated,
      } satisfies CpuRequest),
    { warmUp: 5, turns },
  );
  const means = peers.map((peer) => `${peer} ${mean(times[peer]).toFixed(1)}`).join(', ');
  process.stderr.write(`${templated ? 'templated' : 'static'} payload, us a message: ${means}\n`);
  const ratio = (peer: Peer) => mean(times.ours) / mean(times[peer]);
  return { ours: 1, bare: ratio('bare'), artillery: ratio('artillery') };
};

/** `args[0]`: turns that each peer takes, 30 if not given. */
export const run = async (args: readonly string[]): Promise<Figure[]> => {
  const turns = Number(args[0] ?? 30);
  await using server = await startServer();
  const fixed = await compare(server.url, false, turns);
  const templated = await compare(server.url, true, turns);
  const name = 'CPU per acknowledged message';
  const builtIn = "Artillery's built-in engine";
  const bare = 'bare socket.io-client loop';
  return [
    figure(`${name}, static payload`, fixed.artillery, 'ratio', '<=', 0.6, builtIn),
    figure(`${name}, templated payload`, templated.artillery, 'ratio', '<=', 0.35, builtIn),
    figure(`${name}, static payload`, fixed.bare, 'ratio', '<=', 1.1, bare),
    figure(`${name}, templated payload`, templated.bare, 'ratio', '<=', 1.1, bare),
  ];
};

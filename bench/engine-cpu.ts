import { mean } from '../src/metrics/averages.ts';
import type { CpuAnswer, CpuRequest } from './engine-load/cpu-generator.ts';
import type { PayloadName } from './engine-load/cpu-payloads.ts';
import { startGenerator, startServer } from './engine-load/processes.ts';
import { takeTurns } from './engine-load/take-turns.ts';
import { type Figure, figure } from './figure.ts';

export const about =
  'CPU time of an acknowledged message, against the built-in engine, a bare socket.io-client and the least that it can cost';

const peers = ['ours', 'bare', 'artillery', 'floor'] as const;
type Peer = (typeof peers)[number];
type PeerTimes = Record<Peer, number>;

const labels: Record<PayloadName, string> = {
  static: 'static payload',
  variables: 'templated payload: variables',
  calls: 'templated payload: a variable and two functions',
};

/**
 * What the built-in engine needs for a message whose variables are put in is hardly more than for one that is always the
 * same (it searches both), and not three times what our floor is; calls of functions it parses each time.
 */
const aims: Record<PayloadName, number> = { static: 0.6, variables: 0.6, calls: 0.35 };

/**
 * CPU time of a message, microseconds, over all turns together: what is paid only now and then, such as collecting
 * garbage and aggregating metrics, belongs to it.
 */
const measure = async (url: string, payload: PayloadName, turns: number): Promise<PeerTimes> => {
  const times = await takeTurns<Peer, CpuAnswer>(
    peers,
    async (peer) =>
      await startGenerator('cpu-generator.ts', {
        peer,
        url,
        users: 40,
        messages: 200,
        payload,
      } satisfies CpuRequest),
    { warmUp: 5, turns },
  );
  const means = Object.fromEntries(peers.map((peer) => [peer, mean(times[peer])])) as PeerTimes;
  const text = peers.map((peer) => `${peer} ${means[peer].toFixed(1)}`).join(', ');
  process.stderr.write(`${labels[payload]}, us a message: ${text}\n`);
  return means;
};

/** `args[0]`: turns that each peer takes, 30 if not given. */
export const run = async (args: readonly string[]): Promise<Figure[]> => {
  const turns = Number(args[0] ?? 30);
  await using server = await startServer();
  const builtIn = "Artillery's built-in engine";
  const bare = 'bare socket.io-client loop';
  const floor = 'a net.Socket that writes one ready frame and reads no answer';
  const figures: Figure[] = [];
  for (const payload of ['static', 'variables', 'calls'] as const) {
    const { ours, ...others } = await measure(server.url, payload, turns);
    const name = `CPU per acknowledged message, ${labels[payload]}`;
    figures.push(
      figure(name, ours / others.artillery, 'ratio', '<=', aims[payload], builtIn),
      figure(name, ours / others.bare, 'ratio', '<=', 1.1, bare),
      figure(name, ours / others.floor, 'ratio', '<=', 1.5, floor),
    );
  }
  return figures;
};

import type { LatencyRequest, LatencyResult } from './engine-load/latency-generator.ts';
import { runGenerator, startServer } from './engine-load/processes.ts';
import { type Figure, figure, median } from './figure.ts';

export const about =
  'the p99 that one server shows at 1,000 users and 4,000 messages a second, by who drives the load';

const peers = ['ours', 'bare', 'artillery'] as const;
type Peer = (typeof peers)[number];

const rowOf = (peer: Peer, result: LatencyResult): string =>
  [
    peer,
    `${Math.round(result.perSecond)}/s`,
    result.p50Ms.toFixed(2),
    result.p99Ms.toFixed(2),
    result.cpuShare.toFixed(2),
  ].join(' | ');

/** `args[0]`: rounds, 5 if not given. */
export const run = async (args: readonly string[]): Promise<Figure[]> => {
  const rounds = Number(args[0] ?? 5);
  await using server = await startServer();
  const p99s: Record<Peer, number[]> = { ours: [], bare: [], artillery: [] };
  process.stderr.write('who | messages | p50 ms | p99 ms | CPU of the generator\n');
  // One after the other in each round, so that what disturbs the machine disturbs all of them.
  for (let round = 0; round < rounds; round += 1)
    for (const peer of peers) {
      const request: LatencyRequest = {
        peer,
        url: server.url,
        users: 1_000,
        thinkMs: 249,
        warmUpMs: 3_000,
        measureMs: 8_000,
      };
      const result = await runGenerator<LatencyResult>('latency-generator.ts', request);
      process.stderr.write(`${rowOf(peer, result)}\n`);
      p99s[peer].push(result.p99Ms);
    }
  const p99 = { ours: median(p99s.ours), bare: median(p99s.bare), artillery: median(p99s.artillery) };
  const name = 'p99 at 1,000 users and 4,000 messages a second';
  return [
    figure(name, p99.ours / p99.bare, 'ratio', '<=', 1.1, 'bare socket.io-client loop'),
    figure(name, p99.ours / p99.artillery, 'ratio', '<=', 0.5, "Artillery's built-in engine"),
  ];
};

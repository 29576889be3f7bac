import { median } from '../src/metrics/averages.ts';
import type { LatencyAnswer, LatencyRequest } from './engine-load/latency-generator.ts';
import { startGenerator, startServer } from './engine-load/processes.ts';
import { takeTurns } from './engine-load/take-turns.ts';
import { type Figure, ratioFigure } from './figure.ts';

export const about =
  'the p99 that one server shows at 1,000 users and 4,000 messages a second, by who drives the load';

const peers = ['ours', 'bare', 'artillery'] as const;
type Peer = (typeof peers)[number];

/** The quartiles of the p99 over the turns. */
const spreadOf = (answers: readonly LatencyAnswer[]): string => {
  const sorted = answers.map(({ p99Ms }) => p99Ms).sort((a, b) => a - b);
  const at = (q: number) => sorted[Math.round(q * (sorted.length - 1))]!.toFixed(2);
  return `${at(0.25)} to ${at(0.75)}`;
};

const tableOf = (answers: Record<Peer, readonly LatencyAnswer[]>): string =>
  peers
    .map((peer) => {
      const of = (value: (answer: LatencyAnswer) => number) => median(answers[peer].map(value));
      return [
        peer,
        `${Math.round(of(({ perSecond }) => perSecond))}/s`,
        of(({ p50Ms }) => p50Ms).toFixed(2),
        of(({ p99Ms }) => p99Ms).toFixed(2),
        spreadOf(answers[peer]),
        of(({ cpuShare }) => cpuShare).toFixed(2),
      ].join(' | ');
    })
    .join('\n');

/** `args[0]`: turns of two seconds that each peer takes, 30 if not given. */
export const run = async (args: readonly string[]): Promise<Figure[]> => {
  await using server = await startServer();
  const answers = await takeTurns<Peer, LatencyAnswer>(
    peers,
    async (peer) =>
      await startGenerator('latency-generator.ts', {
        peer,
        url: server.url,
        users: 1_000,
        thinkMs: 249,
        messages: 6,
      } satisfies LatencyRequest),
    { warmUp: 2, turns: Number(args[0] ?? 30) },
  );
  process.stderr.write(
    `who | messages | p50 ms | p99 ms | its quartiles | CPU of the generator (medians of the turns)\n${tableOf(answers)}\n`,
  );
  const p99s = (peer: Peer) => answers[peer].map(({ p99Ms }) => p99Ms);
  const against = (peer: Peer, bound: number, title: string) =>
    ratioFigure('p99 at 1,000 users and 4,000 messages a second', p99s('ours'), p99s(peer), bound, title);
  return [
    against('bare', 1.1, 'bare socket.io-client loop'),
    against('artillery', 1, "Artillery's built-in engine"),
  ];
};

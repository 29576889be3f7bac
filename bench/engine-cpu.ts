import type { CpuRequest, CpuResult } from './engine-load/cpu-generator.ts';
import { runGenerator, startServer } from './engine-load/processes.ts';
import { type Figure, figure, median } from './figure.ts';

export const about =
  'CPU time of an acknowledged message, against the built-in engine and a bare socket.io-client';

const peers = ['ours', 'bare', 'artillery'] as const;
type Peer = (typeof peers)[number];

const compare = async (url: string, templated: boolean, rounds: number): Promise<Record<Peer, number>> => {
  const times: Record<Peer, number[]> = { ours: [], bare: [], artillery: [] };
  // One after the other in each round, so that what disturbs the machine disturbs all of them.
  for (let round = 0; round < rounds; round += 1)
    for (const peer of peers) {
      const request: CpuRequest = { peer, url, users: 40, messages: 1_000, templated };
      const { cpuUsPerMessage } = await runGenerator<CpuResult>('cpu-generator.ts', request);
      times[peer].push(cpuUsPerMessage);
    }
  const medians = { ours: median(times.ours), bare: median(times.bare), artillery: median(times.artillery) };
  process.stderr.write(`${templated ? 'templated' : 'static'}, us a message: ${JSON.stringify(medians)}\n`);
  return medians;
};

/** `args[0]`: rounds, 5 if not given. */
export const run = async (args: readonly string[]): Promise<Figure[]> => {
  const rounds = Number(args[0] ?? 5);
  await using server = await startServer();
  const fixed = await compare(server.url, false, rounds);
  const templated = await compare(server.url, true, rounds);
  const builtIn = "Artillery's built-in engine";
  const bare = 'bare socket.io-client loop';
  return [
    figure(
      'CPU per acknowledged message, static payload',
      fixed.ours / fixed.artillery,
      'ratio',
      '<=',
      0.6,
      builtIn,
    ),
    figure(
      'CPU per acknowledged message, templated payload',
      templated.ours / templated.artillery,
      'ratio',
      '<=',
      0.35,
      builtIn,
    ),
    figure('CPU per acknowledged message, static payload', fixed.ours / fixed.bare, 'ratio', '<=', 1.1, bare),
    figure(
      'CPU per acknowledged message, templated payload',
      templated.ours / templated.bare,
      'ratio',
      '<=',
      1.1,
      bare,
    ),
  ];
};

import { median } from '../src/metrics/averages.ts';
import { runGenerator, startServer } from './engine-load/processes.ts';
import type { RoomRequest, RoomResult } from './engine-load/room-generator.ts';
import type { ServerCounts } from './engine-load/server.ts';
import { type Figure, figure } from './figure.ts';

export const about = 'CPU time of a delivery in a room of 200 members, against a bare socket.io-client';

const peers = ['ours', 'bare'] as const;
type Peer = (typeof peers)[number];

/** `args[0]`: rounds, 5 if not given. */
export const run = async (args: readonly string[]): Promise<Figure[]> => {
  const rounds = Number(args[0] ?? 5);
  await using server = await startServer();
  const times: Record<Peer, number[]> = { ours: [], bare: [] };
  let missing = 0;
  for (let round = 0; round < rounds; round += 1)
    for (const peer of peers) {
      await server.ask('reset');
      const request: RoomRequest = {
        peer,
        url: server.url,
        room: `${peer}-${round}`,
        members: 200,
        messagesEach: 3,
        everyMs: 2_000,
      };
      const result = await runGenerator<RoomResult>('room-generator.ts', request);
      const { deliveries } = await server.ask<ServerCounts>('counts');
      if (peer === 'ours') missing += Math.abs(deliveries - result.deliveries);
      times[peer].push(result.cpuUsPerDelivery);
      process.stderr.write(
        `${peer}: ${result.cpuUsPerDelivery.toFixed(2)} us, ${result.deliveries} of ${deliveries} deliveries${result.p99Ms === null ? '' : `, p99 ${result.p99Ms.toFixed(2)} ms`}\n`,
      );
    }
  return [
    figure(
      'CPU per delivery in a room of 200',
      median(times.ours) / median(times.bare),
      'ratio',
      '<=',
      1.1,
      'bare socket.io-client that only counts them',
    ),
    figure(
      'deliveries that the server sent and we did not count, or the other way round',
      missing,
      'deliveries',
      '<=',
      0,
      'what the server counted',
    ),
  ];
};

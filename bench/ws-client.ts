import { mean } from '../src/verdict/statistics/robust.ts';
import { startGenerator, startServer } from './engine-load/processes.ts';
import { takeTurns } from './engine-load/take-turns.ts';
import type { WsClientRequest } from './engine-load/ws-client-generator.ts';
import { type Figure, figure } from './figure.ts';

export const about = 'CPU time of a message and of a delivery over our own WebSocket, against the package ws';

const sockets = ['own', 'package'] as const;
type Socket = (typeof sockets)[number];

/** What the own client must save to be worth its keep, at the upper end of the interval. */
const mostOfPackage = 0.9;

const sizes = { message: { users: 40, messages: 200 }, delivery: { users: 40, messages: 5 } } as const;

/** Mean and 95% interval of the ratio of two peers, whose turns stand beside each other. */
const ratioOf = (
  own: readonly number[],
  others: readonly number[],
): { value: number; low: number; high: number } => {
  const logs = own.map((time, turn) => Math.log(time / others[turn]!));
  const middle = mean(logs);
  const variance = logs.reduce((sum, each) => sum + (each - middle) ** 2, 0) / (logs.length - 1);
  const half = 2 * Math.sqrt(variance / logs.length);
  return { value: Math.exp(middle), low: Math.exp(middle - half), high: Math.exp(middle + half) };
};

/** `args[0]`: turns that each takes, 40 if not given. */
export const run = async (args: readonly string[]): Promise<Figure[]> => {
  const turns = Number(args[0] ?? 40);
  await using server = await startServer();
  const figures: Figure[] = [];
  for (const kind of ['message', 'delivery'] as const) {
    const times = await takeTurns<Socket, number>(
      sockets,
      async (socket) =>
        await startGenerator('ws-client-generator.ts', {
          socket,
          kind,
          url: server.url,
          ...sizes[kind],
        } satisfies WsClientRequest),
      { warmUp: 8, turns },
    );
    const { value, low, high } = ratioOf(times.own, times.package);
    process.stderr.write(
      `us a ${kind}: own ${mean(times.own).toFixed(2)}, package ${mean(times.package).toFixed(2)}; ratio ${value.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})\n`,
    );
    figures.push(
      figure(`CPU per ${kind}, upper end of 95%`, high, 'ratio', '<=', mostOfPackage, 'the package ws'),
    );
  }
  return figures;
};

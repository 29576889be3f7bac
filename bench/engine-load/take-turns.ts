import type { Program } from './processes.ts';

/**
 * Peers that are connected all the time and take short turns in a changing order, so that what disturbs the machine
 * disturbs all of them. Gives the answers of each, turn by turn; those of the warm-up, in which code is compiled, are
 * left out.
 */
export const takeTurns = async <Peer extends string, Answer>(
  peers: readonly Peer[],
  start: (peer: Peer) => Promise<Program>,
  { warmUp, turns }: { warmUp: number; turns: number },
): Promise<Record<Peer, Answer[]>> => {
  await using programs = new AsyncDisposableStack();
  const generators: Program[] = [];
  for (const peer of peers) generators.push(programs.use(await start(peer)));
  const answers = Object.fromEntries(peers.map((peer) => [peer, []])) as unknown as Record<Peer, Answer[]>;
  for (let turn = 0; turn < warmUp + turns; turn += 1)
    for (let offset = 0; offset < peers.length; offset += 1) {
      const index = (turn + offset) % peers.length;
      const answer = await generators[index]!.ask<Answer>('turn');
      if (turn >= warmUp) answers[peers[index]!].push(answer);
    }
  return answers;
};

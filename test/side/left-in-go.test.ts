import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import WebSocket from 'ws';
import type { RoundMeasurement } from '../../src/metrics/round-measurement.ts';
import { whatIsLeft } from '../../src/side/measure-waves.ts';
import { freePort } from '../../src/side/target/ports.ts';
import { judgeSuite } from '../../src/verdict/judge-suite.ts';
import { evidenceOf, plainRound } from '../verdict/simulator.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'tailgate-go-'));
after(() => rmSync(root, { recursive: true, force: true }));
const source = path.join(import.meta.dirname, '../../bench/leaks-go/server.go');

/** One server, and what is left of it after each of so many waves. */
const waves = async (build: string, count: number, sessions: number): Promise<RoundMeasurement[]> => {
  const port = await freePort();
  const server = spawn(build, { env: { ...process.env, PORT: String(port) }, stdio: 'inherit' });
  const url = `127.0.0.1:${port}`;
  try {
    while ((await fetch(`http://${url}`).catch(() => null)) === null);
    const rounds: RoundMeasurement[] = [];
    for (let wave = 0; wave < count; wave += 1) {
      for (let done = 0; done < sessions; done += 20)
        await Promise.all(
          Array.from({ length: 20 }, async () => {
            const user = new WebSocket(`ws://${url}`);
            await once(user, 'open');
            user.send('hello');
            await once(user, 'message');
            user.close();
            await once(user, 'close');
          }),
        );
      const left = await whatIsLeft({ pid: server.pid!, counter: null });
      rounds.push({
        ...plainRound(5, 60),
        quiet: { atMs: 1_000 * (wave + 1), sessions, messages: sessions, ...left },
      });
    }
    return rounds;
  } finally {
    server.kill('SIGKILL');
  }
};

test('of a server in Go what stays is seen in its resident memory, and nothing where nothing stays', {
  skip: spawnSync('which', ['go']).status === 0 ? false : 'Go is not installed',
}, async () => {
  const build = (...args: string[]): string => {
    const program = path.join(root, `server${args.length}`);
    const { status, stderr } = spawnSync('go', ['build', ...args, '-o', program, source], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    return program;
  };
  const [same, leaking] = [build(), build('-ldflags', '-X main.keeps=yes')];
  const judge = (rounds: RoundMeasurement[]) =>
    judgeSuite(evidenceOf({ kind: 'endurance', comparison: 'none', head: rounds, final: true }));
  const [still, grown] = [await waves(same, 12, 100), await waves(leaking, 20, 100)];
  const told = (rounds: RoundMeasurement[]) => JSON.stringify(rounds.map(({ quiet }) => quiet));
  const leak = judge(grown);
  // Resident memory comes and goes with the collector: whether growth goes on in the last waves may stay undecided, that there is
  // growth beyond the limit may not.
  assert.ok(['fail', 'inconclusive'].includes(leak.verdict), `${leak.reason} ${told(grown)}`);
  assert.match(
    leak.reason,
    /^The server keeps [12]\d(\.\d)? kB a session \(\d.* kB to .*, 99% sure\); .*(goes on|may slow down)/,
  );
  const unchanged = judge(still);
  assert.notEqual(unchanged.verdict, 'fail', `${unchanged.reason} ${told(still)}`);
  const ofFds = leak.metrics.find(({ id }) => id === 'server.left.fds');
  assert.equal(ofFds?.verdict, 'pass', JSON.stringify(ofFds));
});

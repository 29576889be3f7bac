import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseReport } from '../src/report/parse-report.ts';
import { freePort } from '../src/side/target/ports.ts';
import { type Figure, figure } from './figure.ts';

export const about = 'How far apart ten shards that meet start a load.';

const shards = 10;
const slices = 8;
const server = `
const { createServer } = require('node:http');
const io = createServer((request, response) => response.end('{}'));
io.listen(process.env.PORT);
`;

/** Drives both sides of one pair in slices with ten shards, each a program of its own on this machine. */
export const run = async (): Promise<Figure[]> => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tailgate-skew-'));
  try {
    writeFileSync(path.join(folder, 'server.cjs'), server);
    writeFileSync(
      path.join(folder, 'load.yml'),
      `config: { target: "http://127.0.0.1:3000", phases: [{ duration: 30, arrivalRate: 20 }] }
scenarios: [{ flow: [{ get: { url: "/" } }] }]
`,
    );
    writeFileSync(
      path.join(folder, 'tailgate.yml'),
      `target: { start: node server.cjs, ready: { type: http, path: / } }
suites: [{ name: load, scenario: load.yml }]
verdict: { minPairs: 2, maxPairs: 2, slicesPerSide: ${slices}, sliceMs: 1000, warmUpMs: 1000 }
measure: { arrivals: best-effort }
sameCode: measure
explain: never
baseline: { mode: side-by-side, ref: HEAD~1 }
`,
    );
    for (const words of [
      ['init', '-q'],
      ['add', '-A'],
      ['commit', '-qm', 'Skew'],
      ['commit', '-qm', 'Again', '--allow-empty'],
    ])
      await ended(
        spawn('git', ['-c', 'user.name=Bench', '-c', 'user.email=bench@example.com', ...words], {
          cwd: folder,
        }),
      );
    const port = await freePort();
    const cli = path.resolve(import.meta.dirname, '../dist/cli.js');
    await Promise.all(
      Array.from({ length: shards }, (_, index) =>
        ended(
          spawn(
            process.execPath,
            [
              ...[cli, 'run', '--shard', `${index + 1}/${shards}`, '--report-dir', `shard-${index + 1}`],
              ...['--rendezvous', `tcp://127.0.0.1:${port}`],
            ],
            {
              cwd: folder,
              env: { ...process.env, TAILGATE_RENDEZVOUS_TOKEN: 'a-token-of-this-bench' },
              stdio: ['ignore', 'ignore', index === 0 ? 'inherit' : 'ignore'],
            },
          ),
        ),
      ),
    );
    const file = path.join(folder, 'shard-1', 'report.json');
    const { suites, problems } = parseReport(readFileSync(file, 'utf8'), file);
    const notes = suites.flatMap(({ warnings }) => warnings).join('\n');
    const [, skew] =
      /started within ([\d.]+) ms, by (?:one clock|clocks that agree to within [\d.]+ ms)\./.exec(notes) ??
      [];
    if (skew === undefined) throw new Error(problems.map(({ what }) => what).join('\n') || notes);
    const peer = `${shards} programs on ${os.availableParallelism()} cores, the worst of ${2 * (2 * slices + 2)} starts`;
    return [figure('skew of a start', Number(skew), 'ms', '<=', 50, peer)];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const ended = (child: ReturnType<typeof spawn>): Promise<void> =>
  new Promise((resolve) => child.once('close', () => resolve()));

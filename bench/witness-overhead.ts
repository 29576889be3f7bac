/**
 * What watching a server costs it: the same chat server against itself, one side with the module that samples its heap
 * and event loop, the other without, judged by the gate's own pairs. Pairs of latencies tell a percent; so a process that does
 * nothing is measured too, with the module and without, and what it costs is held against the CPU time of the server.
 *
 *   npm run bench -- witness-overhead [PAIRS] [SECONDS]
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { mean, sum } from '../src/metrics/averages.ts';
import type { Report } from '../src/report/report-model.ts';
import { openNodeSamplePipe } from '../src/side/target/node-samples.ts';
import { type Figure, figure } from './figure.ts';

export const about =
  'What the witnesses cost the server: CPU of a message, and p50, with the preload against without';

const root = path.resolve(import.meta.dirname, '..');

export const run = async ([pairs = '20', seconds = '20']: readonly string[]): Promise<Figure[]> => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tailgate-overhead-'));
  try {
    const example = readFileSync(path.join(root, 'examples/chat-server/tailgate.yml'), 'utf8');
    const server = `node ${path.join(root, 'dist/examples/chat-server.js')}`;
    writeFileSync(
      path.join(folder, 'tailgate.yml'),
      `${example
        .replace(/^thresholds:[\s\S]*?(?=^\S|(?![\s\S]))/m, '')
        .replace(/start: .*/, `start: ${server}`)
        .replace('../../scenarios/', `${path.join(root, 'scenarios')}/`)}
verdict: { minPairs: ${pairs}, maxPairs: ${pairs} }
explain: never
sameCode: measure
baseline: { mode: side-by-side, dir: ., start: "env -u NODE_OPTIONS ${server}" }
`,
    );
    const file = path.join(folder, 'report.json');
    spawnSync(process.execPath, [path.join(root, 'dist/cli.js'), 'run', '--json', file], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const [suite] = (JSON.parse(readFileSync(file, 'utf8')) as Report).suites;
    const changeOf = (metric: string | null, statistic: string) =>
      suite?.metrics.find(({ id }) => id === metric)?.change.find((one) => one.statistic === statistic);
    const told = (name: string, metric: string | null, statistic: string): Figure => {
      const {
        relative = Number.NaN,
        low = null,
        high = null,
        samples = 0,
      } = changeOf(metric, statistic) ?? {};
      const range = [low, high]
        .map((value) => (value === null ? '?' : `${(100 * value).toFixed(2)}%`))
        .join(' to ');
      return figure(
        name,
        relative,
        'ratio minus one',
        '<=',
        0.005,
        `without, ${samples} pairs; interval ${range}`,
      );
    };
    const own = (suite?.rounds ?? []).filter(({ side }) => side === 'baseline');
    const activeSeconds = sum(own.map(({ activeMs }) => activeMs)) / 1_000;
    const serverCores = (suite?.resources?.baseline?.cpuSeconds ?? Number.NaN) / activeSeconds;
    const costMs = await idleCost(Number(seconds));
    return [
      figure(
        'CPU of the witnesses in a process that does nothing',
        costMs / 1_000 / serverCores,
        'of the CPU time of the chat server',
        ...(['<=', 0.005, `the same process without: ${costMs.toFixed(3)} ms more a second`] as const),
      ),
      told('CPU of a message with the witnesses', 'server.cpuPerMessage', 'value'),
      told('p50 with the witnesses', suite?.main ?? null, 'p50'),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** CPU time that the preload costs a process with nothing to do, milliseconds a second: mean of three turns. */
async function idleCost(seconds: number): Promise<number> {
  const source = `const before = process.cpuUsage();
    setTimeout(() => { const { user, system } = process.cpuUsage(before); console.log(user + system); }, ${1_000 * seconds});`;
  const pipe = openNodeSamplePipe(process.env);
  if (pipe === null) throw new Error('No named pipes here.');
  try {
    const costs: number[] = [];
    for (let turn = 0; turn < 3; turn += 1) {
      const cpuUs: number[] = [];
      for (const env of [{}, pipe.env]) {
        const { stdout } = await promisify(execFile)(process.execPath, ['-e', source], {
          env: { ...process.env, ...env },
        });
        cpuUs.push(Number(stdout));
      }
      costs.push((cpuUs[1]! - cpuUs[0]!) / 1_000 / seconds);
    }
    return mean(costs);
  } finally {
    pipe.close();
  }
}

/**
 * What watching a server costs it: the same chat server against itself, one side with the module that samples its heap
 * and event loop, the other without, judged by the gate's own pairs.
 *
 *   npm run bench -- witness-overhead [PAIRS]
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Report } from '../src/report/report-model.ts';
import { type Figure, figure } from './figure.ts';

export const about =
  'What the witnesses cost the server: CPU of a message, and p50, with the preload against without';

const root = path.resolve(import.meta.dirname, '..');

export const run = async ([pairs = '20']: readonly string[]): Promise<Figure[]> => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tailgate-overhead-'));
  try {
    const example = readFileSync(path.join(root, 'examples/chat-server/tailgate.yml'), 'utf8');
    const server = `node ${path.join(root, 'dist/examples/chat-server.js')}`;
    writeFileSync(
      path.join(folder, 'tailgate.yml'),
      `${example
        .replace(/^thresholds:[\s\S]*?(?=^\S|(?![\s\S]))/m, '')
        .replace(/start: .*/, `start: ${server}`)
        .replace(/warmUpMs: .*/, `$&\n  minPairs: ${pairs}\n  maxPairs: ${pairs}`)
        .replace('../../scenarios/', `${path.join(root, 'scenarios')}/`)}
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
    return [
      told('CPU of a message with the witnesses', 'server.cpuPerMessage', 'value'),
      told('p50 with the witnesses', suite?.main ?? null, 'p50'),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { formatRecord } from '../../src/baseline/record-format.ts';
import { recordOf } from '../baseline/records.ts';

const program = path.resolve(import.meta.dirname, '../../dist/cli.js');
const own = ['--pid', '--fork', '--mount-proc'];

/** Whether processes can have namespaces of their own here. */
export const hasNamespaces = (): boolean => spawnSync('unshare', [...own, 'true']).status === 0;

/**
 * `writers` processes at once, in each of `rounds`, accept a record each into one file, each in a process namespace of its
 * own, as containers on one volume. Gives how many said that it was stored, how many are there, and what else is left.
 */
export const writeFromNamespaces = async (
  writers: number,
  rounds: number,
): Promise<{ accepted: number; stored: number; left: string[] }> => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tailgate-writers-'));
  try {
    let accepted = 0;
    for (let round = 0; round < rounds; round += 1) {
      const ends = Array.from({ length: writers }, async (_, index) => {
        const number = round * writers + index;
        writeFileSync(path.join(folder, `${number}.jsonl`), `${formatRecord(recordOf(number))}\n`);
        const words = [
          'baseline',
          'accept',
          `${number}.jsonl`,
          '--why',
          'x',
          '--by',
          'me',
          '--baseline',
          'file:all/b.jsonl',
        ];
        const child = spawn('unshare', [...own, process.execPath, program, ...words], {
          cwd: folder,
          stdio: 'ignore',
        });
        const [code] = await once(child, 'exit');
        if (code === 0) accepted += 1;
      });
      await Promise.all(ends);
    }
    const all = path.join(folder, 'all');
    const stored = readFileSync(path.join(all, 'b.jsonl'), 'utf8').split('\n').filter(Boolean);
    return {
      accepted,
      stored: new Set(stored).size,
      left: readdirSync(all).filter((name) => name !== 'b.jsonl'),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { SideWork } from '../explain/side-work.ts';
import { logName } from '../side/log-name.ts';
import { writeText } from './write-reports.ts';

/** Writes the CPU profiles of both sides, as DevTools and speedscope open them. Gives the files. */
export const writeProfiles = async (
  work: { baseline: SideWork; head: SideWork },
  folder: string,
  suite: string,
): Promise<string[]> => {
  const files: string[] = [];
  await mkdir(folder, { recursive: true });
  for (const side of ['baseline', 'head'] as const) {
    const { profiles } = work[side];
    for (const [index, { cpu }] of profiles.entries()) {
      // A thread that idled shows nothing.
      if (cpu.nodes.length < 5) continue;
      const file = path.join(
        folder,
        `${logName(suite.replaceAll('/', '-'))}-${side}-${index + 1}.cpuprofile`,
      );
      await writeText(file, JSON.stringify(cpu));
      files.push(file);
    }
  }
  return files;
};

import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { ExplainInputs } from '../explain/explain-work.ts';
import { Places } from '../explain/places.ts';
import { pprofOfStacks } from '../explain/pprof-of-stacks.ts';
import { sampledStacks } from '../explain/sampled-stacks.ts';
import type { CpuProfile, SideWork } from '../explain/side-work.ts';
import type { SuitePlan } from '../settings/run-plan.ts';
import { logName } from '../side/log-name.ts';
import { suiteLabel } from './suite-run.ts';
import { writeText } from './write-reports.ts';

/**
 * Writes the profiles of both sides: each thread as a `.cpuprofile`, as DevTools and speedscope open them, and all
 * threads of a side as one profile of pprof (`.pb.gz`). Gives the files.
 */
export const writeProfiles = async (
  { work, places }: { work: { baseline: SideWork; head: SideWork }; places: ExplainInputs['places'] },
  folder: string,
  suite: SuitePlan,
): Promise<string[]> => {
  const files: string[] = [];
  await mkdir(folder, { recursive: true });
  for (const side of ['baseline', 'head'] as const) {
    const { profiles, profiledMessages } = work[side];
    const name = path.join(folder, `${logName(suiteLabel(suite))}-${side}`);
    for (const [index, { cpu }] of profiles.entries()) {
      // A thread that idled shows nothing.
      if (cpu.nodes.length < 5) continue;
      const file = `${name}-${index + 1}.cpuprofile`;
      await writeText(file, JSON.stringify(withoutMachine(cpu, new Places(places[side]))));
      files.push(file);
    }
    const stacks = sampledStacks(work[side], places[side]);
    if (stacks.length === 0) continue;
    await writeText(`${name}.pb.gz`, gzipSync(pprofOfStacks(stacks, profiledMessages)));
    files.push(`${name}.pb.gz`);
  }
  return files;
};

/** A checkout of the base is gone when the profile is opened. */
function withoutMachine(cpu: CpuProfile, places: Places): CpuProfile {
  const nodes = cpu.nodes.map((node) => {
    const { callFrame } = node;
    return { ...node, callFrame: { ...callFrame, url: places.urlOf(callFrame.url) } };
  });
  return { ...cpu, nodes };
}

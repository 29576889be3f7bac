import { Profile } from 'pprof-format';
import type { CpuProfile, ProfiledFrame } from './side-work.ts';

/** A chain of callers, the outermost first, and how often it was seen. */
export type ReadStack = {
  frames: ProfiledFrame[];
  samples: number;
  /** Time on the processor, microseconds; null where the profile counts samples alone. */
  timeUs: number | null;
};

/** What a profile holds: that of V8 goes with the counted calls of a Node server. */
export type ReadProfile = { stacks: ReadStack[] } | { cpu: CpuProfile };

/**
 * Reads a profile, told by its content: pprof (not compressed), `.cpuprofile`, the text of `perf script`, or folded
 * stacks (`caller;callee 12`, a frame may end in `(file:line)`). Throws, with a clause that says why, when it is none of
 * them or nothing was sampled.
 */
export const readProfile = (bytes: Buffer): ReadProfile => {
  if (bytes.length === 0) throw new Error('it is empty');
  const text = isText(bytes) ? bytes.toString('utf8') : null;
  const profile = read(bytes, text);
  const sampled = 'cpu' in profile ? profile.cpu.samples.length : profile.stacks.length;
  if (sampled === 0) throw new Error('nothing was sampled in it');
  return profile;
};

function read(bytes: Buffer, text: string | null): ReadProfile {
  if (text === null) return { stacks: stacksOfPprof(bytes) };
  if (text.trimStart().startsWith('{')) return { cpu: cpuProfileOf(text) };
  const stacks = text.includes('\n\t') ? stacksOfPerf(text) : stacksOfFolded(text);
  if (stacks === null)
    throw new Error(
      `it is neither pprof, nor a ".cpuprofile", nor folded stacks; it begins "${text.trim().slice(0, 40)}"`,
    );
  return { stacks };
}

/** Protobuf has bytes that no text has, its tags among them. */
function isText(bytes: Buffer): boolean {
  const start = bytes.subarray(0, 4_096);
  return !start.some((byte) => byte < 9 || (byte > 13 && byte < 32 && byte !== 27));
}

function cpuProfileOf(text: string): CpuProfile {
  let value: Partial<CpuProfile>;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('it is JSON that ends too early or is damaged');
  }
  const { nodes, samples, timeDeltas } = value;
  const isSound =
    Array.isArray(nodes) &&
    nodes.every(
      ({ id, callFrame }) => typeof id === 'number' && typeof callFrame?.functionName === 'string',
    ) &&
    Array.isArray(samples) &&
    Array.isArray(timeDeltas);
  if (!isSound) throw new Error('it is JSON and no ".cpuprofile" ("nodes", "samples", "timeDeltas")');
  return value as CpuProfile;
}

const microseconds: Readonly<Record<string, number>> = {
  nanoseconds: 1e-3,
  microseconds: 1,
  milliseconds: 1e3,
  seconds: 1e6,
};

function stacksOfPprof(bytes: Buffer): ReadStack[] {
  let profile: Profile;
  try {
    profile = Profile.decode(bytes);
  } catch {
    throw new Error('it is no profile of pprof');
  }
  const text = (index: number | bigint): string => profile.stringTable.strings[Number(index)] ?? '';
  const types = profile.sampleType.map(({ type, unit }) => ({ type: text(type), unit: text(unit) }));
  const timeAt = types.findIndex(({ unit }) => unit in microseconds);
  const countAt = types.findIndex(({ type, unit }) => unit === 'count' && /sample|count|cpu/.test(type));
  if (timeAt < 0 && countAt < 0)
    throw new Error(
      types.length === 0
        ? 'it is no profile of pprof'
        : `it is a profile of ${types.map(({ type }) => type).join(' and ')}, not of time on the processor`,
    );
  const scale = timeAt < 0 ? 0 : microseconds[types[timeAt]!.unit]!;
  const periodUs = Number(profile.period) * (microseconds[text(profile.periodType?.unit ?? 0)] ?? 0);
  const functions = new Map(profile.function.map((one) => [Number(one.id), one]));
  const mappings = new Map(profile.mapping.map((one) => [Number(one.id), text(one.filename)]));
  const frames = new Map(
    profile.location.map(({ id, mappingId, address, line }): [number, ProfiledFrame[]] => {
      const module = mappings.get(Number(mappingId)) ?? '';
      const named = line.map(({ functionId, line: at }): ProfiledFrame => {
        const one = functions.get(Number(functionId));
        return {
          name: one === undefined ? '' : text(one.name),
          file: one === undefined ? '' : text(one.filename),
          line: Number(at),
          module,
        };
      });
      const unnamed = [{ name: `0x${BigInt(address).toString(16)}`, file: '', line: 0, module }];
      // The innermost comes first there, also of those that were inlined.
      return [Number(id), named.length === 0 ? unnamed : named.reverse()];
    }),
  );
  return profile.sample.flatMap(({ locationId, value }): ReadStack[] => {
    const timeUs = timeAt < 0 ? null : Number(value[timeAt] ?? 0) * scale;
    const samples =
      countAt >= 0 ? Number(value[countAt] ?? 0) : periodUs > 0 ? Math.max(1, timeUs! / periodUs) : 1;
    if (samples <= 0) return [];
    return [
      { frames: [...locationId].reverse().flatMap((id) => frames.get(Number(id)) ?? []), samples, timeUs },
    ];
  });
}

/** `caller;callee 12`; null when no line is one. Lines that tools add about themselves are left out. */
function stacksOfFolded(text: string): ReadStack[] | null {
  const stacks = text.split('\n').flatMap((line): ReadStack[] => {
    const found = /^(.+?)\s+(\d+(?:\.\d+)?)\s*$/.exec(line);
    if (found === null || line.startsWith('#')) return [];
    const [, chain = '', count = ''] = found;
    return [{ frames: chain.split(';').map(foldedFrame), samples: Number(count), timeUs: null }];
  });
  return stacks.length === 0 ? null : stacks.filter(({ samples }) => samples > 0);
}

/** `name`, `name (file:line)` as py-spy has it, or `name - file:line` as rbspy does. */
function foldedFrame(text: string): ProfiledFrame {
  const found = /^(.*?) (?:\((.+):(\d+)\)|- (.+):(\d+))$/.exec(text);
  if (found === null) return { name: text, file: '', line: 0, module: '' };
  const [, name = '', file, line, otherFile, otherLine] = found;
  return { name, file: file ?? otherFile ?? '', line: Number(line ?? otherLine), module: '' };
}

/**
 * The text of `perf script -F comm,pid,ip,sym,dso,srcline`: a head for each sample, then each frame with its module, the
 * innermost first, and below it, where debug information is there, `file:line`. Null when there is no sample.
 */
function stacksOfPerf(text: string): ReadStack[] | null {
  const stacks: ReadStack[] = [];
  for (const sample of text.split(/\n\s*\n/)) {
    const frames: ProfiledFrame[] = [];
    for (const line of sample.split('\n')) {
      const frame = /^\t\s*[0-9a-f]+ (.+?)(?:\+0x[0-9a-f]+)?(?: \(([^()]*(?:\([^()]*\))?)\))?$/.exec(line);
      const [, name = '', module = ''] = frame ?? [];
      if (frame !== null) frames.push({ name, file: '', line: 0, module });
      const place = /^ {2}(\S.*?):(\d+)(?: \(discriminator \d+\))?(?: \(inlined\))?$/.exec(line);
      const last = frames.at(-1);
      if (place !== null && last !== undefined) {
        last.file = place[1]!;
        last.line = Number(place[2]);
      }
    }
    while (frames.at(-1)?.name === '[unknown]') frames.pop();
    if (frames.length > 0) stacks.push({ frames: frames.reverse(), samples: 1, timeUs: null });
  }
  return stacks.length === 0 ? null : stacks;
}

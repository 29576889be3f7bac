import {
  Line,
  Location,
  Function as PprofFunction,
  Profile,
  Sample,
  StringTable,
  ValueType,
} from 'pprof-format';
import type { SampledStack } from './sampled-stacks.ts';

/**
 * The stacks of one side as a profile of pprof, not compressed. Both values are for each message, so that
 * `pprof -diff_base` of two sides shows what a message costs more, however many were sent: nanoseconds, the default,
 * and allocated bytes.
 */
export const pprofOfStacks = (stacks: readonly SampledStack[], messages: number): Uint8Array => {
  const stringTable = new StringTable();
  const text = (value: string): number => stringTable.dedup(value);
  const functions = new Map<string, PprofFunction>();
  const locations: Location[] = [];
  const locationOf = ({ name, file, line }: SampledStack['frames'][number]): number => {
    const key = `${name}\n${file}\n${line}`;
    const known = functions.get(key);
    if (known !== undefined) return Number(known.id);
    const id = functions.size + 1;
    functions.set(
      key,
      new PprofFunction({
        id,
        name: text(name),
        systemName: text(name),
        filename: text(file),
        startLine: line,
      }),
    );
    locations.push(new Location({ id, line: [new Line({ functionId: id, line })] }));
    return id;
  };
  const sample = stacks.map(
    ({ frames, timeUs, allocatedBytes }) =>
      new Sample({
        // The innermost comes first there.
        locationId: frames.map(locationOf).reverse(),
        value: [Math.round(1_000 * timeUs), Math.round(allocatedBytes)],
      }),
  );
  const cpu = text('cpu_per_message');
  return new Profile({
    sampleType: [
      new ValueType({ type: cpu, unit: text('nanoseconds') }),
      new ValueType({ type: text('allocated_per_message'), unit: text('bytes') }),
    ],
    sample,
    location: locations,
    function: [...functions.values()],
    stringTable,
    comment: [text(`for each message, from ${messages} messages`)],
    defaultSampleType: cpu,
  }).encode();
};

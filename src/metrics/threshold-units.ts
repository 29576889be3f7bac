import type { Unit } from './threshold.ts';

/** A unit as it is written, and what a number with it becomes. */
type WrittenUnit = { unit: Unit; factor: number };

const written: Readonly<Record<string, WrittenUnit>> = {
  us: { unit: 'ms', factor: 0.001 },
  µs: { unit: 'ms', factor: 0.001 },
  ms: { unit: 'ms', factor: 1 },
  s: { unit: 'ms', factor: 1_000 },
  min: { unit: 'ms', factor: 60_000 },
  b: { unit: 'bytes', factor: 1 },
  kb: { unit: 'bytes', factor: 1_000 },
  kib: { unit: 'bytes', factor: 1_024 },
  mb: { unit: 'bytes', factor: 1_000_000 },
  mib: { unit: 'bytes', factor: 1_048_576 },
  gb: { unit: 'bytes', factor: 1_000_000_000 },
  gib: { unit: 'bytes', factor: 1_073_741_824 },
  '%': { unit: 'ratio', factor: 0.01 },
  pp: { unit: 'ratio', factor: 0.01 },
  core: { unit: 'cores', factor: 1 },
  cores: { unit: 'cores', factor: 1 },
  '/s': { unit: 'perSecond', factor: 1 },
};

/** Every unit that can be written, for messages. */
export const unitNames = 'us, ms, s, min, B, kB, KiB, MB, MiB, GB, GiB, %, pp, cores, /s';

/** The unit written as `name` (sizes in any case: `mb`, `MB`); undefined when there is none. */
export const writtenUnit = (name: string): WrittenUnit | undefined => {
  if (Object.hasOwn(written, name)) return written[name];
  const lower = name.toLowerCase();
  return Object.hasOwn(written, lower) && written[lower]?.unit === 'bytes' ? written[lower] : undefined;
};

/** `number` with the unit `name`, normalised. Percentages are divided, so that 0.1% is exactly 0.001. */
export const normalise = (number: number, { unit, factor }: WrittenUnit): { value: number; unit: Unit } => ({
  value: factor < 1 ? number / Math.round(1 / factor) : number * factor,
  unit,
});

/** Units in which a quantity is printed, the largest first; the last one is taken whatever the size. */
const printed: Record<Unit, readonly string[]> = {
  ms: ['ms'],
  bytes: ['GB', 'MB', 'kB', 'B'],
  ratio: ['%'],
  count: [],
  cores: [' cores'],
  perSecond: ['/s'],
};

/**
 * `value` as a threshold writes it: in the largest unit in which it is at least 1 and reads back as exactly the same
 * number. `points` writes a share as percentage points.
 */
export const formatQuantity = (value: number, unit: Unit, points = false): string => {
  const names = points && unit === 'ratio' ? ['pp'] : printed[unit];
  const last = names.at(-1);
  for (const name of names) {
    const written = writtenUnit(name.trim())!;
    const number = written.factor < 1 ? value * Math.round(1 / written.factor) : value / written.factor;
    const rounded = Number(number.toPrecision(15));
    if ((name === last || Math.abs(rounded) >= 1) && normalise(rounded, written).value === value)
      return `${rounded}${name}`;
  }
  return `${value}${unit === 'ratio' ? '' : (last ?? '')}`;
};

/** What a limit on a metric of `unit` looks like, for messages. */
export const unitExample: Record<Unit, string> = {
  ms: 'a time, for example "200ms"',
  bytes: 'a size, for example "400MB"',
  ratio: 'a percentage, for example "0.1%"',
  count: 'a plain number, for example "0"',
  cores: 'cores, for example "1.5 cores"',
  perSecond: 'a rate, for example "100/s"',
};

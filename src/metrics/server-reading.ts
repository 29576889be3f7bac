/**
 * What a source of the user tells of a server: named values, as a Prometheus endpoint, a line of JSON or a table gives
 * them, and which of them are the resources that are compared.
 */

/** One value that a source names. */
export type NamedValue = { name: string; labels: Readonly<Record<string, string>>; value: number };

/** What can be told of a server, by the name that `target.resources.metrics` and a line of JSON use. */
export const readingFields = [
  'cpuSeconds',
  'cpu',
  'userCpuSeconds',
  'systemCpuSeconds',
  'rss',
  'fds',
  'fdsLimit',
  'threads',
  'heap',
  'loopDelayMs',
  'loopDelayMaxMs',
  'gcMs',
] as const;

export type ReadingField = (typeof readingFields)[number];

/** What was told of a server at one instant, by field: seconds, cores, bytes, counts or milliseconds, as its name says. */
export type FieldValues = Partial<Record<ReadingField, number>>;

/** The values that are meant: those of a name, with these labels. */
export type Selector = { name: string; labels: Readonly<Record<string, string>> };

/** Where each field is looked for, in this order, where the user does not say it. */
export type FieldSelectors = ReadonlyMap<ReadingField, readonly Selector[]>;

/** Names that prom-client, the clients of Go, Python, Java (Micrometer, too) and .NET, and our own lines use. */
const usualNames: Readonly<Record<ReadingField, readonly string[]>> = {
  cpuSeconds: ['cpuSeconds', 'process_cpu_seconds_total', 'process_cpu_time_ns_total'],
  cpu: ['cpu'],
  userCpuSeconds: ['userCpuSeconds', 'process_cpu_user_seconds_total'],
  systemCpuSeconds: ['systemCpuSeconds', 'process_cpu_system_seconds_total'],
  rss: ['rss', 'process_resident_memory_bytes', 'process_working_set_bytes'],
  fds: ['fds', 'process_open_fds', 'process_files_open_files', 'process_open_handles'],
  fdsLimit: ['fdsLimit', 'process_max_fds', 'process_files_max_files'],
  threads: [
    'threads',
    'process_num_threads',
    'jvm_threads_live_threads',
    'jvm_threads_current',
    'go_threads',
  ],
  heap: [
    'heap',
    'nodejs_heap_size_used_bytes',
    'go_memstats_heap_alloc_bytes',
    'jvm_memory_used_bytes{area="heap"}',
    'jvm_memory_bytes_used{area="heap"}',
  ],
  loopDelayMs: ['loopDelayMs', 'nodejs_eventloop_lag_p99_seconds'],
  loopDelayMaxMs: ['loopDelayMaxMs', 'nodejs_eventloop_lag_max_seconds'],
  gcMs: [
    'gcMs',
    'nodejs_gc_duration_seconds_sum',
    'go_gc_duration_seconds_sum',
    'jvm_gc_pause_seconds_sum',
    'jvm_gc_collection_seconds_sum',
  ],
};

/** Of several series of one name the largest counts, where adding them up says nothing; all others are added up. */
const largestOf: ReadonlySet<ReadingField> = new Set(['fds', 'fdsLimit', 'loopDelayMs', 'loopDelayMaxMs']);

/** Fields that only grow while a server runs. */
export const countedFields: readonly ReadingField[] = [
  'cpuSeconds',
  'userCpuSeconds',
  'systemCpuSeconds',
  'gcMs',
];

const secondsIn: Readonly<Record<string, number>> = {
  seconds: 1,
  milliseconds: 1e-3,
  ms: 1e-3,
  microseconds: 1e-6,
  us: 1e-6,
  nanoseconds: 1e-9,
  ns: 1e-9,
};

const bytesIn: Readonly<Record<string, number>> = {
  bytes: 1,
  kilobytes: 1e3,
  kb: 1e3,
  kibibytes: 1024,
  megabytes: 1e6,
  mb: 1e6,
  mebibytes: 1024 ** 2,
};

/**
 * Reads `name` or `name{label="value",other="value"}`, as in PromQL with `=` alone; null when it is neither. Names may
 * have dots, as those of nested JSON.
 */
export const parseSelector = (text: string): Selector | null => {
  const [, name, inner] = /^\s*([\w:.-]+)\s*(?:\{(.*)\})?\s*$/s.exec(text) ?? [];
  if (name === undefined) return null;
  const labels = parseLabels(inner ?? '');
  return labels === null ? null : { name, labels };
};

/** Labels as they stand between braces; null when they are not such. */
export const parseLabels = (text: string): Record<string, string> | null => {
  const labels: Record<string, string> = {};
  const one = /\s*([A-Za-z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(,|$)/sy;
  while (one.lastIndex < text.length) {
    if (text.slice(one.lastIndex).trim() === '') break;
    const found = one.exec(text);
    if (found === null) return null;
    labels[found[1]!] = found[2]!.replace(/\\(.)/gs, (_, char: string) => (char === 'n' ? '\n' : char));
  }
  return labels;
};

/** Where each field is looked for: where the user says, else under the usual names. Selectors must be sound. */
export const fieldSelectors = (chosen: Readonly<Partial<Record<ReadingField, string>>>): FieldSelectors =>
  new Map(
    readingFields.map((field) => {
      const own = chosen[field];
      return [field, (own === undefined ? usualNames[field] : [own]).map((text) => parseSelector(text)!)];
    }),
  );

/** The fields that `values` name, also those that have no value yet. */
export const namedFields = (values: readonly NamedValue[], selectors: FieldSelectors): ReadingField[] =>
  readingFields.filter((field) => valuesOfField(values, selectors, field).length > 0);

/**
 * The fields that are among `values`, in the unit of each field: a name that ends in a unit (`_seconds`, `_ns_total`)
 * tells its own. One that is no number yet (NaN) is left out.
 */
export const pickFields = (values: readonly NamedValue[], selectors: FieldSelectors): FieldValues => {
  const found: FieldValues = {};
  for (const field of readingFields) {
    const numbers = valuesOfField(values, selectors, field)
      .map(({ name, value }) => value * factorOf(name, field))
      .filter(Number.isFinite);
    if (numbers.length > 0)
      found[field] = numbers.reduce((all, value) =>
        largestOf.has(field) ? Math.max(all, value) : all + value,
      );
  }
  return found;
};

/** The values that are meant by a field: those of the first selector that has any. */
function valuesOfField(
  values: readonly NamedValue[],
  selectors: FieldSelectors,
  field: ReadingField,
): NamedValue[] {
  for (const { name, labels } of selectors.get(field) ?? []) {
    const wanted = Object.entries(labels);
    const matching = values.filter(
      (one) => one.name === name && wanted.every(([label, value]) => one.labels[label] === value),
    );
    if (matching.length > 0) return matching;
  }
  return [];
}

/** By what a value of this name is multiplied to be in the unit of the field. */
function factorOf(name: string, field: ReadingField): number {
  const unit = /_([a-z]+?)(?:_(?:total|sum))?$/.exec(name)?.[1] ?? '';
  if (field === 'rss' || field === 'heap') return bytesIn[unit] ?? 1;
  const seconds = secondsIn[unit];
  if (field.endsWith('Ms')) return seconds === undefined ? 1 : seconds * 1000;
  return field.endsWith('Seconds') ? (seconds ?? 1) : 1;
}

import { type NamedValue, parseLabels, readingFields } from '../../metrics/server-reading.ts';

/**
 * The values in what a source of the user gave, whichever of these it is: the text of Prometheus or OpenMetrics (`name
 * value` lines are such), JSON objects of numbers, one to a line, or the tables of `kubectl top` and `docker stats`, whose
 * rows are added up. Throws an Error, a clause, where it is none of them.
 */
export const parseReading = (output: string): NamedValue[] => {
  const text = output.replace(terminalCodes, '').trim();
  if (text === '') throw new Error('it gave nothing');
  const values = text.startsWith('{') ? valuesOfJson(text) : (valuesOfTable(text) ?? valuesOfText(text));
  if (values.length === 0) throw new Error('it has no number in it');
  return values;
};

/** The values in one line of an agent: as above, or `name value name value`. Throws an Error, a clause. */
export const parseAgentLine = (line: string): NamedValue[] => {
  const cells = line.trim().split(/\s+/);
  const pairs = Array.from({ length: cells.length / 2 }, (_, index) => cells.slice(2 * index, 2 * index + 2));
  const isPairs =
    cells.length % 2 === 0 &&
    pairs.every(([name, value]) => /^[A-Za-z_][\w.:]*$/.test(name!) && numberOf(value!) !== null);
  return isPairs
    ? pairs.map(([name, value]) => ({ name: name!, labels: {}, value: numberOf(value!)! }))
    : parseReading(line);
};

/** `docker stats` without `--no-stream` draws over its table. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const terminalCodes = /\u001b\[[0-9;?]*[A-Za-z]/g;

const sampleLine =
  /^([A-Za-z_:][\w:.]*)[ \t]*(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?[ \t]+(\S+)(?:[ \t]+-?[\d.eE+]+)?(?:[ \t]+#.*)?$/;

function valuesOfText(text: string): NamedValue[] {
  return text.split(/\r?\n/).flatMap((line) => {
    if (line.trim() === '' || line.startsWith('#')) return [];
    const [, name, inner = '', number = ''] = sampleLine.exec(line.trim()) ?? [];
    const labels = parseLabels(inner);
    const value = name === undefined ? null : numberOf(number);
    if (name === undefined || labels === null || value === null)
      throw new Error(
        `it is not in the format of Prometheus, nor JSON, nor a table of "kubectl top" or "docker stats": ${shown(line)}`,
      );
    return [{ name, labels, value }];
  });
}

function numberOf(text: string): number | null {
  if (/^[+-]?inf(inity)?$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  if (/^nan$/i.test(text)) return Number.NaN;
  const value = Number(text);
  return Number.isNaN(value) ? null : value;
}

function valuesOfJson(text: string): NamedValue[] {
  let documents: unknown[];
  try {
    documents = [JSON.parse(text)];
  } catch {
    documents = text.split(/\r?\n/).flatMap((line) => {
      if (line.trim() === '') return [];
      try {
        return [JSON.parse(line)];
      } catch {
        throw new Error(`it is no JSON: ${shown(line)}`);
      }
    });
  }
  return documents.flatMap((document) =>
    isContainer(document) ? rowOfContainer(document) : flatten(document),
  );
}

function flatten(document: unknown): NamedValue[] {
  const values: NamedValue[] = [];
  const add = (name: string, value: unknown): void => {
    if (typeof value === 'number') values.push({ name, labels: {}, value });
    else if (typeof value === 'string' && own.has(name))
      throw new Error(`"${name}" is ${JSON.stringify(value)}, which is no number`);
    else if (typeof value === 'object' && value !== null)
      for (const [key, each] of Object.entries(value)) add(name === '' ? key : `${name}.${key}`, each);
  };
  add('', document);
  return values;
}

const own: ReadonlySet<string> = new Set(readingFields);

/** A line of `docker stats --format json`. */
type Container = { CPUPerc: string; MemUsage: string };

function isContainer(document: unknown): document is Container {
  return typeof document === 'object' && document !== null && 'CPUPerc' in document && 'MemUsage' in document;
}

function rowOfContainer({ CPUPerc, MemUsage }: Container): NamedValue[] {
  const [cpu, rss] = [cores(CPUPerc), bytes(MemUsage.split('/')[0]!)];
  if (cpu === null || rss === null)
    throw new Error(`it shows no container that runs: ${shown(`${CPUPerc} ${MemUsage}`)}`);
  return row(cpu, rss);
}

/** The rows of a table that shows CPU and memory, in that order; null where it is no such table. */
function valuesOfTable(text: string): NamedValue[] | null {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const heading = /\bCPU\s?(\(cores\)|%)/.test(lines[0]!);
  const rows = (heading ? lines.slice(1) : lines).map((line) => ({ line, ...cellsOf(line) }));
  if (!heading && rows.some(({ cpu, rss }) => cpu === null || rss === null)) return null;
  if (rows.length === 0) throw new Error('its table has no rows');
  return rows.flatMap(({ line, cpu, rss }) => {
    if (cpu === null || rss === null)
      throw new Error(`a row of its table has no CPU and memory: ${shown(line)}`);
    return row(cpu, rss);
  });
}

/** The first cells that are CPU (`250m`, `12.5%`) and memory (`120Mi`, `56.2MiB`). */
function cellsOf(line: string): { cpu: number | null; rss: number | null } {
  const cells = line.trim().split(/[\s,;|]+/);
  const at = cells.findIndex((cell) => cores(cell) !== null);
  const rest = at < 0 ? [] : cells.slice(at + 1);
  const rss = rest.map(bytes).find((value) => value !== null) ?? null;
  return { cpu: at < 0 ? null : cores(cells[at]!), rss };
}

function cores(cell: string): number | null {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(m|u|n|%)$/.exec(cell.trim()) ?? [];
  if (number === undefined) return null;
  return Number(number) * { m: 1e-3, u: 1e-6, n: 1e-9, '%': 1e-2 }[unit as 'm' | 'u' | 'n' | '%'];
}

function bytes(cell: string): number | null {
  const [, number, prefix, binary] = /^(\d+(?:\.\d+)?)([kKMGT]?)(i?)B?$/.exec(cell.trim()) ?? [];
  if (number === undefined || (prefix === '' && !/B$/.test(cell.trim()))) return null;
  const power = ['', 'K', 'M', 'G', 'T'].indexOf(prefix!.toUpperCase());
  return Number(number) * (binary === 'i' ? 1024 : 1000) ** power;
}

function row(cpu: number, rss: number): NamedValue[] {
  return [
    { name: 'cpu', labels: {}, value: cpu },
    { name: 'rss', labels: {}, value: rss },
  ];
}

function shown(line: string): string {
  const short = line.trim().slice(0, 80);
  return `"${short}${short.length < line.trim().length ? '…' : ''}"`;
}

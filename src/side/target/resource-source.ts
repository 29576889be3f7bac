import { tailgateError } from '../../errors.ts';
import { childEnvironment } from '../../host/processes/child-environment.ts';
import { outputMask } from '../../host/processes/output-mask.ts';
import {
  type FieldValues,
  fieldSelectors,
  type NamedValue,
  namedFields,
  pickFields,
  type ReadingField,
} from '../../metrics/server-reading.ts';
import { resolveSecret } from '../../settings/secrets.ts';
import type { ResourceSettings } from '../../settings/settings-schema.ts';
import {
  type AskedCommand,
  askCommand,
  askUrl,
  endOf,
  fillAddress,
  fillUrl,
  portOf,
  startCommand,
} from './ask-source.ts';
import { parseAgentLine, parseReading } from './parse-reading.ts';

/** What the user's source tells of a server. Closing it ends an agent, and what is being asked. */
export type ResourceSource = AsyncDisposable & {
  /** What is asked, for messages; without secrets. */
  readonly name: string;
  /** Pause between two questions; 0 for an agent, which speaks when it likes. Milliseconds. */
  readonly intervalMs: number;
  /** How long no answer is no gap yet, milliseconds. */
  readonly patienceMs: number;
  /** Asks now. Throws an Error, a clause without secrets. */
  read(): Promise<SourceReading>;
};

export type SourceReading = {
  /** When the values were had, by `performance.now()`. */
  atMs: number;
  fields: FieldValues;
  /** Tells one life of the processes from another; null where nothing does. */
  life: string | null;
};

export type ResourceSourceOptions = {
  /** Base URL of the server. */
  url: string;
  side: string;
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  serverEnv: Readonly<Record<string, string>>;
  secrets: Iterable<string>;
};

/** Names that say when a process started. */
const startNames = new Set(['process_start_time_seconds', 'startedAt']);
const shortestPatienceMs = 5_000;
const openMetrics = 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.9,*/*;q=0.1';

/**
 * Opens the source that `settings` name and asks it once, so that one that does not work is told before any load. Throws
 * RESOURCES_FAILED and SECRET_MISSING.
 */
export const openResourceSource = async (
  settings: ResourceSettings,
  options: ResourceSourceOptions,
): Promise<ResourceSource> => {
  const mask = outputMask(options.secrets);
  const selectors = fieldSelectors(settings.metrics);
  const chosen = Object.keys(settings.metrics) as ReadingField[];
  const asked = askerOf(settings, options);
  let expected: readonly ReadingField[] | null = null;
  const read = async (): Promise<SourceReading> => {
    try {
      const { values, atMs } = await asked.ask();
      const named = namedFields(values, selectors);
      const absent = (expected ?? chosen).find((field) => !named.includes(field));
      if (absent !== undefined) throw new Error(`it does not name ${wanted(absent)}`);
      if (named.length === 0)
        throw new Error(
          `it names no resource that is known, such as "process_cpu_seconds_total", "cpuSeconds" or "rss" (it names ${values
            .slice(0, 3)
            .map(({ name }) => `"${name}"`)
            .join(', ')})`,
        );
      expected ??= named;
      return { atMs, fields: pickFields(values, selectors), life: lifeOf(values) };
    } catch (failure) {
      throw new Error(mask(clauseOf(failure)), { cause: failure });
    }
  };
  const wanted = (field: ReadingField): string =>
    settings.metrics[field] === undefined ? `"${field}" any more` : `"${settings.metrics[field]}"`;
  const source = mask(asked.name);
  try {
    await read();
  } catch (failure) {
    await asked.close();
    throw tailgateError('RESOURCES_FAILED', { source, reason: clauseOf(failure) }, {}, failure);
  }
  const { intervalMs, timeoutMs, agent } = settings;
  return {
    name: source,
    intervalMs: agent === undefined ? intervalMs : 0,
    patienceMs: Math.max(shortestPatienceMs, 3 * intervalMs + timeoutMs),
    read,
    [Symbol.asyncDispose]: () => asked.close(),
  };
};

type Asker = {
  name: string;
  ask: () => Promise<{ values: NamedValue[]; atMs: number }>;
  close: () => Promise<void>;
};

function askerOf(settings: ResourceSettings, options: ResourceSourceOptions): Asker {
  const { url, command, agent, timeoutMs } = settings;
  const closing = new AbortController();
  const close = async (): Promise<void> => closing.abort();
  /** The values are those of an instant between question and answer. */
  const between = async (
    question: () => Promise<string>,
  ): Promise<{ values: NamedValue[]; atMs: number }> => {
    const askedMs = performance.now();
    const values = parseReading(await question());
    return { values, atMs: (askedMs + performance.now()) / 2 };
  };
  if (url !== undefined) {
    const name = fillUrl(url, options.url, { side: options.side });
    const headers = {
      accept: openMetrics,
      ...Object.fromEntries(
        Object.entries(settings.headers).map(([header, value]) => [
          header,
          resolveSecret(value, options.env, `target.resources.headers.${header}`),
        ]),
      ),
    };
    const ask = () => between(() => askUrl(name, { timeoutMs, headers, signal: closing.signal }));
    return { name, ask, close };
  }
  const env = childEnvironment(options.env, {
    ...options.serverEnv,
    TAILGATE_URL: options.url,
    TAILGATE_SIDE: options.side,
    PORT: portOf(options.url),
  });
  const { cwd } = options;
  const name = fillAddress(command ?? agent ?? '', options.url, { side: options.side });
  if (agent !== undefined) return agentAsker(name, { cwd, env, timeoutMs });
  return {
    name,
    ask: () => between(() => askCommand(name, { timeoutMs, cwd, env, signal: closing.signal })),
    close,
  };
}

/** Asks an agent, which is started once and prints a line for each sample: each question waits for the next line. */
function agentAsker(
  command: string,
  { cwd, env, timeoutMs }: { cwd: string; env: Record<string, string>; timeoutMs: number },
): Asker {
  let running: Promise<AskedCommand> | null = null;
  let ended: string | null = null;
  let rest = '';
  const waiting = new Set<(line: string | null) => void>();
  const answer = (line: string | null): void => {
    for (const resolve of waiting) resolve(line);
    waiting.clear();
  };
  const start = async (): Promise<AskedCommand> => {
    const agent = await startCommand(command, {
      cwd,
      env,
      onOutput: (part) => {
        const lines = (rest + part).split('\n');
        rest = (lines.pop() ?? '').slice(-longestLine);
        for (const line of lines) if (line.trim() !== '') answer(line);
      },
    });
    void agent.ended.then((end) => {
      ended = endOf(end, agent.complaints());
      answer(null);
    });
    return agent;
  };
  return {
    name: command,
    ask: async () => {
      running ??= start();
      await running;
      if (ended !== null) throw new Error(ended);
      let timer: NodeJS.Timeout | undefined;
      const line = await new Promise<string | null>((resolve, reject) => {
        waiting.add(resolve);
        timer = setTimeout(() => reject(new Error(`no line within ${timeoutMs} ms`)), timeoutMs);
      }).finally(() => clearTimeout(timer));
      if (line === null) throw new Error(ended ?? 'it ended');
      return { values: parseAgentLine(line), atMs: performance.now() };
    },
    close: async () => {
      answer(null);
      await (await running?.catch(() => null))?.stop();
    },
  };
}

const longestLine = 100_000;

function lifeOf(values: readonly NamedValue[]): string | null {
  const starts = values.filter(({ name }) => startNames.has(name)).map(({ value }) => value);
  return starts.length === 0 ? null : starts.sort((a, b) => a - b).join(' ');
}

function clauseOf(failure: unknown): string {
  return failure instanceof Error ? failure.message : String(failure);
}

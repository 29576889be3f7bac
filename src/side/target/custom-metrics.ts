import { tailgateError } from '../../errors.ts';
import { childEnvironment } from '../../host/processes/child-environment.ts';
import { outputMask } from '../../host/processes/output-mask.ts';
import type { MeasureSettings } from '../../settings/settings-schema.ts';
import { askCommand, askUrl, fillAddress, fillUrl, portOf } from './ask-source.ts';
import { flattenNumbers, parseJsonOutput } from './flatten-numbers.ts';

export type CustomMetricsOptions = {
  /** Base URL of the server, for `{{ url }}` and as TAILGATE_URL; a custom URL may be relative to it. */
  url: string;
  /** Absolute path of the folder that the command runs in. */
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  /** Counters of the round, which the command gets as JSON in TAILGATE_COUNTERS: what was sent, for example. */
  counters?: Readonly<Record<string, number>> | undefined;
  /** Counters of the load before the measurement, in TAILGATE_WARM_UP_COUNTERS: the server got these messages too. */
  warmUpCounters?: Readonly<Record<string, number>> | undefined;
  /** Environment of the server, which the command gets as well: the address of its database, for example. */
  serverEnv?: Readonly<Record<string, string>> | undefined;
  /** Folder that the server runs in, as TAILGATE_SERVER_DIR; the one of the command if not known. */
  serverCwd?: string | null | undefined;
  secrets?: Iterable<string> | undefined;
};

/**
 * Asks the command or the URL of `settings` for numbers, once. Nested ones get dotted names. With both, the numbers
 * of both, where the URL's win. Throws CUSTOM_METRICS_FAILED.
 */
export const readCustomMetrics = async (
  settings: NonNullable<MeasureSettings['custom']>,
  options: CustomMetricsOptions,
): Promise<Record<string, number>> => {
  const mask = outputMask(options.secrets ?? []);
  const numbersOf = async (source: string, read: () => Promise<string>): Promise<Record<string, number>> => {
    try {
      return flattenNumbers(parseJsonOutput(await read()));
    } catch (error) {
      const reason = mask((error as Error).message);
      throw tailgateError('CUSTOM_METRICS_FAILED', { source: mask(source), reason }, {}, error);
    }
  };
  const { command, url, timeoutMs } = settings;
  const found: Record<string, number> = {};
  if (command !== undefined) {
    const filled = fillAddress(command, options.url);
    const env = childEnvironment(options.env, {
      ...options.serverEnv,
      TAILGATE_SERVER_DIR: options.serverCwd ?? options.cwd,
      TAILGATE_URL: options.url,
      PORT: portOf(options.url),
      TAILGATE_COUNTERS: JSON.stringify(options.counters ?? {}),
      TAILGATE_WARM_UP_COUNTERS: JSON.stringify(options.warmUpCounters ?? {}),
    });
    Object.assign(
      found,
      await numbersOf(filled, () => askCommand(filled, { timeoutMs, cwd: options.cwd, env })),
    );
  }
  if (url !== undefined) {
    const filled = fillUrl(url, options.url);
    Object.assign(found, await numbersOf(filled, () => askUrl(filled, { timeoutMs })));
  }
  return found;
};

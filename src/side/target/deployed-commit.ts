import { tailgateError } from '../../errors.ts';
import { childEnvironment } from '../../host/processes/child-environment.ts';
import { outputMask } from '../../host/processes/output-mask.ts';
import type { VersionSettings } from '../../settings/settings-schema.ts';
import { askCommand, askUrl, fillAddress, fillUrl, portOf } from './ask-source.ts';

export type VersionQuestion = {
  /** URL of the server. */
  url: string;
  side: 'head' | 'baseline';
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  secrets: Iterable<string>;
};

/** As reports shorten ids. */
export const shortCommit = (sha: string): string => sha.slice(0, 10);

/**
 * The ids of commits in what a server that runs already says of itself, as they stand there: seven characters or more.
 * Throws TARGET_VERSION_UNREADABLE.
 */
export const readCommitIds = async (
  { url, command, timeoutMs }: VersionSettings,
  { url: serverUrl, side, cwd, env, secrets }: VersionQuestion,
): Promise<string[]> => {
  const mask = outputMask(secrets);
  const source = command === undefined ? fillUrl(url ?? '', serverUrl) : fillAddress(command, serverUrl);
  const variables = { TAILGATE_URL: serverUrl, TAILGATE_SIDE: side, PORT: portOf(serverUrl) };
  try {
    const text =
      command === undefined
        ? await askUrl(source, { timeoutMs })
        : await askCommand(source, { timeoutMs, cwd, env: childEnvironment(env, variables) });
    // With what "git describe" writes before it, too: v1.4-3-g2414721.
    const ids = [
      ...text.toLowerCase().matchAll(/(?:(?<![0-9a-z])|(?<=[0-9]-g))[0-9a-f]{7,64}(?![0-9a-z])/g),
    ].map(([id]) => id);
    if (ids.length === 0) throw new Error(`it names no commit: ${JSON.stringify(text.trim().slice(0, 80))}`);
    return [...new Set(ids)].slice(0, maxIds);
  } catch (failure) {
    const reason = mask(failure instanceof Error ? failure.message : String(failure));
    throw tailgateError(
      'TARGET_VERSION_UNREADABLE',
      { source: mask(source), url: serverUrl, reason },
      {},
      failure,
    );
  }
};

/** Far more than an answer about one version has. */
const maxIds = 20;

/** Whether one of the ids is, or begins, one of the commits. */
export const isOneOf = (ids: readonly string[], commits: readonly string[]): boolean =>
  ids.some((id) => commits.some((commit) => commit.startsWith(id)));

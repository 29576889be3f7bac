import { type TailgateError, tailgateError } from '../errors.ts';

/** What was attempted at GitHub, in the words of the message, and the permission that it needs. */
const purposes = {
  'read-comments': { does: 'read the comments of this pull request', permission: 'pull-requests: write' },
  comment: { does: 'write a comment on this pull request', permission: 'pull-requests: write' },
  'check-run': { does: 'create the check run', permission: 'checks: write' },
  'commit-status': { does: 'set the commit status', permission: 'statuses: write' },
  'find-pull': { does: 'look up the pull request', permission: 'pull-requests: read' },
  'baseline-read': { does: 'read the stored baseline', permission: 'contents: read' },
  'baseline-write': { does: 'store the baseline', permission: 'contents: write' },
} as const;

export type GithubPurpose = keyof typeof purposes;

type ErrorShape = {
  status?: number;
  message?: string;
  errors?: { type?: string }[];
  response?: { headers?: Record<string, string | undefined> };
};

/** GitHub's words where the token lacks a permission; any other reason of a refusal is told as it is. */
const lacksPermission =
  /not accessible by|must have .*(rights|access)|insufficient (scopes|permission)|^forbidden$|^not found$/i;

const lasting = 'The verdict, the summary and the report files are not affected.';

/** HTTP status of an error that the client threw; 0 when there was no answer. */
export const statusOf = (error: unknown): number => {
  const { status, errors, response } = error as ErrorShape;
  // A request that got no answer carries 500 and no response.
  if (typeof status === 'number') return status === 500 && response === undefined ? 0 : status;
  if (errors?.some((one) => one.type === 'FORBIDDEN')) return 403;
  if (errors?.some((one) => one.type === 'NOT_FOUND')) return 404;
  return 0;
};

/** The error of the catalogue for what GitHub answered, or did not answer, to an attempt of ours. */
export const explainGithubError = (error: unknown, purpose: GithubPurpose): TailgateError => {
  const { does, permission } = purposes[purpose];
  const status = statusOf(error);
  if (isRateLimit(error))
    return tailgateError('GITHUB_FAILED', { action: does, reason: rateLimitReason(error) }, {}, error);
  if (status === 401) return tailgateError('GITHUB_TOKEN_REJECTED', { action: does }, {}, error);
  const said = firstLine(error);
  if (status === 403 && said !== '' && !lacksPermission.test(said))
    return tailgateError(
      'GITHUB_REFUSED',
      { action: does, reason: said.replace(/\.$/, ''), advice: adviceOf(said) },
      {},
      error,
    );
  if (status === 403 || status === 404)
    return tailgateError('GITHUB_PERMISSION', { action: does, permission, status }, {}, error);
  const reason =
    error instanceof TypeError
      ? 'an answer that cannot be read'
      : status === 0
        ? `no answer (${firstLine(error)})`
        : status >= 500
          ? `HTTP ${status}, also after trying again`
          : `HTTP ${status}: ${firstLine(error)}`;
  return tailgateError('GITHUB_FAILED', { action: does, reason }, {}, error);
};

function isRateLimit(error: unknown): boolean {
  return (
    statusOf(error) === 429 ||
    headerOf(error, 'x-ratelimit-remaining') === '0' ||
    /\brate limit\b/i.test((error as ErrorShape).message ?? '')
  );
}

function headerOf(error: unknown, name: string): string | undefined {
  return (error as ErrorShape).response?.headers?.[name];
}

function rateLimitReason(error: unknown): string {
  const reset = Number(headerOf(error, 'x-ratelimit-reset'));
  const after = headerOf(error, 'retry-after');
  if (Number(after) > 0) return `its rate limit was reached (try again in ${after} s)`;
  if (Number.isFinite(reset) && reset * 1000 > Date.now())
    return `its rate limit was reached (it is lifted at ${new Date(reset * 1000).toISOString()})`;
  return 'its rate limit was reached';
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (text.split('\n')[0] ?? '').replace(/ - https:\/\/docs\.github\.com\S*$/, '').slice(0, 300);
}

function adviceOf(reason: string): string {
  if (/\block(ed)?\b/i.test(reason)) return `Unlock the conversation, or set "comment: never". ${lasting}`;
  if (/IP allow list/i.test(reason))
    return `Run the job on a runner whose address the organisation allows. ${lasting}`;
  if (/\bSAML\b|single sign-on/i.test(reason)) return `Authorise the token for the organisation. ${lasting}`;
  return lasting;
}

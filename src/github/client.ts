import { getOctokit } from '@actions/github';
import { retry } from '@octokit/plugin-retry';
import { throttling } from '@octokit/plugin-throttling';

/** A client of GitHub's REST and GraphQL interfaces, with its retries, its pace and its time bounded. */
export type GithubClient = ReturnType<typeof getOctokit>;

export type GithubClientOptions = {
  token: string;
  /** Root of the REST interface, for example `https://api.github.com` or `https://ghes.example/api/v3`. */
  apiUrl: string;
  userAgent?: string;
  /** Bound of one request, milliseconds. */
  timeoutMs?: number;
  /** Further tries after a failure of GitHub or of the network. */
  retries?: number;
  /** First wait between tries, milliseconds; it grows with the square of the try. */
  retryBaseMs?: number;
  /** Longest wait for a rate limit that is accepted, seconds; a longer one fails at once with its end. */
  maxWaitSeconds?: number;
  /** Keep GitHub's advised distance of one second between writes. */
  paced?: boolean;
  /** Told of every wait and of what GitHub deprecates. */
  onNote?: (note: string) => void;
};

/** No answer that is asked for is nearly as long. */
const maxAnswerBytes = 20_000_000;

/** A limiter that never waits, in the shape of the one that the throttling plugin takes. */
const unlimited = {
  key: () => ({
    schedule: (_options: unknown, task: (...args: unknown[]) => unknown, ...args: unknown[]) => task(...args),
  }),
};

let clients = 0;

/**
 * Makes a client. Failures of GitHub (5xx), of the network and of time are tried again a few times; rate limits are
 * waited for when that is short. Proxies are those of the runner (`https_proxy`, `no_proxy`), read by
 * `@actions/http-client`.
 */
export const createGithubClient = (options: GithubClientOptions): GithubClient => {
  const retryBaseMs = options.retryBaseMs ?? 1_000;
  const maxWaitSeconds = options.maxWaitSeconds ?? 60;
  const note = options.onNote ?? (() => {});
  const onLimit =
    (kind: string) => (retryAfter: number, request: object, _client: unknown, tries: number) => {
      const { method, url } = request as { method: string; url: string };
      const waits = tries < 2 && retryAfter <= maxWaitSeconds;
      note(
        `${kind} rate limit of GitHub on ${method} ${url}: ${waits ? `waiting ${retryAfter} s` : `it ends in ${retryAfter} s, which is too long to wait`}`,
      );
      return waits;
    };
  clients += 1;
  // The options of the plugins are not part of the type that `getOctokit` names.
  const settings: object = {
    baseUrl: options.apiUrl,
    userAgent: options.userAgent ?? 'tailgate',
    log: { debug: () => {}, info: () => {}, warn: note, error: note },
    retry: {
      retries: options.retries ?? 2,
      retryAfterBaseValue: retryBaseMs,
      // Asking again cannot change these answers; 429 belongs to the throttling plugin.
      doNotRetry: [400, 401, 403, 404, 409, 410, 413, 422, 429, 451],
    },
    throttle: {
      id: `client-${clients}`,
      retryAfterBaseValue: retryBaseMs,
      fallbackSecondaryRateRetryAfter: maxWaitSeconds,
      onRateLimit: onLimit('The primary'),
      onSecondaryRateLimit: onLimit('The secondary'),
      ...(options.paced === false ? { write: unlimited, notifications: unlimited } : {}),
    },
  };
  return getOctokit(
    options.token,
    settings,
    bounded(options.timeoutMs ?? 15_000) as never,
    retry as never,
    throttling as never,
  );
};

type Answered = { status: number; data: unknown };

type RequestOptions = {
  request?: { signal?: AbortSignal; fetch?: typeof fetch } & Record<string, unknown>;
};

type Hooked = {
  hook: {
    wrap: (
      name: 'request',
      wrapper: (request: (options: never) => Promise<Answered>, options: RequestOptions) => unknown,
    ) => void;
  };
};

/**
 * Bounds each single try, its time and the length of its answer, and takes no answer that says nothing for one; as the
 * first plugin it is the innermost, so that a retry has its own time.
 */
function bounded(timeoutMs: number) {
  return (octokit: unknown) => {
    (octokit as Hooked).hook.wrap('request', async (request, options) => {
      // The hooks below this one were bound to these very options, so they are changed in place.
      options.request = {
        ...options.request,
        signal: AbortSignal.timeout(timeoutMs),
        fetch: fetchAtMost(options.request?.fetch ?? fetch, maxAnswerBytes),
      };
      const answer = await request(options as never);
      // Octokit gives the text of what it cannot read, and of what breaks off.
      if (answer.status !== 204 && isNothing(answer.data)) throw new TypeError('GitHub gave no JSON of use');
      return answer;
    });
    return {};
  };
}

/** `fetch` whose bodies break off after so many bytes. */
function fetchAtMost(inner: typeof fetch, maxBytes: number): typeof fetch {
  return async (...request) => {
    const response = await inner(...request);
    if (response.body === null) return response;
    let bytes = 0;
    const counted = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        bytes += chunk.byteLength;
        if (bytes > maxBytes) controller.error(new Error(`an answer of more than ${maxBytes} bytes`));
        else controller.enqueue(chunk);
      },
    });
    const { status, statusText, headers, url } = response;
    const body = response.body.pipeThrough(counted);
    return Object.defineProperty(new Response(body, { status, statusText, headers }), 'url', { value: url });
  };
}

function isNothing(data: unknown): boolean {
  return (
    data === null || typeof data !== 'object' || (!Array.isArray(data) && Object.keys(data).length === 0)
  );
}

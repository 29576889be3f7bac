import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OpenAPIBackend } from 'openapi-backend';
import type { OperationId } from './api-description.ts';
import { apiDescription, filled } from './api-description.ts';
import type { Answer, Operation } from './call.ts';
import { notFound, refuse } from './call.ts';
import { checkOperations } from './check-operations.ts';
import { commentOperations } from './comment-operations.ts';
import { DoubleRepository, type DoubleToken } from './double-state.ts';
import { Faults } from './faults.ts';
import { gitOperations } from './git-operations.ts';
import { answerGraphql } from './graphql.ts';
import { allows, needOf } from './permissions.ts';
import { repositoryOperations } from './repository-operations.ts';

type Json = Record<string, unknown>;

/** One request that reached the double, with how it was answered. */
export type RecordedRequest = {
  method: string;
  url: string;
  operation: string | null;
  body: Json | null;
  status: number;
  userAgent: string;
};

export type GithubDoubleOptions = {
  /** Full names, or repositories made by the test. Default: `acme/chat`. */
  repositories?: (string | DoubleRepository)[];
  /** Tokens by their text. Default: `token`, a workflow token that may write everything. */
  tokens?: Record<string, DoubleToken>;
  /** Every answer is this late, with up to as much again at random. */
  latencyMs?: number;
};

export const workflowToken = (permissions: DoubleToken['permissions']): DoubleToken => ({
  login: 'github-actions[bot]',
  type: 'Bot',
  permissions,
});

/** What a workflow of a fork's pull request has. */
export const readOnlyToken = workflowToken({ contents: 'read', 'pull-requests': 'read', issues: 'read' });

const fullToken = workflowToken({
  actions: 'read',
  checks: 'write',
  contents: 'write',
  issues: 'write',
  'pull-requests': 'write',
  statuses: 'write',
});

const operations: Record<string, Operation> = {
  ...commentOperations,
  ...gitOperations,
  ...checkOperations,
  ...repositoryOperations,
};

const readBody = async (request: IncomingMessage): Promise<Json | null> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return text === '' ? null : (JSON.parse(text) as Json);
};

/**
 * GitHub on loopback, with state. Requests, routes and answers are checked against GitHub's own OpenAPI description;
 * what that does not say (limits, permissions, stale refs, paging, rate limits) is written by hand beside it.
 * Give `url` to the code under test as `GITHUB_API_URL`.
 */
export class GithubDouble implements AsyncDisposable {
  readonly url: string;
  readonly requests: RecordedRequest[] = [];
  /** Where the code under test, or the double itself, strayed from the description. Empty in a good test. */
  readonly violations: string[] = [];
  readonly faults = new Faults();
  readonly tokens: Map<string, DoubleToken>;
  readonly repositories = new Map<string, DoubleRepository>();
  latencyMs: number;
  #server: ReturnType<typeof createServer>;
  #description: OpenAPIBackend;

  constructor(
    server: ReturnType<typeof createServer>,
    description: OpenAPIBackend,
    options: GithubDoubleOptions,
  ) {
    this.#server = server;
    this.#description = description;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.tokens = new Map(Object.entries(options.tokens ?? { token: fullToken }));
    this.latencyMs = options.latencyMs ?? 0;
    for (const given of options.repositories ?? ['acme/chat']) {
      const repository = typeof given === 'string' ? new DoubleRepository(given) : given;
      this.repositories.set(repository.fullName.toLowerCase(), repository);
    }
    server.on('request', (request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        this.violations.push(`the double failed: ${error instanceof Error ? error.stack : String(error)}`);
        response.writeHead(500).end();
      });
    });
  }

  repository(fullName = 'acme/chat'): DoubleRepository {
    return this.repositories.get(fullName.toLowerCase())!;
  }

  /** Requests of one operation so far. */
  count(operation: OperationId | 'graphql'): number {
    return this.requests.filter((request) => request.operation === operation).length;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    const method = request.method ?? 'GET';
    // An enterprise server has both interfaces below /api.
    const asked = (request.url ?? '/')
      .replace(/^\/api\/(v3(?=\/)|(?=graphql$))/, '')
      .replace(/^graphql/, '/graphql');
    const url = new URL(asked, this.url);
    const bytes = /^\/artifact-bytes\/(.+)\/(\d+)$/.exec(url.pathname);
    if (bytes !== null) {
      const artifact = this.repository(bytes[1]!).artifacts.find((a) => a.id === Number(bytes[2]));
      response.writeHead(artifact === undefined ? 404 : 200).end(artifact?.zip);
      return;
    }
    const api = {
      method: method.toLowerCase(),
      path: url.pathname,
      headers: {},
      query: url.search.slice(1),
      body,
    };
    const matched = url.pathname === '/graphql' ? undefined : this.#description.matchOperation(api as never);
    const operation = url.pathname === '/graphql' ? 'graphql' : (matched?.operationId ?? null);
    const record: RecordedRequest = {
      method,
      url: `${url.pathname}${url.search}`,
      operation,
      body,
      status: 0,
      userAgent: request.headers['user-agent'] ?? '',
    };
    this.requests.push(record);
    if (this.latencyMs > 0) await sleep(this.latencyMs * (1 + Math.random()));

    const fault = operation === null ? null : this.faults.take(operation);
    if (fault?.delayMs !== undefined) await sleep(fault.delayMs);
    fault?.before?.();
    if (fault?.hang === true) return;
    if (fault?.text !== undefined || fault?.endless === true) {
      response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
      if (fault.endless !== true) response.end(fault.text);
      else
        Readable.from(endlessly())
          .on('error', () => {})
          .pipe(response);
      return;
    }
    const spoiled =
      fault?.status === undefined ? null : refuse(fault.status, fault.message ?? 'Server Error');
    const answer =
      spoiled !== null && fault?.applied !== true
        ? spoiled
        : operation === 'graphql'
          ? this.#graphql(request, body)
          : this.#rest(request, api, matched as { operationId: string; path: string } | undefined);
    const sent = spoiled ?? answer;
    record.status = sent.status;
    const text = sent.body === undefined ? undefined : JSON.stringify(sent.body);
    response
      .writeHead(sent.status, {
        'content-type': 'application/json; charset=utf-8',
        'x-github-request-id': String(this.requests.length),
        'x-ratelimit-limit': '5000',
        'x-ratelimit-remaining': '4999',
        ...sent.headers,
        ...fault?.headers,
      })
      .end(text);
  }

  #tokenOf(request: IncomingMessage): DoubleToken | null {
    const given = /^(?:token|bearer) (.+)$/i.exec(request.headers.authorization ?? '');
    return given === null ? null : (this.tokens.get(given[1]!) ?? null);
  }

  #graphql(request: IncomingMessage, body: Json | null): Answer {
    const token = this.#tokenOf(request);
    if (token === null) return refuse(401, 'Bad credentials');
    return { status: 200, body: answerGraphql(token, this.repositories.values(), body as never) };
  }

  #rest(
    request: IncomingMessage,
    api: { method: string; path: string; body: Json | null },
    matched: { operationId: string; path: string } | undefined,
  ): Answer {
    if (matched === undefined) {
      this.violations.push(`${api.method} ${api.path} is not a described operation`);
      return notFound();
    }
    const id = matched.operationId as OperationId;
    const token = this.#tokenOf(request);
    if (token === null) return refuse(401, 'Bad credentials');
    const parsed = this.#description.router.parseRequest(api as never, matched as never);
    const path = parsed.params as Record<string, string>;
    const repository =
      path.owner === undefined
        ? [...this.repositories.values()][0]!
        : this.repositories.get(`${path.owner}/${path.repo}`.toLowerCase());
    if (repository === undefined) return notFound();
    const need = needOf(id);
    if (need !== null && !allows(token, need, repository)) {
      // An app sees that the repository is there; a person without access does not.
      return token.type === 'User' && repository.private
        ? notFound()
        : refuse(403, 'Resource not accessible by integration');
    }
    const checked = this.#description.validateRequest(api as never, matched as never);
    if (!checked.valid) {
      this.violations.push(`${id}: request: ${JSON.stringify(checked.errors?.[0])}`);
      return refuse(422, 'Invalid request.', { errors: checked.errors });
    }
    const decoded = Object.fromEntries(
      Object.entries(path).map(([key, value]) => [key, decodeURIComponent(value)]),
    );
    const answer = operations[id]!({
      apiUrl: this.url,
      repository,
      token,
      path: decoded,
      query: parsed.query as Record<string, string>,
      body: api.body ?? {},
    });
    return answer.status < 300 ? this.#completed(id, answer) : answer;
  }

  /** The answer with the fields that the description requires, checked against it. */
  #completed(id: OperationId, answer: Answer): Answer {
    if (answer.body === undefined) return answer;
    const described = this.#description.getOperation(id) as unknown as {
      responses: Record<string, { content?: Record<string, { schema: Json }> }>;
    };
    const schema = described.responses[String(answer.status)]?.content?.['application/json']?.schema;
    const body = schema === undefined ? answer.body : filled(schema, answer.body);
    const checked = this.#description.validateResponse(body, id as never, answer.status);
    if (!checked.valid) this.violations.push(`${id}: answer: ${JSON.stringify(checked.errors?.[0])}`);
    return { ...answer, body };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function* endlessly(): Generator<Buffer> {
  const spaces = Buffer.alloc(1_000_000, ' ');
  for (;;) yield spaces;
}

/** Starts the double on a free port of 127.0.0.1. */
export const startGithubDouble = async (options: GithubDoubleOptions = {}): Promise<GithubDouble> => {
  const description = await apiDescription();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return new GithubDouble(server, description, options);
};

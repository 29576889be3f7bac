import type { Answer, Call, Operation } from './call.ts';
import { invalidField, notFound, page, simpleUser } from './call.ts';
import type { DoubleAnnotation, DoubleCheckRun, DoubleStatus } from './double-state.ts';

/** GitHub takes at most this many annotations in one request; further requests add to them. */
const maxAnnotations = 50;

const appOf = (login: string) => login.replace(/\[bot\]$/, '');

const payload = (call: Call, run: DoubleCheckRun) => {
  const base = `${call.apiUrl}/repos/${call.repository.fullName}/check-runs/${run.id}`;
  return {
    id: run.id,
    node_id: `CR_${run.id}`,
    name: run.name,
    head_sha: run.headSha,
    external_id: run.externalId,
    url: base,
    html_url: `https://github.com/${call.repository.fullName}/runs/${run.id}`,
    details_url: run.detailsUrl,
    status: run.status,
    conclusion: run.conclusion,
    started_at: '2026-01-01T00:00:00Z',
    completed_at: run.status === 'completed' ? '2026-01-01T00:00:01Z' : null,
    check_suite: { id: 1 },
    app: { id: 1, slug: run.app, name: run.app, owner: simpleUser('github', 'User') },
    pull_requests: [],
    output: {
      title: run.title,
      summary: run.summary,
      text: null,
      annotations_count: run.annotations.length,
      annotations_url: `${base}/annotations`,
    },
  };
};

type Output = { title?: string; summary?: string; annotations?: DoubleAnnotation[] };

const apply = (call: Call, run: DoubleCheckRun): Answer | null => {
  const output = call.body.output as Output | undefined;
  const added = output?.annotations ?? [];
  if (added.length > maxAnnotations)
    return invalidField(
      'CheckRun',
      'annotations',
      'invalid',
      `No more than ${maxAnnotations} annotations are allowed`,
    );
  if ((output?.summary?.length ?? 0) > 65_535)
    return invalidField('CheckRun', 'summary', 'invalid', 'summary exceeds a maximum bytesize of 65535');
  run.status = String(call.body.status ?? (call.body.conclusion === undefined ? run.status : 'completed'));
  run.conclusion = (call.body.conclusion as string | undefined) ?? run.conclusion;
  run.externalId = (call.body.external_id as string | undefined) ?? run.externalId;
  run.detailsUrl = (call.body.details_url as string | undefined) ?? run.detailsUrl;
  run.title = output?.title ?? run.title;
  run.summary = output?.summary ?? run.summary;
  run.annotations.push(...added);
  return null;
};

const find = (call: Call) =>
  call.repository.checkRuns.find((run) => run.id === Number(call.path.check_run_id));

const statusPayload = (call: Call, status: DoubleStatus) => ({
  url: `${call.apiUrl}/repos/${call.repository.fullName}/statuses/${status.sha}`,
  avatar_url: null,
  id: status.id,
  node_id: `SC_${status.id}`,
  state: status.state,
  description: status.description,
  target_url: status.targetUrl,
  context: status.context,
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-01T00:00:00Z',
  creator: simpleUser(call.token.login, call.token.type),
});

export const checkOperations: Record<string, Operation> = {
  'checks/create': (call) => {
    const run: DoubleCheckRun = {
      id: call.repository.nextId(),
      name: String(call.body.name),
      headSha: String(call.body.head_sha),
      status: 'queued',
      conclusion: null,
      externalId: null,
      detailsUrl: null,
      title: null,
      summary: null,
      annotations: [],
      app: appOf(call.token.login),
    };
    const refused = apply(call, run);
    if (refused !== null) return refused;
    call.repository.checkRuns.push(run);
    return { status: 201, body: payload(call, run) };
  },
  'checks/update': (call) => {
    const run = find(call);
    if (run === undefined) return notFound();
    return apply(call, run) ?? { status: 200, body: payload(call, run) };
  },
  'checks/get': (call) => {
    const run = find(call);
    return run === undefined ? notFound() : { status: 200, body: payload(call, run) };
  },
  'checks/list-for-ref': (call) => {
    const sha = call.repository.refs.get(`refs/heads/${call.path.ref}`) ?? call.path.ref;
    const found = call.repository.checkRuns
      .filter((run) => run.headSha === sha)
      .filter((run) => call.query.check_name === undefined || run.name === call.query.check_name)
      .toReversed();
    const latest =
      call.query.filter === 'all'
        ? found
        : found.filter((run, i) => found.findIndex((r) => r.name === run.name) === i);
    const url = `/repos/${call.repository.fullName}/commits/${call.path.ref}/check-runs`;
    const { items, headers } = page(call, url, latest);
    return {
      status: 200,
      body: { total_count: latest.length, check_runs: items.map((run) => payload(call, run)) },
      headers,
    };
  },
  'checks/list-annotations': (call) => {
    const run = find(call);
    if (run === undefined) return notFound();
    const url = `/repos/${call.repository.fullName}/check-runs/${run.id}/annotations`;
    const { items, headers } = page(call, url, run.annotations);
    return {
      status: 200,
      body: items.map((annotation) => ({
        start_column: null,
        end_column: null,
        title: null,
        raw_details: null,
        blob_href: '',
        ...annotation,
      })),
      headers,
    };
  },
  'repos/create-commit-status': (call) => {
    const description = (call.body.description as string | undefined) ?? null;
    if ((description?.length ?? 0) > 140)
      return invalidField(
        'Status',
        'description',
        'custom',
        'description is too long (maximum is 140 characters)',
      );
    const status: DoubleStatus = {
      id: call.repository.nextId(),
      sha: String(call.path.sha),
      state: String(call.body.state),
      context: String(call.body.context ?? 'default'),
      description,
      targetUrl: (call.body.target_url as string | undefined) ?? null,
    };
    call.repository.statuses.push(status);
    return { status: 201, body: statusPayload(call, status) };
  },
  'repos/list-commit-statuses-for-ref': (call) => {
    const found = call.repository.statuses.filter((status) => status.sha === call.path.ref).toReversed();
    const url = `/repos/${call.repository.fullName}/commits/${call.path.ref}/statuses`;
    const { items, headers } = page(call, url, found);
    return { status: 200, body: items.map((status) => statusPayload(call, status)), headers };
  },
};

import type { Answer, Call, Operation } from './call.ts';
import { invalidField, notFound, page, simpleUser } from './call.ts';
import type { DoubleComment } from './double-state.ts';

/** GitHub's limit on the body of a comment, in characters; its OpenAPI description does not tell it. */
const maxBodyLength = 65_536;

const payload = (call: Call, comment: DoubleComment) => {
  const base = `${call.apiUrl}/repos/${call.repository.fullName}`;
  return {
    id: comment.id,
    node_id: `IC_${comment.id}`,
    url: `${base}/issues/comments/${comment.id}`,
    html_url: `https://github.com/${call.repository.fullName}/pull/${comment.issue}#issuecomment-${comment.id}`,
    issue_url: `${base}/issues/${comment.issue}`,
    body: comment.body,
    user: simpleUser(comment.login, comment.type),
    created_at: comment.createdAt,
    updated_at: comment.updatedAt,
    author_association: 'NONE',
  };
};

const tooLong = (): Answer =>
  invalidField(
    'IssueComment',
    'data',
    'unprocessable',
    `body is too long (maximum is ${maxBodyLength} characters)`,
  );

const find = (call: Call) =>
  call.repository.comments.find((comment) => comment.id === Number(call.path.comment_id));

export const commentOperations: Record<string, Operation> = {
  'issues/list-comments': (call) => {
    const issue = Number(call.path.issue_number);
    if (!call.repository.pulls.has(issue)) return notFound();
    const comments = call.repository.comments.filter((comment) => comment.issue === issue);
    const { items, headers } = page(
      call,
      `/repos/${call.repository.fullName}/issues/${issue}/comments`,
      comments,
    );
    return { status: 200, body: items.map((comment) => payload(call, comment)), headers };
  },
  'issues/create-comment': (call) => {
    const issue = Number(call.path.issue_number);
    const body = String(call.body.body);
    if (!call.repository.pulls.has(issue)) return notFound();
    if (body.length > maxBodyLength) return tooLong();
    if (body.trim() === '')
      return invalidField('IssueComment', 'body', 'missing_field', "body can't be blank");
    const comment = call.repository.addComment(issue, call.token.login, body, call.token.type);
    return { status: 201, body: payload(call, comment) };
  },
  'issues/get-comment': (call) => {
    const comment = find(call);
    return comment === undefined ? notFound() : { status: 200, body: payload(call, comment) };
  },
  'issues/update-comment': (call) => {
    const comment = find(call);
    const body = String(call.body.body);
    if (comment === undefined) return notFound();
    if (body.length > maxBodyLength) return tooLong();
    comment.body = body;
    comment.updatedAt = new Date().toISOString();
    return { status: 200, body: payload(call, comment) };
  },
  'issues/delete-comment': (call) => {
    const comment = find(call);
    if (comment === undefined) return notFound();
    call.repository.comments = call.repository.comments.filter((other) => other !== comment);
    return { status: 204, body: undefined };
  },
};

import type { DoubleRepository, DoubleToken } from './double-state.ts';
import { allows } from './permissions.ts';

type GraphqlAnswer = { data?: unknown; errors?: { type: string; message: string; path?: string[] }[] };

/**
 * The two GraphQL requests that have no REST form: who the token is, and hiding a comment. GraphQL is not part of the
 * OpenAPI description, so their shapes stand here.
 */
export const answerGraphql = (
  token: DoubleToken,
  repositories: Iterable<DoubleRepository>,
  request: { query: string; variables?: Record<string, unknown> },
): GraphqlAnswer => {
  if (/\bviewer\s*\{\s*login\s*\}/.test(request.query)) return { data: { viewer: { login: token.login } } };
  if (/\bminimizeComment\s*\(/.test(request.query)) {
    const id = String(request.variables?.id);
    const classifier = String(
      request.variables?.classifier ?? /classifier:\s*(\w+)/.exec(request.query)?.[1],
    );
    for (const repository of repositories) {
      const comment = repository.comments.find((candidate) => `IC_${candidate.id}` === id);
      if (comment === undefined) continue;
      if (!allows(token, { any: ['issues', 'pull-requests'], level: 'write' }, repository)) break;
      comment.minimized = classifier;
      return { data: { minimizeComment: { minimizedComment: { isMinimized: true } } } };
    }
    return {
      data: { minimizeComment: null },
      errors: [
        { type: 'FORBIDDEN', path: ['minimizeComment'], message: 'Resource not accessible by integration' },
      ],
    };
  }
  return { errors: [{ type: 'INVALID', message: `The double does not know this query: ${request.query}` }] };
};

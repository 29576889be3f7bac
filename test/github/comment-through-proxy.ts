/** Run as a process of its own, because the proxy is read once: comments on pull request 7 as a step would. */
import { createGithubClient } from '../../src/github/client.ts';
import { readGithubContext } from '../../src/github/github-context.ts';
import { publishComment } from '../../src/github/publish-comment.ts';

const context = readGithubContext(process.env);
const client = createGithubClient({ token: 'token', apiUrl: context.apiUrl, paced: false });
const publish = () =>
  publishComment(client, {
    repository: { owner: 'acme', repo: 'chat' },
    pullNumber: 7,
    set: 'tailgate',
    section: {
      key: 'gate',
      title: 'gate',
      verdict: 'pass',
      headSha: 'a'.repeat(40),
      run: { id: 1, attempt: 1 },
      runUrl: null,
    },
    render: () => 'Through the proxy',
    create: true,
    verifyAfterMs: [0],
  });
// The second time the comment is there, so that GraphQL is asked whose it is.
console.log((await publish()).outcome, (await publish()).outcome);

/**
 * Writes the report into the merge request: one note, found again by its first line and its author, and brought up to date.
 * For a job of GitLab, after the gate; examples/.gitlab-ci.yml calls it. Needs GITLAB_TOKEN, a project access token with the
 * scope "api" and the role Reporter: the token of the job may not write notes.
 */
import { readFile } from 'node:fs/promises';

const { GITLAB_TOKEN, CI_API_V4_URL, CI_PROJECT_ID, CI_MERGE_REQUEST_IID, CI_JOB_URL, CI_JOB_NAME } =
  process.env;
const marker = `<!-- tailgate ${CI_JOB_NAME ?? 'gate'} -->`;
/** GitLab takes a million characters. */
const longest = 900_000;

const request = async (method, path, body) => {
  const response = await fetch(`${CI_API_V4_URL}${path}`, {
    method,
    headers: { 'private-token': GITLAB_TOKEN, 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(20_000),
  });
  if (!response.ok) throw new Error(`${method} ${path} was answered with ${response.status}`);
  return { value: await response.json(), nextPage: response.headers.get('x-next-page') ?? '' };
};

const comment = async () => {
  const report = await readFile('.tailgate/report.md', 'utf8');
  const body = `${marker}\n${report.slice(0, longest)}\n\n[Job and artifacts](${CI_JOB_URL})\n`;
  const notes = `/projects/${CI_PROJECT_ID}/merge_requests/${CI_MERGE_REQUEST_IID}/notes`;
  const { value: self } = await request('GET', '/user');
  for (let page = '1'; page !== ''; ) {
    const { value, nextPage } = await request('GET', `${notes}?per_page=100&page=${page}`);
    const own = value.find((note) => note.author.id === self.id && note.body.startsWith(marker));
    if (own !== undefined) return request('PUT', `${notes}/${own.id}`, { body });
    page = nextPage;
  }
  return request('POST', notes, { body });
};

if (CI_MERGE_REQUEST_IID === undefined) console.log('No comment: this is no pipeline of a merge request.');
else if (!GITLAB_TOKEN)
  console.log('No comment: GITLAB_TOKEN is not set (a project access token with the scope "api").');
else {
  try {
    await comment();
  } catch (error) {
    // The gate has decided already: a comment that cannot be written never changes that.
    console.error(`The comment could not be written: ${error.message}`);
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import { tailgateError } from '../errors.ts';
import type { GithubClient } from './client.ts';
import {
  type CommentDocument,
  type CommentSection,
  compareRuns,
  composeComment,
  maxCommentLength,
  mergedDocuments,
  parseComment,
  withSection,
} from './comment-document.ts';
import type { RepositoryName } from './github-context.ts';
import { explainGithubError, type GithubPurpose, statusOf } from './github-errors.ts';

export type CommentRequest = {
  repository: RepositoryName;
  pullNumber: number;
  /** One comment per set: sections of the same set share it. */
  set: string;
  section: Omit<CommentSection, 'body'>;
  /** Markdown of the section in at most `maxLength` characters. */
  render: (maxLength: number) => string;
  /** False: bring an existing comment up to date, but make none. */
  create: boolean;
  /** Waits after a write before it is looked at again, milliseconds. */
  verifyAfterMs?: readonly number[];
};

export type CommentResult = {
  /** `older`: a later run has commented already. `skipped`: there was no comment and none was to be made. */
  outcome: 'created' | 'updated' | 'unchanged' | 'older' | 'skipped';
  url: string | null;
};

type Comment = { id: number; node_id: string; body: string; html_url: string; login: string };

type Found = Comment & { document: CommentDocument };

const maxRounds = 10;

const maxFailedCreates = 2;

class CommentPublisher {
  readonly #client: GithubClient;
  readonly #request: CommentRequest;
  #login: string | null = null;
  #failedCreates = 0;

  constructor(client: GithubClient, request: CommentRequest) {
    this.#client = client;
    this.#request = request;
  }

  async #attempt<T>(purpose: GithubPurpose, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw explainGithubError(error, purpose);
    }
  }

  /** Comments of ours with the marker of the set, oldest first, over all pages. */
  async #find(): Promise<Found[]> {
    const { repository, pullNumber, set } = this.#request;
    const all = await this.#attempt('read-comments', () =>
      this.#client.paginate(this.#client.rest.issues.listComments, {
        ...repository,
        issue_number: pullNumber,
        per_page: 100,
      }),
    );
    const marked = all.flatMap((comment) => {
      const document = parseComment(comment.body ?? '', set);
      return document === null ? [] : [{ ...toComment(comment), document }];
    });
    if (marked.length === 0) return [];
    this.#login ??= await ownLogin(this.#client);
    const own = plainLogin(this.#login);
    return marked.filter((comment) => plainLogin(comment.login) === own).sort((a, b) => a.id - b.id);
  }

  #body(before: CommentDocument): { document: CommentDocument; key: string } | 'older' {
    const { section, render } = this.#request;
    const merged = withSection(before, { ...section, body: '' });
    if (merged === 'older') return merged;
    const { document, key } = merged;
    const withBody = (body: string): CommentDocument => ({
      ...document,
      sections: document.sections.map((other) => (other.key === key ? { ...other, body } : other)),
    });
    // What the markers and the other sections take is known only by writing them.
    const around = composeComment(withBody('')).length + 200;
    const share = Math.floor(maxCommentLength / document.sections.length);
    const body = render(Math.max(maxCommentLength - around, share - 2_000, 1_000));
    return { document: withBody(body), key };
  }

  /** Whether the comment says what this job has to say, and nothing else of the set is about. */
  #isSaid(found: readonly Found[], text: string, key: string, written: boolean): boolean {
    const [kept, ...duplicates] = found;
    if (kept === undefined || duplicates.length > 0) return false;
    const { run } = this.#request.section;
    const section = kept.document.sections.find((candidate) => candidate.key === key);
    // What was written may come back with other blanks or line ends; that it is ours is enough then.
    return written
      ? section !== undefined && compareRuns(section.run, run) === 0
      : kept.body.replaceAll('\r\n', '\n').trim() === text.trim();
  }

  async publish(): Promise<CommentResult> {
    let outcome: CommentResult['outcome'] = 'unchanged';
    let looks = 0;
    for (let round = 0; round < maxRounds; round += 1) {
      const found = await this.#find();
      const [kept] = found;
      const url = kept?.html_url ?? null;
      if (kept === undefined && !this.#request.create) return { outcome: 'skipped', url };
      const base = mergedDocuments(
        found.map((comment) => comment.document),
        this.#request.set,
      );
      const next = this.#body(base);
      if (next === 'older') return { outcome: 'older', url };
      const { document, key } = next;
      const text = composeComment(document);
      // A job alone can only meet itself; several that share the comment may be slow to write what they read.
      const waits = this.#request.verifyAfterMs ?? (document.sections.length > 1 ? [1_000, 3_000] : [1_000]);
      if (this.#isSaid(found, text, key, outcome !== 'unchanged')) {
        if (outcome === 'unchanged' || looks >= waits.length) return { outcome, url };
      } else if (kept === undefined) {
        await this.#create(text);
        outcome = 'created';
        looks = 0;
      } else {
        // Somebody may have deleted it since it was read: then there is none, and the next round makes one.
        if (await this.#update(kept.id, text)) {
          await this.#retire(found.slice(1), kept);
          outcome = outcome === 'created' ? outcome : 'updated';
        }
        looks = 0;
      }
      // Another job may have read before this write and written after it: look again, and say it again if so.
      await sleep((waits[looks] ?? 0) * (0.75 + 0.5 * Math.random()));
      looks += 1;
    }
    const [kept] = await this.#find();
    if (kept === undefined)
      throw tailgateError('GITHUB_FAILED', {
        action: 'write a comment on this pull request',
        reason: 'it took the comment, and does not show it',
      });
    return { outcome, url: kept.html_url };
  }

  async #create(body: string): Promise<void> {
    const { repository, pullNumber } = this.#request;
    try {
      const { data } = await this.#client.rest.issues.createComment({
        ...repository,
        issue_number: pullNumber,
        body,
        // The loop tries again after it looked whether this one arrived; a blind retry would make two.
        request: { retries: 0 },
      });
      this.#login = data.user?.login ?? this.#login;
    } catch (error) {
      const status = statusOf(error);
      this.#failedCreates += 1;
      if ((status > 0 && status < 500) || this.#failedCreates > maxFailedCreates)
        throw explainGithubError(error, 'comment');
    }
  }

  /** False when the comment is gone. */
  async #update(id: number, body: string): Promise<boolean> {
    try {
      await this.#client.rest.issues.updateComment({ ...this.#request.repository, comment_id: id, body });
      return true;
    } catch (error) {
      if ([404, 410].includes(statusOf(error)) && !(await this.#find()).some((comment) => comment.id === id))
        return false;
      throw explainGithubError(error, 'comment');
    }
  }

  /** Duplicates, made by jobs that started at once: emptied, so that they are not found again, and hidden. */
  async #retire(duplicates: readonly Found[], kept: Comment): Promise<void> {
    for (const { id, node_id } of duplicates) {
      await this.#update(id, `Superseded by [this comment](${kept.html_url}).`);
      await this.#client
        .graphql(
          'mutation ($id: ID!) { minimizeComment(input: { subjectId: $id, classifier: OUTDATED }) { minimizedComment { isMinimized } } }',
          { id: node_id },
        )
        // Hiding is a courtesy: the text says it already.
        .catch(() => undefined);
    }
  }
}

/**
 * Puts a section into the one comment of its set on a pull request: found by its marker and its author over all pages,
 * updated in place, never over a later run, and looked at again after writing because GitHub has no conditional
 * update. Rejects with a `TailgateError` that says what GitHub refused.
 */
export const publishComment = (client: GithubClient, request: CommentRequest): Promise<CommentResult> =>
  new CommentPublisher(client, request).publish();

function toComment(comment: {
  id: number;
  node_id: string;
  body?: string | undefined;
  html_url: string;
  user: { login: string } | null;
}): Comment {
  return {
    id: comment.id,
    node_id: comment.node_id,
    body: comment.body ?? '',
    html_url: comment.html_url,
    login: comment.user?.login ?? '',
  };
}

/** Login of the token's account. A workflow token cannot ask REST for it, so GraphQL is asked. */
async function ownLogin(client: GithubClient): Promise<string> {
  try {
    const answer = await client.graphql<{ viewer: { login: string } }>('query { viewer { login } }');
    return answer.viewer.login;
  } catch {
    return 'github-actions[bot]';
  }
}

/** GraphQL names an app without the suffix that REST gives it. */
function plainLogin(login: string): string {
  return login.replace(/\[bot\]$/, '').toLowerCase();
}

import { durationLine, environmentLine, shortSha } from './describe-comparison.ts';
import { codeSpan, prose, safeUrl } from './escape-markdown.ts';
import type { Section } from './fit-sections.ts';
import type { Report } from './report-model.ts';

/** GitHub refuses a comment of more than 65,536 characters; room is left for what a publisher adds. */
export const maxCommentLength = 60_000;

export type MarkdownOptions = {
  /** Hidden marker at the very start, by which the comment is found again: an HTML comment on one line. */
  marker?: string | undefined;
  /** UTF-16 units; `maxCommentLength` if not given. */
  maxLength?: number | undefined;
  /** Title of the head's column; "This PR" if not given. */
  headLabel?: string | undefined;
  /**
   * Links that the publisher vouches for. Where `run` is not given the report's own `runUrl` is used, which must not be
   * done with a report that came from an untrusted place: pass null then.
   */
  links?:
    | {
        run?: string | null | undefined;
        report?: string | null | undefined;
        /** `https://github.com/owner/repo`, to link commits. */
        repository?: string | null | undefined;
      }
    | undefined;
};

const link = (title: string, url: string | null): string[] => (url === null ? [] : [`[${title}](${url})`]);

const commitText = (sha: string, repository: string | null): string => {
  const span = codeSpan(shortSha(sha));
  return repository !== null && /^[0-9a-f]{7,64}$/.test(sha)
    ? `[${span}](${repository}/commit/${sha})`
    : span;
};

/** Commits, links, machine and time, at the end of a comment. */
export const markdownFooter = (
  report: Pick<Report, 'runUrl' | 'commits' | 'environment' | 'durations'>,
  options: MarkdownOptions,
): Section => {
  const links = options.links ?? {};
  const repository = safeUrl(links.repository);
  const run = safeUrl(links.run === undefined ? report.runUrl : links.run);
  const { head, base, merged } = report.commits;
  const commits =
    head === null
      ? []
      : [
          `${commitText(merged ?? head, repository)}${merged === undefined ? '' : ` (measured as the merge ${commitText(head, repository)})`}${base === null ? '' : ` against ${commitText(base, repository)}`}`,
        ];
  const first = [...commits, ...link('run', run), ...link('full report', safeUrl(links.report))].join(' · ');
  const environment = `${prose(environmentLine(report.environment), 400, false)} · ${durationLine(report.durations)}`;
  const lines = [first, environment].filter((line) => line !== '').map((line) => `<sub>${line}</sub>`);
  return { variants: [lines.join('<br>\n'), first === '' ? '' : `<sub>${first}</sub>`], importance: 97 };
};
